package role

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	tableCount = 8    // tables of a manager; a power of two
	inboxLen   = 64   // messages that wait for Receive
	listWindow = 1024 // exchanges that ExchangeAll has in flight
)

// A Manager is the side that asks: a network client on one socket, with any
// number of exchanges in flight to any number of peers.
type Manager struct {
	conn   PacketConn
	cfg    Config
	dst    Addr // the default destination, or zero
	joined bool // the transport knows dst: messages need no address
	start  time.Time
	tx     *sender
	count  counters

	tables  [tableCount]table
	waiters atomic.Int64 // goroutines that block in Exchange
	idle    sync.Pool    // of *blocked

	receives atomic.Bool // somebody may call Receive
	inbox    chan Message

	closing sync.Mutex // held by Close
	done    chan struct{}
	err     error          // why done is closed
	running sync.WaitGroup // goroutines
	expires sync.WaitGroup // timers that are armed, or run expire
}

// A Call is one exchange that [Manager.Start] or [Manager.ExchangeAll] makes.
// The same Call can be used again when it is done.
type Call struct {
	// Dst is the destination; zero means the manager's default one.
	Dst Addr

	// Key is what the protocol's KeyFunc returns for the request and its
	// answer. No two exchanges with one destination may have the same key at
	// a time. Without a KeyFunc it must be 0.
	Key uint32

	// Req is the message to send. It must not change until the call is done.
	Req []byte

	// Buf gets the answer: it is appended to Buf[:0].
	Buf []byte

	// Timeout and Retries stand for those of the Config, if not 0.
	Timeout time.Duration
	Retries int

	// Done, which Start needs, is called once when the exchange has ended.
	// It runs on a goroutine of the manager: it may call Start, but must not
	// block, and must not call Close.
	Done func(*Call)

	// Rsp is the answer, which aliases Buf unless that was too small, and
	// Src where it came from. Err is why there is none. Attempts counts the
	// messages sent.
	Rsp      []byte
	Src      Addr
	Err      error
	Attempts int

	state callState
}

// Dial returns a manager with a default destination. Its socket is connected:
// the kernel drops what comes from others, and calls must not name another
// destination. Cfg may be nil.
func Dial(ctx context.Context, dst Addr, cfg *Config) (*Manager, error) {
	c := cfg.withDefaults()
	if c.Local != (Addr{}) && c.Local.Network() != dst.Network() {
		return nil, badArgument("dial", dst, "local address "+c.Local.String()+" is of another network")
	}
	var (
		conn PacketConn
		err  error
	)
	switch dst.Network() {
	case netUDP:
		switch {
		case !dst.ap.Addr().IsValid() || dst.ap.Port() == 0:
			return nil, badArgument("dial", dst, "destination needs an address and a port")
		case c.AnySource: // a connected socket would hear dst alone
			if c.Local == (Addr{}) {
				c.Local = anyAddr(dst)
			}
			conn, err = listenUDP(ctx, c.Local)
		default:
			conn, err = dialUDP(ctx, dst, c.Local)
		}
	case netUnixgram:
		conn, err = dialUnixgram(ctx, dst, c.Local)
	case netTCP, netUnix:
		if c.Split == nil {
			return nil, badArgument("dial", dst, "a stream needs Config.Split")
		}
		conn = newStream(nil, c.Local, dst.Network(), c.Split)
	case "":
		return nil, badArgument("dial", dst, "no destination")
	default:
		return nil, badArgument("dial", dst, "unknown network; use NewManager with a PacketConn of your own")
	}
	if err != nil {
		return nil, &Error{Op: "dial", Addr: dst.String(), Kind: ErrNetwork, Err: suggestPort(ctx, c.Local, err)}
	}
	m := newManager(conn, dst, &c)
	m.joined = dst.id == udpName && !c.AnySource
	m.running.Go(m.read)
	return m, nil
}

