package snmp

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The text of the values without a number or octets, as Net-SNMP prints them.
var fixedTexts = map[Kind]string{
	KindNull:           "NULL",
	KindNoSuchObject:   "No Such Object available on this agent at this OID",
	KindNoSuchInstance: "No Such Instance currently exists at this OID",
	KindEndOfMIBView:   "No more variables left in this MIB View (It is past the end of the MIB tree)",
}

// The first words of the other values' text. Those that are only read come
// behind the one that is written.
var textPrefixes = []struct {
	prefix string
	kind   Kind
}{
	{"INTEGER: ", KindInteger},
	{"STRING: ", KindOctetString},
	{"OID: ", KindOID},
	{"IpAddress: ", KindIPAddress},
	{"Network Address: ", KindIPAddress},
	{"Counter32: ", KindCounter32},
	{"Gauge32: ", KindGauge32},
	{"Unsigned32: ", KindGauge32},
	{"Timeticks: ", KindTimeTicks},
	{"Counter64: ", KindCounter64},
	{"OPAQUE: ", KindOpaque},
	{"Opaque: Float: ", KindFloat},
	{"Opaque: Double: ", KindDouble},
	{"Opaque: Int64: ", KindInt64},
	{"Opaque: UInt64: ", KindUint64},
}

const hexPrefix = "Hex-STRING: "

// String returns the text that Net-SNMP's tools print for v without MIB
// modules, such as
//
//	INTEGER: 5
//	STRING: "peer agent"
//	Hex-STRING: 80 00 1F
//	OID: 1.3.6.1.4.1.8072
//	Timeticks: (17581) 0:02:55.81
//	Opaque: Float: 0.5
//
// but with numeric OIDs that have no leading dot, and doubles told from floats.
// An OctetString is text if it is UTF-8 that can be printed. [ParseValue]
// makes the same Value of it again.
func (v Value) String() string { return string(v.appendTo(nil)) }

// AppendText appends what String returns to b. It never fails; the error is
// there for [encoding.TextAppender].
func (v Value) AppendText(b []byte) ([]byte, error) { return v.appendTo(b), nil }

// MarshalText returns what String returns.
func (v Value) MarshalText() ([]byte, error) { return v.appendTo(nil), nil }

// UnmarshalText is [ParseValue].
func (v *Value) UnmarshalText(text []byte) (err error) {
	*v, err = ParseValue(string(text))
	return err
}

func (v Value) appendTo(b []byte) []byte {
	if s, ok := fixedTexts[v.kind]; ok {
		return append(b, s...)
	}
	if v.kind == KindOctetString && !isText(v.str) {
		return appendHex(append(b, hexPrefix...), v.str)
	}
	for _, p := range textPrefixes {
		if p.kind == v.kind {
			b = append(b, p.prefix...)
			break
		}
	}
	switch v.kind {
	case KindInteger, KindInt64:
		return strconv.AppendInt(b, int64(v.num), 10)
	case KindOctetString:
		return appendQuoted(b, v.str)
	case KindOID:
		return OID{v.str}.appendTo(b)
	case KindIPAddress:
		a, _ := v.Addr()
		return a.AppendTo(b)
	case KindTimeTicks:
		return appendTicks(b, v.num)
	case KindOpaque:
		return appendHex(b, v.str)
	case KindFloat:
		return strconv.AppendFloat(b, float64(math.Float32frombits(uint32(v.num))), 'g', -1, 32)
	case KindDouble:
		return strconv.AppendFloat(b, math.Float64frombits(v.num), 'g', -1, 64)
	}
	return strconv.AppendUint(b, v.num, 10)
}

// isText reports whether s is UTF-8 that a terminal shows on its lines.
func isText(s string) bool {
	for _, r := range s {
		if r != '\n' && r != '\r' && r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func appendHex(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, digits[s[i]>>4], digits[s[i]&15])
	}
	return b
}

// appendTicks appends "(17581) 0:02:55.81", and the days before the hours from
// the first day on.
func appendTicks(b []byte, n uint64) []byte {
	b = append(strconv.AppendUint(append(b, '('), n, 10), ") "...)
	switch days := n / 8640000; {
	case days == 1:
		b = append(b, "1 day, "...)
	case days > 1:
		b = append(strconv.AppendUint(b, days, 10), " days, "...)
	}
	b = strconv.AppendUint(b, n/360000%24, 10)
	for i, part := range [...]uint64{n / 6000 % 60, n / 100 % 60, n % 100} {
		b = append(b, "::."[i], byte('0'+part/10), byte('0'+part%10))
	}
	return b
}

// ParseValue parses the text that [Value.String] returns. It also reads what
// Net-SNMP prints in other settings: `""` for an empty string, a leading dot in
// an OID, a named number such as "up(1)", ticks without parentheses, strings
// without quotes, and line breaks in octets. The error wraps [ErrSyntax].
func ParseValue(s string) (Value, error) {
	for k, text := range fixedTexts {
		if s == text {
			return Value{kind: k}, nil
		}
	}
	if s == `""` {
		return OctetsValue(""), nil
	}
	if rest, ok := cutLabel(s, hexPrefix); ok {
		if octets, ok := parseHex(rest); ok {
			return OctetsValue(octets), nil
		}
		return Value{}, &detail{"value with octets that are not hexadecimal", ErrSyntax}
	}
	for _, p := range textPrefixes {
		if rest, ok := cutLabel(s, p.prefix); ok {
			if v, ok := parseKind(p.kind, rest); ok {
				return v, nil
			}
			return Value{}, &detail{"value that is no valid " + p.kind.String(), ErrSyntax}
		}
	}
	return Value{}, &detail{`value without a type such as "INTEGER: " or "STRING: "`, ErrSyntax}
}

