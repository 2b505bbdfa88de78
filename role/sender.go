package role

import "sync"

// A sender combines what concurrent callers send on one PacketConn into
// batches. A caller leaves a copy of its message in the outbox; one of the
// callers then writes all that has gathered there while the others go on.
// Nobody waits, except while the outbox is full.
type sender struct {
	conn PacketConn

	count *counters

	// failed is told of each message that could not be written, and drain,
	// if not nil, fetches what the network gave back. It reports whether
	// there was anything: a failed write may then be about an earlier
	// message. Whoever writes calls them; they must neither wait nor send.
	failed func(t ticket, err error)
	drain  func() bool

	mu    sync.Mutex
	room  sync.Cond // the outbox was taken
	fill  outbox    // gathers
	write outbox    // is being written; its owner is the caller that set busy
	busy  bool
	held  int // callers that will flush soon
	due   int // callers of wait whose message is still to come
}

// A ticket tells whose message one in the outbox was.
type ticket struct {
	dst  Addr
	key  uint32
	call bool       // of the exchange with dst and key
	err  chan error // gets the result, if not nil
}

type outbox struct {
	ms      []Message // Buf is set when written, since data moves while it grows
	tickets []ticket
	ends    []int // where each message ends in data
	data    []byte
}

const (
	outboxLen  = 512     // messages
	outboxSize = 1 << 18 // octets
)

func newSender(conn PacketConn, count *counters, failed func(ticket, error), drain func() bool) *sender {
	s := &sender{conn: conn, count: count, failed: failed, drain: drain}
	s.room.L = &s.mu
	return s
}

// wait waits until the outbox has room, and keeps a place there for the
// caller, who must call put with kept, or leave. A caller with locks must do
// this before it takes them.
func (s *sender) wait() {
	s.mu.Lock()
	for s.busy && s.fill.full(s.due) {
		s.room.Wait()
	}
	s.due++
	s.mu.Unlock()
}

// leave gives up a place that wait has kept.
func (s *sender) leave() {
	s.mu.Lock()
	s.due--
	s.mu.Unlock()
	s.room.Signal()
}

// put copies a message into the outbox, in a place that wait has kept or, for
// the few that cannot wait, in one more. If it returns true, the caller must
// call flush once it has no locks.
func (s *sender) put(m *Message, t ticket, kept bool) (flush bool) {
	s.mu.Lock()
	if kept {
		s.due--
	}
	s.fill.add(m, t)
	flush = !s.busy && (s.held == 0 || t.err != nil || len(s.fill.ms) >= batchLen)
	if flush {
		s.busy = true
	}
	s.mu.Unlock()
	return flush
}

// send copies a message into the outbox, and writes all that is there unless
// somebody else is about to.
func (s *sender) send(m *Message, t ticket) {
	s.wait()
	if s.put(m, t, true) {
		s.flush()
	}
}

// hold keeps messages in the outbox until the caller calls release.
func (s *sender) hold() {
	s.mu.Lock()
	s.held++
	s.mu.Unlock()
}

// release ends a hold, and writes what has gathered.
func (s *sender) release() {
	s.mu.Lock()
	s.held--
	s.mu.Unlock()
	s.kick()
}

// kick writes what has gathered, unless somebody is writing.
func (s *sender) kick() {
	s.mu.Lock()
	flush := !s.busy && len(s.fill.ms) > 0
	if flush {
		s.busy = true
	}
	s.mu.Unlock()
	if flush {
		s.flush()
	}
}

// flush writes until the outbox is empty. The caller has set s.busy.
func (s *sender) flush() {
	for {
		s.mu.Lock()
		if len(s.fill.ms) == 0 {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.fill, s.write = s.write, s.fill
		s.room.Broadcast()
		s.mu.Unlock()
		s.writeAll(&s.write)
		s.write.reset()
	}
}

func (s *sender) writeAll(o *outbox) {
	start := 0
	for i, end := range o.ends {
		o.ms[i].Buf = o.data[start:end:end]
		start = end
	}
	again := true
	for i := 0; i < len(o.ms); {
		n, err := s.conn.WriteBatch(o.ms[i:])
		s.count.sent.Add(uint64(n))
		for range n {
			o.tickets[i].result(nil)
			i++
			again = true
		}
		if err == nil || i == len(o.ms) {
			continue
		}
		if again && s.drain != nil && s.drain() {
			again = false // the error was of an earlier message: try this one once more
			continue
		}
		s.count.sendErrors.Add(1)
		o.tickets[i].result(err)
		s.failed(o.tickets[i], err)
		i++
		again = true
	}
}

// result tells the caller that waits for it what became of its message.
func (t *ticket) result(err error) {
	if t.err != nil {
		t.err <- err
	}
}

// full reports whether there is no room for another message, with so many due.
func (o *outbox) full(due int) bool { return len(o.ms)+due >= outboxLen || len(o.data) >= outboxSize }

func (o *outbox) add(m *Message, t ticket) {
	o.data = append(o.data, m.Buf...)
	o.ends = append(o.ends, len(o.data))
	o.ms = append(o.ms, Message{Addr: m.Addr, Local: m.Local})
	o.tickets = append(o.tickets, t)
}

func (o *outbox) reset() {
	clear(o.tickets) // drop references to channels
	o.data, o.ends, o.ms, o.tickets = o.data[:0], o.ends[:0], o.ms[:0], o.tickets[:0]
}
