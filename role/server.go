package role

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// stall is how long a batch may take before another goroutine goes on with the
// rest of it.
const stall = time.Millisecond

// A server runs handlers for the requests that come to one port of an agent.
//
// One goroutine, the leader, reads a batch and handles its messages one after
// the other. When the batch takes longer than stall, the watch makes another
// goroutine the leader, which goes on with the rest; the old one finishes its
// handler and ends. So quick handlers cost no change of goroutine, and a slow
// one delays the others once, by no more than that.
type server struct {
	a    *Agent
	port *port
	via  int
	h    Handler
	ctx  context.Context
	wg   sync.WaitGroup
	tick *time.Timer // calls watch

	mu      sync.Mutex
	ms      []Message // the batch; ms[next:n] are left
	next, n int
	term    int      // counts the leaders
	inside  bool     // the leader is in a handler, for ms[next-1]
	stuck   bool     // the watch found no goroutine free to lead
	running int      // goroutines in a handler
	spare   [][]byte // buffers that slow handlers have given back
	err     error    // why reading ended
}

// serve runs the first leader, and returns when all goroutines have ended, why
// they did.
func (s *server) serve() error {
	deadlineSet := make(chan struct{})
	stop := context.AfterFunc(s.ctx, func() {
		s.port.conn.SetReadDeadline(past)
		close(deadlineSet)
	})
	s.tick = time.AfterFunc(time.Hour, s.watch)
	s.tick.Stop()
	s.port.tx.hold() // answers leave when a batch is done
	s.wg.Go(func() { s.lead(0) })
	s.wg.Wait()
	s.port.tx.release()
	if !stop() {
		<-deadlineSet
		s.port.conn.SetReadDeadline(time.Time{})
	}
	return s.err
}

// lead handles messages for as long as term is the current one.
func (s *server) lead(term int) {
	out := make([]byte, 0, maxMessageLen)
	var m Message
	for s.take(&m) {
		buf := m.Buf
		if s.a.accept(&m) {
			s.answer(&m, s.h(s.ctx, out, &m))
		}
		next, ok := s.leave(term, buf)
		if !ok {
			return
		}
		term = next
	}
}

// take sets m to the next message, for which it reads a batch if there is none.
// It returns false if reading has ended. Only the leader calls it.
func (s *server) take(m *Message) bool {
	s.mu.Lock()
	for s.next == s.n {
		s.mu.Unlock()
		s.port.tx.kick()
		// Nobody else touches the batch: the watch changes the leader only
		// while it is in a handler.
		n, err := s.port.conn.ReadBatch(s.ms)
		s.mu.Lock()
		if err != nil && (s.ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded)) {
			s.err = err
			s.mu.Unlock()
			return false
		}
		s.a.count.received.Add(uint64(n))
		s.next, s.n = 0, n
		s.tick.Reset(stall)
	}
	*m = s.ms[s.next]
	m.via = s.via
	s.next++
	s.running++
	s.inside = true
	s.mu.Unlock()
	return true
}

// answer queues an answer.
func (s *server) answer(req *Message, rsp []byte) {
	switch {
	case len(rsp) == 0:
	case req.Addr == Addr{} || req.Addr.checkLen("send", rsp) != nil:
		s.a.count.sendErrors.Add(1)
	default:
		s.port.tx.send(&Message{Addr: req.Addr, Local: req.Local, Buf: rsp}, ticket{})
	}
}

// leave ends a handler whose message lay in buf. It returns the term in which
// the goroutine is to go on, or false if it is no longer needed.
func (s *server) leave(term int, buf []byte) (int, bool) {
	s.mu.Lock()
	s.running--
	led := s.term == term
	switch {
	case led:
		s.inside, s.stuck = false, false
	case s.stuck:
		s.spare = append(s.spare, buf)
		term = s.depose()
	default:
		s.spare = append(s.spare, buf)
		term = -1
	}
	s.mu.Unlock()
	if !led {
		s.port.tx.kick() // the leader may be waiting for a batch
	}
	return term, term >= 0
}

// depose ends the term of a leader that is in a handler, and returns the next
// one. The handler keeps the buffer of its message. S is locked.
func (s *server) depose() int {
	var buf []byte
	if last := len(s.spare) - 1; last >= 0 {
		buf, s.spare = s.spare[last], s.spare[:last]
	} else {
		buf = make([]byte, 0, maxMessageLen)
	}
	s.ms[s.next-1].Buf = buf
	s.term++
	s.inside, s.stuck = false, false
	s.tick.Reset(stall)
	return s.term
}

// watch is called when a batch has taken too long.
func (s *server) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.inside:
	case s.running >= s.a.cfg.Handlers:
		s.stuck = true
	default:
		term := s.depose()
		s.wg.Go(func() {
			s.port.tx.kick() // the answers so far wait no longer
			s.lead(term)
		})
	}
}
