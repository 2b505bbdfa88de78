package role

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// An Agent is the side that answers: a network server on one or several local
// addresses.
type Agent struct {
	cfg   Config
	ports []*port
	count counters

	reading chan struct{} // full while somebody reads from the ports
	inbox   []Message     // read by Receive, but not yet given out; the reader's

	closing sync.Mutex
	done    chan struct{}
}

// A port is one local address of an agent.
type port struct {
	conn PacketConn
	tx   *sender
}

// A Handler answers a request: it appends the answer to dst and returns that,
// or nothing for no answer. The answer goes to req.Addr, from req.Local; a
// handler may set another address. Neither dst nor req.Buf may be used after
// it has returned. The context ends when Serve does.
type Handler func(ctx context.Context, dst []byte, req *Message) []byte

// ListenAgent returns an agent that serves all of the local addresses given,
// or "udp:127.0.0.1:161" if there are none. Cfg may be nil. If one address
// cannot be had, it opens none.
//
// Answers leave from the address that the request came to. Outside Linux, IPv4
// on a socket for both families ("udp::161") is an exception; list
// "udp:0.0.0.0:161" and "udp:[::]:161" there.
func ListenAgent(ctx context.Context, cfg *Config, locals ...Addr) (*Agent, error) {
	if len(locals) == 0 {
		locals = []Addr{MustParseAddr("udp:127.0.0.1:161")}
	}
	var conns []PacketConn
	for _, local := range locals {
		conn, err := Listen(ctx, local, cfg)
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			return nil, err
		}
		conns = append(conns, conn)
	}
	return NewAgent(cfg, conns...), nil
}

// NewAgent returns an agent that serves conns, which it then owns. Cfg may be
// nil.
func NewAgent(cfg *Config, conns ...PacketConn) *Agent {
	a := &Agent{cfg: cfg.withDefaults(), reading: make(chan struct{}, 1), done: make(chan struct{})}
	for _, conn := range conns {
		var drain func() bool
		if r, ok := conn.(errorReader); ok {
			drain = func() bool { return r.readErrors(func(*Message) { a.count.undelivered.Add(1) }) > 0 }
		}
		a.ports = append(a.ports, &port{conn, newSender(conn, &a.count, func(ticket, error) {}, drain)})
	}
	return a
}

// LocalAddrs returns the addresses that the agent serves, in the order in
// which they were given, with the ports that the system chose.
func (a *Agent) LocalAddrs() []Addr {
	var addrs []Addr
	for _, p := range a.ports {
		addrs = append(addrs, p.conn.LocalAddr())
	}
	return addrs
}

// Stats returns the counts so far.
func (a *Agent) Stats() Stats {
	var conns []PacketConn
	for _, p := range a.ports {
		conns = append(conns, p.conn)
	}
	return a.count.stats(conns...)
}

// Close closes the sockets, ends all calls with an error that wraps
// [net.ErrClosed], and waits for the agent's goroutines. It may be called
// twice. A handler must not call it.
func (a *Agent) Close() error {
	a.closing.Lock()
	defer a.closing.Unlock()
	if isClosed(a.done) {
		return nil
	}
	close(a.done)
	var err error
	for _, p := range a.ports {
		if e := p.conn.Close(); e != nil && err == nil {
			err = &Error{Op: "close", Addr: p.conn.LocalAddr().String(), Kind: ErrNetwork, Err: e}
		}
	}
	a.reading <- struct{}{} // whoever reads has ended
	<-a.reading
	return err
}

// Receive waits for a request, appends it to buf[:0], and returns it with its
// addresses. If the context's deadline passes first, the error is
// [ErrNoRequest]. While Serve runs, Receive waits for its end.
func (a *Agent) Receive(ctx context.Context, buf []byte) (Message, error) {
	if len(a.ports) == 0 {
		return Message{}, badArgument("receive", Addr{}, "the agent has no local address")
	}
	if err := a.own(ctx, "receive"); err != nil {
		return Message{}, err
	}
	defer a.disown()
	for {
		for len(a.inbox) > 0 {
			m := a.inbox[0]
			a.inbox = slices.Delete(a.inbox, 0, 1)
			if a.accept(&m) {
				m.Buf = append(buf[:0], m.Buf...)
				return m, nil
			}
		}
		if err := a.fill(ctx); err != nil {
			return Message{}, err
		}
	}
}

// own makes the caller the only one that reads from the ports.
func (a *Agent) own(ctx context.Context, op string) error {
	if isClosed(a.done) {
		return &Error{Op: op, Kind: ErrNetwork, Err: net.ErrClosed}
	}
	select {
	case a.reading <- struct{}{}:
		return nil
	default:
	}
	select {
	case a.reading <- struct{}{}:
		return nil
	case <-a.done:
		return &Error{Op: op, Kind: ErrNetwork, Err: net.ErrClosed}
	case <-ctx.Done():
		return contextError(ctx, op, Addr{}, 0, ErrNoRequest)
	}
}

func (a *Agent) disown() { <-a.reading }

// accept counts a message that came in, and reports whether it is a request.
func (a *Agent) accept(m *Message) bool {
	switch {
	case m.Err == nil && len(m.Buf) > 0:
		return true
	case m.Err == nil:
		a.count.empty.Add(1)
	default:
		a.count.broken(m.Err)
	}
	return false
}

