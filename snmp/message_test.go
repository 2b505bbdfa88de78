package snmp

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// messages has one of each type and version.
func messages() []*Message {
	var all []VarBind
	for i, tt := range values {
		all = append(all, VarBind{MustParseOID("1.3.6.1.2.1.99").Append(uint32(i), math.MaxUint32), tt.v})
	}
	v3 := HeaderData{MsgID: math.MaxInt32, MaxSize: 1472, Flags: FlagReportable, SecurityModel: 3}
	priv := HeaderData{MsgID: 0, MaxSize: 484, Flags: FlagAuth | FlagPriv, SecurityModel: 3}
	return []*Message{
		{Version: V1, Community: "public", PDU: PDU{Type: GetRequest, RequestID: 1, VarBinds: all[:1]}},
		{Version: V1, PDU: PDU{Type: GetNextRequest, RequestID: -1}},
		{Version: V1, Community: "public", PDU: PDU{Type: Response, RequestID: math.MinInt32, ErrorStatus: NoSuchName, ErrorIndex: 1, VarBinds: all[:1]}},
		{Version: V1, Community: "private", PDU: PDU{Type: SetRequest, RequestID: math.MaxInt32, VarBinds: all}},
		{Version: V1, Community: "public", PDU: PDU{Type: TrapV1, Enterprise: MustParseOID("1.3.6.1.4.1.8072"), AgentAddr: netip.MustParseAddr("10.1.2.3"),
			GenericTrap: 6, SpecificTrap: -17, Timestamp: math.MaxUint32, VarBinds: all[:5]}},
		{Version: V2c, Community: "public", PDU: PDU{Type: GetBulkRequest, RequestID: 5, NonRepeaters: 1, MaxRepetitions: math.MaxInt32, VarBinds: all[:2]}},
		{Version: V2c, Community: strings.Repeat("c", 300), PDU: PDU{Type: Response, RequestID: 5, ErrorStatus: 99, ErrorIndex: -1, VarBinds: all}},
		{Version: V2c, Community: "public", PDU: PDU{Type: InformRequest, RequestID: 6, VarBinds: all}},
		{Version: V2c, Community: "public", PDU: PDU{Type: TrapV2, RequestID: 7, VarBinds: all}},
		{Version: V2c, Community: "public", PDU: PDU{Type: Report, RequestID: 8}},
		{Version: V3, HeaderData: v3, SecurityParams: "\x30\x00", ContextEngineID: "\x80\x00\x1f\x88\x04abc", ContextName: "ctx",
			PDU: PDU{Type: GetRequest, RequestID: 9, VarBinds: all[:1]}},
		{Version: V3, HeaderData: v3, ContextEngineID: strings.Repeat("e", 200), PDU: PDU{Type: Report, VarBinds: all}},
		{Version: V3, HeaderData: priv, SecurityParams: "\x30\x00", EncryptedPDU: strings.Repeat("\x00\xff", 80)},
		response(50),
	}
}