// anyAddr returns the address that stands for any of dst's family, port 0.
func anyAddr(dst Addr) Addr {
	ip := netip.IPv4Unspecified()
	if dst.ap.Addr().Is6() {
		ip = netip.IPv6Unspecified()
	}
	return UDPAddr(netip.AddrPortFrom(ip, 0))
}

// Open returns a manager without default destination, on cfg.Local. Cfg may be
// nil: one UDP socket then reaches IPv4 and IPv6 destinations.
func Open(ctx context.Context, cfg *Config) (*Manager, error) {
	c := cfg.withDefaults()
	if c.Local == (Addr{}) {
		c.Local = MustParseAddr("udp::0")
	}
	if n := c.Local.Network(); n == netTCP || n == netUnix {
		if c.Split == nil {
			return nil, badArgument("listen", c.Local, "a stream needs Config.Split")
		}
		return NewManager(newStream(nil, c.Local, n, c.Split), &c), nil
	}
	conn, err := Listen(ctx, c.Local, &c)
	if err != nil {
		return nil, err
	}
	return NewManager(conn, &c), nil
}

// NewManager returns a manager without default destination over conn, which it
// then owns. Cfg may be nil.
func NewManager(conn PacketConn, cfg *Config) *Manager {
	c := cfg.withDefaults()
	m := newManager(conn, Addr{}, &c)
	m.running.Go(m.read)
	return m
}

func newManager(conn PacketConn, dst Addr, cfg *Config) *Manager {
	m := &Manager{
		conn:  conn,
		cfg:   *cfg,
		dst:   dst,
		start: time.Now(),
		inbox: make(chan Message, inboxLen),
		done:  make(chan struct{}),
	}
	var drain func() bool
	if r, ok := conn.(errorReader); ok {
		drain = func() bool {
			return r.readErrors(func(msg *Message) {
				back := *msg
				back.Buf = append([]byte(nil), msg.Buf...)
				m.spawn(func() { m.undelivered(&back) })
			}) > 0
		}
	}
	m.tx = newSender(conn, &m.count, m.failed, drain)
	for i := range m.tables {
		t := &m.tables[i]
		t.start, t.expires = m.start, &m.expires
		t.timer = time.AfterFunc(time.Hour, func() { m.expire(t) })
		t.timer.Stop()
	}
	return m
}

// An errorReader is a PacketConn whose network gives back what it cannot
// deliver.
type errorReader interface {
	// readErrors calls f for each message that came back, and returns how
	// many there were. It does not wait.
	readErrors(f func(*Message)) int
}

// LocalAddr returns the address that requests leave from.
func (m *Manager) LocalAddr() Addr { return m.conn.LocalAddr() }

// SyscallConn returns the socket, or an error if the transport has none.
// Reading from it takes answers away from the manager.
func (m *Manager) SyscallConn() (syscall.RawConn, error) {
	if c, ok := m.conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, badArgument("socket", m.conn.LocalAddr(), "the transport has no socket")
}

// Stats returns the counts so far.
func (m *Manager) Stats() Stats { return m.count.stats(m.conn) }

// check returns an error of op if dst is not one that the manager may send to.
// Inside the manager, the default destination is the zero Addr too.
func (m *Manager) check(op string, dst Addr) error {
	switch {
	case m.dst != (Addr{}):
		if dst != (Addr{}) {
			return badArgument(op, dst, "the manager has the default destination "+m.dst.String())
		}
		return nil
	case dst == Addr{}:
		return badArgument(op, dst, "no destination, and the manager has no default one")
	case dst.isIP() && (!dst.ap.Addr().IsValid() || dst.ap.Port() == 0):
		return badArgument(op, dst, "destination needs an address and a port")
	}
	if local := m.conn.LocalAddr(); !local.reaches(dst) {
		return badArgument(op, dst, "destination cannot be reached from "+local.String())
	}
	return nil
}

// full returns the address that dst stands for.
func (m *Manager) full(dst Addr) Addr {
	if dst == (Addr{}) {
		return m.dst
	}
	return dst
}

