package pollux_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
)

// What package role has is what package snmp needs.
var (
	_ snmp.Conn      = role.Peer{}
	_ starter        = role.Peer{}
	_ role.KeyFunc   = snmp.Key
	_ role.SplitFunc = snmp.Split
)

// A starter is what a Conn must be, too, to exchange without blocking: see
// [snmp.Conn].
type starter interface {
	Start(key uint32, req, buf []byte, timeout time.Duration, retries int, done func(rsp []byte, err error)) error
}

func TestResolve(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1":          "udp:127.0.0.1:161",
		"127.0.0.1:1161":     "udp:127.0.0.1:1161",
		"localhost":          "udp:127.0.0.1:161",
		"udp:localhost:1161": "udp:127.0.0.1:1161",
		"UDP:localhost":      "udp:127.0.0.1:161",
		"::1":                "udp:[::1]:161",
		"[::1]":              "udp:[::1]:161",
		"[::1]:1161":         "udp:[::1]:1161",
		"udp6:[::1]":         "udp:[::1]:161",
		"udpv6:[::1]:1161":   "udp:[::1]:1161",
		"udp:[::1]:1161":     "udp:[::1]:1161",
		"tcp:127.0.0.1":      "tcp:127.0.0.1:161",
		"tcp6:[::1]:1161":    "tcp:[::1]:1161",
		"unix:/run/agent":    "unix:/run/agent",
		"/run/agent":         "unix:/run/agent",
		"unixgram:@agent":    "unixgram:@agent",
		":1161":              "udp::1161",
		"udp::1161":          "udp:0.0.0.0:1161",
		"udp6::1161":         "udp:[::]:1161",
	} {
		if got, err := pollux.Resolve(t.Context(), in, 161); err != nil || got.String() != want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	_, err := pollux.Resolve(t.Context(), "no.such.host.invalid", 161)
	var dns *net.DNSError
	if !errors.Is(err, pollux.ErrGeneral) || !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("Resolve() of an unknown host: error = %v", err)
	}
}

// sysName answers every request with one value.
type sysName string

func (s sysName) Respond(_ context.Context, dst, req []byte, _, _ netip.AddrPort) []byte {
	m, err := snmp.MessageFromBER(req)
	if err != nil {
		return dst
	}
	m.PDU.Type = snmp.Response
	m.PDU.VarBinds[0].Value = snmp.OctetsValue(string(s))
	rsp, _ := m.Append(dst)
	return rsp
}

func TestDialAndServe(t *testing.T) {
	for _, local := range []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0"} {
		ctx, cancel := context.WithCancel(t.Context())
		addr, ended := make(chan role.Addr), make(chan error)
		go func() {
			ended <- pollux.Serve(ctx, sysName("castor"), func(a []role.Addr) { addr <- a[0] }, local)
		}()
		c, err := pollux.Dial(ctx, (<-addr).String(), &snmp.Config{Community: "public"})
		if err != nil {
			t.Fatalf("Dial() error = %v", err)
		}
		vbs, err := c.Get(ctx, snmp.MustParseOID("1.3.6.1.2.1.1.5.0"))
		if err != nil || len(vbs) != 1 || vbs[0].Value != snmp.OctetsValue("castor") {
			t.Errorf("%s: Get() = %v, %v", local, vbs, err)
		}
		if s := c.Stats(); s.Answered != 1 {
			t.Errorf("Stats() = %+v, want 1 answer", s)
		}
		c.Close()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve() error = %v, want %v", err, context.Canceled)
		}
	}
}