// checkMessage holds what must be true of all octets from the network.
func checkMessage(t *testing.T, b []byte) {
	t.Helper()
	n, splitErr := Split(b)
	if splitErr != nil && !errors.Is(splitErr, ErrSyntax) || n < 0 {
		t.Fatalf("Split(%x) = %d, %v", b, n, splitErr)
	}
	key, hasKey := Key(b)
	m, err := MessageFromBER(b)

	var p Parser
	inPlaceErr := p.Start(b)
	var vbs []VarBind
	for p.Next() {
		vb := p.VarBind()
		vbs = append(vbs, vb)
		i1, i1ok := p.Int64()
		i2, i2ok := vb.Value.Int64()
		u1, u1ok := p.Uint64()
		u2, u2ok := vb.Value.Uint64()
		raw, rawOK := p.RawOctets()
		o, octetsOK := vb.Value.Octets()
		if p.Kind() != vb.Value.Kind() || i1 != i2 || i1ok != i2ok || u1 != u2 || u1ok != u2ok || octetsOK && (!rawOK || string(raw) != o) {
			t.Fatalf("in place: %v %d %d %x, as a copy: %v", p.Kind(), i1, u1, raw, vb)
		}
	}
	if inPlaceErr == nil {
		inPlaceErr = p.Err()
	}
	if (err == nil) != (inPlaceErr == nil) || err != nil && err.Error() != inPlaceErr.Error() {
		t.Fatalf("in place: %v, as a copy: %v", inPlaceErr, err)
	}
	if err != nil {
		if !errors.Is(err, ErrSyntax) {
			t.Fatalf("MessageFromBER(%x) error = %v, want ErrSyntax", b, err)
		}
		return
	}
	if !reflect.DeepEqual(vbs, m.PDU.VarBinds) {
		t.Fatalf("in place: %v, as a copy: %v", vbs, m.PDU.VarBinds)
	}
	if splitErr != nil || n != len(b)-p.TrailingLen() {
		t.Errorf("Split = %d, %v for a message of %d octets", n, splitErr, len(b)-p.TrailingLen())
	}

	wantKey, wantHas := uint32(m.PDU.RequestID), m.PDU.Type != TrapV1
	if m.Version == V3 {
		wantKey = uint32(m.MsgID)
	}
	if key != wantKey || hasKey != wantHas {
		t.Errorf("Key(%x) = %d, %v; want %d, %v", b, key, hasKey, wantKey, wantHas)
	}

	enc, err := m.Append(nil)
	if err != nil {
		t.Fatalf("Append of what %x decodes to: %v", b, err)
	}
	again, err := MessageFromBER(enc)
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Fatalf("%x decodes to %+v, is encoded as %x, and decodes to %+v, %v", b, m, enc, again, err)
	}
	if enc2, err := again.Append(nil); err != nil || !bytes.Equal(enc, enc2) {
		t.Errorf("encoded as %x, then as %x, %v", enc, enc2, err)
	}
	if m.Version == V3 {
		data := []byte(m.EncryptedPDU)
		if m.Flags&FlagPriv == 0 {
			data, _ = m.AppendScopedPDU(nil)
		}
		frame, off := m.HeaderData.Append(nil, []byte(m.SecurityParams), data)
		if !bytes.Equal(frame, enc) {
			t.Errorf("by parts %x, as a whole %x", frame, enc)
		}
		if got := string(frame[off:][:len(m.SecurityParams)]); got != m.SecurityParams {
			t.Errorf("security parameters %x at %d, want %x", got, off, m.SecurityParams)
		}
		var p Parser
		p.Start(frame)
		if params, at := p.RawSecurityParams(); at != off || string(params) != m.SecurityParams {
			t.Errorf("RawSecurityParams() = %x, %d; want %x, %d", params, at, m.SecurityParams, off)
		}
	}
}

func TestMessages(t *testing.T) {
	for _, m := range messages() {
		t.Run(m.Version.String()+" "+m.PDU.Type.String(), func(t *testing.T) {
			prefix := []byte("prefix")
			b, err := m.Append(prefix)
			if err != nil || !bytes.HasPrefix(b, prefix) {
				t.Fatalf("Append = %x, %v", b, err)
			}
			b = b[len(prefix):]
			checkMessage(t, b)
			got, err := MessageFromBER(b)
			if err != nil || !reflect.DeepEqual(&got, m) {
				t.Errorf("decoded %+v, %v; want %+v", got, err, m)
			}
			var p Parser
			if err := p.Start(append(b, 1, 2, 3)); err != nil || p.TrailingLen() != 3 {
				t.Errorf("Start = %v with %d trailing octets, want 3", err, p.TrailingLen())
			}
			for i := range b {
				if err := p.Start(b[:i]); !errors.Is(err, ErrSyntax) || p.Next() {
					t.Fatalf("Start of %d of %d octets = %v, want ErrSyntax", i, len(b), err)
				}
				checkMessage(t, b[:i])
			}
		})
	}
}