// wire returns the address to put on a message to dst.
func (m *Manager) wire(dst Addr) Addr {
	if m.joined {
		return Addr{}
	}
	return m.full(dst)
}

// Send sends msg to dst and waits for no answer. A zero dst means the default
// destination. What comes back is for [Manager.Receive].
func (m *Manager) Send(ctx context.Context, dst Addr, msg []byte) error {
	if err := m.check("send", dst); err != nil {
		return err
	}
	if err := m.full(dst).checkLen("send", msg); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return contextError(ctx, "send", m.full(dst), 0, ErrNetwork)
	}
	m.receives.Store(true)
	select {
	case <-m.done:
		return m.closedError("send", dst)
	default:
	}
	result := make(chan error, 1)
	m.tx.send(&Message{Addr: m.wire(dst), Buf: msg}, ticket{dst: dst, err: result})
	select {
	case err := <-result:
		if err != nil {
			return &Error{Op: "send", Addr: m.full(dst).String(), Kind: ErrNetwork, Err: err}
		}
		return nil
	case <-ctx.Done():
		return contextError(ctx, "send", m.full(dst), 0, ErrNetwork)
	}
}

// Receive waits for a message that answers no exchange, such as the answer to
// a message of Send, appends it to buf[:0], and returns it with its source. It
// waits for Config.Timeout at most, and then fails with [ErrNoResponse].
//
// From the first call of Send or Receive on, up to 64 such messages wait for a
// Receive; further ones are dropped and counted.
func (m *Manager) Receive(ctx context.Context, buf []byte) (msg []byte, src Addr, err error) {
	m.receives.Store(true)
	take := func(in Message) ([]byte, Addr, error) {
		if in.Err != nil {
			return nil, in.Addr, &Error{Op: "receive", Addr: in.Addr.String(), Kind: ErrNetwork, Err: in.Err}
		}
		return append(buf[:0], in.Buf...), in.Addr, nil
	}
	select {
	case in := <-m.inbox: // even if the context has ended: a poll
		return take(in)
	default:
	}
	var timeout <-chan time.Time
	if m.cfg.Timeout > 0 {
		t := time.NewTimer(m.cfg.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case in := <-m.inbox:
		return take(in)
	case <-timeout:
		return nil, Addr{}, &Error{Op: "receive", Addr: m.dst.String(), Kind: ErrNoResponse}
	case <-ctx.Done():
		return nil, Addr{}, contextError(ctx, "receive", m.dst, 0, ErrNoResponse)
	case <-m.done:
		return nil, Addr{}, m.closedError("receive", m.dst)
	}
}

// A blocked is a Call that a goroutine waits for.
type blocked struct {
	Call
	woken chan struct{}
}

// newBlocked returns a blocked from the manager's pool. The pool is not shared
// with others because a channel must not leave its synctest bubble.
func (m *Manager) newBlocked() *blocked {
	if b, ok := m.idle.Get().(*blocked); ok {
		return b
	}
	b := &blocked{woken: make(chan struct{}, 1)}
	b.Done = func(*Call) { b.woken <- struct{}{} }
	return b
}

// Exchange sends req to dst, waits for the answer whose key is the one given,
// and returns it appended to buf[:0], with its source. It sends req again
// after each timeout. A zero dst means the default destination.
func (m *Manager) Exchange(ctx context.Context, dst Addr, key uint32, req, buf []byte) (rsp []byte, src Addr, err error) {
	return m.exchange(ctx, dst, key, req, buf, 0, 0)
}

func (m *Manager) exchange(ctx context.Context, dst Addr, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, Addr, error) {
	if ctx.Err() != nil {
		return nil, Addr{}, contextError(ctx, "exchange", m.full(dst), 0, ErrNoResponse)
	}
	b := m.newBlocked()
	b.Dst, b.Key, b.Req, b.Buf, b.Timeout, b.Retries = dst, key, req, buf, timeout, retries
	m.waiters.Add(1)
	err := m.Start(&b.Call)
	if err == nil {
		err = m.wait(ctx, b)
	}
	m.waiters.Add(-1)
	rsp, src := b.Rsp, b.Src
	b.Req, b.Buf, b.Rsp, b.Err = nil, nil, nil, nil
	m.idle.Put(b)
	if err != nil {
		return nil, Addr{}, err
	}
	return rsp, src, nil
}

// wait waits for b, which has been started.
func (m *Manager) wait(ctx context.Context, b *blocked) error {
	if ctx.Done() == nil {
		<-b.woken
		return b.Err
	}
	select {
	case <-b.woken:
		return b.Err
	case <-ctx.Done():
	}
	if m.Cancel(&b.Call) {
		return contextError(ctx, "exchange", m.full(b.Dst), b.Attempts, ErrNoResponse)
	}
	<-b.woken // it ended at this very moment
	return b.Err
}

// ExchangeAll makes many exchanges at once and returns when all have ended.
// Each call then has its answer or its error, in the place where it stood in
// the list; the error that ExchangeAll returns is the first of theirs. It uses
// the calls' Done itself.
func (m *Manager) ExchangeAll(ctx context.Context, calls []Call) error {
	var (
		ended    = make(chan struct{}, listWindow)
		done     = func(*Call) { ended <- struct{}{} }
		inFlight = 0
		due      = ctx.Done()
	)
	for i := 0; i < len(calls) || inFlight > 0; {
		if i < len(calls) && inFlight < listWindow {
			c := &calls[i]
			i++
			c.Done, c.Rsp = done, nil
			switch {
			case ctx.Err() != nil:
				c.Err = contextError(ctx, "exchange", m.full(c.Dst), 0, ErrNoResponse)
			default:
				if err := m.Start(c); err != nil {
					c.Err = err
				} else {
					inFlight++
				}
			}
			continue
		}
		select {
		case <-ended:
			inFlight--
		case <-due:
			due = nil
			for j := range calls[:i] {
				if c := &calls[j]; m.Cancel(c) {
					c.Err = contextError(ctx, "exchange", m.full(c.Dst), c.Attempts, ErrNoResponse)
					inFlight--
				}
			}
		}
	}
	for i := range calls {
		if calls[i].Err != nil {
			return calls[i].Err
		}
	}
	return nil
}

// Start begins an exchange and returns at once; c.Done is called when it has
// ended. If Start returns an error, the exchange has not begun and Done is not
// called. The manager uses c until then.
func (m *Manager) Start(c *Call) error {
	if c.Done == nil {
		return badArgument("exchange", c.Dst, "Call.Done is nil")
	}
	if err := m.check("exchange", c.Dst); err != nil {
		return err
	}
	dst := m.full(c.Dst)
	if err := dst.checkLen("exchange", c.Req); err != nil {
		return err
	}
	if m.cfg.Key == nil && c.Key != 0 {
		return badArgument("exchange", dst, "a key needs Config.Key")
	}
	timeout, retries := c.Timeout, c.Retries
	if timeout == 0 {
		timeout = m.cfg.Timeout
	}
	if retries == 0 {
		retries = m.cfg.Retries
	}
	hash := m.hash(c.Dst, c.Key)
	t := m.table(hash)

	m.tx.wait()
	t.mu.Lock()
	var err error
	switch {
	case t.closed != nil:
		err = m.closedError("exchange", dst)
	case c.state.pending:
		err = badArgument("exchange", dst, "the Call is in use")
	case t.find(hash, c.Key, c.Dst, m.cfg.AnySource) != nil:
		err = badArgument("exchange", dst, "an exchange with this destination and key is in flight")
	}
	if err != nil {
		t.mu.Unlock()
		m.tx.leave()
		return err
	}
	c.Rsp, c.Src, c.Err, c.Attempts = nil, Addr{}, nil, 0
	c.state = callState{hash: hash, timeout: timeout, left: max(retries, 0)}
	t.add(c)
	flush := m.attempt(t, c, time.Since(m.start), true)
	t.mu.Unlock()
	if flush {
		m.tx.flush()
	}
	return nil
}

// hash returns where an exchange stands in the tables.
func (m *Manager) hash(dst Addr, key uint32) uint64 {
	if m.cfg.AnySource {
		return mix(uint64(key) + 1)
	}
	return mix(dst.hash() + uint64(key))
}

func (m *Manager) table(hash uint64) *table { return &m.tables[hash>>60&(tableCount-1)] }

// attempt puts the request of c into the outbox, with t locked, in a place that
// is kept or not. If it returns true, the caller must flush it after it has
// unlocked t.
func (m *Manager) attempt(t *table, c *Call, now time.Duration, kept bool) (flush bool) {
	c.Attempts++
	if c.state.timeout > 0 {
		t.schedule(c, now+c.state.timeout)
	}
	return m.tx.put(&Message{Addr: m.wire(c.Dst), Buf: c.Req}, ticket{dst: c.Dst, key: c.Key, call: true}, kept)
}

// Cancel ends an exchange that Start began. It returns false if the exchange
// has ended already, or is about to: c.Done is called then, and only then.
func (m *Manager) Cancel(c *Call) bool {
	t := m.table(c.state.hash)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.state.pending {
		return false
	}
	t.remove(c, endedUnheard)
	return true
}

// failed is told by the sender that a message could not be written. The call
// that it was of hears it on another goroutine: its Done may start the next
// one, which must not happen inside of the one before.
func (m *Manager) failed(t ticket, err error) {
	if t.call {
		m.spawn(func() { m.setback(t.dst, t.key, err) })
	}
}

// spawn runs f on a goroutine that Close waits for, or not at all after Close.
func (m *Manager) spawn(f func()) {
	m.closing.Lock()
	defer m.closing.Unlock()
	if m.err == nil {
		m.running.Go(f)
	}
}

// read is the goroutine that reads what comes.
func (m *Manager) read() {
	ms := newBatch(batchLen)
	for {
		n, err := m.conn.ReadBatch(ms)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				m.shut(err)
			}
			return
		}
		m.count.received.Add(uint64(n))
		// What the answers' receivers send next leaves together.
		m.tx.hold()
		for i := range ms[:n] {
			m.deliver(&ms[i])
		}
		if m.waiters.Load() > 0 {
			runtime.Gosched()
		}
		m.tx.release()
	}
}

