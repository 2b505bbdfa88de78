package role_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
)

// The protocol of these tests: four octets of key, two of length, a body.

func message(key uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, key)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

func key(msg []byte) (uint32, bool) {
	if len(msg) < 6 {
		return 0, false
	}
	return binary.BigEndian.Uint32(msg), true
}

func body(msg []byte) string { return string(msg[min(6, len(msg)):]) }

func split(data []byte) (int, error) {
	if len(data) < 6 {
		return 0, nil
	}
	if data[0] == 0xff {
		return 0, errors.New("key begins with ff")
	}
	return 6 + int(binary.BigEndian.Uint16(data[4:])), nil
}

// echo answers a request with itself.
func echo(_ context.Context, dst []byte, req *role.Message) []byte { return append(dst, req.Buf...) }

var (
	agentAddr   = role.MustParseAddr("udp:192.0.2.1:161")
	managerAddr = role.MustParseAddr("udp:192.0.2.100:40000")
)

// A rig is a manager on a network in memory, and agents there.
type rig struct {
	t   *testing.T
	net *roletest.Network
	m   *role.Manager
}

func newRig(t *testing.T, cfg *role.Config, f roletest.Faults) *rig {
	t.Helper()
	r := &rig{t: t, net: roletest.New(1, f)}
	if cfg == nil {
		cfg = &role.Config{}
	}
	if cfg.Key == nil {
		cfg.Key = key
	}
	r.m = role.NewManager(r.listen(managerAddr), cfg)
	t.Cleanup(func() { r.m.Close() })
	return r
}

func (r *rig) listen(addr role.Addr) role.PacketConn {
	r.t.Helper()
	conn, err := r.net.Listen(addr)
	if err != nil {
		r.t.Fatalf("Listen(%v) error = %v", addr, err)
	}
	return conn
}

// serve runs an agent at addr until the test ends.
func (r *rig) serve(addr role.Addr, h role.Handler) *role.Agent {
	r.t.Helper()
	a := role.NewAgent(nil, r.listen(addr))
	go a.Serve(context.Background(), h)
	r.t.Cleanup(func() { a.Close() })
	return a
}

// wantStats compares the counts that the test is about.
func wantStats(t *testing.T, got, want role.Stats) {
	t.Helper()
	if got != want {
		t.Errorf("Stats() = %+v\n want %+v", got, want)
	}
}

// wantError checks an error against its kind.
func wantError(t *testing.T, what string, err, kind error) *role.Error {
	t.Helper()
	var e *role.Error
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		t.Fatalf("%s error = %v, want a *role.Error that is %q", what, err, kind)
	}
	return e
}