func TestStartScopedPDU(t *testing.T) {
	plain := messages()[10]
	scoped, err := plain.AppendScopedPDU(nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed := *plain
	sealed.Flags |= FlagAuth | FlagPriv
	msg, off := sealed.HeaderData.Append([]byte("xyz"), make([]byte, 60), scoped) // the cipher that changes nothing
	if !bytes.Equal(msg[off:off+60], make([]byte, 60)) || msg[off-1] != 60 || msg[off+60] != 4 {
		t.Errorf("security parameters are not at %d in %x", off, msg)
	}
	var p Parser
	if err := p.Start(msg[3:]); err != nil || p.Next() {
		t.Fatalf("Start = %v", err)
	}
	if !bytes.Equal(p.RawEncryptedPDU(), scoped) {
		t.Errorf("RawEncryptedPDU() = %x, want %x", p.RawEncryptedPDU(), scoped)
	}
	if err := p.StartScopedPDU(append(p.RawEncryptedPDU(), 0, 0, 0)); err != nil { // padded
		t.Fatal(err)
	}
	if string(p.RawContextName()) != plain.ContextName || string(p.RawContextEngineID()) != plain.ContextEngineID {
		t.Errorf("context %q of engine %x", p.RawContextName(), p.RawContextEngineID())
	}
	if pdu := p.PDU(); !p.Next() || p.VarBind() != plain.PDU.VarBinds[0] || p.Next() || pdu.RequestID != plain.PDU.RequestID {
		t.Errorf("PDU %+v, binding %v", pdu, p.VarBind())
	}
	if err := p.StartScopedPDU([]byte("\x31\x00")); !errors.Is(err, ErrSyntax) || p.Next() {
		t.Errorf("StartScopedPDU(a SET) = %v, want ErrSyntax", err)
	}
}

func TestParserRejects(t *testing.T) {
	pdu := func(list string) string {
		ids := "\x02\x01\x05\x02\x01\x00\x02\x01\x00"
		p := ids + "\x30" + string(rune(len(list))) + list
		m := "\x02\x01\x01\x04\x01c\xa0" + string(rune(len(p))) + p
		return "\x30" + string(rune(len(m))) + m
	}
	v3 := func(header, rest string) string {
		m := "\x02\x01\x03\x30" + string(rune(len(header))) + header + rest
		return "\x30" + string(rune(len(m))) + m
	}
	tests := []struct{ name, in, err string }{
		{"nothing", "", "offset 0: expected a SEQUENCE, found the end"},
		{"community alone", "public", "offset 0: expected a SEQUENCE, found an unknown tag"},
		{"version 2", "\x30\x03\x02\x01\x02", "offset 2: expected version 0, 1 or 3, found another"},
		{"no PDU", "\x30\x06\x02\x01\x01\x04\x01c", "offset 8: expected a PDU, found the end"},
		{"PDU of no type", "\x30\x08\x02\x01\x01\x04\x01c\xa9\x00", "offset 8: expected a PDU of version 2c, found an unknown tag"},
		{"v1 trap in v2c", "\x30\x08\x02\x01\x01\x04\x01c\xa4\x00", "offset 8: expected a PDU of version 2c, found a Trap-PDU"},
		{"GetBulk in v1", "\x30\x08\x02\x01\x00\x04\x01c\xa5\x00", "offset 8: expected a PDU of version 1, found a GetBulkRequest"},
		{"octets after the PDU", "\x30\x15\x02\x01\x01\x04\x01c\xa0\x0b\x02\x01\x05\x02\x01\x00\x02\x01\x00\x30\x00\x05\x00", "offset 21: expected the end of the message, found 2 more octets"},
		{"octets in the PDU", "\x30\x15\x02\x01\x01\x04\x01c\xa0\x0d\x02\x01\x05\x02\x01\x00\x02\x01\x00\x30\x00\x05\x00", "offset 21: expected the end of the PDU, found 2 more octets"},
		{"binding without a value", pdu("\x30\x03\x06\x01\x2b"), "offset 26: expected a value, found the end"},
		{"binding too long", pdu("\x30\x07\x06\x01\x2b\x05\x00\x05\x00"), "offset 28: expected the end of the binding, found 2 more octets"},
		{"binding without an OID", pdu("\x30\x04\x04\x00\x05\x00"), "offset 23: expected an OBJECT IDENTIFIER, found an OCTET STRING"},
		{"cut OID", pdu("\x30\x05\x06\x01\x80\x05\x00"), "offset 23: expected " + wantOID + ", found a truncated sub-identifier"},
		{"value of no kind", pdu("\x30\x05\x06\x01\x2b\x30\x00"), "offset 26: expected a value, found a SEQUENCE"},
		{"address of 3 octets", pdu("\x30\x08\x06\x01\x2b\x40\x03abc"), "offset 26: expected an IpAddress of 4 octets, found an IpAddress"},
		{"wide integer", pdu("\x30\x0a\x06\x01\x2b\x02\x05\x7f\x00\x00\x00\x00"), "offset 26: expected an INTEGER of 32 bits, found an INTEGER"},
		{"negative msgID", v3("\x02\x01\xff\x02\x02\x05\xc0\x04\x01\x00\x02\x01\x03", ""), "offset 7: expected a msgID, found a negative number"},
		{"msgMaxSize 483", v3("\x02\x01\x01\x02\x02\x01\xe3\x04\x01\x00\x02\x01\x03", ""), "offset 10: expected a msgMaxSize of at least 484, found a smaller one"},
		{"two flags", v3("\x02\x01\x01\x02\x02\x05\xc0\x04\x02\x00\x00\x02\x01\x03", ""), "offset 14: expected msgFlags of one octet, found another length"},
		{"not encrypted", v3("\x02\x01\x01\x02\x02\x05\xc0\x04\x01\x03\x02\x01\x03", "\x04\x00\x30\x00"), "offset 22: expected an OCTET STRING, found a SEQUENCE"},
		{"encrypted", v3("\x02\x01\x01\x02\x02\x05\xc0\x04\x01\x00\x02\x01\x03", "\x04\x00\x04\x00"), "offset 22: expected a SEQUENCE, found an OCTET STRING"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := MessageFromBER([]byte(tt.in))
			if !errors.Is(err, ErrSyntax) || err.Error() != "snmp: message: "+tt.err {
				t.Errorf("MessageFromBER(%x) error = %v, want %s", tt.in, err, tt.err)
			}
			if got, want := errors.Is(err, ErrVersion), tt.name == "version 2"; got != want {
				t.Errorf("ErrVersion: %v, want %v", got, want)
			}
			checkMessage(t, []byte(tt.in))
		})
	}
}