// newBatch returns messages with a buffer each for whatever may come. The
// buffers lie an odd number of cache lines apart; the system gives them memory
// only as far as messages fill them.
func newBatch(n int) []Message {
	const stride = maxMessageLen + 1 + 3*64
	slab := make([]byte, n*stride)
	ms := make([]Message, n)
	for i := range ms {
		ms[i].Buf = slab[i*stride : i*stride : i*stride+maxMessageLen]
	}
	return ms
}

// deliver gives a message to the exchange that it answers.
func (m *Manager) deliver(msg *Message) {
	if msg.Err != nil {
		m.undelivered(msg)
		return
	}
	if len(msg.Buf) == 0 {
		m.count.empty.Add(1)
		return
	}
	src := msg.Addr
	if m.dst != (Addr{}) && (m.joined || src == m.dst) {
		src = Addr{}
	}
	key, ok := uint32(0), true
	if m.cfg.Key != nil {
		key, ok = m.cfg.Key(msg.Buf)
	}
	drop := &m.count.unpairable
	if ok {
		hash := m.hash(src, key)
		t := m.table(hash)
		t.mu.Lock()
		if c := t.find(hash, key, src, m.cfg.AnySource); c != nil {
			t.remove(c, endedAnswered)
			t.mu.Unlock()
			m.count.answered.Add(1)
			c.Rsp = append(c.Buf[:0], msg.Buf...)
			c.Src = m.full(src)
			c.Done(c)
			return
		}
		switch t.ended(hash) {
		case endedAnswered:
			drop = &m.count.duplicate
		case endedUnheard:
			drop = &m.count.late
		default:
			drop = &m.count.foreign
		}
		t.mu.Unlock()
	}
	if m.receives.Load() {
		drop = &m.count.overflow
		select {
		case m.inbox <- Message{Addr: m.full(src), Buf: append([]byte(nil), msg.Buf...)}:
			return
		default:
		}
	}
	drop.Add(1)
}

