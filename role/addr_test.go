package role_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"github.com/pollux-snmp/pollux/role"
)

func TestParseAddr(t *testing.T) {
	tests := []struct {
		in, want string // want is the text of the Addr, or a part of the error
		ok       bool
	}{
		{"192.0.2.1:161", "udp:192.0.2.1:161", true},
		{"udp:192.0.2.1:161", "udp:192.0.2.1:161", true},
		{"udp4:192.0.2.1:161", "udp:192.0.2.1:161", true},
		{"tcp:192.0.2.1:0", "tcp:192.0.2.1:0", true},
		{"[2001:db8::1]:161", "udp:[2001:db8::1]:161", true},
		{"tcp6:[fe80::1%eth0]:161", "tcp:[fe80::1%eth0]:161", true},
		{"udp:[::ffff:192.0.2.1]:161", "udp:192.0.2.1:161", true},
		{":161", "udp::161", true},
		{"udp::161", "udp::161", true},
		{"udp4::161", "udp:0.0.0.0:161", true},
		{"udp6::161", "udp:[::]:161", true},
		{"unix:/run/agent", "unix:/run/agent", true},
		{"unixgram:@abstract:1", "unixgram:@abstract:1", true},

		{"", "host:port", false},
		{"192.0.2.1", "host:port", false},
		{"udp", "missing port", false},
		{"unix:", "missing path", false},
		{"192.0.2.1:x", "not a number", false},
		{"192.0.2.1:65536", "not a number", false},
		{"localhost:161", "not an IP address", false},
		{"udp6:192.0.2.1:161", "not an IP address", false},
		{"tcp4:[::1]:161", "not an IP address", false},
		{"ipx:1:2", "host:port", false},
	}
	for _, tt := range tests {
		got, err := role.ParseAddr(tt.in)
		switch {
		case tt.ok && (err != nil || got.String() != tt.want):
			t.Errorf("ParseAddr(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		case !tt.ok && (!errors.Is(err, role.ErrBadArgument) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("ParseAddr(%q) = %q, %v; want an ErrBadArgument with %q", tt.in, got, err, tt.want)
		}
	}
}

func TestResolveAddr(t *testing.T) {
	ctx := context.Background()
	for in, want := range map[string]string{
		"localhost:161":      "udp:127.0.0.1:161",
		"tcp4:localhost:161": "tcp:127.0.0.1:161",
		"[::1]:161":          "udp:[::1]:161",
		"unix:/run/agent":    "unix:/run/agent",
	} {
		if got, err := role.ResolveAddr(ctx, in); err != nil || got.String() != want {
			t.Errorf("ResolveAddr(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	_, err := role.ResolveAddr(ctx, "no.such.host.invalid:161")
	var dns *net.DNSError
	if wantError(t, "ResolveAddr()", err, role.ErrNetwork); !errors.As(err, &dns) {
		t.Errorf("ResolveAddr() error = %v, want a *net.DNSError in it", err)
	}
	_, err = role.ResolveAddr(ctx, "localhost:no-such-service")
	wantError(t, "ResolveAddr()", err, role.ErrBadArgument)
}

func TestAddrIsAValue(t *testing.T) {
	a, b := role.MustParseAddr("udp:[::ffff:192.0.2.1]:161"), role.UDPAddr(netip.MustParseAddrPort("192.0.2.1:161"))
	if a != b {
		t.Errorf("%v != %v", a, b)
	}
	if tcp := role.TCPAddr(a.AddrPort()); tcp == a || tcp.Network() != "tcp" {
		t.Errorf("TCPAddr(%v) = %v", a.AddrPort(), tcp)
	}
	if u := role.NamedAddr("unix", "/run/agent"); u != role.MustParseAddr("unix:/run/agent") || u.Name() != "/run/agent" || u.AddrPort().IsValid() {
		t.Errorf("NamedAddr() = %v", u)
	}
	var zero role.Addr
	if !zero.IsZero() || zero.String() != "" || zero.Network() != "" || zero.Name() != "" || a.IsZero() {
		t.Errorf("the zero Addr is %q of %q", zero, zero.Network())
	}
	if got := unsafe.Sizeof(zero); got > 40 {
		t.Errorf("an Addr is %d bytes, want at most 40", got)
	}
	if got := unsafe.Sizeof(role.Peer{}); got > 48 {
		t.Errorf("a Peer is %d bytes, want at most 48", got)
	}
}

// What is parsed prints as text that parses to the same.
func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.1:161", "udp6::1", "tcp:[fe80::1%eth0]:161", "unix:/a", "unixgram:@", "udp:", "::", "[::ffff:1.2.3.4]:5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := role.ParseAddr(s)
		if err != nil {
			if !errors.Is(err, role.ErrBadArgument) {
				t.Fatalf("ParseAddr(%q) error = %v, want an ErrBadArgument", s, err)
			}
			return
		}
		if b, err := role.ParseAddr(a.String()); err != nil || b != a {
			t.Errorf("ParseAddr(%q) = %q, which parses to %q, %v", s, a, b, err)
		}
	})
}
