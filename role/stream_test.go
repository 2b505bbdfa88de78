package role_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/role"
)

// Every network carries exchanges both ways, many at a time.
func TestNetworks(t *testing.T) {
	dir := t.TempDir()
	for _, local := range []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tcp::0", "unix:" + filepath.Join(dir, "s"), "unixgram:" + filepath.Join(dir, "d")} {
		t.Run(strings.Split(local, ":")[0], func(t *testing.T) {
			if strings.HasPrefix(local, "unix") && runtime.GOOS == "windows" {
				t.Skip("no such sockets")
			}
			a := listenAgent(t, echo, local)
			addr := a.LocalAddrs()[0]
			if !addr.AddrPort().Addr().IsValid() && addr.Network() == "tcp" {
				addr = role.MustParseAddr(fmt.Sprint("tcp:127.0.0.1:", addr.AddrPort().Port()))
			}
			cfg := patient
			if strings.HasPrefix(local, "unixgram") {
				// The queues of these sockets are short, and a full one
				// costs a message.
				cfg.Timeout, cfg.Retries = 100*time.Millisecond, 1000
				if runtime.GOOS != "linux" {
					cfg.Local = role.NamedAddr("unixgram", filepath.Join(dir, "m"))
				}
			}
			exchange := func(m *role.Manager, dst role.Addr) {
				var wg sync.WaitGroup
				for g := range uint32(8) {
					wg.Go(func() {
						for i := range uint32(50) {
							k := g<<16 | i
							want := fmt.Sprint(k) + strings.Repeat("x", int(i)*100)
							rsp, src, err := m.Exchange(t.Context(), dst, k, message(k, want), nil)
							if err != nil || body(rsp) != want || src != addr {
								t.Errorf("Exchange() = %d octets from %v, %v; want %d from %v", len(rsp), src, err, len(want)+6, addr)
							}
						}
					})
				}
				wg.Wait()
			}
			exchange(dial(t, addr, &cfg), role.Addr{})
			if addr.Network() != "unixgram" {
				cfg.Local = role.MustParseAddr(addr.Network() + "::0")
				if addr.Network() == "unix" {
					cfg.Local = role.NamedAddr("unix", "any")
				}
				exchange(open(t, &cfg), addr)
			}
		})
	}
}

// A connection is kept, and made anew when the agent has ended it.
func TestStreamIsKeptAndRemade(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				close(accepted)
				return
			}
			go io.Copy(c, c)
			accepted <- c
		}
	}()
	m := dial(t, role.TCPAddr(ln.Addr().(*net.TCPAddr).AddrPort()), &patient)
	for k := range uint32(3) {
		for i := range uint32(3) { // over one connection
			k := k<<8 | i
			if rsp, _, err := m.Exchange(t.Context(), role.Addr{}, k, message(k, "hi"), nil); err != nil || body(rsp) != "hi" {
				t.Fatalf("Exchange() = %q, %v", body(rsp), err)
			}
		}
		(<-accepted).Close()
	}
	if n := len(accepted); n != 0 {
		t.Errorf("%d more connections were made", n)
	}
}

// serveRaw accepts connections and gives each to f.
func serveRaw(t *testing.T, f func(net.Conn)) role.Addr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	return role.TCPAddr(ln.Addr().(*net.TCPAddr).AddrPort())
}

