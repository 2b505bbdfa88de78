package role

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A stream is a PacketConn over TCP (RFC 3430) or Unix stream sockets. Each
// peer has a connection of its own. A manager's is made when there is
// something to send, kept, and made anew when it has ended; an agent's is
// accepted.
type stream struct {
	ln      net.Listener // nil for a manager
	network string
	local   Addr
	split   SplitFunc

	rx       chan Message // from all connections
	done     chan struct{}
	deadline deadline
	ctx      context.Context // ends with the stream; for dialling
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[Addr]*streamConn
	nextID int // numbers the peers that have no address
	closed bool
}

const (
	streamQueue    = 256              // messages that wait for a connection
	streamConnsMax = 1024             // accepted connections; one more ends the one idle for longest
	dialTimeout    = 30 * time.Second // to make a connection
)

// A streamConn is the connection with one peer.
type streamConn struct {
	s    *stream
	addr Addr
	out  chan []byte
	gone chan struct{} // closed when the connection is not to be used any more

	mu   sync.Mutex
	c    net.Conn // nil until made
	used time.Time
	end  sync.Once
}

func listenStream(ctx context.Context, local Addr, split SplitFunc) (PacketConn, error) {
	if local.Network() == netUnix {
		removeStale(local)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, local.goNetwork(), local.hostPort())
	if err != nil {
		return nil, err
	}
	return newStream(ln, local, local.Network(), split), nil
}

// newStream returns a stream that accepts from ln, or dials if that is nil.
func newStream(ln net.Listener, local Addr, network string, split SplitFunc) *stream {
	if local == (Addr{}) {
		local = NamedAddr(network, "")
		if network == netTCP {
			local = Addr{id: tcpName}
		}
	}
	s := &stream{
		ln:      ln,
		network: network,
		local:   local,
		split:   split,
		rx:      make(chan Message, batchLen),
		done:    make(chan struct{}),
		conns:   make(map[Addr]*streamConn),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if ln != nil {
		if a, ok := ln.Addr().(*net.TCPAddr); ok {
			s.local.ap = TCPAddr(a.AddrPort()).ap
		}
		s.wg.Go(s.accept)
	}
	return s
}

func (s *stream) LocalAddr() Addr { return s.local }

func (s *stream) SetReadDeadline(t time.Time) error {
	s.deadline.set(t)
	return nil
}

func (s *stream) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	close(s.done)
	s.cancel()
	var err error
	if s.ln != nil {
		err = s.ln.Close()
	}
	for _, c := range conns {
		c.close()
	}
	s.wg.Wait()
	return err
}

func (s *stream) ReadBatch(ms []Message) (int, error) {
	select {
	case <-s.done:
		return 0, net.ErrClosed
	case <-s.deadline.passed():
		return 0, os.ErrDeadlineExceeded
	case in := <-s.rx:
		n := 0
		for {
			ms[n].take(&in)
			if n++; n == len(ms) {
				return n, nil
			}
			select {
			case in = <-s.rx:
			default:
				return n, nil
			}
		}
	}
}

// take copies in to m, whose buffer stays its own.
func (m *Message) take(in *Message) {
	buf := m.Buf[:min(len(in.Buf), cap(m.Buf))]
	copy(buf, in.Buf)
	*m = *in
	m.Buf = buf
}

func (s *stream) WriteBatch(ms []Message) (int, error) {
	for i := range ms {
		c, err := s.conn(ms[i].Addr)
		if err != nil {
			return i, err
		}
		select {
		case c.out <- append([]byte(nil), ms[i].Buf...):
		default:
			return i, fmt.Errorf("%d messages wait for the peer to read: %w", streamQueue, syscall.ENOBUFS)
		}
	}
	return len(ms), nil
}

// conn returns the connection with the peer at addr.
func (s *stream) conn(addr Addr) (*streamConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	if c := s.conns[addr]; c != nil {
		return c, nil
	}
	if s.ln != nil {
		return nil, fmt.Errorf("the peer has hung up: %w", syscall.EPIPE)
	}
	c := s.add(addr, nil)
	s.wg.Go(c.dial)
	return c, nil
}

// add makes the streamConn of addr, with s locked.
func (s *stream) add(addr Addr, nc net.Conn) *streamConn {
	c := &streamConn{s: s, addr: addr, c: nc, used: time.Now(), out: make(chan []byte, streamQueue), gone: make(chan struct{})}
	s.conns[addr] = c
	return c
}

// accept is the goroutine that takes connections in.
func (s *stream) accept() {
	for {
		nc, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, for one
			select {
			case <-s.done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			nc.Close()
			return
		}
		var idle *streamConn
		if len(s.conns) >= streamConnsMax {
			idle = s.idlest()
			delete(s.conns, idle.addr)
		}
		s.nextID++
		addr := NamedAddr(netUnix, "#"+strconv.Itoa(s.nextID))
		if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
			addr = TCPAddr(a.AddrPort())
		}
		c := s.add(addr, nc)
		s.wg.Go(c.read)
		s.wg.Go(c.write)
		s.mu.Unlock()
		if idle != nil {
			idle.close()
		}
	}
}