func TestParserLiberal(t *testing.T) {
	// Lengths of four octets, padded integers, a negative counter, an OID with
	// leading zero octets, and negative repetitions.
	const in = "\x30\x84\x00\x00\x00\x37" + "\x02\x02\x00\x01" + "\x04\x81\x01c" + "\xa5\x84\x00\x00\x00\x29" +
		"\x02\x06\x00\x00\x00\x00\x00\x05" + "\x02\x01\xff" + "\x02\x01\xfe" +
		"\x30\x84\x00\x00\x00\x15" + "\x30\x84\x00\x00\x00\x0f" + "\x06\x05\x80\x2b\x80\x80\x01" + "\x41\x84\x00\x00\x00\x02\xff\xfe"
	want := Message{Version: V2c, Community: "c", PDU: PDU{Type: GetBulkRequest, RequestID: 5,
		VarBinds: []VarBind{{MustParseOID("1.3.1"), Counter32Value(math.MaxUint32 - 1)}}}}
	got, err := MessageFromBER([]byte(in))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("MessageFromBER = %+v, %v; want %+v", got, err, want)
	}
	checkMessage(t, []byte(in))
}

func TestAppendRefuses(t *testing.T) {
	sys := []VarBind{{OID: oidSysUpTime}}
	tests := []struct {
		m    Message
		want string
	}{
		{Message{}, "without a version"},
		{Message{Version: 9}, "without a version"},
		{Message{Version: V1, PDU: PDU{Type: GetBulkRequest}}, "SNMPv1 has no PDU of type GetBulkRequest"},
		{Message{Version: V2c, PDU: PDU{Type: TrapV1}}, "SNMPv2c has no PDU of type Trap"},
		{Message{Version: V2c}, "no PDU of type unknown"},
		{Message{Version: V2c, PDU: PDU{Type: GetRequest, VarBinds: append(sys, VarBind{})}}, "binding 2 has the zero OID"},
		{Message{Version: V2c, PDU: PDU{Type: Response, ErrorIndex: math.MaxInt32 + 1}}, "more than 32 bits"},
		{Message{Version: V2c, PDU: PDU{Type: GetBulkRequest, MaxRepetitions: math.MaxInt32 + 1}}, "more than 32 bits"},
		{Message{Version: V1, PDU: PDU{Type: TrapV1, SpecificTrap: math.MinInt32 - 1}}, "more than 32 bits"},
		{Message{Version: V3, HeaderData: HeaderData{MsgID: -1}, PDU: PDU{Type: GetRequest}}, "negative msgID"},
		{Message{Version: V3, HeaderData: HeaderData{MaxSize: 483}, PDU: PDU{Type: GetRequest}}, "below 484"},
	}
	for _, tt := range tests {
		got, err := tt.m.Append([]byte("xy"))
		if !errors.Is(err, ErrBadArgument) || !strings.Contains(err.Error(), tt.want) || string(got) != "xy" {
			t.Errorf("Append of %+v = %q, %v; want ErrBadArgument with %q", tt.m, got, err, tt.want)
		}
	}
}

