package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// A hostile is a Handler that does what it is told.
type hostile struct {
	do func() (snmp.VarBind, error)
}

func (h *hostile) Get(context.Context, snmp.OID, snmp.OID) (snmp.Value, error) {
	vb, err := h.do()
	return vb.Value, err
}

func (h *hostile) Next(context.Context, snmp.OID, snmp.OID) (snmp.VarBind, error) { return h.do() }

// TestHandlersThatFail: each costs its own request a genErr, and no other one
// anything.
func TestHandlersThatFail(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	var told atomic.Int32
	a := newAgent(t, func(cfg *Config) {
		cfg.Timeout = 40 * time.Millisecond
		cfg.OnError = func(error) { told.Add(1) }
	})
	handleTest(a)
	root := oid("1.3.6.1.4.1.99.50")
	bad := map[string]Handler{
		"panic":      &hostile{func() (snmp.VarBind, error) { panic("oops") }},
		"hang":       &hostile{func() (snmp.VarBind, error) { <-forever; return snmp.VarBind{}, nil }},
		"error":      &hostile{func() (snmp.VarBind, error) { return snmp.VarBind{}, fmt.Errorf("no") }},
		"scalar":     &Scalar{Read: func() snmp.Value { panic("oops") }},
		"scalarhang": &Scalar{Read: func() snmp.Value { <-forever; return snmp.Value{} }},
		"goes back": &hostile{func() (snmp.VarBind, error) {
			return snmp.VarBind{OID: root.Parent(), Value: snmp.IntegerValue(1)}, nil
		}},
		"goes off": &hostile{func() (snmp.VarBind, error) {
			return snmp.VarBind{OID: root.NextSibling(), Value: snmp.IntegerValue(1)}, nil
		}},
		"column": &Table[peer]{Columns: []Column[peer]{{ID: 1, Get: func(*peer) snmp.Value { panic("oops") }}},
			Index: func(o snmp.OID, r *peer) snmp.OID { return o.Append(r.id) }},
	}
	bad["column"].(*Table[peer]).Put(peer{id: 1})
	for name, h := range bad {
		a.Handle(root, h)
		for _, typ := range []snmp.PDUType{snmp.GetRequest, snmp.GetNextRequest, snmp.GetBulkRequest} {
			o := root.Append(0)
			if typ != snmp.GetRequest {
				o = root
			} else if strings.HasPrefix(name, "goes") {
				continue
			} else if name == "column" {
				o = root.Append(1, 1, 1)
			}
			start := time.Now()
			got := show(ask(t, a, snmp.V2c, "public", snmp.PDU{Type: typ, MaxRepetitions: 5, VarBinds: []snmp.VarBind{{OID: oid("1.3.6.1.4.1.99.1.0")}, {OID: o}}}))
			if !strings.HasPrefix(got, "genErr@2; 99.1.0 = NULL; 99.50") {
				t.Errorf("%s, %v: %s, want genErr@2 and the bindings", name, typ, got)
			}
			if d := time.Since(start); d > time.Second {
				t.Errorf("%s, %v: took %v", name, typ, d)
			}
			if got, want := show(ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.4.1.99.4.0")})), "99.4.0 = Gauge32: 4"; got != want {
				t.Errorf("%s, then another: %s, want %s", name, got, want)
			}
		}
	}
	if told.Load() == 0 {
		t.Error("OnError was not told")
	}

	// A handler whose calls hang is not called without end.
	var calls atomic.Int32
	a.cfg.Timeout = time.Millisecond
	a.Handle(root, &Scalar{Read: func() snmp.Value { calls.Add(1); <-forever; return snmp.Value{} }})
	for range 3 * maxRunning {
		ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{OID: root.Append(0)}}})
	}
	if n := calls.Load(); n > maxRunning {
		t.Errorf("%d calls hang, want at most %d", n, maxRunning)
	}
}

