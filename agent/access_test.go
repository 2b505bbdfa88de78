package agent

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// TestViewMask is RFC 3415, section 4, vacmViewTreeFamilyMask and section 5, 7.
func TestViewMask(t *testing.T) {
	tests := []struct {
		families string // [-]OID[/mask in hexadecimal] …
		in, out  string
	}{
		{"1.3.6.1.2.1.1", "1.3.6.1.2.1.1 1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1 1.3.6.1.2.1.2 1.3.6.1.2.1.11"},
		{"all", "0.0 1.3 2.999.1", ""},
		{"all -1.3.6.1.2.1.1 1.3.6.1.2.1.1.5", "1.3 1.3.6.1.2.1.1.5 1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1 1.3.6.1.2.1.1.4.0 1.3.6.1.2.1.1.6.0"},
		// ifEntry with row 2 only: ff a0 has the eleventh of twelve as wildcard.
		{"1.3.6.1.2.1.2.2.1.0.2/ffa0", "1.3.6.1.2.1.2.2.1.1.2 1.3.6.1.2.1.2.2.1.22.2 1.3.6.1.2.1.2.2.1.22.2.5", "1.3.6.1.2.1.2.2.1.1.1 1.3.6.1.2.1.2.2.1.2 1.3.6.1.2.1.2.2.2.1.2"},
		// A short mask is filled with ones.
		{"1.0.6/bf", "1.3.6 1.39.6.1", "1.3.7 2.3.6 1.3"},
		{"0.3.6/7f", "0.3.6 1.3.6 2.3.6", "1.3.7 1.4.6"},
		// The longer one counts, even if it is less.
		{"1.3.9.1/df -1.3.6.1.4", "1.3.6.1.5", "1.3.6.1.4 1.3.6.1.4.1"},
		// Equally long ones: the lexicographically greater counts.
		{"1.3.6.1 -1.3.0.2/df -1.3.6.9", "1.3.6.1.1", "1.3.6.2 1.3.6.9 1.3.7.2"},
		{"-1.3.6.1.4 1.3.6.0.4/ef 1.3.6", "1.3.6.2.4 1.3.6.5", "1.3.6.1.4 1.3.6.1.4.1"},
		{"1.3.6.0.4/ef -1.3.6.1.4/ff 1.3.6.1.4.7", "1.3.6.1.4.7 1.3.6.2.4", "1.3.6.1.4 1.3.6.1.4.8"},
	}
	for _, tt := range tests {
		v := parseView(tt.families)
		for _, want := range []bool{true, false} {
			list := tt.out
			if want {
				list = tt.in
			}
			for o := range strings.FieldsSeq(list) {
				if got := v.has([]byte(enc(oid(o)))); got != want {
					t.Errorf("view %s has %s: %v, want %v", tt.families, o, got, want)
				}
			}
		}
	}
}

func parseView(families string) view {
	var views []View
	for f := range strings.FieldsSeq(families) {
		v := View{Name: "v"}
		f, v.Excluded = strings.CutPrefix(f, "-")
		o, mask, _ := strings.Cut(f, "/")
		for i := 0; i < len(mask); i += 2 {
			var b byte
			fmt.Sscanf(mask[i:i+2], "%02x", &b)
			v.Mask += string([]byte{b})
		}
		if o != "all" {
			v.Subtree = oid(o)
		}
		views = append(views, v)
	}
	return newACL([]Member{{V1Model, "x", "g"}}, []Access{{Group: "g", Read: "v"}}, views).find(V1Model, []byte("x"), usm.NoAuthNoPriv, nil).read
}

