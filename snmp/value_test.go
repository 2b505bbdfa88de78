package snmp

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/internal/ber"
)

var (
	_ encoding.TextAppender    = OID{}
	_ encoding.TextMarshaler   = Value{}
	_ encoding.TextUnmarshaler = (*VarBind)(nil)
	_ json.Marshaler           = VarBind{}
	_ json.Unmarshaler         = (*Value)(nil)
	_ fmt.Stringer             = Kind(0)
)

// values holds each kind with its octets, its text and its JSON.
var values = []struct {
	v               Value
	ber, text, json string
}{
	{Value{}, "\x05\x00", "NULL", `{"type":"Null"}`},
	{IntegerValue(-5), "\x02\x01\xfb", "INTEGER: -5", `{"type":"Integer","value":-5}`},
	{IntegerValue(math.MinInt32), "\x02\x04\x80\x00\x00\x00", "INTEGER: -2147483648", `{"type":"Integer","value":-2147483648}`},
	{OctetsValue(""), "\x04\x00", `STRING: ""`, `{"type":"OctetString","value":""}`},
	{OctetsValue(`a "b" \`), "\x04\x07a \"b\" \\", `STRING: "a \"b\" \\"`, `{"type":"OctetString","value":"a \"b\" \\"}`},
	{OctetsValue("a\r\nb"), "\x04\x04a\r\nb", "STRING: \"a\r\nb\"", `{"type":"OctetString","value":"a\r\nb"}`},
	{OctetsValue("\x80\x00\x1f"), "\x04\x03\x80\x00\x1f", "Hex-STRING: 80 00 1F", `{"type":"OctetString","hex":"80001f"}`},
	{OctetsValue("").WithBits(0, 9, -1, 70000), "\x04\x02\x80\x40", "Hex-STRING: 80 40", `{"type":"OctetString","hex":"8040"}`},
	{OIDValue(MustParseOID("1.3.6.1")), "\x06\x03\x2b\x06\x01", "OID: 1.3.6.1", `{"type":"OID","value":"1.3.6.1"}`},
	{AddrValue(netip.MustParseAddr("192.0.2.1")), "\x40\x04\xc0\x00\x02\x01", "IpAddress: 192.0.2.1", `{"type":"IpAddress","value":"192.0.2.1"}`},
	{Counter32Value(math.MaxUint32), "\x41\x05\x00\xff\xff\xff\xff", "Counter32: 4294967295", `{"type":"Counter32","value":4294967295}`},
	{Gauge32Value(128), "\x42\x02\x00\x80", "Gauge32: 128", `{"type":"Gauge32","value":128}`},
	{TimeTicksValue(17581), "\x43\x02\x44\xad", "Timeticks: (17581) 0:02:55.81", `{"type":"TimeTicks","value":17581}`},
	{TimeTicksValue(8640000), "\x43\x04\x00\x83\xd6\x00", "Timeticks: (8640000) 1 day, 0:00:00.00", `{"type":"TimeTicks","value":8640000}`},
	{TimeTicksValue(math.MaxUint32), "\x43\x05\x00\xff\xff\xff\xff", "Timeticks: (4294967295) 497 days, 2:27:52.95", `{"type":"TimeTicks","value":4294967295}`},
	{OpaqueValue("\x04\x01a"), "\x44\x03\x04\x01a", "OPAQUE: 04 01 61", `{"type":"Opaque","hex":"040161"}`},
	{OpaqueValue([]byte{}), "\x44\x00", "OPAQUE: ", `{"type":"Opaque"}`},
	{OpaqueValue(float32(0.5)), "\x44\x07\x9f\x78\x04\x3f\x00\x00\x00", "Opaque: Float: 0.5", `{"type":"Float","value":0.5}`},
	{OpaqueValue(math.Inf(-1)), "\x44\x0b\x9f\x79\x08\xff\xf0\x00\x00\x00\x00\x00\x00", "Opaque: Double: -Inf", `{"type":"Double","value":"-Inf"}`},
	{OpaqueValue(int64(-2)), "\x44\x04\x9f\x7a\x01\xfe", "Opaque: Int64: -2", `{"type":"Int64","value":-2}`},
	{OpaqueValue(uint64(math.MaxUint64)), "\x44\x0c\x9f\x7b\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", "Opaque: UInt64: 18446744073709551615", `{"type":"UInt64","value":18446744073709551615}`},
	{Counter64Value(math.MaxUint64), "\x46\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", "Counter64: 18446744073709551615", `{"type":"Counter64","value":18446744073709551615}`},
	{KindNoSuchObject.Value(), "\x80\x00", "No Such Object available on this agent at this OID", `{"type":"noSuchObject"}`},
	{KindNoSuchInstance.Value(), "\x81\x00", "No Such Instance currently exists at this OID", `{"type":"noSuchInstance"}`},
	{KindEndOfMIBView.Value(), "\x82\x00", "No more variables left in this MIB View (It is past the end of the MIB tree)", `{"type":"endOfMibView"}`},
}

// valueFromBER decodes one element as a message's value.
func valueFromBER(b []byte) (Value, error) {
	r := ber.NewReader(b)
	tag, c, err := r.Any("a value")
	if err != nil {
		return Value{}, err
	}
	v, fault := decodeValue(tag, c)
	if fault != "" {
		return Value{}, r.Error(fault, "another")
	}
	switch v.kind {
	case KindOctetString, KindOpaque:
		v.str = string(c)
	case KindOID:
		v.str = string(appendMinimalOID(nil, c))
	}
	return v, nil
}

func TestValueForms(t *testing.T) {
	oid := MustParseOID("1.3.6.1.2.1.1.5.0")
	for _, tt := range values {
		t.Run(tt.text, func(t *testing.T) {
			if got := string(tt.v.AppendBER(nil)); got != tt.ber {
				t.Errorf("AppendBER = %x, want %x", got, tt.ber)
			}
			if got := tt.v.berLen(); got != len(tt.ber) {
				t.Errorf("berLen() = %d, want %d", got, len(tt.ber))
			}
			if got, err := valueFromBER([]byte(tt.ber)); got != tt.v || err != nil {
				t.Errorf("decoding %x gives %v, %v", tt.ber, got, err)
			}
			if got := tt.v.String(); got != tt.text {
				t.Errorf("String() = %q, want %q", got, tt.text)
			}
			if got, err := ParseValue(tt.text); got != tt.v || err != nil {
				t.Errorf("ParseValue(%q) = %v, %v", tt.text, got, err)
			}
			got, err := json.Marshal(tt.v)
			if string(got) != tt.json || err != nil {
				t.Errorf("JSON = %s, %v; want %s", got, err, tt.json)
			}
			var back Value
			if err := json.Unmarshal(got, &back); back != tt.v || err != nil {
				t.Errorf("from JSON %s: %v, %v", got, back, err)
			}

			vb := VarBind{oid, tt.v}
			var vbBack VarBind
			if got = vb.appendBER(nil); int(got[1]) != len(got)-2 {
				t.Errorf("binding is %x: wrong length", got)
			}
			if err := vbBack.UnmarshalText([]byte(vb.String())); vbBack != vb || err != nil {
				t.Errorf("from text %q: %v, %v", vb, vbBack, err)
			}
			got, _ = json.Marshal(vb)
			if err := json.Unmarshal(got, &vbBack); vbBack != vb || err != nil || !strings.Contains(string(got), `"oid":"1.3.6.1.2.1.1.5.0"`) {
				t.Errorf("from JSON %s: %v, %v", got, vbBack, err)
			}
		})
	}
}

func TestValueLiberal(t *testing.T) {
	tests := []struct {
		ber  string
		want Value // Null with a ber other than "\x05\x00": refused
	}{
		{"\x02\x08\xff\xff\xff\xff\xff\xff\xff\xfe", IntegerValue(-2)},
		{"\x02\x05\x00\xff\xff\xff\xff", IntegerValue(-1)},
		{"\x41\x01\xff", Counter32Value(math.MaxUint32)},
		{"\x42\x04\xff\xff\xff\xfe", Gauge32Value(math.MaxUint32 - 1)},
		{"\x43\x04\x80\x00\x00\x00", TimeTicksValue(1 << 31)},
		{"\x47\x01\x05", Gauge32Value(5)},
		{"\x46\x08\xff\xff\xff\xff\xff\xff\xff\xff", Counter64Value(math.MaxUint64)},
		{"\x46\x81\x09\x00\x80\x00\x00\x00\x00\x00\x00\x00", Counter64Value(1 << 63)},
		{"\x06\x00", OIDValue(MustParseOID("0.0"))},
		{"\x06\x03\x2b\x80\x05", OIDValue(MustParseOID("1.3.5"))},
		{"\x44\x08\x9f\x78\x81\x04\x3f\x00\x00\x00", OpaqueValue(float32(0.5))},
		{"\x44\x07\x9f\x78\x04\x7f\xc0\x00\x01", OpaqueValue(float32(math.NaN()))},
		{"\x44\x06\x9f\x78\x03\x3f\x00\x00", Value{str: "\x9f\x78\x03\x3f\x00\x00", kind: KindOpaque}},

		{"\x02\x00", Value{}},
		{"\x02\x05\x01\x00\x00\x00\x00", Value{}},
		{"\x41\x05\x01\x00\x00\x00\x00", Value{}},
		{"\x46\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00", Value{}},
		{"\x40\x03abc", Value{}},
		{"\x40\x00", Value{}},
		{"\x05\x01a", Value{}},
		{"\x80\x01a", Value{}},
		{"\x06\x01\x80", Value{}},
		{"\x03\x01a", Value{}},
		{"\x24\x03\x04\x01a", Value{}},
		{"\x83\x00", Value{}},
	}
	for _, tt := range tests {
		got, err := valueFromBER([]byte(tt.ber))
		if got != tt.want || (err == nil) != (tt.want != Value{}) {
			t.Errorf("decoding %x gives %v, %v; want %v", tt.ber, got, err, tt.want)
		}
	}
}

func TestValueAccessors(t *testing.T) {
	for _, tt := range values {
		_, isInt := tt.v.Int64()
		_, isUint := tt.v.Uint64()
		_, isFloat := tt.v.Float64()
		_, isOctets := tt.v.Octets()
		_, isOID := tt.v.OID()
		_, isAddr := tt.v.Addr()
		_, isTime := tt.v.Duration()
		_, isBits := tt.v.Bit(0)
		got := fmt.Sprint(isInt, isUint, isFloat, isOctets, isOID, isAddr, isTime, isBits)
		var want string
		switch tt.v.Kind() {
		case KindInteger, KindInt64:
			want = "true false true false false false false false"
		case KindCounter32, KindGauge32:
			want = "true true true false false false false false"
		case KindCounter64, KindUint64: // those of the table exceed an int64
			want = "false true true false false false false false"
		case KindTimeTicks:
			want = "true true true false false false true false"
		case KindFloat, KindDouble:
			want = "false false true false false false false false"
		case KindOctetString:
			want = "false false false true false false false true"
		case KindOpaque:
			want = "false false false true false false false false"
		case KindOID:
			want = "false false false false true false false false"
		case KindIPAddress:
			want = "false false false false false true false false"
		default:
			want = "false false false false false false false false"
		}
		if got != want {
			t.Errorf("%v is int, uint, float, octets, OID, address, time, bits: %s, want %s", tt.v, got, want)
		}
	}
	if d, _ := TimeTicksValue(150).Duration(); d != 1500*time.Millisecond {
		t.Errorf("150 ticks are %v", d)
	}
	if f, _ := OpaqueValue(float32(0.25)).Float64(); f != 0.25 {
		t.Errorf("Float64() = %v, want 0.25", f)
	}
	bits := OctetsValue("@").WithBits(15)
	for bit := -1; bit < 20; bit++ {
		if set, ok := bits.Bit(bit); !ok || set != (bit == 1 || bit == 15) {
			t.Errorf("Bit(%d) = %v, %v", bit, set, ok)
		}
	}
	if v := AddrValue(netip.MustParseAddr("2001:db8::1")); v != (Value{}) {
		t.Errorf("AddrValue(IPv6) = %v, want Null", v)
	}
	for k := KindNull; k <= KindUint64; k++ {
		v := k.Value()
		if back, err := valueFromBER(v.AppendBER(nil)); v.Kind() != k || back != v || err != nil {
			t.Errorf("(%v).Value() = %v, which decodes to %v, %v", k, v, back, err)
		}
	}
}

func TestParseValue(t *testing.T) {
	tests := []struct {
		in   string
		want Value // Null: ErrSyntax
	}{
		{`""`, OctetsValue("")},
		{"STRING: peer agent", OctetsValue("peer agent")},
		{"STRING:", OctetsValue("")},
		{"Hex-STRING: 80 00 1F 88 \n00 ", OctetsValue("\x80\x00\x1f\x88\x00")},
		{"INTEGER: softwareLoopback(24)", IntegerValue(24)},
		{"OID: .1.3.6.1", OIDValue(MustParseOID("1.3.6.1"))},
		{"Timeticks: 5", TimeTicksValue(5)},
		{"Network Address: 10.0.0.1", AddrValue(netip.MustParseAddr("10.0.0.1"))},

		{"", Value{}},
		{"5", Value{}},
		{"INTEGER: x", Value{}},
		{"INTEGER: 2147483648", Value{}},
		{"Counter32: -1", Value{}},
		{"Gauge32: 4294967296", Value{}},
		{"Counter64: 18446744073709551616", Value{}},
		{"Hex-STRING: 8", Value{}},
		{"Hex-STRING: 8 0", Value{}},
		{"Hex-STRING: zz", Value{}},
		{"IpAddress: ::1", Value{}},
		{"OID: iso", Value{}},
		{"Timeticks: (x)", Value{}},
		{"Opaque: Float: x", Value{}},
	}
	for _, tt := range tests {
		got, err := ParseValue(tt.in)
		if got != tt.want || (err == nil) != (tt.want != Value{}) || err != nil && !errors.Is(err, ErrSyntax) {
			t.Errorf("ParseValue(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{`5`, `{"type":"x"}`, `{"type":"Integer"}`, `{"type":"Integer","value":"x"}`, `{"type":"OctetString","hex":"8"}`,
		`{"type":"IpAddress","value":[]}`, `{"type":"Integer","value":5,"oid":"x"}`} {
		var vb VarBind
		if err := json.Unmarshal([]byte(in), &vb); !errors.Is(err, ErrSyntax) {
			t.Errorf("from JSON %s: %v, %v; want ErrSyntax", in, vb, err)
		}
	}
}

func TestIndex(t *testing.T) {
	column := MustParseOID("1.3.6.1.2.1.99.1")
	long := strings.Repeat("x", 120)
	v4, v6, zone := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%5")
	tests := []struct {
		name string
		oid  OID
		want string // the text of the index
		read func(x *Index) (any, bool)
		val  any
	}{
		{"INTEGER", column.Append(70000), "70000", func(x *Index) (any, bool) { return get(x.Uint32()) }, uint32(70000)},
		{"string", column.AppendOctets("a\xff"), "2.97.255", func(x *Index) (any, bool) { return get(x.Octets()) }, "a\xff"},
		{"empty string", column.AppendOctets(""), "0", func(x *Index) (any, bool) { return get(x.Octets()) }, ""},
		{"IMPLIED string", column.AppendImpliedOctets("ab"), "97.98", func(x *Index) (any, bool) { return get(x.ImpliedOctets()) }, "ab"},
		{"fixed string", column.AppendImpliedOctets("ab"), "97.98", func(x *Index) (any, bool) { return get(x.Fixed(2)) }, "ab"},
		{"OID", column.AppendOID(column), "8." + column.String(), func(x *Index) (any, bool) { return get(x.OID()) }, column},
		{"IMPLIED OID", column.AppendImpliedOID(column), column.String(), func(x *Index) (any, bool) { return get(x.ImpliedOID()) }, column},
		{"IpAddress", column.AppendAddr(v4), "192.0.2.1", func(x *Index) (any, bool) { return get(x.Addr()) }, v4},
		{"ipv4", column.AppendInetAddr(v4), "1.4.192.0.2.1", func(x *Index) (any, bool) { return get(x.InetAddr()) }, v4},
		{"ipv6", column.AppendInetAddr(v6), "2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1", func(x *Index) (any, bool) { return get(x.InetAddr()) }, v6},
		{"ipv6z", column.AppendInetAddr(zone), "4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.5", func(x *Index) (any, bool) { return get(x.InetAddr()) }, zone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if want := column.String() + "." + tt.want; tt.oid.String() != want {
				t.Fatalf("OID is %v, want %s", tt.oid, want)
			}
			x, ok := tt.oid.Index(column)
			if !ok {
				t.Fatal("Index() = false")
			}
			if got, ok := tt.read(&x); got != tt.val || !ok || x.Len() != 0 {
				t.Errorf("read %v, %v with %d left; want %v", got, ok, x.Len(), tt.val)
			}
			// One sub-identifier fewer must not do, and must not be consumed.
			if tt.oid.Len() > column.Len()+1 && !strings.HasPrefix(tt.name, "IMPLIED") {
				x, _ := tt.oid.Parent().Index(column)
				n := x.Len()
				if got, ok := tt.read(&x); ok || x.Len() != n {
					t.Errorf("read %v, %v with %d of %d left from a cut index", got, ok, x.Len(), n)
				}
			}
		})
	}
	for _, o := range []OID{column.AppendOctets(long), column.AppendImpliedOctets(long + "y"), column.AppendAddr(v6),
		column.AppendInetAddr(netip.Addr{}), column.AppendInetAddr(netip.MustParseAddr("fe80::1%eth0")), OID{}.AppendImpliedOctets("ab"),
		OID{}.AppendOctets("ab"), OID{}.AppendOID(column), OID{}.AppendImpliedOID(column), OID{}.AppendInetAddr(v4)} {
		if !o.IsZero() {
			t.Errorf("an impossible index gives %v, want the zero OID", o)
		}
	}
	if _, ok := column.Index(column); ok {
		t.Error("a column has an index")
	}
	for _, subs := range [][]uint32{{1, 300}, {300, 300}, {1 << 31, 1}} {
		x, _ := column.Append(subs...).Index(column)
		if s, ok := x.Octets(); ok || x.Len() != 2 {
			t.Errorf("Octets() of %v = %q, %v", subs, s, ok)
		}
	}
}

func get[T any](v T, ok bool) (any, bool) { return v, ok }

// FuzzParseValue checks that what parses prints as text, and JSON, that parses
// to the same.
func FuzzParseValue(f *testing.F) {
	for _, tt := range values {
		f.Add(tt.text)
	}
	f.Add("INTEGER: up(1)")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseValue(s)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("ParseValue(%q) error = %v, want ErrSyntax", s, err)
			}
			return
		}
		if back, err := ParseValue(v.String()); back != v || err != nil {
			t.Errorf("ParseValue(%q) = %v, %v; want %v", v.String(), back, err, v)
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back Value
		if err := json.Unmarshal(j, &back); back != v || err != nil {
			t.Errorf("from JSON %s: %v, %v; want %v", j, back, err, v)
		}
		if back, err := valueFromBER(v.AppendBER(nil)); back != v || err != nil {
			t.Errorf("from octets %x: %v, %v; want %v", v.AppendBER(nil), back, err, v)
		}
	})
}

// FuzzVarBindText checks text and JSON of bindings in the same way.
func FuzzVarBindText(f *testing.F) {
	for _, tt := range values {
		vb := VarBind{oidSysUpTime, tt.v}
		j, _ := json.Marshal(vb)
		f.Add(vb.String())
		f.Add(string(j))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, parse := range map[string]func(*VarBind, []byte) error{"text": (*VarBind).UnmarshalText, "JSON": (*VarBind).UnmarshalJSON} {
			var vb, fromText, fromJSON VarBind
			if err := parse(&vb, []byte(s)); err != nil {
				if !errors.Is(err, ErrSyntax) {
					t.Fatalf("%s %q: error = %v, want ErrSyntax", name, s, err)
				}
				continue
			}
			if err := fromText.UnmarshalText([]byte(vb.String())); err != nil || fromText != vb {
				t.Errorf("%s %q is %v, and its text %v, %v", name, s, vb, fromText, err)
			}
			j, err := json.Marshal(vb)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(j, &fromJSON); err != nil || fromJSON != vb {
				t.Errorf("%s %q is %v, and its JSON %s is %v, %v", name, s, vb, j, fromJSON, err)
			}
		}
	})
}