// TestSizes: no answer is longer than MaxSize; GET and GETNEXT get a tooBig, and
// GETBULK what fits (RFC 3416, sections 4.2.1 to 4.2.3).
func TestSizes(t *testing.T) {
	long := snmp.OctetsValue(strings.Repeat("x", 200))
	for _, limit := range []int{484, 600, 1472, 5000} {
		a := newAgent(t, func(cfg *Config) { cfg.MaxSize = limit; cfg.MaxBulk = 1000 })
		root := oid("1.3.6.1.4.1.99")
		for i := range uint32(100) {
			a.Handle(root.Append(i), Const(long))
		}
		raw := func(v snmp.Version, pdu snmp.PDU) (int, *snmp.PDU) {
			m := snmp.Message{Version: v, Community: "public", PDU: pdu}
			req, _ := m.Append(nil)
			b := a.Respond(t.Context(), []byte("before"), req, from, here)
			if b == nil {
				return 0, nil
			}
			if string(b[:6]) != "before" {
				t.Fatal("Respond does not append")
			}
			rsp, err := snmp.MessageFromBER(b[6:])
			if err != nil {
				t.Fatalf("answer: %v", err)
			}
			return len(b) - 6, &rsp.PDU
		}
		fits := 0
		for n := 1; n < 100; n++ {
			var vbs []snmp.VarBind
			for i := range n {
				vbs = append(vbs, snmp.VarBind{OID: root.Append(uint32(i), 0)})
			}
			size, p := raw(snmp.V2c, snmp.PDU{Type: snmp.GetRequest, VarBinds: vbs})
			switch {
			case size > limit:
				t.Fatalf("MaxSize %d: GET of %d: %d octets", limit, n, size)
			case p.ErrorStatus == snmp.NoError && len(p.VarBinds) == n:
				fits = n
			case p.ErrorStatus != snmp.TooBig || p.ErrorIndex != 0 || len(p.VarBinds) != 0:
				t.Fatalf("MaxSize %d: GET of %d: %s, want tooBig@0", limit, n, show(p))
			}
			// The echo of v1 has the names, unless not even that fits.
			size, p = raw(snmp.V1, snmp.PDU{Type: snmp.GetRequest, VarBinds: vbs})
			if size > limit || p != nil && (p.ErrorStatus == snmp.TooBig) != (n > fits) || p != nil && p.ErrorStatus == snmp.TooBig && len(p.VarBinds) != n {
				t.Fatalf("MaxSize %d: v1 GET of %d: %d octets, %s", limit, n, size, show(p))
			}
		}
		size, p := raw(snmp.V2c, snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 1 << 30, VarBinds: []snmp.VarBind{{OID: root}}})
		if size > limit || p.ErrorStatus != 0 || len(p.VarBinds) < min(fits, 100)-1 {
			t.Errorf("MaxSize %d: GETBULK: %d octets, %d bindings; GET had %d", limit, size, len(p.VarBinds), fits)
		}
	}
}

// TestBulkBounds: a GETBULK gets no more than MaxBulk bindings, or one of each.
func TestBulkBounds(t *testing.T) {
	a := newAgent(t, func(cfg *Config) { cfg.MaxBulk = 20 })
	a.Handle(peerTable, bigTable(1000))
	for _, tt := range []struct{ names, non, max, want int }{{1, 0, 1 << 30, 20}, {3, 0, 1 << 30, 18}, {3, 1, 1 << 30, 19}, {30, 0, 50, 30}, {30, 30, 50, 30}, {2, 0, 4, 8}} {
		vbs := make([]snmp.VarBind, tt.names)
		for i := range vbs {
			vbs[i].OID = peerTable
		}
		p := ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetBulkRequest, NonRepeaters: tt.non, MaxRepetitions: tt.max, VarBinds: vbs})
		if len(p.VarBinds) != tt.want {
			t.Errorf("GETBULK of %d names, %d non-repeaters, %d repetitions: %d bindings, want %d", tt.names, tt.non, tt.max, len(p.VarBinds), tt.want)
		}
	}
}

