package roletest_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
)

var (
	castor = role.MustParseAddr("udp:192.0.2.1:1")
	pollux = role.MustParseAddr("udp:192.0.2.2:2")
)

// An arrival is a message and when it came.
type arrival struct {
	src role.Addr
	msg string
	at  time.Duration
	err error
}

// send carries n messages from castor to pollux over a network with faults, one
// each second, and returns what came.
func send(t *testing.T, seed uint64, f roletest.Faults, n int) ([]arrival, roletest.Counts) {
	t.Helper()
	network := roletest.New(seed, f)
	from, err := network.Listen(castor)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := network.Listen(pollux)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var got []arrival
	done := make(chan struct{})
	go func() {
		defer close(done)
		ms := []role.Message{{Buf: make([]byte, 0, 100)}}
		for {
			if _, err := to.ReadBatch(ms); err != nil {
				return
			}
			got = append(got, arrival{ms[0].Addr, string(ms[0].Buf), time.Since(start), ms[0].Err})
		}
	}()
	for i := range n {
		if _, err := from.WriteBatch([]role.Message{{Addr: pollux, Buf: fmt.Appendf(nil, "message %d", i)}}); err != nil {
			t.Errorf("WriteBatch() error = %v", err)
		}
		time.Sleep(time.Second)
	}
	time.Sleep(time.Hour)
	to.Close()
	<-done
	return got, network.Counts()
}

func TestFaults(t *testing.T) {
	const n = 1000
	near := func(got, want int) bool { return got > want*8/10 && got < want*12/10 } // of a fixed seed
	tests := []struct {
		name   string
		faults roletest.Faults
		check  func(got []arrival, c roletest.Counts) bool
	}{
		{"none", roletest.Faults{}, func(got []arrival, c roletest.Counts) bool {
			ok := len(got) == n && c == roletest.Counts{Sent: n, Delivered: n}
			for i, a := range got {
				ok = ok && a.src == castor && a.msg == fmt.Sprint("message ", i) && a.at == time.Duration(i)*time.Second
			}
			return ok
		}},
		{"delay", roletest.Faults{Delay: 30 * time.Millisecond}, func(got []arrival, c roletest.Counts) bool {
			return len(got) == n && got[5].at == 5030*time.Millisecond
		}},
		{"jitter", roletest.Faults{Jitter: 10 * time.Second}, func(got []arrival, c roletest.Counts) bool {
			return len(got) == n && !slices.IsSortedFunc(got, func(a, b arrival) int { return bytes.Compare([]byte(a.msg), []byte(b.msg)) })
		}},
		{"loss", roletest.Faults{Loss: 0.2}, func(got []arrival, c roletest.Counts) bool {
			return near(c.Lost, n/5) && len(got) == n-c.Lost
		}},
		{"duplicates", roletest.Faults{Duplicate: 0.1}, func(got []arrival, c roletest.Counts) bool {
			return near(c.Duplicated, n/10) && len(got) == n+c.Duplicated
		}},
		{"reordering", roletest.Faults{Reorder: 0.1, Delay: 2 * time.Second}, func(got []arrival, c roletest.Counts) bool {
			late := 0
			for i := 1; i < len(got); i++ {
				if got[i].at-got[i-1].at < time.Second {
					late++
				}
			}
			return near(c.Reordered, n/10) && late > 0
		}},
		{"damage", roletest.Faults{Corrupt: 0.1}, func(got []arrival, c roletest.Counts) bool {
			damaged := 0
			for i, a := range got {
				if a.msg != fmt.Sprint("message ", i) {
					damaged++
				}
			}
			return near(c.Corrupted, n/10) && damaged == c.Corrupted
		}},
		{"forgeries", roletest.Faults{Forge: 0.1}, func(got []arrival, c roletest.Counts) bool {
			strangers := 0
			for _, a := range got {
				if a.src != castor {
					strangers++
				}
			}
			return near(c.Forged, n/10) && strangers == c.Forged && len(got) == n+c.Forged
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, counts := send(t, 1, tt.faults, n)
				if !tt.check(got, counts) {
					t.Errorf("%d messages came; %+v", len(got), counts)
				}
			})
		})
	}
}

// The same seed gives the same network.
func TestSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := roletest.Faults{Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, Corrupt: 0.1, Forge: 0.1, Delay: time.Millisecond, Jitter: time.Millisecond}
		a, _ := send(t, 7, f, 200)
		b, _ := send(t, 7, f, 200)
		c, _ := send(t, 8, f, 200)
		if !slices.Equal(a, b) || slices.Equal(a, c) {
			t.Errorf("seeds 7, 7 and 8: equal %v and %v, want true and false", slices.Equal(a, b), slices.Equal(a, c))
		}
	})
}

func TestConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := roletest.New(1, roletest.Faults{Refuse: true})
		a, err := n.Listen(castor)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen(castor); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second Listen() error = %v, want %v", err, syscall.EADDRINUSE)
		}
		free, err := n.Listen(role.MustParseAddr("192.0.2.3:0"))
		if err != nil || free.LocalAddr().AddrPort().Port() == 0 {
			t.Errorf("Listen() on port 0 = %v, %v", free.LocalAddr(), err)
		}

		// Nobody listens: the message comes back.
		ms := []role.Message{{Addr: pollux, Buf: []byte("to nobody")}}
		if _, err := a.WriteBatch(ms); err != nil {
			t.Errorf("WriteBatch() error = %v", err)
		}
		got := []role.Message{{Buf: make([]byte, 0, 100)}}
		if n, err := a.ReadBatch(got); n != 1 || err != nil || !errors.Is(got[0].Err, syscall.ECONNREFUSED) || got[0].Addr != pollux || string(got[0].Buf) != "to nobody" {
			t.Errorf("ReadBatch() = %d, %v: %+v", n, err, got[0])
		}

		n.Forge(pollux, castor, []byte("forged"))
		if _, err := a.ReadBatch(got); err != nil || got[0].Addr != pollux || string(got[0].Buf) != "forged" {
			t.Errorf("ReadBatch() = %v: %+v", err, got[0])
		}

		start := time.Now()
		a.SetReadDeadline(start.Add(time.Minute))
		if _, err := a.ReadBatch(got); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("ReadBatch() error = %v after %v, want the deadline after 1m", err, time.Since(start))
		}
		a.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { a.Close() })
		if _, err := a.ReadBatch(got); !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadBatch() error = %v, want %v", err, net.ErrClosed)
		}
		if _, err := a.WriteBatch(ms); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteBatch() error = %v, want %v", err, net.ErrClosed)
		}
	})
}
