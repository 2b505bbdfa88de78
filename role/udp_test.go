package role_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/role"
)

// These tests use real sockets on the loopback interface. None waits for a
// timeout to pass.

// patient is a Config whose exchanges never end by themselves.
var patient = role.Config{Key: key, Split: split, Timeout: -1}

func listenAgent(t *testing.T, h role.Handler, locals ...string) *role.Agent {
	t.Helper()
	var addrs []role.Addr
	for _, l := range locals {
		addrs = append(addrs, role.MustParseAddr(l))
	}
	a, err := role.ListenAgent(t.Context(), &patient, addrs...)
	if err != nil {
		t.Fatalf("ListenAgent(%v) error = %v", locals, err)
	}
	t.Cleanup(func() { a.Close() })
	if h != nil {
		go a.Serve(context.Background(), h)
	}
	return a
}

func dial(t *testing.T, dst role.Addr, cfg *role.Config) *role.Manager {
	t.Helper()
	m, err := role.Dial(t.Context(), dst, cfg)
	if err != nil {
		t.Fatalf("Dial(%v) error = %v", dst, err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func open(t *testing.T, cfg *role.Config) *role.Manager {
	t.Helper()
	m, err := role.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open() error = %v", err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func hasIPv6(t *testing.T) {
	t.Helper()
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	c.Close()
}

func TestDialUDP(t *testing.T) {
	for _, local := range []string{"udp:127.0.0.1:0", "udp:[::1]:0"} {
		t.Run(local, func(t *testing.T) {
			if strings.Contains(local, "::") {
				hasIPv6(t)
			}
			addr := listenAgent(t, echo, local).LocalAddrs()[0]
			m := dial(t, addr, &patient)
			rsp, src, err := m.Exchange(t.Context(), role.Addr{}, 1, message(1, "hi"), nil)
			if err != nil || body(rsp) != "hi" || src != addr {
				t.Errorf("Exchange() = %q from %v, %v; want hi from %v", body(rsp), src, err, addr)
			}
			// R7: the default destination is the only one.
			for _, dst := range []role.Addr{addr, role.MustParseAddr("udp:127.0.0.1:9")} {
				_, _, err := m.Exchange(t.Context(), dst, 2, message(2, ""), nil)
				wantError(t, "Exchange() with a second destination", err, role.ErrBadArgument)
				wantError(t, "Send() with a second destination", m.Send(t.Context(), dst, message(2, "")), role.ErrBadArgument)
			}
			// The largest message there is, and one octet more.
			limit := 65507
			if addr.AddrPort().Addr().Is6() {
				limit = 65527
			}
			long := message(3, strings.Repeat("x", limit-6))
			if rsp, _, err := m.Exchange(t.Context(), role.Addr{}, 3, long, nil); err != nil || !bytes.Equal(rsp, long) {
				t.Errorf("Exchange() of %d octets = %d octets, %v", limit, len(rsp), err)
			}
			_, _, err = m.Exchange(t.Context(), role.Addr{}, 3, append(long, 'x'), nil)
			if wantError(t, "Exchange()", err, role.ErrBadArgument); !strings.Contains(err.Error(), fmt.Sprint("limit of ", limit)) {
				t.Errorf("error = %q, want it to name the limit of %d", err, limit)
			}
		})
	}
}

// One socket without default destination reaches both families.
func TestOpenReachesAll(t *testing.T) {
	hasIPv6(t)
	a := listenAgent(t, echo, "udp:127.0.0.1:0", "udp:[::1]:0")
	m := open(t, &patient)
	for i, addr := range a.LocalAddrs() {
		rsp, src, err := m.Exchange(t.Context(), addr, uint32(i), message(uint32(i), addr.String()), nil)
		if err != nil || body(rsp) != addr.String() || src != addr {
			t.Errorf("Exchange(%v) = %q from %v, %v", addr, body(rsp), src, err)
		}
	}
	_, _, err := m.Exchange(t.Context(), role.Addr{}, 9, message(9, ""), nil)
	wantError(t, "Exchange() without destination", err, role.ErrBadArgument)
}

// Config.Local binds the local end.
func TestLocal(t *testing.T) {
	a := listenAgent(t, func(_ context.Context, dst []byte, req *role.Message) []byte {
		return append(dst, message(1, req.Addr.String())...)
	}, "udp:127.0.0.1:0")
	cfg := patient
	cfg.Local = role.MustParseAddr("udp:127.0.0.2:0")
	addr := a.LocalAddrs()[0]
	for _, tt := range []struct {
		m   *role.Manager
		dst role.Addr
	}{{dial(t, addr, &cfg), role.Addr{}}, {open(t, &cfg), addr}} {
		rsp, _, err := tt.m.Exchange(t.Context(), tt.dst, 1, message(1, ""), nil)
		if want := tt.m.LocalAddr().String(); err != nil || body(rsp) != want || !strings.HasPrefix(want, "udp:127.0.0.2:") {
			t.Errorf("the agent saw %q, %v; want %q, on 127.0.0.2", body(rsp), err, want)
		}
	}
}

// An answer leaves from the address that its request came to, and the handler
// sees that address, also on sockets that hear every address.
func TestWildcardAgent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs more than one loopback address")
	}
	handler := func(_ context.Context, dst []byte, req *role.Message) []byte {
		k, _ := key(req.Buf)
		return append(dst, message(k, req.Local.String())...)
	}
	for _, local := range []string{"udp:0.0.0.0:0", "udp::0"} {
		a := listenAgent(t, handler, local)
		port := a.LocalAddrs()[0].AddrPort().Port()
		for i, ip := range []string{"127.0.0.1", "127.0.0.2", "127.9.9.9"} {
			if i > 0 && local == "udp::0" && !hasErrorQueue {
				continue // see ListenAgent
			}
			addr := role.UDPAddr(netip.AddrPortFrom(netip.MustParseAddr(ip), port))
			m := open(t, &patient) // checks the source
			rsp, src, err := m.Exchange(t.Context(), addr, uint32(i), message(uint32(i), ""), nil)
			if err != nil || src != addr || body(rsp) != addr.String() {
				t.Errorf("%s: Exchange(%v) = %q from %v, %v", local, addr, body(rsp), src, err)
			}
		}
	}
	hasIPv6(t)
	for _, local := range []string{"udp:[::]:0", "udp::0"} {
		a := listenAgent(t, handler, local)
		addr := role.UDPAddr(netip.AddrPortFrom(netip.IPv6Loopback(), a.LocalAddrs()[0].AddrPort().Port()))
		m := open(t, &patient)
		rsp, src, err := m.Exchange(t.Context(), addr, 1, message(1, ""), nil)
		if err != nil || src != addr || body(rsp) != addr.String() {
			t.Errorf("%s: Exchange(%v) = %q from %v, %v", local, addr, body(rsp), src, err)
		}
	}
}

// deadAddr returns an address where nobody listens.
func deadAddr(t *testing.T) role.Addr {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return role.UDPAddr(c.LocalAddr().(*net.UDPAddr).AddrPort())
}

func TestRefusedAtOnce(t *testing.T) {
	cfg := patient // would wait for ever
	m := dial(t, deadAddr(t), &cfg)
	_, _, err := m.Exchange(t.Context(), role.Addr{}, 1, message(1, ""), nil)
	e := wantError(t, "Exchange()", err, syscall.ECONNREFUSED)
	if e.Kind != role.ErrNetwork || e.Attempts != 1 {
		t.Errorf("error = %+v, want ErrNetwork after 1 attempt", e)
	}
	// The socket still works.
	_, _, err = m.Exchange(t.Context(), role.Addr{}, 2, message(2, ""), nil)
	wantError(t, "a second Exchange()", err, syscall.ECONNREFUSED)
}

// On one unconnected socket, only the exchanges with refused ports fail, each
// at once, among thousands that are answered or wait.
func TestRefusedAmongThousands(t *testing.T) {
	if !hasErrorQueue {
		t.Skip("needs the error queue of Linux")
	}
	for _, withKey := range []bool{true, false} {
		t.Run(fmt.Sprintf("key %v", withKey), func(t *testing.T) {
			var slow []role.Message
			release := make(chan struct{})
			agent := listenAgent(t, nil, "udp:127.0.0.1:0")
			go func() {
				for range 1000 {
					m, err := agent.Receive(context.Background(), nil)
					if err != nil {
						return
					}
					slow = append(slow, m)
				}
				<-release
				for _, m := range slow {
					agent.Send(context.Background(), m)
				}
			}()
			cfg := patient
			if !withKey { // as if the network gave back no octets
				cfg.Key = func(b []byte) (uint32, bool) {
					if len(b) > 6 && b[6] == 'r' {
						return 0, false
					}
					return key(b)
				}
			}
			m := open(t, &cfg)
			done := make(chan *role.Call, 1003)
			start := func(k uint32, dst role.Addr, text string) {
				c := &role.Call{Dst: dst, Key: k, Req: message(k, text), Done: func(c *role.Call) { done <- c }}
				if err := m.Start(c); err != nil {
					t.Fatalf("Start() error = %v", err)
				}
			}
			dead := make(map[role.Addr]bool)
			for k := range uint32(1000) {
				if k%400 == 7 {
					addr := deadAddr(t)
					dead[addr] = true
					start(k, addr, "refuse me")
				}
				start(k, agent.LocalAddrs()[0], "answer me")
			}
			for range 3 {
				c := <-done
				if !errors.Is(c.Err, syscall.ECONNREFUSED) || !dead[c.Dst] {
					t.Errorf("exchange with %v ended with %v, want those with %v refused", c.Dst, c.Err, dead)
				}
				delete(dead, c.Dst)
			}
			close(release)
			for range 1000 {
				if c := <-done; c.Err != nil || body(c.Rsp) != "answer me" {
					t.Fatalf("exchange %d = %q, %v", c.Key, body(c.Rsp), c.Err)
				}
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	a := listenAgent(t, nil, "udp:127.0.0.1:0")
	taken := a.LocalAddrs()[0]
	_, err := role.ListenAgent(t.Context(), nil, role.MustParseAddr("udp:127.0.0.1:0"), taken)
	if wantError(t, "ListenAgent()", err, syscall.EADDRINUSE); !errors.Is(err, role.ErrNetwork) || !strings.Contains(err.Error(), "in use, try port 1") {
		t.Errorf("error = %q, want an ErrNetwork that names a free port", err)
	}
	ln := listenAgent(t, nil, "tcp:127.0.0.1:0")
	_, err = role.ListenAgent(t.Context(), &patient, ln.LocalAddrs()...)
	if wantError(t, "ListenAgent()", err, syscall.EADDRINUSE); !strings.Contains(err.Error(), "in use, try port 1") {
		t.Errorf("error = %q, want one that names a free port", err)
	}
	_, err = role.Dial(t.Context(), taken, &role.Config{Local: taken})
	wantError(t, "Dial() from a port in use", err, syscall.EADDRINUSE)
	_, err = role.Listen(t.Context(), role.MustParseAddr("udp:192.0.2.1:0"), nil)
	wantError(t, "Listen() on an address that is not ours", err, syscall.EADDRNOTAVAIL)

	for _, tt := range []struct{ dst, local string }{
		{"", ""}, {"udp:127.0.0.1:0", ""}, {"udp::161", ""}, {"udp:127.0.0.1:161", "tcp:127.0.0.1:0"},
		{"tcp:127.0.0.1:161", ""}, // no Split
	} {
		cfg := &role.Config{}
		var dst role.Addr
		if tt.dst != "" {
			dst = role.MustParseAddr(tt.dst)
		}
		if tt.local != "" {
			cfg.Local = role.MustParseAddr(tt.local)
		}
		_, err := role.Dial(t.Context(), dst, cfg)
		wantError(t, fmt.Sprintf("Dial(%q) from %q", tt.dst, tt.local), err, role.ErrBadArgument)
	}
	for _, addr := range []role.Addr{{}, role.NamedAddr("pigeon", "home"), role.MustParseAddr("tcp:127.0.0.1:0")} {
		_, err := role.Listen(t.Context(), addr, nil)
		wantError(t, fmt.Sprintf("Listen(%v)", addr), err, role.ErrBadArgument)
	}
}

// R9, R10: the default address is 127.0.0.1:161, which needs privileges.
func TestPrivilegedPort(t *testing.T) {
	if os.Getenv("ROLE_TEST_UNPRIVILEGED") == "" {
		if runtime.GOOS != "linux" {
			t.Skip("needs Linux")
		}
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		// A copy that an ordinary user may run.
		data, err := os.ReadFile(exe)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.CreateTemp("", "role-test-*")
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(f.Name())
		f.Write(data)
		f.Chmod(0o755)
		f.Close()
		cmd := exec.Command(f.Name(), "-test.run=^TestPrivilegedPort$", "-test.v")
		cmd.Env = append(os.Environ(), "ROLE_TEST_UNPRIVILEGED=1")
		cmd.Dir = os.TempDir()
		if os.Getuid() == 0 {
			cmd.SysProcAttr = credential(65534)
		}
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "--- SKIP") {
			t.Skipf("%s", out)
		}
		if err != nil {
			t.Fatalf("as an ordinary user: %v\n%s", err, out)
		}
		return
	}
	a, err := role.ListenAgent(t.Context(), nil)
	if err == nil {
		a.Close()
		t.Skip("ports below 1024 need no privileges here")
	}
	e := wantError(t, "ListenAgent()", err, syscall.EACCES)
	if !errors.Is(err, os.ErrPermission) || !errors.Is(err, role.ErrNetwork) || e.Addr != "udp:127.0.0.1:161" {
		t.Errorf("error = %+v, want an ErrNetwork and os.ErrPermission for udp:127.0.0.1:161", e)
	}
	if !strings.Contains(err.Error(), "ports below 1024 need privileges, try port 16161") {
		t.Errorf("error = %q, want it to suggest port 16161", err)
	}
}

// R9: the default address. Skipped where it cannot be had.
func TestDefaultListenAddress(t *testing.T) {
	a, err := role.ListenAgent(t.Context(), nil)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EADDRINUSE) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if got := fmt.Sprint(a.LocalAddrs()); got != "[udp:127.0.0.1:161]" {
		t.Errorf("LocalAddrs() = %v, want udp:127.0.0.1:161", got)
	}
}

// Datagrams that are no messages cost nothing but a count, on both sides.
func TestEmptyDatagram(t *testing.T) {
	a := listenAgent(t, echo, "udp:127.0.0.1:0")
	addr := a.LocalAddrs()[0]
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(addr.AddrPort()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 10 {
		c.Write(nil)
	}
	m := dial(t, addr, &patient)
	for k := range uint32(10) {
		if rsp, _, err := m.Exchange(t.Context(), role.Addr{}, k, message(k, "still here"), nil); err != nil || body(rsp) != "still here" {
			t.Fatalf("Exchange() = %q, %v", body(rsp), err)
		}
	}
	if got := a.Stats(); got.Empty != 10 || got.Received != 20 {
		t.Errorf("Stats() = %+v, want 20 received, 10 empty", got)
	}
}

// What the kernel drops because nobody reads is in the Stats.
func TestKernelDrops(t *testing.T) {
	if !hasErrorQueue {
		t.Skip("needs Linux")
	}
	a := listenAgent(t, nil, "udp:127.0.0.1:0") // does not read
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(a.LocalAddrs()[0].AddrPort()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	msg := make([]byte, 60000)
	for range 1000 {
		c.Write(msg)
	}
	if got := a.Stats().Kernel; got == 0 || got >= 1000 {
		t.Errorf("Kernel = %d, want some of 1000 and not all", got)
	}
}

func TestSyscallConn(t *testing.T) {
	m := open(t, nil)
	raw, err := m.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	called := false
	if err := raw.Control(func(uintptr) { called = true }); err != nil || !called {
		t.Errorf("Control() error = %v, called = %v", err, called)
	}
}

// Close wakes who waits on a socket.
func TestCloseUDP(t *testing.T) {
	m := open(t, &patient)
	dst := listenAgent(t, nil, "udp:127.0.0.1:0").LocalAddrs()[0]
	errs := make(chan error)
	go func() { _, _, err := m.Exchange(context.Background(), dst, 1, message(1, ""), nil); errs <- err }()
	for m.Stats().Sent == 0 {
		runtime.Gosched()
	}
	if err := m.Close(); err != nil {
		t.Errorf("Close() error = %v", err)
	}
	wantError(t, "Exchange()", <-errs, net.ErrClosed)
	if err := m.Close(); err != nil {
		t.Errorf("a second Close() error = %v", err)
	}

	a := listenAgent(t, nil, "udp:127.0.0.1:0", "udp:127.0.0.1:0")
	go func() { errs <- a.Serve(context.Background(), echo) }()
	go func() { errs <- a.Serve(context.Background(), echo) }()
	a.Close()
	wantError(t, "Serve()", <-errs, net.ErrClosed)
	wantError(t, "Serve()", <-errs, net.ErrClosed)
}

// A context that is cancelled ends a wait that nothing else would end.
func TestCancelUDP(t *testing.T) {
	m := open(t, &patient)
	dst := listenAgent(t, nil, "udp:127.0.0.1:0").LocalAddrs()[0]
	ctx, cancel := context.WithCancel(t.Context())
	var at time.Time
	time.AfterFunc(time.Millisecond, func() { at = time.Now(); cancel() })
	_, _, err := m.Exchange(ctx, dst, 1, message(1, ""), nil)
	wantError(t, "Exchange()", err, context.Canceled)
	t.Logf("returned %v after the context ended", time.Since(at))
}