// broken counts a message that came back, or a stream that ended.
func (c *counters) broken(err error) {
	var framing *FramingError
	switch {
	case errors.As(err, &framing) || errors.Is(err, io.ErrUnexpectedEOF):
		c.framing.Add(1)
	case errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed):
	default:
		c.undelivered.Add(1)
	}
}

// fill reads at least one message from any of the ports into the inbox.
func (a *Agent) fill(ctx context.Context) error {
	var (
		mu   sync.Mutex
		errs []error
		wg   sync.WaitGroup
	)
	wait, stop := context.WithCancel(ctx)
	defer stop()
	for i, p := range a.ports {
		wg.Go(func() {
			ms := []Message{{Buf: make([]byte, 0, maxMessageLen)}}
			n, err := p.read(wait, ms)
			mu.Lock()
			defer mu.Unlock()
			if n > 0 {
				ms[0].via = i + 1
				ms[0].Buf = slices.Clone(ms[0].Buf) // a short one, not of the greatest length
				a.inbox = append(a.inbox, ms[0])
				a.count.received.Add(1)
				stop()
			} else {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	switch {
	case len(a.inbox) > 0:
		return nil
	case ctx.Err() != nil:
		return contextError(ctx, "receive", Addr{}, 0, ErrNoRequest)
	}
	return &Error{Op: "receive", Kind: ErrNetwork, Err: errors.Join(errs...)}
}

// past is a deadline that has passed for every clock.
var past = time.Unix(1, 0)

// read is ReadBatch that a context can end.
func (p *port) read(ctx context.Context, ms []Message) (int, error) {
	for {
		// The deadline is set by a goroutine of its own, which must be over
		// before the deadline is taken away.
		set := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			p.conn.SetReadDeadline(past)
			close(set)
		})
		n, err := p.conn.ReadBatch(ms)
		if !stop() {
			<-set
			p.conn.SetReadDeadline(time.Time{})
		}
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return n, err
		}
	}
}

// Send sends m.Buf to m.Addr, from m.Local. To answer a request, fill in the
// Buf of the Message that [Agent.Receive] returned.
func (a *Agent) Send(ctx context.Context, m Message) error {
	p := a.portFor(&m)
	switch {
	case m.Addr == Addr{}:
		return badArgument("send", m.Addr, "no destination")
	case p == nil:
		return badArgument("send", m.Addr, "no local address of the agent reaches it")
	case ctx.Err() != nil:
		return contextError(ctx, "send", m.Addr, 0, ErrNetwork)
	}
	if err := m.Addr.checkLen("send", m.Buf); err != nil {
		return err
	}
	if isClosed(a.done) {
		return &Error{Op: "send", Addr: m.Addr.String(), Kind: ErrNetwork, Err: net.ErrClosed}
	}
	result := make(chan error, 1)
	p.tx.send(&m, ticket{err: result})
	select {
	case err := <-result:
		if err != nil {
			return &Error{Op: "send", Addr: m.Addr.String(), Kind: ErrNetwork, Err: err}
		}
		return nil
	case <-ctx.Done():
		return contextError(ctx, "send", m.Addr, 0, ErrNetwork)
	}
}

// portFor returns the port that m leaves by: the one it came by, the one whose
// address it names, or the first that reaches its destination.
func (a *Agent) portFor(m *Message) *port {
	if 0 < m.via && m.via <= len(a.ports) {
		return a.ports[m.via-1]
	}
	var found *port
	for _, p := range a.ports {
		local := p.conn.LocalAddr()
		if local == m.Local {
			return p
		}
		if found == nil && local.reaches(m.Addr) {
			found = p
		}
	}
	return found
}

// ServeOne waits for one request and answers it with h. Like
// [Agent.Receive], it fails with [ErrNoRequest] if none comes in time. H gets
// ctx.
func (a *Agent) ServeOne(ctx context.Context, h Handler) error {
	m, err := a.Receive(ctx, nil)
	if err != nil {
		return err
	}
	m.Buf = h(ctx, nil, &m)
	if len(m.Buf) == 0 {
		return nil
	}
	return a.Send(context.WithoutCancel(ctx), m)
}

// Serve answers requests with h until the context ends or the agent is closed,
// waits for the handlers that run, and returns why it ended: an error that
// wraps the context's cause or [net.ErrClosed]. Handlers run concurrently, up
// to Config.Handlers on each local address, once they take longer than a
// millisecond; quick ones run one after the other, which is faster.
func (a *Agent) Serve(ctx context.Context, h Handler) error {
	if len(a.ports) == 0 {
		return badArgument("serve", Addr{}, "the agent has no local address")
	}
	if err := a.own(ctx, "serve"); err != nil {
		return err
	}
	defer a.disown()
	for _, m := range a.inbox {
		if a.accept(&m) {
			if m.Buf = h(ctx, nil, &m); len(m.Buf) > 0 {
				a.Send(ctx, m)
			}
		}
	}
	a.inbox = nil

	var watch, wg sync.WaitGroup
	defer watch.Wait()
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch.Go(func() {
		select {
		case <-a.done: // ends handlers, too
			cancel(net.ErrClosed)
		case <-run.Done():
		}
	})
	for i, p := range a.ports {
		s := &server{a: a, port: p, via: i + 1, h: h, ctx: run, ms: newBatch(batchLen)}
		wg.Go(func() {
			if err := s.serve(); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return contextError(ctx, "serve", Addr{}, 0, ErrNoRequest)
	}
	return &Error{Op: "serve", Kind: ErrNetwork, Err: context.Cause(run)}
}