// cutLabel is strings.CutPrefix that also takes a label whose blank got lost at
// the end of a line.
func cutLabel(s, label string) (rest string, ok bool) {
	if s+" " == label {
		return "", true
	}
	return strings.CutPrefix(s, label)
}

// parseKind parses the text s of a value without the name of its kind.
func parseKind(k Kind, s string) (v Value, ok bool) {
	var err error
	v.kind = k
	switch k {
	case KindInteger:
		var n int64
		n, err = strconv.ParseInt(inParens(s), 10, 32)
		v.num = uint64(n)
	case KindInt64:
		var n int64
		n, err = strconv.ParseInt(s, 10, 64)
		v.num = uint64(n)
	case KindCounter32, KindGauge32:
		v.num, err = strconv.ParseUint(s, 10, 32)
	case KindTimeTicks:
		if rest, ok := strings.CutPrefix(s, "("); ok {
			s, _, _ = strings.Cut(rest, ")")
		}
		v.num, err = strconv.ParseUint(s, 10, 32)
	case KindCounter64, KindUint64:
		v.num, err = strconv.ParseUint(s, 10, 64)
	case KindOctetString:
		return OctetsValue(unquote(s)), true
	case KindOpaque:
		octets, ok := parseHex(s)
		return opaqueOctets(string(octets)), ok
	case KindOID:
		var o OID
		o, err = ParseOID(s)
		v.str = o.enc
	case KindIPAddress:
		var a netip.Addr
		a, err = netip.ParseAddr(s)
		v = AddrValue(a)
		return v, err == nil && v.kind == KindIPAddress
	case KindFloat:
		var f float64
		f, err = strconv.ParseFloat(s, 32)
		v = floatValue(float32(f))
	case KindDouble:
		var f float64
		f, err = strconv.ParseFloat(s, 64)
		v = doubleValue(f)
	}
	return v, err == nil
}

// inParens returns the 1 of "up(1)", and s if it is not like that.
func inParens(s string) string {
	if i := strings.LastIndexByte(s, '('); i >= 0 && strings.HasSuffix(s, ")") {
		return s[i+1 : len(s)-1]
	}
	return s
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i < len(s)-2 {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// parseHex parses octets of two digits each with space between them.
func parseHex(s string) ([]byte, bool) {
	digits := make([]byte, 0, len(s))
	for part := range strings.FieldsSeq(s) {
		if len(part)%2 != 0 {
			return nil, false
		}
		digits = append(digits, part...)
	}
	n, err := hex.Decode(digits, digits)
	return digits[:n], err == nil
}

// jsonValue is the form of a Value, and with the OID of a VarBind, in JSON.
type jsonValue struct {
	OID   *OID   `json:"oid,omitempty"`
	Type  string `json:"type"`
	Value any    `json:"value,omitempty"`
	Hex   string `json:"hex,omitempty"`
}

// MarshalJSON returns an object such as {"type":"Counter32","value":5}. The
// value is a number, or a string for text, OIDs, addresses, and floats that are
// not finite; octets that are not text are {"type":"OctetString","hex":"80ff"}.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.json()) }

// UnmarshalJSON reads what MarshalJSON writes. The error wraps [ErrSyntax].
func (v *Value) UnmarshalJSON(b []byte) error {
	_, val, err := parseJSON(b)
	*v = val
	return err
}

func (v Value) json() jsonValue {
	j := jsonValue{Type: v.kind.String()}
	switch v.kind {
	case KindInteger, KindInt64:
		j.Value = int64(v.num)
	case KindCounter32, KindGauge32, KindTimeTicks, KindCounter64, KindUint64:
		j.Value = v.num
	case KindFloat, KindDouble:
		f, _ := v.Float64()
		if j.Value = f; math.IsInf(f, 0) || f != f {
			j.Value = strconv.FormatFloat(f, 'g', -1, 64)
		}
	case KindOctetString, KindOpaque:
		if v.kind == KindOctetString && isText(v.str) {
			j.Value = v.str
		} else {
			j.Hex = hex.EncodeToString([]byte(v.str))
		}
	case KindOID:
		j.Value = OID{v.str}
	case KindIPAddress:
		j.Value, _ = v.Addr()
	}
	return j
}

func parseJSON(b []byte) (OID, Value, error) {
	var (
		o OID
		v Value
		j struct {
			OID, Type, Hex string
			Value          json.RawMessage
		}
	)
	if err := json.Unmarshal(b, &j); err != nil {
		return o, v, &detail{"value in JSON: " + err.Error(), ErrSyntax}
	}
	if err := o.UnmarshalText([]byte(j.OID)); err != nil {
		return o, v, err
	}
	for k := range kinds {
		if kinds[k].name == j.Type {
			v.kind = Kind(k)
		}
	}
	if v.kind.String() != j.Type {
		return o, v, &detail{"value in JSON of an unknown type", ErrSyntax}
	}
	if _, ok := fixedTexts[v.kind]; ok {
		return o, v, nil
	}
	text := string(j.Value)
	if len(text) > 0 && text[0] == '"' {
		json.Unmarshal(j.Value, &text)
	}
	if v.kind == KindOctetString && j.Hex == "" {
		return o, OctetsValue(text), nil
	}
	if j.Hex != "" || v.kind == KindOpaque {
		octets, err := hex.DecodeString(j.Hex)
		if err == nil && v.kind == KindOctetString {
			return o, OctetsValue(octets), nil
		}
		if err == nil && v.kind == KindOpaque {
			return o, OpaqueValue(octets), nil
		}
	} else if v, ok := parseKind(v.kind, text); ok {
		return o, v, nil
	}
	return o, Value{}, &detail{"value in JSON that is no valid " + j.Type, ErrSyntax}
}