// TestViewSkip: what skip jumps over is not in the view, and a walk with it finds
// what a walk that looks at each name finds.
func TestViewSkip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var all []snmp.OID
	var grow func(o snmp.OID, depth int)
	grow = func(o snmp.OID, depth int) {
		all = append(all, o)
		if depth > 0 {
			for i := range uint32(4) {
				grow(o.Append(i), depth-1)
			}
		}
	}
	grow(oid("1.3"), 4)
	for range 2000 {
		var families []string
		for range 1 + rnd.IntN(5) {
			f := ""
			if rnd.IntN(2) == 0 {
				f = "-"
			}
			f += all[rnd.IntN(len(all))].String()
			if rnd.IntN(2) == 0 {
				f += fmt.Sprintf("/%02x", rnd.IntN(256))
			}
			families = append(families, f)
		}
		v := parseView(strings.Join(families, " "))
		for _, start := range []int{0, rnd.IntN(len(all))} {
			name := []byte(enc(all[start]))
			if v.has(name) {
				continue
			}
			next := v.skip(nil, name)
			i := slices.IndexFunc(all[start:], func(o snmp.OID) bool { return v.has([]byte(enc(o))) })
			switch {
			case next == nil && i >= 0:
				t.Fatalf("view %v: skip after %v found nothing, want at most %v", families, all[start], all[start+i])
			case next != nil && compare(next, name) <= 0:
				t.Fatalf("view %v: skip after %v went back to %v", families, all[start], toOID(next))
			case i >= 0 && compare(next, enc(all[start+i])) > 0:
				t.Fatalf("view %v: skip after %v went to %v, past %v", families, all[start], toOID(next), all[start+i])
			}
		}
	}
}

// TestAccess is RFC 3415, section 3.2, and which entry counts, section 4.
func TestAccess(t *testing.T) {
	l := newACL(
		[]Member{{V1Model, "a", "g"}, {V2cModel, "a", "g"}, {USMModel, "a", "g"}, {USMModel, "b", "none"}},
		[]Access{
			{Group: "g", Model: AnyModel, Level: usm.NoAuthNoPriv, Read: "any"},
			{Group: "g", Model: V2cModel, Level: usm.NoAuthNoPriv, Read: "v2c"},
			{Group: "g", Model: USMModel, Level: usm.AuthNoPriv, Read: "anp"},
			{Group: "g", Model: USMModel, Level: usm.AuthPriv, Read: "ap"},
			{Group: "g", Context: "c", Prefix: true, Read: "c*"},
			{Group: "g", Context: "ctx", Prefix: true, Read: "ctx*"},
			{Group: "g", Context: "ctx1", Read: "ctx1"},
			{Group: "g", Context: "void", Read: "missing"},
		}, nil)
	tests := []struct {
		model   SecurityModel
		name    string
		level   usm.SecurityLevel
		context string
		want    string
	}{
		{V1Model, "a", 1, "", "any"},
		{V2cModel, "a", 1, "", "v2c"},
		{USMModel, "a", 1, "", "any"},
		{USMModel, "a", 2, "", "anp"},
		{USMModel, "a", 3, "", "ap"},
		{V1Model, "a", 1, "ctx1", "ctx1"},
		{V1Model, "a", 1, "ctx2", "ctx*"},
		{V1Model, "a", 1, "cat", "c*"},
		{V1Model, "a", 1, "x", "none"},
		{V1Model, "b", 1, "", "none"},
		{USMModel, "b", 3, "", "none"},
		{USMModel, "z", 3, "", "none"},
	}
	for _, tt := range tests {
		got := "none"
		if e := l.find(tt.model, []byte(tt.name), tt.level, []byte(tt.context)); e != nil {
			got = e.Read
		}
		if got != tt.want {
			t.Errorf("model %d, name %s, level %v, context %q: %s, want %s", tt.model, tt.name, tt.level, tt.context, got, tt.want)
		}
	}
}