// undelivered tells the exchanges concerned that a message came back.
func (m *Manager) undelivered(msg *Message) {
	m.count.broken(msg.Err)
	dst := msg.Addr
	if dst == m.dst {
		dst = Addr{}
	}
	if m.cfg.Key != nil && len(msg.Buf) > 0 {
		if key, ok := m.cfg.Key(msg.Buf); ok {
			m.setback(dst, key, msg.Err)
			return
		}
	}
	// The network told the address alone: it concerns all exchanges with it.
	var keys []uint32
	for i := range m.tables {
		t := &m.tables[i]
		t.mu.Lock()
		t.each(func(c *Call) {
			if c.Dst == dst {
				keys = append(keys, c.Key)
			}
		})
		t.mu.Unlock()
	}
	for _, key := range keys {
		m.setback(dst, key, msg.Err)
	}
	if len(keys) == 0 && m.receives.Load() {
		select {
		case m.inbox <- Message{Addr: m.full(dst), Err: msg.Err}:
		default:
		}
	}
}

// A setback is what a failure means for an exchange.
type setback int

const (
	setbackFatal setback = iota // the exchange fails
	setbackSoft                 // the network may recover: a later attempt decides
	setbackAgain                // the connection ended: the next attempt makes a new one at once
)

func (m *Manager) classify(err error) setback {
	for _, soft := range []error{syscall.ENOBUFS, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EMSGSIZE} {
		if errors.Is(err, soft) {
			return setbackSoft
		}
	}
	for _, again := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, again) {
			return setbackAgain
		}
	}
	if m.cfg.RetryRefused && errors.Is(err, syscall.ECONNREFUSED) {
		return setbackSoft
	}
	return setbackFatal
}