// TestDropped: what is not answered, and what counts it (RFC 3418).
func TestDropped(t *testing.T) {
	a := newAgent(t, nil)
	msg := func(v snmp.Version, typ snmp.PDUType) []byte {
		m := snmp.Message{Version: v, Community: "public", PDU: snmp.PDU{Type: typ, Enterprise: oid("1.3"), VarBinds: names("1.3")}}
		b, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := msg(snmp.V2c, snmp.GetRequest)
	bad := make([]byte, len(good))
	copy(bad, good)
	bad[4] = 7 // version
	st := &a.stats
	tests := []struct {
		name  string
		msg   []byte
		count *atomic.Uint32
	}{
		{"nothing", nil, &st.snmpInASNParseErrs},
		{"a broken message", good[:len(good)-1], &st.snmpInASNParseErrs},
		{"a broken binding", append(good[:len(good)-2:len(good)-2], 0x99, 0), &st.snmpInASNParseErrs},
		{"version 8", bad, &st.snmpInBadVersions},
		{"a response", msg(snmp.V2c, snmp.Response), nil},
		{"a trap", msg(snmp.V2c, snmp.TrapV2), nil},
		{"a v1 trap", msg(snmp.V1, snmp.TrapV1), nil},
		{"an inform", msg(snmp.V2c, snmp.InformRequest), nil},
		{"a report", msg(snmp.V2c, snmp.Report), nil},
	}
	for _, tt := range tests {
		var before uint32
		if tt.count != nil {
			before = tt.count.Load()
		}
		if b := a.Respond(t.Context(), nil, tt.msg, from, here); b != nil {
			t.Errorf("%s was answered with %x", tt.name, b)
		}
		if tt.count != nil && tt.count.Load() != before+1 {
			t.Errorf("%s: its counter is %d, want %d", tt.name, tt.count.Load(), before+1)
		}
	}
	if got := st.snmpInPkts.Load(); got != uint32(len(tests)) {
		t.Errorf("snmpInPkts = %d, want %d", got, len(tests))
	}
}

// FuzzRespond: whatever comes, a valid request is answered right afterwards.
func FuzzRespond(f *testing.F) {
	a := newFuzzAgent(f)
	for _, b := range fuzzSeeds(f, a) {
		f.Add(b)
	}
	n := 0
	f.Fuzz(func(t *testing.T, b []byte) {
		a.Respond(context.Background(), nil, b, from, here)
		if n++; n%50 == 0 {
			checkAlive(t, a)
		}
	})
}

func newFuzzAgent(t testing.TB) *Agent {
	a := newAgent(t, func(cfg *Config) {
		cfg.Users = testUsers()
		cfg.OnError = nil
		cfg.Communities = append(cfg.Communities, Community{Name: "row", SecurityName: "row"})
		cfg.Members = []Member{{V2cModel, "row", "row"}}
		cfg.Access = []Access{{Group: "row", Read: "row", Write: "row"}}
		cfg.Views = []View{{Name: "row", Subtree: peerTable.Append(1, 0, 7), Mask: "\xff\xbf"}}
	})
	handleTest(a)
	a.Handle(peerTable, bigTable(1000))
	return a
}

func fuzzSeeds(t testing.TB, a *Agent) (seeds [][]byte) {
	for _, typ := range []snmp.PDUType{snmp.GetRequest, snmp.GetNextRequest, snmp.GetBulkRequest, snmp.SetRequest} {
		for _, v := range []snmp.Version{snmp.V1, snmp.V2c, snmp.V3} {
			if v == snmp.V1 && typ == snmp.GetBulkRequest {
				continue
			}
			for _, who := range []string{"public", "private", "row"} {
				m := snmp.Message{Version: v, Community: who, PDU: snmp.PDU{Type: typ, RequestID: 7, MaxRepetitions: 9,
					VarBinds: []snmp.VarBind{{OID: oid("1.3.6.1.4.1.99.3.0"), Value: snmp.OctetsValue("x")}, {OID: peerTable.Append(1, 5, 4), Value: snmp.IntegerValue(6)}, {OID: peerTable.Append(1, 3, 700), Value: snmp.IntegerValue(5)}}}}
				if v == snmp.V3 {
					seeds = append(seeds, v3Request(t, a, "noauth", &m.PDU, nil))
					continue
				}
				b, err := m.Append(nil)
				if err != nil {
					t.Fatal(err)
				}
				seeds = append(seeds, b)
			}
		}
	}
	return seeds
}

func checkAlive(t testing.TB, a *Agent) {
	t.Helper()
	if got, want := show(ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.4.1.99.1.0")})), "99.1.0 = INTEGER: -7"; got != want {
		t.Fatalf("a valid request got %s, want %s", got, want)
	}
}

// TestMutated is the fuzz target's property on requests that differ from valid
// ones in a few octets.
func TestMutated(t *testing.T) {
	a := newFuzzAgent(t)
	seeds := fuzzSeeds(t, a)
	rnd := rand.New(rand.NewPCG(5, 6))
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	var dst []byte
	for i := range n {
		b := append([]byte(nil), seeds[rnd.IntN(len(seeds))]...)
		for range 1 + rnd.IntN(4) {
			switch at := rnd.IntN(len(b)); rnd.IntN(4) {
			case 0:
				b[at] = byte(rnd.IntN(256))
			case 1:
				b[at] ^= 1 << rnd.IntN(8)
			case 2:
				b = b[:max(1, at)]
			case 3:
				b = append(b[:at], append([]byte{byte(rnd.IntN(256))}, b[at:]...)...)
			}
		}
		dst = a.Respond(context.Background(), dst[:0], b, netip.AddrPort{}, netip.AddrPort{})
		if len(dst) > 0 {
			if _, err := snmp.MessageFromBER(dst); err != nil {
				t.Fatalf("request %x got an answer that is no message: %v", b, err)
			}
		}
		if i%50 == 0 {
			checkAlive(t, a)
		}
	}
}

// raceEnabled: the race detector makes pools forget.
var raceEnabled bool

// TestAllocs: requests for scalars and tables cost no allocation.
func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector, pools allocate")
	}
	a := newFuzzAgent(t)
	a.Handle(oid("1.3.6.1.4.1.99.60"), Load(snmp.Counter64Value, new(atomic.Uint64)))
	scalars := []snmp.VarBind{}
	for _, n := range []uint32{1, 2, 3, 4, 60} {
		scalars = append(scalars, snmp.VarBind{OID: oid("1.3.6.1.4.1.99").Append(n, 0)})
	}
	get := snmp.PDU{Type: snmp.GetRequest, VarBinds: scalars}
	next := snmp.PDU{Type: snmp.GetNextRequest, VarBinds: scalars}
	bulk := snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 25, VarBinds: []snmp.VarBind{{OID: peerTable.Append(1, 3, 500)}}}
	community := func(pdu snmp.PDU) []byte {
		m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: pdu}
		b, _ := m.Append(nil)
		return b
	}
	masked := snmp.Message{Version: snmp.V2c, Community: "row", PDU: snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 3, VarBinds: names("1.3")}}
	row, _ := masked.Append(nil)
	tests := []struct {
		name string
		req  []byte
	}{
		{"v2c get of 5", community(get)},
		{"v2c next of 5", community(next)},
		{"v2c bulk of 25 rows", community(bulk)},
		{"v2c bulk in a masked view", row},
		{"v3 noAuthNoPriv get of 5", v3Request(t, a, "noauth", &get, nil)},
		{"v3 authPriv get of 5", v3Request(t, a, "shaaes", &get, nil)},
		{"v3 authPriv bulk", v3Request(t, a, "sha256aes256", &bulk, nil)},
	}
	dst := make([]byte, 0, 65535)
	for _, tt := range tests {
		out := a.Respond(t.Context(), nil, tt.req, from, here)
		if p, _ := open(t, a, out); p.PDU().Type != snmp.Response || p.PDU().ErrorStatus != 0 {
			t.Fatalf("%s: got %v", tt.name, p.PDU())
		}
		if n := testing.AllocsPerRun(200, func() { a.Respond(t.Context(), dst, tt.req, from, here) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", tt.name, n)
		}
	}
}

func BenchmarkRespond(b *testing.B) {
	a := newFuzzAgent(b)
	var vbs []snmp.VarBind
	for range 5 {
		vbs = append(vbs, names("1.3.6.1.4.1.99.1.0")...)
	}
	run := func(name string, a *Agent, req []byte) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]byte, 0, 65535)
			for b.Loop() {
				if a.Respond(context.Background(), dst, req, from, here) == nil {
					b.Fatal("no answer")
				}
			}
		})
	}
	get := snmp.PDU{Type: snmp.GetRequest, VarBinds: vbs}
	m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: get}
	req, _ := m.Append(nil)
	run("Get5/v2c", a, req)
	for _, user := range []string{"shaaes", "sha256aes256", "md5des"} {
		run("Get5/"+user, a, v3Request(b, a, user, &get, nil))
	}
	for _, n := range []int{100, 10_000, 1_000_000} {
		a.Handle(peerTable, bigTable(n))
		m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 25,
			VarBinds: []snmp.VarBind{{OID: peerTable.Append(1, 3, uint32(n/2))}}}}
		req, _ := m.Append(nil)
		run(fmt.Sprintf("Bulk25/rows=%d", n), a, req)
	}
}