// TestWalkInView: what is not in the view is not seen, and costs a walk nothing.
func TestWalkInView(t *testing.T) {
	a := newAgent(t, func(cfg *Config) {
		cfg.Communities = append(cfg.Communities,
			Community{Name: "row", SecurityName: "row"}, Community{Name: "inst", SecurityName: "inst"},
			Community{Name: "near", Source: netip.MustParsePrefix("192.0.2.0/24"), Grant: &Grant{}},
			Community{Name: "far", Source: netip.MustParsePrefix("198.51.100.0/24"), Grant: &Grant{}},
			Community{Name: "nobody"}, Community{Name: "other", Context: "other", Grant: &Grant{}},
			Community{Name: "missing", Context: "missing", Grant: &Grant{}})
		cfg.Members = []Member{{V2cModel, "row", "row"}, {V2cModel, "inst", "inst"}, {V1Model, "inst", "inst"}}
		cfg.Access = []Access{{Group: "row", Read: "row"}, {Group: "inst", Read: "inst", Write: "inst"}}
		cfg.Views = []View{
			{Name: "row", Subtree: peerTable.Append(1, 0, 700000), Mask: "\xff\xbf"},
			{Name: "inst", Subtree: oid("1.3.6.1.4.1.99.3.0")},
		}
	})
	handleTest(a)
	a.Handle(peerTable, bigTable(1_000_000))
	a.HandleContext("other", oid("1.3.6.1.4.1.77"), Const(snmp.IntegerValue(1)))
	get, next, bulk, set := snmp.GetRequest, snmp.GetNextRequest, snmp.GetBulkRequest, snmp.SetRequest
	tests := []struct {
		community string
		v         snmp.Version
		pdu       snmp.PDU
		want      string
	}{
		{"row", snmp.V2c, snmp.PDU{Type: bulk, MaxRepetitions: 3, VarBinds: names("1.3")},
			`99.20.1.2.700000 = STRING: "x"; 99.20.1.3.700000 = INTEGER: 0; 99.20.1.5.700000 = INTEGER: 1`},
		{"row", snmp.V2c, snmp.PDU{Type: get, VarBinds: names("1.3.6.1.4.1.99.20.1.2.5", "1.3.6.1.4.1.99.20.1.2.700000", "1.3.6.1.4.1.99.20.1.4.700000")},
			`99.20.1.2.5 = No Such Object available on this agent at this OID; 99.20.1.2.700000 = STRING: "x"; 99.20.1.4.700000 = No Such Instance currently exists at this OID`},
		{"inst", snmp.V2c, snmp.PDU{Type: next, VarBinds: names("1.3", "1.3.6.1.4.1.99.3.0")},
			`99.3.0 = STRING: "three"; 99.3.0 = No more variables left in this MIB View (It is past the end of the MIB tree)`},
		{"inst", snmp.V1, snmp.PDU{Type: get, VarBinds: names("1.3.6.1.4.1.99.1.0")}, "noSuchName@1; 99.1.0 = NULL"},
		{"inst", snmp.V2c, snmp.PDU{Type: set, VarBinds: []snmp.VarBind{{OID: oid("1.3.6.1.4.1.99.3.0"), Value: snmp.OctetsValue("x")}, {OID: oid("1.3.6.1.4.1.99.1.0")}}},
			`noAccess@2; 99.3.0 = STRING: "x"; 99.1.0 = NULL`},
		{"near", snmp.V2c, snmp.PDU{Type: get, VarBinds: names("1.3.6.1.4.1.99.1.0")}, "99.1.0 = INTEGER: -7"},
		{"far", snmp.V2c, snmp.PDU{Type: get, VarBinds: names("1.3.6.1.4.1.99.1.0")}, "none"},
		{"nobody", snmp.V2c, snmp.PDU{Type: get, VarBinds: names("1.3.6.1.4.1.99.1.0")}, "authorizationError@0; 99.1.0 = NULL"},
		{"nobody", snmp.V1, snmp.PDU{Type: next, VarBinds: names("1.3.6.1.4.1.99.1.0")}, "noSuchName@0; 99.1.0 = NULL"},
		{"other", snmp.V2c, snmp.PDU{Type: next, VarBinds: names("1.3")}, "77.0 = INTEGER: 1"},
		{"missing", snmp.V2c, snmp.PDU{Type: next, VarBinds: names("1.3")}, "none"},
		{"PUBLIC", snmp.V2c, snmp.PDU{Type: next, VarBinds: names("1.3")}, "none"},
		{"", snmp.V1, snmp.PDU{Type: next, VarBinds: names("1.3")}, "none"},
	}
	for _, tt := range tests {
		if got := show(ask(t, a, tt.v, tt.community, tt.pdu)); got != tt.want {
			t.Errorf("%v %v as %s:\ngot  %s\nwant %s", tt.v, tt.pdu.Type, tt.community, got, tt.want)
		}
	}
	if got := a.stats.snmpInBadCommunityNames.Load(); got != 3 {
		t.Errorf("snmpInBadCommunityNames = %d, want 3", got)
	}
	if got := a.stats.snmpInBadCommunityUses.Load(); got != 2 {
		t.Errorf("snmpInBadCommunityUses = %d, want 2", got)
	}
	if got := a.stats.snmpUnknownContexts.Load(); got != 1 {
		t.Errorf("snmpUnknownContexts = %d, want 1", got)
	}
}