// What a hostile agent does to its stream is an error that says what it was.
func TestStreamErrors(t *testing.T) {
	hungUp := func(answer []byte) func(net.Conn) {
		return func(c net.Conn) {
			io.ReadFull(c, make([]byte, 6))
			c.Write(answer)
		}
	}
	huge := func(data []byte) (int, error) { // a protocol with a length of 32 bits
		if len(data) < 4 {
			return 0, nil
		}
		return int(binary.BigEndian.Uint32(data)), nil
	}
	tests := []struct {
		name     string
		agent    func(net.Conn)
		split    role.SplitFunc
		want     error
		wantText string
		attempts int
	}{
		{"hangs up at once", hungUp(nil), split, io.EOF, "EOF", 3},
		{"ends inside a message", hungUp(message(1, "more than this")[:10]), split, io.ErrUnexpectedEOF, "unexpected EOF", 3},
		{"announces 2 GiB", hungUp([]byte{0x7f, 0xff, 0xff, 0xff, 1, 2, 3}), huge, nil, "message of 2147483647 octets, the limit is 65535", 1},
		{"announces less than nothing", hungUp(message(1, "")), func([]byte) (int, error) { return -1, nil }, nil, "message of -1 octets", 1},
		{"is of another protocol", hungUp([]byte("\xffTTP/1.1 400 Bad Request\r\n")), split, nil, "key begins with ff", 1},
		{"never ends", hungUp(make([]byte, 70000)), func([]byte) (int, error) { return 0, nil }, nil, "no end of message", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := dial(t, serveRaw(t, tt.agent), &role.Config{Key: key, Split: tt.split, Timeout: -1, Retries: 2})
			_, _, err := m.Exchange(t.Context(), role.Addr{}, 1, message(1, ""), nil)
			e := wantError(t, "Exchange()", err, role.ErrNetwork)
			if !strings.Contains(err.Error(), tt.wantText) || tt.want != nil && !errors.Is(err, tt.want) || e.Attempts != tt.attempts {
				t.Errorf("error = %q after %d attempts, want %q after %d", err, e.Attempts, tt.wantText, tt.attempts)
			}
			var framing *role.FramingError
			if tt.want == nil && !errors.As(err, &framing) {
				t.Errorf("error = %#v, want a *FramingError in it", err)
			}
		})
	}

	t.Run("refuses", func(t *testing.T) {
		ln, _ := net.Listen("tcp", "127.0.0.1:0")
		addr := role.TCPAddr(ln.Addr().(*net.TCPAddr).AddrPort())
		ln.Close()
		_, _, err := dial(t, addr, &patient).Exchange(t.Context(), role.Addr{}, 1, message(1, ""), nil)
		wantError(t, "Exchange()", err, syscall.ECONNREFUSED)
	})
}

// What hostile managers do to their streams costs an agent a count, and other
// managers nothing.
func TestHostileStreams(t *testing.T) {
	a := listenAgent(t, echo, "tcp:127.0.0.1:0")
	addr := a.LocalAddrs()[0]
	m := dial(t, addr, &patient)
	hostile := []struct {
		send    string
		framing uint64
	}{
		{string(message(1, "cut")[:7]), 1},
		{"\xff is no message", 1},
		{"", 0},
		{string(message(1, "good")), 0},
		{strings.Repeat(string(message(1, "")), 20000), 0}, // reads no answers
	}
	want := uint64(0)
	for i, h := range hostile {
		c, err := net.Dial("tcp", addr.AddrPort().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(h.send))
		c.Close()
		want += h.framing
		for range 3 {
			if rsp, _, err := m.Exchange(t.Context(), role.Addr{}, uint32(i), message(uint32(i), "mine"), nil); err != nil || body(rsp) != "mine" {
				t.Fatalf("Exchange() = %q, %v", body(rsp), err)
			}
		}
	}
	for a.Stats().Framing < want {
		runtime.Gosched()
	}
}

// More connections than the agent keeps cost the one that is idle for longest.
func TestManyStreams(t *testing.T) {
	a := listenAgent(t, echo, "tcp:127.0.0.1:0")
	addr := a.LocalAddrs()[0].AddrPort().String()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for i := range 1030 {
		c, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.EMFILE) {
			t.Skip("too few open files are allowed")
		}
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		msg := message(uint32(i), "x")
		c.Write(msg)
		if _, err := io.ReadFull(c, msg); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	open := 0
	for i, c := range conns {
		msg := message(uint32(i), "x")
		c.Write(msg)
		if _, err := io.ReadFull(c, msg); err == nil {
			open++
		} else if i >= 10 {
			t.Errorf("connection %d was closed: %v", i, err)
		}
	}
	if open != 1024 {
		t.Errorf("%d connections are open, want 1024", open)
	}
}

// A socket file that an agent left behind does not keep the next from
// starting; one that is in use does.
func TestStaleSocketFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such sockets")
	}
	for _, network := range []string{"unix", "unixgram"} {
		path := filepath.Join(t.TempDir(), "agent")
		var left io.Closer
		if network == "unix" {
			ln, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			ln.(*net.UnixListener).SetUnlinkOnClose(false)
			left = ln
		} else {
			c, err := net.ListenPacket("unixgram", path)
			if err != nil {
				t.Fatal(err)
			}
			left = c
		}
		_, err := role.Listen(context.Background(), role.NamedAddr(network, path), &patient)
		wantError(t, network+": Listen() on a socket in use", err, syscall.EADDRINUSE)
		left.Close()
		c, err := role.Listen(context.Background(), role.NamedAddr(network, path), &patient)
		if err != nil {
			t.Fatalf("%s: Listen() on a stale socket error = %v", network, err)
		}
		c.Close()
	}
}
