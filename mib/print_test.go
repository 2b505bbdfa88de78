package mib

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/snmp"
)

// TestAppendVarBind holds the forms of values against what Net-SNMP prints.
func TestAppendVarBind(t *testing.T) {
	s := acmeSet(t)
	level := "1.3.6.1.4.1.99999.1.1.3.1.97.98"
	addr := snmp.AddrValue(netip.MustParseAddr("127.0.0.1"))
	engine := snmp.OctetsValue("\x80\x00\x1f\x88\x80\xd3]@l%\x81\x02k\x00\x00\x00\x00")
	for _, tt := range []struct {
		opts, oid string
		v         snmp.Value
		want      string
	}{
		{"", level, snmp.IntegerValue(1234), "ACME-MIB::acmeLevel.small.'ab' = INTEGER: 12.34 litres"},
		{"U", level, snmp.IntegerValue(5), "ACME-MIB::acmeLevel.small.'ab' = INTEGER: .05"},
		{"b", level, snmp.IntegerValue(-5), "ACME-MIB::acmeLevel.1.97.98 = INTEGER: -.05 litres"},
		{"X", level, snmp.IntegerValue(5), "ACME-MIB::acmeLevel[small][STRING: ab] = INTEGER: .05 litres"},
		{"Xqs", level, snmp.IntegerValue(5), "acmeLevel[small][ab] .05 litres"},
		{"E", level, snmp.IntegerValue(5), `ACME-MIB::acmeLevel.small.\'ab\' = INTEGER: .05 litres`},
		{"n", level, snmp.IntegerValue(5), "." + level + " = INTEGER: .05 litres"},
		{"f", level, snmp.IntegerValue(5), ".iso.org.dod.internet.private.enterprises.acme.acmeTable.acmeEntry.acmeLevel.small.'ab' = INTEGER: .05 litres"},
		{"u", level, snmp.IntegerValue(5), "enterprises.acme.acmeTable.acmeEntry.acmeLevel.small.'ab' = INTEGER: .05 litres"},
		{"v", level, snmp.IntegerValue(5), "INTEGER: .05 litres"},
		{"", level, snmp.OctetsValue("x"), `ACME-MIB::acmeLevel.small.'ab' = Wrong Type (should be INTEGER): STRING: "x"`},
		{"Q", level, snmp.OctetsValue("x"), `ACME-MIB::acmeLevel.small.'ab' = "x"`},
		{"", level, snmp.KindNoSuchObject.Value(), "ACME-MIB::acmeLevel.small.'ab' = No Such Object available on this agent at this OID"},
		{"v", "1.3.6.1.4.1.99999.1.1.5.1", snmp.IntegerValue(1), "INTEGER: true(1)"},
		{"vq", "1.3.6.1.4.1.99999.1.1.5.1", snmp.IntegerValue(2), "false"},
		{"ve", "1.3.6.1.4.1.99999.1.1.5.1", snmp.IntegerValue(2), "INTEGER: 2"},
		{"v", "1.3.6.1.4.1.99999.1.1.5.1", snmp.IntegerValue(7), "INTEGER: 7"},
		{"v", "1.3.6.1.4.1.99999.1.1.4.1", snmp.OctetsValue("\x80\x40"), "BITS: 80 40 wet(0) loud(9) "},
		{"vq", "1.3.6.1.4.1.99999.1.1.4.1", snmp.OctetsValue("\x80\x40"), `"80 40 "`},
		{"v", "1.3.6.1.4.1.99999.1.1.6.1", snmp.OctetsValue("\x00\x1b\xc0\x01"), "STRING: 0:1b:c0:1"},
		{"v0", "1.3.6.1.4.1.99999.1.1.6.1", snmp.OctetsValue("\x00\x1b\xc0\x01"), "STRING: 00:1b:c0:01"},
		{"v", "1.3.6.1.4.1.99999.1.1.6.1", snmp.OctetsValue(""), "STRING: "},
		{"v", "1.3.6.1.4.1.99999.4.0", snmp.OctetsValue(""), `""`},
		{"v", "1.3.6.1.4.1.99999.4.0", snmp.OctetsValue(`say "hi"`), `STRING: "say \"hi\""`},
		{"v", "1.3.6.1.4.1.99999.4.0", engine, "Hex-STRING: 80 00 1F 88 80 D3 5D 40 6C 25 81 02 6B 00 00 00 \n00 "},
		{"vq", "1.3.6.1.4.1.99999.4.0", engine, "\"80 00 1F 88 80 D3 5D 40 6C 25 81 02 6B 00 00 00 \n00 \""},
		{"vT", "1.3.6.1.4.1.99999.4.0", engine, "Hex-STRING: 80 00 1F 88 80 D3 5D 40 6C 25 81 02 6B 00 00 00   [......]@l%..k...]\n00   [.]"},
		{"va", "1.3.6.1.4.1.99999.4.0", engine, `STRING: "......]@l%..k...."`},
		{"vx", "1.3.6.1.4.1.99999.4.0", snmp.OctetsValue("abc"), "Hex-STRING: 61 62 63 "},
		{"v", "1.3.6.1.4.1.99999.5.0", addr, "IpAddress: 127.0.0.1"},
		{"v", "1.3.6.1.4.1.99999.6.0", snmp.OIDValue(snmp.MustParseOID(level)), "OID: ACME-MIB::acmeLevel.small.'ab'"},
		{"vq", "1.3.6.1.4.1.99999.7.0", snmp.Gauge32Value(7), "7"},
		{"", "1.3.6.1.4.1.7.1", snmp.TimeTicksValue(17581), "SNMPv2-SMI::enterprises.7.1 = Timeticks: (17581) 0:02:55.81"},
		{"v", "1.3.6.1.4.1.7.1", snmp.TimeTicksValue(8640000 * 2), "Timeticks: (17280000) 2 days, 0:00:00.00"},
		{"v", "1.3.6.1.4.1.7.1", snmp.TimeTicksValue(8640001), "Timeticks: (8640001) 1 day, 0:00:00.01"},
		{"vq", "1.3.6.1.4.1.7.1", snmp.TimeTicksValue(17594), "0:0:02:55.94"},
		{"vt", "1.3.6.1.4.1.7.1", snmp.TimeTicksValue(17594), "17594"},
		{"v", "1.3.6.1.4.1.7.1", snmp.Counter32Value(4294967295), "Counter32: 4294967295"},
		{"v", "1.3.6.1.4.1.7.1", snmp.Counter64Value(1 << 63), "Counter64: 9223372036854775808"},
		{"v", "1.3.6.1.4.1.7.1", snmp.OpaqueValue(float32(1.5)), "Opaque: Float: 1.500000"},
		{"vp8.2", "1.3.6.1.4.1.7.1", snmp.OpaqueValue(1.256), "Opaque: Float:     1.26"},
		{"v", "1.3.6.1.4.1.7.1", snmp.OpaqueValue(int64(-3)), "Opaque: Int64: -3"},
		{"v", "1.3.6.1.4.1.7.1", snmp.OpaqueValue("ab"), "OPAQUE: 61 62 "},
		{"v", "1.3.6.1.4.1.7.1", snmp.Value{}, "NULL"},
		{"", "2.999.1", snmp.Value{}, "joint-iso-ccitt.999.1 = NULL"},
		{"s", "1.3.6.1.4.1.99999.1.1.9.1.2", snmp.Value{}, "acmeEntry.9.small.'.' = NULL"},
		{"s", "1.3.6.1.4.1.99999.1.1.3", snmp.Value{}, "acmeLevel = Wrong Type (should be INTEGER): NULL"},
		{"s", "1.3.6.1.4.1.99999.2.1.1.2.97", snmp.Counter32Value(1), "acmeMore.large.'a' = Counter32: 1"},
	} {
		p := Printer{Set: s}
		if err := p.SetOptions(tt.opts); err != nil {
			t.Fatal(err)
		}
		vb := snmp.VarBind{OID: snmp.MustParseOID(tt.oid), Value: tt.v}
		if got := string(p.AppendVarBind(nil, vb)); got != tt.want {
			t.Errorf("AppendVarBind(%s) with -O%s =\n  %q, want\n  %q", tt.oid, tt.opts, got, tt.want)
		}
	}
	if got := string((&Printer{}).AppendOID(nil, snmp.MustParseOID("1.3.6.1"))); got != "iso.3.6.1" {
		t.Errorf("AppendOID(1.3.6.1) without names = %s, want iso.3.6.1", got)
	}
	if err := (&Printer{}).SetOptions("nz"); !errors.Is(err, ErrSyntax) {
		t.Errorf("SetOptions(nz) error = %v, want ErrSyntax", err)
	}
}