// idlest returns the connection that has been idle for longest, with s locked.
func (s *stream) idlest() *streamConn {
	var found *streamConn
	var since time.Time
	for _, c := range s.conns {
		c.mu.Lock()
		used := c.used
		c.mu.Unlock()
		if found == nil || used.Before(since) {
			found, since = c, used
		}
	}
	return found
}

// deliver hands a message to ReadBatch, unless the stream is closed first.
func (s *stream) deliver(m Message) bool {
	select {
	case s.rx <- m:
		return true
	case <-s.done:
		return false
	}
}

// dial makes a manager's connection.
func (c *streamConn) dial() {
	ctx, cancel := context.WithTimeout(c.s.ctx, dialTimeout)
	defer cancel()
	d := net.Dialer{}
	if ap := c.s.local.ap; ap.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(ap)
	}
	nc, err := d.DialContext(ctx, c.addr.goNetwork(), c.addr.hostPort())
	if err != nil {
		c.leave()
		for { // each message that waited comes back
			select {
			case msg := <-c.out:
				c.s.deliver(Message{Addr: c.addr, Local: c.s.local, Buf: msg, Err: err})
			default:
				return
			}
		}
	}
	c.mu.Lock()
	c.c = nc
	c.mu.Unlock()
	select {
	case <-c.gone: // closed while it was made
		nc.Close()
		return
	default:
	}
	c.s.wg.Go(c.read)
	c.write()
}

// leave takes c out of the table, so that the next message makes a new
// connection.
func (c *streamConn) leave() {
	c.s.mu.Lock()
	if c.s.conns[c.addr] == c {
		delete(c.s.conns, c.addr)
	}
	c.s.mu.Unlock()
	c.close()
}

// close ends the goroutines of c.
func (c *streamConn) close() {
	c.end.Do(func() { close(c.gone) })
	c.mu.Lock()
	nc := c.c
	c.mu.Unlock()
	if nc != nil {
		nc.Close()
	}
}

// write is the goroutine that writes.
func (c *streamConn) write() {
	for {
		select {
		case msg := <-c.out:
			if _, err := c.c.Write(msg); err != nil {
				c.close() // read reports it
				return
			}
		case <-c.gone:
			return
		}
	}
}

// read is the goroutine that reads, until the connection ends.
func (c *streamConn) read() {
	err := c.readMessages()
	c.leave()
	c.s.deliver(Message{Addr: c.addr, Local: c.s.local, Err: err})
}

// readMessages delivers messages until there is an error, which it returns.
// The buffer grows with what has come, never with what is announced.
func (c *streamConn) readMessages() error {
	local := c.s.local
	if a, ok := c.c.LocalAddr().(*net.TCPAddr); ok {
		local = TCPAddr(a.AddrPort())
	}
	buf := make([]byte, 0, 4096)
	for {
		n, err := c.c.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		c.mu.Lock()
		c.used = time.Now()
		c.mu.Unlock()
		rest := buf
		for len(rest) > 0 {
			msgLen, splitErr := c.s.split(rest)
			if splitErr != nil {
				return &FramingError{splitErr}
			}
			if msgLen < 0 || msgLen > maxMessageLen {
				return &FramingError{fmt.Errorf("peer announces a message of %d octets, the limit is %d", msgLen, maxMessageLen)}
			}
			if msgLen == 0 || msgLen > len(rest) {
				break
			}
			if !c.s.deliver(Message{Addr: c.addr, Local: local, Buf: append([]byte(nil), rest[:msgLen]...)}) {
				return net.ErrClosed
			}
			rest = rest[msgLen:]
		}
		buf = buf[:copy(buf, rest)]
		switch {
		case err == io.EOF && len(buf) > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case len(buf) > maxMessageLen:
			return &FramingError{errors.New("no end of message in the greatest length")}
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// A FramingError says that a peer on a stream sent what cannot be taken apart
// into messages. The connection has been closed.
type FramingError struct{ Err error }

func (e *FramingError) Error() string { return "connection closed: " + e.Err.Error() }
func (e *FramingError) Unwrap() error { return e.Err }

// A deadline is a point in time that can be moved, as a channel.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	moves int           // calls of set
	ch    chan struct{} // closed when passed
}

func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ch == nil {
		d.ch = make(chan struct{})
	}
	return d.ch
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.moves++
	if d.ch == nil || isClosed(d.ch) {
		d.ch = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		close(d.ch)
		return
	}
	move := d.moves
	d.timer = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.moves == move {
			close(d.ch)
		}
	})
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
