package builtin

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/snmp"
)

func TestNames(t *testing.T) {
	p := mib.Printer{Set: Set()}
	in := mib.Input{Set: Set()}
	for _, tt := range []struct{ oid, name string }{
		{"1.3.6.1.2.1.1.1.0", "SNMPv2-MIB::sysDescr.0"},
		{"1.3.6.1.2.1.1.3.0", "DISMAN-EVENT-MIB::sysUpTimeInstance"},
		{"1.3.6.1.2.1.2.2.1.2.1", "IF-MIB::ifDescr.1"},
		{"1.3.6.1.2.1.4.20.1.1.127.0.0.1", "IP-MIB::ipAdEntAddr.127.0.0.1"},
		{"1.3.6.1.2.1.4.34.1.3.1.4.127.0.0.1", `IP-MIB::ipAddressIfIndex.ipv4."127.0.0.1"`},
		{"1.3.6.1.2.1.6.13.1.1.127.0.0.1.22.10.0.0.1.5000", "TCP-MIB::tcpConnState.127.0.0.1.22.10.0.0.1.5000"},
		{"1.3.6.1.2.1.25.2.3.1.2.5", "HOST-RESOURCES-MIB::hrStorageType.5"},
		{"1.3.6.1.4.1.2021.10.1.3.1", "UCD-SNMP-MIB::laLoad.1"},
		{"1.3.6.1.4.1.8072.3.2.10", "NET-SNMP-TC::linux"},
		{"1.3.6.1.6.3.1.1.5.3", "IF-MIB::linkDown"},
		{"1.3.6.1.6.3.16.1.4.1.4.3.114.111.71.0.0.1", `SNMP-VIEW-BASED-ACM-MIB::vacmAccessContextMatch."roG"."".0.noAuthNoPriv`},
		{"1.3.6.1.4.1.99999.1", "SNMPv2-SMI::enterprises.99999.1"},
	} {
		o := snmp.MustParseOID(tt.oid)
		if got := string(p.AppendOID(nil, o)); got != tt.name {
			t.Errorf("AppendOID(%s) = %s, want %s", tt.oid, got, tt.name)
		}
		if got, err := in.OID(tt.name); err != nil || got != o {
			t.Errorf("OID(%s) = %v, %v, want %v", tt.name, got, err, o)
		}
	}
}

func TestFacts(t *testing.T) {
	n, ok := Set().Node("IF-MIB::ifOperStatus")
	if !ok {
		t.Fatal("there is no IF-MIB::ifOperStatus")
	}
	if got := n.Enums(); len(got) != 7 || got[0] != (mib.Enum{Name: "up", Value: 1}) {
		t.Errorf("Enums() = %v, want 7 of which up(1) is the first", got)
	}
	if got := n.Access(); got != mib.ReadOnly {
		t.Errorf("Access() = %v, want %v", got, mib.ReadOnly)
	}
	if n, _ = Set().Node("ifEntry"); len(n.Indexes()) != 1 || n.Indexes()[0].Name != "ifIndex" {
		t.Errorf("Indexes() of ifEntry = %v, want ifIndex", n.Indexes())
	}
	if n, _ = Set().Node("ifPhysAddress"); n.Hint() != "1x:" || n.TypeName() != "PhysAddress" {
		t.Errorf("ifPhysAddress has hint %q and type %q, want 1x: and PhysAddress", n.Hint(), n.TypeName())
	}
	if n.Description() != "" {
		t.Error("ifPhysAddress has a description: the facts should have none")
	}
}

// TestFirstLookup holds the promise that one lookup in a fresh program costs
// little: nothing is prepared when the set is first asked for.
func TestFirstLookup(t *testing.T) {
	allocs := testing.AllocsPerRun(10, func() {
		s, err := mib.FromBinary(facts)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Node("IF-MIB::ifDescr"); !ok {
			t.Fatal("there is no IF-MIB::ifDescr")
		}
	})
	if allocs > 1 {
		t.Errorf("a first lookup allocates %v times, want once", allocs)
	}
}

func BenchmarkFirstLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, _ := mib.FromBinary(facts)
		s.Node("IF-MIB::ifDescr")
	}
}