func TestKeyOfQuote(t *testing.T) {
	for _, m := range messages() {
		b := mustAppend(m)
		want, ok := Key(b)
		// RFC 792 quotes 8 octets of a datagram, routers of today more.
		need := 40
		if m.Version != V3 {
			need = 30 + len(m.Community)
		}
		got, gotOK := Key(b[:min(len(b), need)])
		if got != want || gotOK != ok || ok == (m.PDU.Type == TrapV1) {
			t.Errorf("Key of %d octets of %d = %d, %v; want %d, %v", need, len(b), got, gotOK, want, ok)
		}
		for i := range b {
			if got, ok := Key(b[:i]); ok && got != want {
				t.Errorf("Key of %d octets = %d, want %d or none", i, got, want)
			}
		}
	}
	for _, in := range []string{"", "public", "\x30\x80", "\x30\x03\x02\x01\x02", "\x30\x84\x7f\xff\xff\xe0\x02\x01\x00\x04\x84\x7f\xff\xff\xe0"} {
		if key, ok := Key([]byte(in)); ok {
			t.Errorf("Key(%x) = %d, true", in, key)
		}
	}
}

func TestLongStringsDoNotShare(t *testing.T) {
	m := response(1)
	for _, n := range []int{maxShared, maxShared + 1, 5000} {
		m.PDU.VarBinds[0].Value = OctetsValue(strings.Repeat("x", n))
		msg := mustAppend(m)
		want := 2.0
		if n > maxShared {
			want = 3
		}
		if got := testing.AllocsPerRun(100, func() { MessageFromBER(msg) }); got > want {
			t.Errorf("a string of %d octets: %v allocs, want at most %v", n, got, want)
		}
	}
}

