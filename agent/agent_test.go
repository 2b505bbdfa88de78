package agent

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/snmp"
)

var (
	from = netip.MustParseAddrPort("192.0.2.7:40000")
	here = netip.MustParseAddrPort("192.0.2.1:161")
)

func oid(s string) snmp.OID { return snmp.MustParseOID(s) }

// newAgent returns an agent of which public may read and private may write what
// lies below enterprises, and admin everything.
func newAgent(t testing.TB, change func(cfg *Config)) *Agent {
	t.Helper()
	cfg := &Config{
		Communities: []Community{
			{Name: "public", Grant: &Grant{Subtree: oid("1.3.6.1.4.1")}},
			{Name: "private", Grant: &Grant{Subtree: oid("1.3.6.1.4.1"), Write: true}},
			{Name: "admin", Grant: &Grant{Write: true}},
		},
		OnError: func(err error) { t.Log("OnError:", err) },
	}
	if change != nil {
		change(cfg)
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return a
}

// handleTest puts some objects below 1.3.6.1.4.1.99.
func handleTest(a *Agent) {
	root := oid("1.3.6.1.4.1.99")
	a.Handle(root.Append(1), Const(snmp.IntegerValue(-7)))
	a.Handle(root.Append(2), Const(snmp.Counter64Value(1<<40)))
	a.Handle(root.Append(3), NewVar(snmp.OctetsValue("three"), func(v snmp.Value) error {
		if s, _ := v.Octets(); len(s) > 10 {
			return snmp.WrongLength
		}
		return nil
	}))
	a.Handle(root.Append(4), &Scalar{Read: func() snmp.Value { return snmp.Gauge32Value(4) }})
}

// ask sends a PDU and returns the answer, which is nil if there is none.
func ask(t testing.TB, a *Agent, v snmp.Version, community string, pdu snmp.PDU) *snmp.PDU {
	t.Helper()
	pdu.RequestID = 12345
	m := snmp.Message{Version: v, Community: community, PDU: pdu}
	req, err := m.Append(nil)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	b := a.Respond(t.Context(), nil, req, from, here)
	if b == nil {
		return nil
	}
	rsp, err := snmp.MessageFromBER(b)
	if err != nil {
		t.Fatalf("Respond answered with %x: %v", b, err)
	}
	if rsp.Version != v || rsp.Community != community || rsp.PDU.Type != snmp.Response || rsp.PDU.RequestID != 12345 {
		t.Fatalf("Respond answered with another message: %+v", rsp)
	}
	return &rsp.PDU
}

func names(oids ...string) []snmp.VarBind {
	var vbs []snmp.VarBind
	for _, o := range oids {
		vbs = append(vbs, snmp.VarBind{OID: oid(o)})
	}
	return vbs
}

// show writes an answer in one line.
func show(p *snmp.PDU) string {
	if p == nil {
		return "none"
	}
	var s []string
	if p.ErrorStatus != 0 || p.ErrorIndex != 0 {
		s = append(s, fmt.Sprintf("%v@%d", p.ErrorStatus, p.ErrorIndex))
	}
	for _, vb := range p.VarBinds {
		s = append(s, strings.TrimPrefix(vb.String(), "1.3.6.1.4.1."))
	}
	return strings.Join(s, "; ")
}

func TestRead(t *testing.T) {
	a := newAgent(t, nil)
	handleTest(a)
	get, next, bulk := snmp.GetRequest, snmp.GetNextRequest, snmp.GetBulkRequest
	pre := "1.3.6.1.4.1."
	tests := []struct {
		name     string
		v        snmp.Version
		typ      snmp.PDUType
		non, max int
		oids     string
		want     string
	}{
		// RFC 3416, section 4.2.1
		{"get", snmp.V2c, get, 0, 0, "99.1.0 99.3.0", `99.1.0 = INTEGER: -7; 99.3.0 = STRING: "three"`},
		{"get a function", snmp.V2c, get, 0, 0, "99.4.0", `99.4.0 = Gauge32: 4`},
		{"get no bindings", snmp.V2c, get, 0, 0, "", ""},
		{"noSuchInstance", snmp.V2c, get, 0, 0, "99.1.1 99.1 99.1.0.0", "99.1.1 = No Such Instance currently exists at this OID; 99.1 = No Such Instance currently exists at this OID; 99.1.0.0 = No Such Instance currently exists at this OID"},
		{"noSuchObject", snmp.V2c, get, 0, 0, "99 98.1 99.5.0", "99 = No Such Object available on this agent at this OID; 98.1 = No Such Object available on this agent at this OID; 99.5.0 = No Such Object available on this agent at this OID"},
		// RFC 1157, section 4.1.2 and RFC 3584, section 4.2.2.1
		{"v1 get", snmp.V1, get, 0, 0, "99.1.0", "99.1.0 = INTEGER: -7"},
		{"v1 get noSuchName", snmp.V1, get, 0, 0, "99.1.0 99.1.1 99.9.0", "noSuchName@2; 99.1.0 = NULL; 99.1.1 = NULL; 99.9.0 = NULL"},
		{"v1 get Counter64", snmp.V1, get, 0, 0, "99.2.0", "noSuchName@1; 99.2.0 = NULL"},
		{"v1 next over Counter64", snmp.V1, next, 0, 0, "99.1.0", `99.3.0 = STRING: "three"`},
		{"v1 next at the end", snmp.V1, next, 0, 0, "99.1 99.4.0", "noSuchName@2; 99.1 = NULL; 99.4.0 = NULL"},
		// RFC 3416, section 4.2.2
		{"next", snmp.V2c, next, 0, 0, "99 99.1 99.1.0 99.1.0.1 99.3.1 1", "99.1.0 = INTEGER: -7; 99.1.0 = INTEGER: -7; 99.2.0 = Counter64: 1099511627776; 99.2.0 = Counter64: 1099511627776; 99.4.0 = Gauge32: 4; 99.1.0 = INTEGER: -7"},
		{"endOfMibView", snmp.V2c, next, 0, 0, "99.4.0 98 200", "99.4.0 = No more variables left in this MIB View (It is past the end of the MIB tree); 99.1.0 = INTEGER: -7; 200 = No more variables left in this MIB View (It is past the end of the MIB tree)"},
		// RFC 3416, section 4.2.3
		{"bulk", snmp.V2c, bulk, 0, 2, "99.1.0", `99.2.0 = Counter64: 1099511627776; 99.3.0 = STRING: "three"`},
		{"bulk non-repeaters", snmp.V2c, bulk, 1, 2, "99 99.1.0 99.2.0", `99.1.0 = INTEGER: -7; 99.2.0 = Counter64: 1099511627776; 99.3.0 = STRING: "three"; 99.3.0 = STRING: "three"; 99.4.0 = Gauge32: 4`},
		{"bulk more non-repeaters than names", snmp.V2c, bulk, 9, 5, "99", `99.1.0 = INTEGER: -7`},
		{"bulk no repetitions", snmp.V2c, bulk, 1, 0, "99 99", `99.1.0 = INTEGER: -7`},
		{"bulk of nothing", snmp.V2c, bulk, 0, 10, "", ""},
		{"bulk fills a column that ended", snmp.V2c, bulk, 0, 3, "99.3.0 99.1.0", `99.4.0 = Gauge32: 4; 99.2.0 = Counter64: 1099511627776; 99.4.0 = No more variables left in this MIB View (It is past the end of the MIB tree); 99.3.0 = STRING: "three"; 99.4.0 = No more variables left in this MIB View (It is past the end of the MIB tree); 99.4.0 = Gauge32: 4`},
		{"bulk stops when all have ended", snmp.V2c, bulk, 0, 50, "99.4.0 99.3.0", `99.4.0 = No more variables left in this MIB View (It is past the end of the MIB tree); 99.4.0 = Gauge32: 4; 99.4.0 = No more variables left in this MIB View (It is past the end of the MIB tree); 99.4.0 = No more variables left in this MIB View (It is past the end of the MIB tree)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var vbs []snmp.VarBind
			for f := range strings.FieldsSeq(tt.oids) {
				if f == "1" {
					vbs = append(vbs, names("1.3")...)
				} else {
					vbs = append(vbs, names(pre+f)...)
				}
			}
			got := show(ask(t, a, tt.v, "public", snmp.PDU{Type: tt.typ, NonRepeaters: tt.non, MaxRepetitions: tt.max, VarBinds: vbs}))
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestNested: a handler within the subtree of another answers for its part, and
// the other one for what is before and behind it.
func TestNested(t *testing.T) {
	a := newAgent(t, nil)
	a.Handle(peerTable, bigTable(4))
	at := peerTable.Append(1, 2, 2)
	a.Handle(at, &Table[peer]{}) // hides the instance, and has none itself
	a.Handle(peerTable.Append(1, 2, 3, 0), Const(snmp.IntegerValue(9)))
	var got []string
	for _, vb := range walk(t, a, "public", peerTable.Append(1, 2)) {
		got = append(got, strings.TrimPrefix(vb.String(), peerTable.String()))
	}
	if got, want := strings.Join(got, "; "), `.1.2.1 = STRING: "x"; .1.2.3 = STRING: "x"; .1.2.3.0.0 = INTEGER: 9; .1.2.4 = STRING: "x"`; got != want {
		t.Errorf("walk: %s, want %s", got, want)
	}
	a.Handle(at, nil)
	if got := show(ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names(at.String())})); got != `99.20.1.2.2 = STRING: "x"` {
		t.Errorf("with the handler taken away: %s", got)
	}
}
