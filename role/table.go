package role

import (
	"sync"
	"time"
)

// A table holds the exchanges in flight. It is a hash table chained through
// the calls themselves, and a heap of their deadlines, so that registering a
// call allocates nothing. The manager has several, each with its own lock.
type table struct {
	mu     sync.Mutex
	chains []*Call // length is a power of two
	n      int     // calls in chains
	heap   []*Call // those with a deadline, the earliest first
	start  time.Time
	timer  *time.Timer
	armed  time.Duration // when timer fires; 0 if it does not
	closed error         // why no call may be added

	expires *sync.WaitGroup // counts the timers that are armed

	// recent remembers how the last exchanges ended, by a part of their
	// hash, to tell a late answer from a second one and from a foreign one.
	recent [256]uint64
}

// How an exchange ended, in the two lowest bits of an entry of recent.
const (
	endedAnswered = 1
	endedUnheard  = 2
	endedMask     = 3
)

// A callState is the part of a Call that the table uses.
type callState struct {
	next     *Call
	hash     uint64
	deadline time.Duration // of this attempt, since the manager's start
	timeout  time.Duration
	heapPos  int // index in the heap, or -1
	left     int // attempts that may follow
	pending  bool
	cause    error // what the network said of an earlier attempt
}

// find returns the call with the hash, key and destination given, or nil. If
// any is set, the destination does not count.
func (t *table) find(hash uint64, key uint32, dst Addr, any bool) *Call {
	if len(t.chains) == 0 {
		return nil
	}
	for c := t.chains[hash&uint64(len(t.chains)-1)]; c != nil; c = c.state.next {
		if c.state.hash == hash && c.Key == key && (any || c.Dst == dst) {
			return c
		}
	}
	return nil
}

// add puts c, whose hash is set, into the table but not into the heap.
func (t *table) add(c *Call) {
	if t.n >= len(t.chains) {
		t.grow()
	}
	t.n++
	i := c.state.hash & uint64(len(t.chains)-1)
	c.state.next = t.chains[i]
	t.chains[i] = c
	c.state.pending = true
	c.state.heapPos = -1
}

func (t *table) grow() {
	old := t.chains
	t.chains = make([]*Call, max(64, 2*len(old)))
	for _, c := range old {
		for c != nil {
			next := c.state.next
			i := c.state.hash & uint64(len(t.chains)-1)
			c.state.next = t.chains[i]
			t.chains[i] = c
			c = next
		}
	}
}

// remove takes c out and remembers how it ended.
func (t *table) remove(c *Call, how uint64) {
	p := &t.chains[c.state.hash&uint64(len(t.chains)-1)]
	for *p != c {
		p = &(*p).state.next
	}
	*p = c.state.next
	c.state.next = nil
	t.unschedule(c)
	t.n--
	c.state.pending = false
	h := c.state.hash
	t.recent[h>>8&uint64(len(t.recent)-1)] = h&^endedMask | how
}

// ended returns how the exchange with the hash given ended, 0 if that is not
// known.
func (t *table) ended(hash uint64) uint64 {
	if e := t.recent[hash>>8&uint64(len(t.recent)-1)]; e&^endedMask == hash&^endedMask {
		return e & endedMask
	}
	return 0
}

// schedule sets the deadline of c.
func (t *table) schedule(c *Call, deadline time.Duration) {
	t.unschedule(c)
	c.state.deadline = deadline
	c.state.heapPos = len(t.heap)
	t.heap = append(t.heap, c)
	t.up(c.state.heapPos)
	if t.armed == 0 || deadline < t.armed {
		t.arm(deadline)
	}
}

// arm lets the timer fire at deadline. Nothing sets it back when a call with
// the earliest deadline is answered: the timer then fires early once, finds
// nothing due and is armed again.
func (t *table) arm(deadline time.Duration) {
	t.armed = deadline
	if !t.timer.Reset(deadline - time.Since(t.start)) {
		t.expires.Add(1)
	}
}

// unschedule takes the deadline of c away.
func (t *table) unschedule(c *Call) {
	i := c.state.heapPos
	if i < 0 {
		return
	}
	last := len(t.heap) - 1
	moved := t.heap[last]
	t.heap[last] = nil
	t.heap = t.heap[:last]
	if i < last {
		t.heap[i] = moved
		moved.state.heapPos = i
		t.down(i)
		t.up(i)
	}
	c.state.heapPos = -1
}

func (t *table) up(i int) {
	c := t.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		p := t.heap[parent]
		if c.state.deadline >= p.state.deadline {
			break
		}
		t.heap[i] = p
		p.state.heapPos = i
		i = parent
	}
	t.heap[i] = c
	c.state.heapPos = i
}

func (t *table) down(i int) {
	c := t.heap[i]
	for {
		child := 2*i + 1
		if child >= len(t.heap) {
			break
		}
		if r := child + 1; r < len(t.heap) && t.heap[r].state.deadline < t.heap[child].state.deadline {
			child = r
		}
		k := t.heap[child]
		if k.state.deadline >= c.state.deadline {
			break
		}
		t.heap[i] = k
		k.state.heapPos = i
		i = child
	}
	t.heap[i] = c
	c.state.heapPos = i
}

// each calls f for every call in the table. F may remove that call.
func (t *table) each(f func(*Call)) {
	for _, c := range t.chains {
		for c != nil {
			next := c.state.next
			f(c)
			c = next
		}
	}
}