func TestInputOID(t *testing.T) {
	s := acmeSet(t)
	for _, tt := range []struct {
		opts, in, want, detail string
		kind                   error
	}{
		{in: ".1.3.6.1", want: "1.3.6.1"},
		{in: "1.3.6.1", want: "1.3.6.1"},
		{in: "ACME-MIB::acmeSize.0", want: "1.3.6.1.4.1.99999.7.0"},
		{in: "acmeSize.0", want: "1.3.6.1.4.1.99999.7.0"},
		{in: "ANY::acmeSize.0", want: "1.3.6.1.4.1.99999.7.0"},
		{in: ".iso.org.dod.internet.private.enterprises.acme.acmeSize.0", want: "1.3.6.1.4.1.99999.7.0"},
		{in: "iso.3.6.1.4.1.99999.7.0", want: "1.3.6.1.4.1.99999.7.0"},
		{in: "enterprises.acme.7", want: "1.3.6.1.4.1.99999.7"},
		{in: "acmeLevel.small.'ab'", want: "1.3.6.1.4.1.99999.1.1.3.1.97.98"},
		{in: "acmeLevel.2.97.98", want: "1.3.6.1.4.1.99999.1.1.3.2.97.98"},
		{in: "acmeMore.large.'x'", want: "1.3.6.1.4.1.99999.2.1.1.2.120"},
		{in: `acmePlain."ab"`, want: "1.3.6.1.4.1.99999.4.2.97.98"},
		{in: "acmeLevel.0x1", want: "1.3.6.1.4.1.99999.1.1.3.1"},
		{in: "cmeLeve", want: "1.3.6.1.4.1.99999.1.1.3"}, // the last resort: a pattern
		{opts: "b", in: "^ACMELEV", want: "1.3.6.1.4.1.99999.1.1.3"},
		{opts: "R", in: "acmeSize", want: "1.3.6.1.4.1.99999.7"},
		{opts: "u", in: "1.0", want: "1.3.6.1.2.1.1.0"},
		{opts: "s7", in: "acme", want: "1.3.6.1.4.1.99999.7"},
		{opts: "Sacme.", in: "7", want: "1.3.6.1.4.1.99999.7"},
		{in: "nothing.0", kind: ErrNotFound, detail: "Sub-id not found: (top) -> nothing"},
		{in: "ACME-MIB::nothing", kind: ErrNotFound},
		{in: "NO-MIB::acme", kind: ErrNotFound},
		{in: "acmeLevel.huge", kind: ErrRange, detail: "Index out of range: huge (acmeKind)"},
		{in: "acmeLevel.1.'muchtoolong'", kind: ErrRange, detail: "Index out of range: muchtoolong (acmeName)"},
		{opts: "r", in: "acmeLevel.1.'muchtoolong'", want: "1.3.6.1.4.1.99999.1.1.3.1.109.117.99.104.116.111.111.108.111.110.103"},
		{in: "1", kind: ErrSyntax},
		{in: "", kind: ErrNotFound},
		{in: "1.3." + strings.Repeat("1.", 200) + "1", kind: ErrNotFound},
	} {
		in := Input{Set: s}
		if err := in.SetOptions(tt.opts); err != nil {
			t.Fatal(err)
		}
		o, err := in.OID(tt.in)
		if tt.kind == nil {
			if err != nil || o.String() != tt.want {
				t.Errorf("OID(%q) with -I%s = %v, %v, want %s", tt.in, tt.opts, o, err, tt.want)
			}
			continue
		}
		ne, ok := errors.AsType[*NameError](err)
		if !ok || !errors.Is(err, tt.kind) || tt.detail != "" && ne.Detail != tt.detail {
			t.Errorf("OID(%q) with -I%s = %v, %v, want %v (%s)", tt.in, tt.opts, o, err, tt.kind, tt.detail)
		}
	}
	if got := ModuleOf("IF-MIB::ifDescr.1"); got != "IF-MIB" {
		t.Errorf("ModuleOf(IF-MIB::ifDescr.1) = %q", got)
	}
	if got := ModuleOf("ifDescr.1"); got != "" {
		t.Errorf("ModuleOf(ifDescr.1) = %q", got)
	}
}

