// Package roletest has a network in memory for tests of what uses package
// role. It loses, delays, repeats, reorders, damages and forges datagrams on
// request, and lives in virtual time inside a testing/synctest bubble, where
// an hour of retries takes microseconds and durations are exact.
//
//	synctest.Test(t, func(t *testing.T) {
//		n := roletest.New(1, roletest.Faults{Loss: 0.2})
//		conn, err := n.Listen(role.MustParseAddr("192.0.2.1:161"))
//		a := role.NewAgent(nil, conn)
//		…
//	})
//
// Faults are drawn from a seeded source, in the order in which messages are
// sent.
package roletest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pollux-snmp/pollux/role"
)

// queueLen is the number of messages that wait for a reader; more are dropped,
// as a kernel does.
const queueLen = 1 << 14

// Faults are what a network does to messages. The zero value is a network
// without faults and without delay. Probabilities are from 0 to 1, each for
// one message.
type Faults struct {
	Loss      float64 // that it is lost
	Duplicate float64 // that it arrives twice
	Reorder   float64 // that others overtake it
	Corrupt   float64 // that one bit of it changes
	Forge     float64 // that a stranger sends a copy with its last octet changed, too

	Delay  time.Duration // from sending to arrival
	Jitter time.Duration // a random further delay, up to this

	// Refuse sends a message to an address where nobody listens back to its
	// sender, as refused.
	Refuse bool
}

// Counts says what has happened to the messages of a network.
type Counts struct {
	Sent, Delivered, Lost, Duplicated, Reordered, Corrupted, Forged, Refused, Unheard int
}

// A Network carries datagrams between the addresses that listen on it. All its
// methods are safe for concurrent use.
type Network struct {
	mu     sync.Mutex
	rng    *rand.Rand
	faults Faults
	conns  map[role.Addr]*conn
	counts Counts
	port   uint16 // the last one chosen
}

// New returns a network with the faults given, drawn from seed.
func New(seed uint64, f Faults) *Network {
	return &Network{rng: rand.New(rand.NewPCG(seed, 0)), faults: f, conns: make(map[role.Addr]*conn), port: 49151}
}

// SetFaults changes the faults for messages sent from now on.
func (n *Network) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Counts returns the counts so far.
func (n *Network) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts
}

// Listen returns a transport at addr, for role.NewManager or role.NewAgent. A
// UDP address with port 0 gets a free port.
func (n *Network) Listen(addr role.Addr) (role.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ap := addr.AddrPort(); addr.Network() == "udp" && ap.Port() == 0 {
		n.port++
		addr = role.UDPAddr(netip.AddrPortFrom(ap.Addr(), n.port))
	}
	if n.conns[addr] != nil {
		return nil, fmt.Errorf("listen %v: %w", addr, syscall.EADDRINUSE)
	}
	c := &conn{n: n, addr: addr}
	c.ready.L = &c.mu
	n.conns[addr] = c
	return c, nil
}

// Forge delivers msg to dst as if it came from src, at once and without
// faults.
func (n *Network) Forge(src, dst role.Addr, msg []byte) {
	n.mu.Lock()
	c := n.conns[dst]
	n.counts.Forged++
	n.mu.Unlock()
	if c != nil {
		c.put(role.Message{Addr: src, Local: dst, Buf: slices.Clone(msg)})
	}
}

// stranger is who sends forged copies.
var stranger = role.MustParseAddr("udp:198.51.100.66:161")

