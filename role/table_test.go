package role

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func newTable() *table {
	t := &table{start: time.Now(), expires: new(sync.WaitGroup)}
	t.timer = time.AfterFunc(time.Hour, func() {})
	return t
}

// Two exchanges may have one hash, and are still two.
func TestTableCollision(t *testing.T) {
	tab := newTable()
	defer tab.timer.Stop()
	a := &Call{Dst: MustParseAddr("192.0.2.1:161"), Key: 1, state: callState{hash: 42}}
	b := &Call{Dst: MustParseAddr("192.0.2.2:161"), Key: 1, state: callState{hash: 42}}
	tab.add(a)
	if got := tab.find(42, 1, b.Dst, false); got != nil {
		t.Errorf("find(%v) = the call to %v", b.Dst, got.Dst)
	}
	if got := tab.find(42, 2, a.Dst, false); got != nil {
		t.Errorf("find() of key 2 = that of key %d", got.Key)
	}
	tab.add(b)
	for _, c := range []*Call{a, b} {
		if got := tab.find(42, 1, c.Dst, false); got != c {
			t.Errorf("find(%v) = %v", c.Dst, got)
		}
	}
	tab.remove(a, endedAnswered)
	if tab.find(42, 1, a.Dst, false) != nil || tab.find(42, 1, b.Dst, false) != b {
		t.Error("remove() took out the wrong call")
	}
	if got := tab.ended(42); got != endedAnswered {
		t.Errorf("ended() = %d, want %d", got, endedAnswered)
	}
}

// However calls come and go, the first of the heap is the earliest, and each
// knows its place.
func TestTableDeadlines(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	tab := newTable()
	defer tab.timer.Stop()
	calls := make([]*Call, 500)
	for i := range calls {
		calls[i] = &Call{Key: uint32(i), state: callState{hash: mix(uint64(i)), heapPos: -1}}
	}
	check := func() {
		for i, c := range tab.heap {
			if c.state.heapPos != i {
				t.Fatalf("call %d stands at %d and believes %d", c.Key, i, c.state.heapPos)
			}
			if parent := tab.heap[(i-1)/2]; i > 0 && parent.state.deadline > c.state.deadline {
				t.Fatalf("deadline %v stands below %v", c.state.deadline, parent.state.deadline)
			}
		}
	}
	for range 20000 {
		c := calls[rng.IntN(len(calls))]
		deadline := time.Hour + time.Duration(rng.IntN(1000))
		switch {
		case !c.state.pending:
			tab.add(c)
			tab.schedule(c, deadline)
		case rng.IntN(2) == 0:
			tab.remove(c, endedUnheard)
		default:
			tab.schedule(c, deadline)
		}
		check()
	}
	n := 0
	tab.each(func(c *Call) {
		n++
		if got := tab.find(c.state.hash, c.Key, c.Dst, false); got != c {
			t.Errorf("find() of call %d = %v", c.Key, got)
		}
		tab.remove(c, endedUnheard)
	})
	if n == 0 || tab.n != 0 || len(tab.heap) != 0 {
		t.Errorf("%d calls were there, %d and %d are left", n, tab.n, len(tab.heap))
	}
}
