package usm

import (
	"errors"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func seconds(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }

// RFC 3414, section 3.2, 7 a.
func TestClock(t *testing.T) {
	tests := []struct {
		name      string
		clock     Clock
		now       float64 // seconds after the start
		boots, t  uint32  // of the message
		ownBoots  uint32
		ownTime   uint32
		notTimely bool
	}{
		{name: "same", clock: Clock{Boots: 3}, now: 1000.9, boots: 3, t: 1000, ownBoots: 3, ownTime: 1000},
		{name: "150 s late", clock: Clock{Boots: 3}, now: 1000, boots: 3, t: 850, ownBoots: 3, ownTime: 1000},
		{name: "151 s late", clock: Clock{Boots: 3}, now: 1000, boots: 3, t: 849, ownBoots: 3, ownTime: 1000, notTimely: true},
		{name: "150 s early", clock: Clock{Boots: 3}, now: 1000, boots: 3, t: 1150, ownBoots: 3, ownTime: 1000},
		{name: "151 s early", clock: Clock{Boots: 3}, now: 1000, boots: 3, t: 1151, ownBoots: 3, ownTime: 1000, notTimely: true},
		{name: "a boot before", clock: Clock{Boots: 3}, now: 1000, boots: 2, t: 1000, ownBoots: 3, ownTime: 1000, notTimely: true},
		{name: "a boot ahead", clock: Clock{Boots: 3}, now: 1000, boots: 4, t: 1000, ownBoots: 3, ownTime: 1000, notTimely: true},
		{name: "latched", clock: Clock{Boots: maxTime}, now: 1000, boots: maxTime, t: 1000, ownBoots: maxTime, ownTime: 1000, notTimely: true},
		{name: "time at its end", clock: Clock{Boots: 3}, now: maxTime, boots: 3, t: maxTime, ownBoots: 3, ownTime: maxTime},
		{name: "time past its end", clock: Clock{Boots: 3}, now: maxTime + 11, boots: 4, t: 10, ownBoots: 4, ownTime: 10},
		{name: "time past its end latches", clock: Clock{Boots: maxTime - 1}, now: maxTime + 1, boots: maxTime, t: 0, ownBoots: maxTime, notTimely: true},
		{name: "clock set back", clock: Clock{Boots: 3}, now: -5, boots: 3, t: 0, ownBoots: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.clock.Start = epoch
			if b, s := tt.clock.At(seconds(tt.now)); b != tt.ownBoots || s != tt.ownTime {
				t.Errorf("At(%v) = %d, %d, want %d, %d", tt.now, b, s, tt.ownBoots, tt.ownTime)
			}
			if err := tt.clock.Check(tt.boots, tt.t, seconds(tt.now)); errors.Is(err, ErrNotInTimeWindow) != tt.notTimely {
				t.Errorf("Check(%d, %d, %v) = %v, want not timely: %v", tt.boots, tt.t, tt.now, err, tt.notTimely)
			}
		})
	}
}

// RFC 3414, section 3.2, 7 b. Each test is the life of one clock.
func TestPeerClock(t *testing.T) {
	type step struct {
		now      float64
		boots, t uint32 // of the message
		late     bool
		atBoots  uint32 // the notion afterwards
		atTime   uint32
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"learns", []step{{0, 5, 100, false, 5, 100}, {10, 5, 110, false, 5, 110}}},
		{"learns nothing as something", []step{{0, 0, 0, false, 0, 0}, {10, 0, 10, false, 0, 10}}},
		{"reordered", []step{{0, 5, 100, false, 5, 100}, {10, 5, 99, false, 5, 110}}},
		{"150 s late", []step{{0, 5, 100, false, 5, 100}, {100, 5, 50, false, 5, 200}}},
		{"151 s late", []step{{0, 5, 100, false, 5, 100}, {100, 5, 49, true, 5, 200}}},
		{"a replay does not set the clock", []step{{0, 5, 100, false, 5, 100}, {300, 5, 100, true, 5, 400}, {301, 5, 401, false, 5, 401}}},
		{"a delayed message that is newer does", []step{{0, 5, 100, false, 5, 100}, {300, 5, 101, false, 5, 101}}},
		{"reboot", []step{{0, 5, 100, false, 5, 100}, {10, 6, 1, false, 6, 1}, {11, 5, 111, true, 6, 2}}},
		{"latched", []step{{0, maxTime, 100, true, maxTime, 100}, {1, maxTime, 101, true, maxTime, 101}}},
		{"the peer's clock is fast", []step{{0, 5, 100, false, 5, 100}, {10, 5, 5000, false, 5, 5000}}},
		{"the peer's clock is slow", []step{{0, 5, 1000, false, 5, 1000}, {1000, 5, 1500, false, 5, 1500}}},
		{"our clock was set ahead", []step{{0, 5, 100, false, 5, 100}, {9000, 5, 101, false, 5, 101}}},
		{"our clock was set back", []step{{0, 5, 100, false, 5, 100}, {-9000, 5, 101, false, 5, 101}}},
		{"out of range", []step{{0, 5, 100, false, 5, 100}, {0, 1 << 31, 0, true, 5, 100}, {0, 5, 1 << 31, true, 5, 100}}},
		{"time ends", []step{{0, 5, maxTime, false, 5, maxTime}, {10, 6, 9, false, 6, 9}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c PeerClock
			if c.Synced() {
				t.Error("Synced() = true for the zero value")
			}
			for i, s := range tt.steps {
				err := c.Update(s.boots, s.t, seconds(s.now))
				if errors.Is(err, ErrNotInTimeWindow) != s.late {
					t.Errorf("step %d: Update(%d, %d, %v) = %v, want late: %v", i, s.boots, s.t, s.now, err, s.late)
				}
				if b, n := c.At(seconds(s.now)); b != s.atBoots || n != s.atTime || !c.Synced() {
					t.Errorf("step %d: At(%v) = %d, %d, want %d, %d", i, s.now, b, n, s.atBoots, s.atTime)
				}
			}
		})
	}
	var c PeerClock
	if err := c.Update(5, 100, epoch); err != nil {
		t.Error(err)
	}
	if b, n := c.At(seconds(-300)); b != 5 || n != 100 {
		t.Errorf("At() of a time before the message = %d, %d, want 5, 100", b, n)
	}
	if b, n := c.At(seconds(maxTime)); b != 5 || n != maxTime {
		t.Errorf("At() after 68 years = %d, %d, want 5, %d", b, n, maxTime)
	}
	if b, n := new(PeerClock).At(epoch); b != 0 || n != 0 {
		t.Errorf("At() of the zero value = %d, %d, want 0, 0", b, n)
	}
}
