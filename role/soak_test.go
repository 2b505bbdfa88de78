package role_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
)

// A million exchanges with a hundred agents over a network that loses, repeats,
// reorders and forges: every answer belongs to its own request, and none is
// given up.
func TestSoak(t *testing.T) {
	exchanges := 1_000_000
	if testing.Short() || raceEnabled {
		exchanges /= 20
	}
	synctest.Test(t, func(t *testing.T) {
		faults := roletest.Faults{Loss: 0.2, Duplicate: 0.05, Reorder: 0.1, Forge: 0.05,
			Delay: time.Millisecond, Jitter: 10 * time.Millisecond}
		r := newRig(t, &role.Config{Retries: 100}, faults)
		var agents []role.Addr
		for i := range 100 {
			agents = append(agents, role.MustParseAddr(fmt.Sprintf("udp:192.0.2.%d:161", 101+i)))
			r.serve(agents[i], func(_ context.Context, dst []byte, req *role.Message) []byte {
				dst = append(dst, req.Buf...)
				return append(dst, byte(req.Local.AddrPort().Addr().As4()[3])) // who answered
			})
		}
		started, answered, wrong := 0, 0, 0
		next := func(c *role.Call) {
			if started == exchanges {
				return
			}
			// The keys of different agents are the same.
			c.Dst = agents[started%len(agents)]
			c.Key = uint32(started / len(agents))
			c.Req = binary.BigEndian.AppendUint32(c.Req[:0], c.Key)
			c.Req = binary.BigEndian.AppendUint16(c.Req, 0)
			c.Req = binary.BigEndian.AppendUint32(c.Req, uint32(started))
			started++
			if err := r.m.Start(c); err != nil {
				t.Fatalf("Start() error = %v", err)
			}
		}
		done := make(chan struct{})
		results := make(chan *role.Call, 4096)
		go func() {
			defer close(done)
			for range exchanges {
				c := <-results
				want := append(append([]byte(nil), c.Req...), c.Dst.AddrPort().Addr().As4()[3])
				if c.Err != nil || c.Src != c.Dst || string(c.Rsp) != string(want) {
					wrong++
				}
				answered++
				next(c)
			}
		}()
		for range 4096 {
			next(&role.Call{Buf: make([]byte, 0, 64), Done: func(c *role.Call) { results <- c }})
		}
		<-done
		if answered != exchanges || wrong != 0 {
			t.Errorf("%d of %d exchanges were answered, %d of them wrongly", answered, exchanges, wrong)
		}
		synctest.Wait()
		time.Sleep(time.Minute) // for what is still under way
		synctest.Wait()
		s, n := r.m.Stats(), r.net.Counts()
		if s.Answered != uint64(exchanges) || s.Sent != uint64(exchanges)+s.Retries ||
			s.Received != s.Answered+s.Duplicate+s.Late+s.Foreign || s.NoResponse+s.Unpairable+s.Overflow != 0 {
			t.Errorf("Stats() = %+v do not add up", s)
		}
		if n.Lost == 0 || n.Duplicated == 0 || n.Reordered == 0 || n.Forged == 0 || s.Foreign == 0 || s.Duplicate == 0 {
			t.Errorf("the network did not do its worst: %+v", n)
		}
		t.Logf("manager %+v", s)
		t.Logf("network %+v", n)
	})
}