func TestInputValue(t *testing.T) {
	s := acmeSet(t)
	const (
		level, on, flags, mac = "1.3.6.1.4.1.99999.1.1.3.1", "1.3.6.1.4.1.99999.1.1.5.1", "1.3.6.1.4.1.99999.1.1.4.1", "1.3.6.1.4.1.99999.1.1.6.1"
		plain, addr, size     = "1.3.6.1.4.1.99999.4.0", "1.3.6.1.4.1.99999.5.0", "1.3.6.1.4.1.99999.7.0"
		pointer, other        = "1.3.6.1.4.1.99999.6.0", "1.3.6.1.4.1.7.1"
	)
	for _, tt := range []struct {
		opts, oid, typ, text string
		want                 snmp.Value
		kind                 error
		detail               string
	}{
		{oid: level, typ: "i", text: "5", want: snmp.IntegerValue(5)},
		{oid: level, typ: "=", text: "5", want: snmp.IntegerValue(5)},
		{oid: level, typ: "i", text: "10001", kind: ErrRange, detail: "10001 :: {(0..10000)}"},
		{opts: "r", oid: level, typ: "i", text: "10001", want: snmp.IntegerValue(10001)},
		{oid: level, typ: "s", text: "5", kind: ErrSyntax, detail: "Type of attribute is Integer32, not OCTET STRING"},
		{oid: on, typ: "i", text: "false", want: snmp.IntegerValue(2)},
		{oid: on, typ: "i", text: "maybe", kind: ErrRange, detail: "maybe"},
		{oid: flags, typ: "b", text: "wet, 9", want: snmp.OctetsValue("\x80\x40")},
		{oid: flags, typ: "=", text: "", want: snmp.OctetsValue("\x00\x00")},
		{oid: flags, typ: "b", text: "cold", kind: ErrRange},
		{oid: mac, typ: "s", text: "0:1b:c0:1", want: snmp.OctetsValue("\x00\x1b\xc0\x01")},
		{oid: mac, typ: "x", text: "001BC001", want: snmp.OctetsValue("\x00\x1b\xc0\x01")},
		{oid: mac, typ: "x", text: "0 1", kind: ErrSyntax},
		{oid: plain, typ: "d", text: "1 2 255", want: snmp.OctetsValue("\x01\x02\xff")},
		{oid: plain, typ: "d", text: "256", kind: ErrSyntax},
		{oid: plain, typ: "=", text: "hello", want: snmp.OctetsValue("hello")},
		{oid: addr, typ: "=", text: "10.0.0.1", want: snmp.AddrValue(netip.MustParseAddr("10.0.0.1"))},
		{oid: addr, typ: "a", text: "10.0.0.256", kind: ErrSyntax},
		{oid: pointer, typ: "=", text: "acmeSize.0", want: snmp.OIDValue(snmp.MustParseOID(size))},
		{oid: pointer, typ: "o", text: "nothing.0", kind: ErrNotFound},
		{oid: size, typ: "=", text: "20", want: snmp.Gauge32Value(20)},
		{oid: size, typ: "u", text: "x", kind: ErrSyntax, detail: "x"},
		{oid: other, typ: "c", text: "7", want: snmp.Counter32Value(7)},
		{oid: other, typ: "C", text: "18446744073709551615", want: snmp.Counter64Value(1<<64 - 1)},
		{oid: other, typ: "t", text: "7", want: snmp.TimeTicksValue(7)},
		{oid: other, typ: "F", text: "1.5", want: snmp.OpaqueValue(float32(1.5))},
		{oid: other, typ: "D", text: "1.5", want: snmp.OpaqueValue(1.5)},
		{oid: other, typ: "I", text: "-5", want: snmp.OpaqueValue(int64(-5))},
		{oid: other, typ: "U", text: "5", want: snmp.OpaqueValue(uint64(5))},
		{oid: other, typ: "n", want: snmp.Value{}},
		{oid: other, typ: "q", text: "5", kind: ErrSyntax, detail: `"q"`},
	} {
		in := Input{Set: s}
		if err := in.SetOptions(tt.opts); err != nil {
			t.Fatal(err)
		}
		got, err := in.Value(snmp.MustParseOID(tt.oid), tt.typ[0], tt.text)
		if tt.kind == nil {
			if err != nil || got != tt.want {
				t.Errorf("Value(%s, %s, %q) = %v, %v, want %v", tt.oid, tt.typ, tt.text, got, err, tt.want)
			}
			continue
		}
		ve, ok := errors.AsType[*ValueError](err)
		if !errors.Is(err, tt.kind) || tt.detail != "" && (!ok || ve.Detail != tt.detail) {
			t.Errorf("Value(%s, %s, %q) = %v, %v, want %v (%s)", tt.oid, tt.typ, tt.text, got, err, tt.kind, tt.detail)
		}
	}
}