// setback tells the exchange with dst and key, if there is one, that a message
// of it was not delivered.
func (m *Manager) setback(dst Addr, key uint32, err error) {
	hash := m.hash(dst, key)
	t := m.table(hash)
	t.mu.Lock()
	c := t.find(hash, key, dst, m.cfg.AnySource)
	if c == nil {
		t.mu.Unlock()
		return
	}
	c.state.cause = err
	switch what := m.classify(err); {
	case what == setbackSoft:
		t.mu.Unlock()
	case what == setbackAgain && c.state.left > 0:
		c.state.left--
		m.count.retries.Add(1)
		flush := m.attempt(t, c, time.Since(m.start), false)
		t.mu.Unlock()
		if flush {
			m.tx.flush()
		}
	default:
		t.remove(c, endedUnheard)
		t.mu.Unlock()
		m.fail(c, ErrNetwork)
	}
}

// fail ends a call that is out of the table with an error of the kind given.
func (m *Manager) fail(c *Call, kind error) {
	c.Err = &Error{Op: "exchange", Addr: m.full(c.Dst).String(), Attempts: c.Attempts, Kind: kind, Err: c.state.cause}
	c.Done(c)
}

// expire sends the requests in t again whose attempt is over, or gives them
// up. The timer of t calls it.
func (m *Manager) expire(t *table) {
	defer m.expires.Done()
	m.tx.hold()
	defer m.tx.release()
	for {
		m.tx.wait() // for a batch, which may be a little more than there is room for
		m.tx.leave()
		var given []*Call
		flush := false
		t.mu.Lock()
		if t.closed != nil {
			t.mu.Unlock()
			return
		}
		now := time.Since(m.start)
		n := 0
		for ; n < batchLen && len(t.heap) > 0 && t.heap[0].state.deadline <= now; n++ {
			c := t.heap[0]
			if c.state.left == 0 {
				t.remove(c, endedUnheard)
				given = append(given, c)
				continue
			}
			c.state.left--
			m.count.retries.Add(1)
			flush = m.attempt(t, c, now, false) || flush
		}
		if n < batchLen {
			t.armed = 0
			if len(t.heap) > 0 {
				t.arm(t.heap[0].state.deadline)
			}
		}
		t.mu.Unlock()
		if flush {
			m.tx.flush()
		}
		for _, c := range given {
			m.count.noResponse.Add(1)
			m.fail(c, ErrNoResponse)
		}
		if n < batchLen {
			return
		}
	}
}

