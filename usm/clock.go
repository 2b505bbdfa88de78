package usm

import (
	"math"
	"time"
)

const (
	window  = 150           // seconds, RFC 3414, section 2.2.3
	maxTime = math.MaxInt32 // of boots and of time, RFC 3414, section 2.2.2
)

// A Clock is the time of an authoritative engine: an agent's own. It is a plain
// value; fill it in at the start and copy it freely.
type Clock struct {
	// Boots counts the starts of the engine under its ID. 2147483647 is
	// final: all authenticated messages are then refused, until the engine
	// gets a new ID (RFC 3414, section 2.2.3).
	Boots uint32
	// Start is when this start was. A Time from time.Now keeps the clock
	// right when the system's time is set.
	Start time.Time
}

// At returns snmpEngineBoots and snmpEngineTime (seconds). When the time has
// counted to its end, after 68 years, it starts again with one more boot.
func (c Clock) At(now time.Time) (boots, t uint32) {
	s := max(0, int64(now.Sub(c.Start)/time.Second))
	b := int64(c.Boots) + s/(maxTime+1)
	if b >= maxTime {
		return maxTime, uint32(s % (maxTime + 1))
	}
	return uint32(b), uint32(s % (maxTime + 1))
}

// Check returns [ErrNotInTimeWindow] unless an authenticated message with these
// boots and time is timely (RFC 3414, section 3.2, 7 a).
func (c Clock) Check(boots, t uint32, now time.Time) error {
	b, own := c.At(now)
	d := int64(t) - int64(own)
	if b == maxTime || boots != b || d > window || d < -window {
		return ErrNotInTimeWindow
	}
	return nil
}

// A PeerClock is what a non-authoritative engine, a manager, knows of the time
// of a peer. It is a plain value; the zero value knows nothing.
type PeerClock struct {
	boots  uint32
	time   uint32    // at the time at
	latest uint32    // latestReceivedEngineTime
	at     time.Time // zero if nothing was learnt
}

// Synced reports whether anything was learnt.
func (c *PeerClock) Synced() bool { return !c.at.IsZero() }

// At returns the boots and the time to put into a message to the peer: 0 and 0
// if nothing was learnt.
func (c *PeerClock) At(now time.Time) (boots, t uint32) {
	if c.at.IsZero() {
		return 0, 0
	}
	s := max(0, int64(now.Sub(c.at)/time.Second))
	return c.boots, uint32(min(int64(c.time)+s, maxTime))
}

// Update takes the boots and time of a message from the peer, which must have
// passed [LocalUser.Verify]: it learns from them, and returns
// [ErrNotInTimeWindow] if the message is not timely (RFC 3414, section 3.2,
// 7 b). It follows a peer that rebooted. It does not follow one whose time went
// back without one more boot, as that is also what a replay looks like; to
// trust such a device again, set the clock to its zero value.
func (c *PeerClock) Update(boots, t uint32, now time.Time) error {
	if boots > maxTime || t > maxTime {
		return ErrNotInTimeWindow
	}
	if c.at.IsZero() || boots > c.boots || boots == c.boots && t > c.latest {
		*c = PeerClock{boots: boots, time: t, latest: t, at: now}
	}
	b, notion := c.At(now)
	if b == maxTime || boots < b || boots == b && int64(t) < int64(notion)-window {
		return ErrNotInTimeWindow
	}
	return nil
}