func TestHints(t *testing.T) {
	p := Printer{}
	for _, tt := range []struct{ hint, octets, want string }{
		{"255a", "abc", "abc"},
		{"1x:", "\x01\xab", "1:ab"},
		{"1d.1d.1d.1d", "\x0a\x00\x00\x01", "10.0.0.1"},
		{"2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "\x07\xea\x0b\x16\x05\x2f\x01\x00+\x00\x00", "2026-11-22,5:47:1.0,+0:0"},
		{"2x:2x:2x:2x", "\x20\x01\x0d\xb8\x00\x00\x00\x01", "2001:db8:0:1"},
		{"*1x:/1d", "\x02\xaa\xbb\x07", "aa:bb:/7"}, // RFC 2579 has no second colon, Net-SNMP has
		{"1x", "\xaa\x01\xbb", "aa01bb"},
		{"4d", "\x00\x00\x01\x00", "256"},
		{"1o", "\x09", "11"},
	} {
		got, ok := p.appendHinted(nil, tt.hint, tt.octets)
		if !ok || string(got) != tt.want {
			t.Errorf("appendHinted(%q, %x) = %q, %v, want %q", tt.hint, tt.octets, got, ok, tt.want)
		}
		if back, ok := parseHinted(tt.hint, tt.want); tt.hint != "1x" && (!ok || string(back) != tt.octets) {
			t.Errorf("parseHinted(%q, %q) = %x, %v, want %x", tt.hint, tt.want, back, ok, tt.octets)
		}
	}
	for _, tt := range []struct {
		hint string
		v    int64
		want string
	}{{"d", 5, "5"}, {"d-2", 1234, "12.34"}, {"d-2", 5, ".05"}, {"d-1", -5, "-.5"}, {"x", 255, "ff"}, {"o", 8, "10"}, {"b", 5, "00000000000000000000000000000101"}, {"z", 5, "5"}} {
		if got := string(appendHintedInt(nil, tt.v, true, tt.hint)); got != tt.want {
			t.Errorf("appendHintedInt(%d, %q) = %q, want %q", tt.v, tt.hint, got, tt.want)
		}
	}
}

func FuzzHint(f *testing.F) {
	f.Add("1x:", "\x01\x02", "1:2")
	f.Add("*2d:/1a", "\x02\x00\x01\x00\x02x", "1:2/x")
	f.Add("d-99999999999999999999", "x", "")
	f.Fuzz(func(t *testing.T, hint, octets, text string) {
		if hint == "" || len(hint) > 100 || len(octets) > 1000 {
			return
		}
		p := Printer{}
		out, ok := p.appendHinted(nil, hint, octets)
		if limit := 100 + 30*len(octets)*2; ok && len(out) > limit {
			t.Errorf("appendHinted(%q, %d octets) gives %d", hint, len(octets), len(out))
		}
		appendHintedInt(nil, int64(len(octets))-3, true, hint)
		if b, ok := parseHinted(hint, text); ok && len(b) > (len(text)+1)*(maxHintWidth+1) {
			t.Errorf("parseHinted(%q, %d characters) gives %d octets", hint, len(text), len(b))
		}
	})
}

func FuzzInput(f *testing.F) {
	f.Add("acmeLevel.small.'ab'", byte('s'), "x")
	f.Add(".1.3.6.1.4.1.99999.1.1.3.1.97", byte('i'), "7")
	f.Add(`acmePlain."a`, byte('b'), "1,2")
	var s *Set
	f.Fuzz(func(t *testing.T, name string, typ byte, text string) {
		if s == nil {
			s = acmeSet(t)
		}
		in := Input{Set: s}
		o, err := in.OID(name)
		if err != nil {
			if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRange) && !errors.Is(err, ErrSyntax) {
				t.Errorf("OID(%q) error = %v of no kind", name, err)
			}
			return
		}
		for _, opts := range []string{"", "n", "f", "b"} {
			p := Printer{Set: s}
			p.SetOptions(opts)
			printed := string(p.AppendOID(nil, o))
			if opts == "n" {
				if back, err := in.OID(printed); err != nil || back != o {
					t.Errorf("OID(%q) = %v, printed %s, read back as %v, %v", name, o, printed, back, err)
				}
			}
		}
		p := Printer{Set: s}
		if v, err := in.Value(o, typ, text); err == nil {
			p.AppendVarBind(nil, snmp.VarBind{OID: o, Value: v})
		}
	})
}

func TestAllocs(t *testing.T) {
	s := acmeSet(t)
	p := Printer{Set: s}
	o := snmp.MustParseOID("1.3.6.1.4.1.99999.1.1.3.1.97.98")
	vbs := []snmp.VarBind{
		{OID: o, Value: snmp.IntegerValue(5)},
		{OID: snmp.MustParseOID("1.3.6.1.4.1.99999.1.1.6.1.97"), Value: snmp.OctetsValue("\x00\x1b\xc0")},
		{OID: snmp.MustParseOID("1.3.6.1.4.1.99999.4.0"), Value: snmp.OctetsValue("\x00\x1b\xc0")},
		{OID: snmp.MustParseOID("1.3.6.1.4.1.99999.6.0"), Value: snmp.OIDValue(o)},
	}
	buf := make([]byte, 0, 512)
	for name, f := range map[string]func(){
		"Node":      func() { s.Node("ACME-MIB::acmeLevel") },
		"Find":      func() { s.Find(o) },
		"AppendOID": func() { buf = p.AppendOID(buf[:0], o) },
		"AppendVarBind": func() {
			for _, vb := range vbs {
				buf = p.AppendVarBind(buf[:0], vb)
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}