// Close closes the socket, ends all calls with an error that wraps
// [net.ErrClosed], and waits for the manager's goroutines. It may be called
// twice.
func (m *Manager) Close() error {
	m.shut(net.ErrClosed)
	err := m.conn.Close()
	m.running.Wait()
	m.expires.Wait()
	if err != nil {
		return &Error{Op: "close", Addr: m.conn.LocalAddr().String(), Kind: ErrNetwork, Err: err}
	}
	return nil
}

// shut ends all calls, and refuses later ones.
func (m *Manager) shut(err error) {
	m.closing.Lock()
	if m.err != nil {
		m.closing.Unlock()
		return
	}
	m.err = err
	close(m.done)
	m.closing.Unlock()
	for i := range m.tables {
		t := &m.tables[i]
		var open []*Call
		t.mu.Lock()
		t.closed = err
		if t.timer.Stop() {
			m.expires.Done()
		}
		t.each(func(c *Call) {
			t.remove(c, endedUnheard)
			c.state.cause = err
			open = append(open, c)
		})
		t.mu.Unlock()
		for _, c := range open {
			m.fail(c, ErrNetwork)
		}
	}
}

func (m *Manager) closedError(op string, dst Addr) error {
	return &Error{Op: op, Addr: dst.String(), Kind: ErrNetwork, Err: m.err}
}

// To returns the manager as seen towards one peer. A zero dst means the
// default destination.
func (m *Manager) To(dst Addr) Peer { return Peer{m, dst} }

// A Peer is a manager with a destination. It is a value that costs nothing to
// keep: one for each of a hundred thousand devices is 48 bytes each. Protocols
// take it as their connection.
type Peer struct {
	m   *Manager
	dst Addr
}

// Addr returns the destination; zero means the manager's default one.
func (p Peer) Addr() Addr { return p.dst }

// Send is [Manager.Send] to the peer.
func (p Peer) Send(ctx context.Context, msg []byte) error { return p.m.Send(ctx, p.dst, msg) }

// Exchange is [Manager.Exchange] with the peer. Timeout and retries stand for
// those of the Config, if not 0.
func (p Peer) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) (rsp []byte, err error) {
	rsp, _, err = p.m.exchange(ctx, p.dst, key, req, buf, timeout, retries)
	return rsp, err
}

// A peerCall is a Call whose end a function is told.
type peerCall struct {
	Call
	done func(rsp []byte, err error)
}

var peerCallPool sync.Pool

func newPeerCall() *peerCall {
	if p, ok := peerCallPool.Get().(*peerCall); ok {
		return p
	}
	p := new(peerCall)
	p.Done = func(*Call) {
		rsp, err, done := p.Rsp, p.Err, p.done
		p.free()
		done(rsp, err)
	}
	return p
}

func (p *peerCall) free() {
	p.Req, p.Buf, p.Rsp, p.Err, p.done = nil, nil, nil, nil, nil
	peerCallPool.Put(p)
}

// Start is [Manager.Start] with the peer: done is called once with the answer
// or an error, unless Start returns an error. What Call says of Req, Buf and
// Done holds for req, buf and done.
func (p Peer) Start(key uint32, req, buf []byte, timeout time.Duration, retries int, done func(rsp []byte, err error)) error {
	c := newPeerCall()
	c.Dst, c.Key, c.Req, c.Buf, c.Timeout, c.Retries, c.done = p.dst, key, req, buf, timeout, retries, done
	if err := p.m.Start(&c.Call); err != nil {
		c.free()
		return err
	}
	return nil
}