// send carries m from src.
func (n *Network) send(src *conn, m *role.Message) error {
	if ip := m.Addr.AddrPort().Addr(); m.Addr.Network() == "udp" && !ip.IsValid() {
		return syscall.EDESTADDRREQ
	}
	from := src.addr
	if local := m.Local; local != (role.Addr{}) && local.AddrPort().Addr().IsValid() {
		from = local
	}
	msg := role.Message{Addr: from, Local: m.Addr, Buf: slices.Clone(m.Buf)}

	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.Sent++
	f := &n.faults
	if n.chance(f.Forge) {
		n.counts.Forged++
		forged := msg
		forged.Addr = stranger
		forged.Buf = slices.Clone(m.Buf)
		forged.Buf[len(forged.Buf)-1] ^= 0xff
		n.later(src, forged)
	}
	if n.chance(f.Loss) {
		n.counts.Lost++
		return nil
	}
	if n.chance(f.Duplicate) {
		n.counts.Duplicated++
		again := msg
		again.Buf = slices.Clone(m.Buf)
		n.later(src, again)
	}
	if n.chance(f.Corrupt) {
		n.counts.Corrupted++
		bit := n.rng.IntN(8 * len(msg.Buf))
		msg.Buf[bit/8] ^= 1 << (bit % 8)
	}
	n.later(src, msg)
	return nil
}

func (n *Network) chance(p float64) bool { return p > 0 && n.rng.Float64() < p }

// later lets m arrive after the network's delay. N is locked.
func (n *Network) later(src *conn, m role.Message) {
	d := n.faults.Delay
	if n.faults.Jitter > 0 {
		d += time.Duration(n.rng.Int64N(int64(n.faults.Jitter) + 1))
	}
	if n.chance(n.faults.Reorder) {
		n.counts.Reordered++
		d += n.faults.Delay + n.faults.Jitter + time.Millisecond
	}
	if d == 0 {
		n.arrive(src, m)
		return
	}
	time.AfterFunc(d, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.arrive(src, m)
	})
}

// arrive hands m to who listens at its destination. N is locked.
func (n *Network) arrive(src *conn, m role.Message) {
	if c := n.conns[m.Local]; c != nil {
		n.counts.Delivered++
		c.put(m)
		return
	}
	n.counts.Unheard++
	if n.faults.Refuse && m.Addr != stranger {
		n.counts.Refused++
		src.put(role.Message{Addr: m.Local, Local: m.Addr, Buf: m.Buf, Err: os.NewSyscallError("recvmsg", syscall.ECONNREFUSED)})
	}
}

// A conn is one address of the network.
type conn struct {
	n    *Network
	addr role.Addr

	mu       sync.Mutex
	ready    sync.Cond // something has changed
	queue    []role.Message
	deadline time.Time
	timer    *time.Timer
	closed   bool
}

func (c *conn) put(m role.Message) {
	c.mu.Lock()
	if len(c.queue) < queueLen && !c.closed {
		c.queue = append(c.queue, m)
	}
	c.mu.Unlock()
	c.ready.Signal()
}

// ReadBatch implements role.PacketConn.
func (c *conn) ReadBatch(ms []role.Message) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(c.queue) == 0:
			c.ready.Wait()
			continue
		}
		n := min(len(ms), len(c.queue))
		for i, m := range c.queue[:n] {
			buf := append(ms[i].Buf[:0], m.Buf[:min(len(m.Buf), cap(ms[i].Buf))]...)
			ms[i] = m
			ms[i].Buf = buf
		}
		c.queue = slices.Delete(c.queue, 0, n)
		return n, nil
	}
}

// WriteBatch implements role.PacketConn.
func (c *conn) WriteBatch(ms []role.Message) (int, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	for i := range ms {
		if len(ms[i].Buf) == 0 {
			return i, errors.New("empty message")
		}
		if err := c.n.send(c, &ms[i]); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}

// LocalAddr implements role.PacketConn.
func (c *conn) LocalAddr() role.Addr { return c.addr }

// SetReadDeadline implements role.PacketConn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		c.timer = time.AfterFunc(wait, c.ready.Broadcast)
	}
	c.mu.Unlock()
	c.ready.Broadcast()
	return nil
}

// Close implements role.PacketConn.
func (c *conn) Close() error {
	c.n.mu.Lock()
	if c.n.conns[c.addr] == c {
		delete(c.n.conns, c.addr)
	}
	c.n.mu.Unlock()
	c.mu.Lock()
	c.closed = true
	c.queue = nil
	c.mu.Unlock()
	c.ready.Broadcast()
	return nil
}
