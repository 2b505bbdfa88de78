package role

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

// A gramConn is a Unix datagram socket.
type gramConn struct {
	c     *net.UnixConn
	local Addr
	dst   Addr   // of a connected socket
	file  string // to remove at Close, or ""
}

// listenUnixgram opens a socket at local's path.
func listenUnixgram(_ context.Context, local Addr) (PacketConn, error) {
	removeStale(local)
	c, err := net.ListenUnixgram(netUnixgram, &net.UnixAddr{Net: netUnixgram, Name: local.Name()})
	if err != nil {
		return nil, err
	}
	return &gramConn{c: c, local: local, file: socketFile(local.Name())}, nil
}

// dialUnixgram opens a socket that is connected to dst. Answers need an
// address to go to, which on Linux need not be given.
func dialUnixgram(ctx context.Context, dst, local Addr) (PacketConn, error) {
	switch {
	case local != Addr{}:
	case runtime.GOOS == "linux": // a name in no file system
		local = NamedAddr(netUnixgram, fmt.Sprintf("@role-%016x", rand.Uint64()))
	default:
		return nil, errors.New("answers need a path: set Config.Local")
	}
	laddr := &net.UnixAddr{Net: netUnixgram, Name: local.Name()}
	c, err := net.DialUnix(netUnixgram, laddr, &net.UnixAddr{Net: netUnixgram, Name: dst.Name()})
	if err != nil {
		return nil, err
	}
	return &gramConn{c: c, local: local, dst: dst, file: socketFile(local.Name())}, nil
}

// removeStale removes the socket file of an agent that is gone: one that
// refuses a connection.
func removeStale(local Addr) {
	name := local.Name()
	if fi, err := os.Lstat(name); err != nil || fi.Mode()&os.ModeSocket == 0 {
		return
	}
	c, err := net.Dial(local.Network(), name)
	if err == nil {
		c.Close()
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		os.Remove(name)
	}
}

// socketFile returns the file that a socket of the name given made.
func socketFile(name string) string {
	if name == "" || name[0] == '@' || name[0] == 0 {
		return "" // abstract (Linux)
	}
	return name
}

func (g *gramConn) LocalAddr() Addr                       { return g.local }
func (g *gramConn) SyscallConn() (syscall.RawConn, error) { return g.c.SyscallConn() }
func (g *gramConn) SetReadDeadline(t time.Time) error     { return g.c.SetReadDeadline(t) }

func (g *gramConn) Close() error {
	err := g.c.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if g.file != "" {
		os.Remove(g.file)
	}
	return err
}

func (g *gramConn) ReadBatch(ms []Message) (int, error) {
	m := &ms[0]
	buf := m.Buf[:cap(m.Buf)]
	n, src, err := g.c.ReadFromUnix(buf)
	if err != nil {
		return 0, err
	}
	*m = Message{Addr: g.dst, Local: g.local, Buf: buf[:n]}
	if g.dst == (Addr{}) && src != nil {
		m.Addr = NamedAddr(netUnixgram, src.Name)
	}
	return 1, nil
}

// gramPatience is how long a message waits for room in the peer's queue.
const gramPatience = 10 * time.Millisecond

func (g *gramConn) WriteBatch(ms []Message) (int, error) {
	for i := range ms {
		// The system waits for room in the peer's queue, which holds few
		// messages: a peer that does not read must not stop the others.
		err := g.c.SetWriteDeadline(time.Now().Add(gramPatience))
		if err != nil {
			return i, err
		}
		if g.dst != (Addr{}) {
			_, err = g.c.Write(ms[i].Buf)
		} else {
			_, err = g.c.WriteToUnix(ms[i].Buf, &net.UnixAddr{Net: netUnixgram, Name: ms[i].Addr.Name()})
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = syscall.ENOBUFS
		}
		if err != nil {
			return i, err
		}
	}
	return len(ms), nil
}