func BenchmarkLookup(b *testing.B) {
	o := snmp.MustParseOID("1.3.6.1.2.1.2.2.1.10.17")
	b.Run("Name", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Set().Node("ifHCInOctets")
		}
	})
	b.Run("ModuleName", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Set().Node("IF-MIB::ifHCInOctets")
		}
	})
	b.Run("OID", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Set().Find(o)
		}
	})
	b.Run("AppendOID", func(b *testing.B) {
		b.ReportAllocs()
		p := mib.Printer{Set: Set()}
		buf := make([]byte, 0, 256)
		for b.Loop() {
			buf = p.AppendOID(buf[:0], o)
		}
	})
	b.Run("AppendVarBind", func(b *testing.B) {
		b.ReportAllocs()
		p := mib.Printer{Set: Set()}
		buf := make([]byte, 0, 256)
		vb := snmp.VarBind{OID: snmp.MustParseOID("1.3.6.1.2.1.2.2.1.8.17"), Value: snmp.IntegerValue(1)}
		for b.Loop() {
			buf = p.AppendVarBind(buf[:0], vb)
		}
	})
}

// onTop is a configuration with one small module above the standard ones.
func onTop() *mib.Config {
	return &mib.Config{
		FS: []fs.FS{fstest.MapFS{"x": {Data: []byte(`X-MIB DEFINITIONS ::= BEGIN
			IMPORTS OBJECT-TYPE, enterprises FROM SNMPv2-SMI DisplayString, TruthValue FROM SNMPv2-TC ifEntry FROM IF-MIB;
			xName OBJECT-TYPE SYNTAX DisplayString MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { enterprises 99999 1 }
			xOn OBJECT-TYPE SYNTAX TruthValue MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { enterprises 99999 2 }
			xMore OBJECT-TYPE SYNTAX INTEGER MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { ifEntry 99 }
			END`)}}},
		Modules: []string{"X-MIB"}, Base: Set(),
	}
}

func TestOnTop(t *testing.T) {
	s, err := mib.Load(onTop())
	if err != nil || len(s.Diagnostics()) > 0 {
		t.Fatalf("Load() = %v, %v", s.Diagnostics(), err)
	}
	if got, want := s.Len(), Set().Len()+4; got != want { // 99999 itself is a node
		t.Errorf("%d nodes, want %d", got, want)
	}
	if n, _ := s.Node("X-MIB::xName"); n.Hint() != "255a" || n.OID().String() != "1.3.6.1.4.1.99999.1" {
		t.Errorf("xName is %v with hint %q", n.OID(), n.Hint())
	}
	if n, _ := s.Node("xOn"); len(n.Enums()) != 2 {
		t.Errorf("xOn has values %v, want two", n.Enums())
	}
	p := mib.Printer{Set: s}
	if got := string(p.AppendOID(nil, snmp.MustParseOID("1.3.6.1.2.1.2.2.1.99.7"))); got != "X-MIB::xMore.7" {
		t.Errorf("AppendOID() = %s, want X-MIB::xMore.7", got)
	}
	// All that was there is there still.
	base := mib.Printer{Set: Set()}
	var a, b []byte
	for n := range Set().Nodes() {
		o := n.OID()
		if o.IsZero() {
			continue
		}
		o = o.Append(1, 2)
		a, b = p.AppendVarBind(a[:0], snmp.VarBind{OID: o}), base.AppendVarBind(b[:0], snmp.VarBind{OID: o})
		if string(a) != string(b) && !strings.Contains(string(a), "X-MIB") {
			t.Fatalf("on top, %v is %s, want %s", o, a, b)
		}
		m, ok := s.Node(n.Module() + "::" + n.Name())
		if !ok || m.Type() != n.Type() || m.Units() != n.Units() || m.Access() != n.Access() || len(m.Indexes()) != len(n.Indexes()) {
			t.Fatalf("on top, %s::%s has changed", n.Module(), n.Name())
		}
	}
}

func BenchmarkOnTop(b *testing.B) {
	b.ReportAllocs()
	cfg := onTop()
	for b.Loop() {
		if _, err := mib.Load(cfg); err != nil {
			b.Fatal(err)
		}
	}
}