// A list full of the smallest bindings, and one full of empty ones, must cost
// no more than their octets.
func TestManyBindings(t *testing.T) {
	for _, binding := range []string{"\x30\x04\x06\x00\x05\x00", "\x30\x00"} {
		list := bytes.Repeat([]byte(binding), 200_000)
		msg := []byte("\x02\x01\x01\x04\x00")
		pdu := append([]byte("\x02\x01\x05\x02\x01\x00\x02\x01\x00\x30\x84"), be32(len(list))...)
		pdu = append(pdu, list...)
		msg = append(append(append(msg, 0xa2, 0x84), be32(len(pdu))...), pdu...)
		msg = append(append([]byte("\x30\x84"), be32(len(msg))...), msg...)
		m, err := MessageFromBER(msg)
		if binding == "\x30\x00" {
			if !errors.Is(err, ErrSyntax) {
				t.Errorf("empty bindings: error = %v, want ErrSyntax", err)
			}
		} else if err != nil || len(m.PDU.VarBinds) != 200_000 {
			t.Errorf("%d bindings, %v", len(m.PDU.VarBinds), err)
		}
	}
}

func be32(n int) []byte { return []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }

// TestMutations damages every octet of every message in several ways.
func TestMutations(t *testing.T) {
	var all [][]byte
	for _, m := range messages() {
		all = append(all, mustAppend(m))
	}
	for _, x := range golden(t) {
		all = append(all, x.msgs...)
	}
	for _, msg := range all {
		b := bytes.Clone(msg)
		for i := range b {
			for _, c := range [...]byte{0, 0x7f, 0x80, 0x81, 0x84, 0xff, b[i] ^ 1, b[i] ^ 0x20, b[i] ^ 0x80, b[i] + 1, b[i] - 1} {
				b[i] = c
				checkMessage(t, b)
			}
			b[i] = msg[i]
			checkMessage(t, append(b[:i:i], b[i+1:]...))
			if t.Failed() {
				t.Fatalf("message %x, octet %d", msg, i)
			}
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, m := range messages() {
		f.Add(mustAppend(m))
	}
	for _, x := range golden(f) {
		for _, msg := range x.msgs {
			f.Add(msg)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkMessage(t, b) })
}

// FuzzScopedPDU feeds what a decryption with the wrong key yields.
func FuzzScopedPDU(f *testing.F) {
	b, _ := messages()[10].AppendScopedPDU(nil)
	f.Add(b)
	sealed := mustAppend(messages()[12])
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Parser
		if err := p.Start(sealed); err != nil {
			t.Fatal(err)
		}
		err := p.StartScopedPDU(b)
		for p.Next() {
			p.VarBind()
		}
		if err == nil {
			err = p.Err()
		}
		if err != nil && !errors.Is(err, ErrSyntax) {
			t.Fatalf("StartScopedPDU(%x) error = %v, want ErrSyntax", b, err)
		}
	})
}

func TestMessageAllocs(t *testing.T) {
	var (
		p      Parser
		buf    = make([]byte, 0, 4096)
		res    = response(10)
		msg    = mustAppend(res)
		req    = request(50)
		v3     = messages()[10]
		scoped = make([]byte, 0, 512)
		params = make([]byte, 60)
	)
	tests := []struct {
		name string
		want float64
		f    func()
	}{
		{"Parser", 0, func() { sum(&p, msg) }},
		{"Parser.PDU", 0, func() { p.Start(msg); _ = p.PDU() }},
		{"Key", 0, func() { Key(msg) }},
		{"Split", 0, func() { Split(msg) }},
		{"MessageFromBER", 2, func() { MessageFromBER(msg) }},
		{"VarBinds", 2, func() { p.Start(msg); p.VarBinds() }},
		{"Append get-50", 0, func() { req.Append(buf) }},
		{"Append v2c-10", 0, func() { res.Append(buf) }},
		{"Append v3 by parts", 0, func() {
			b, _ := v3.AppendScopedPDU(scoped)
			v3.HeaderData.Append(buf, params, b)
		}},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.f); got > tt.want {
			t.Errorf("%s: %v allocs, want at most %v", tt.name, got, tt.want)
		}
	}
}
