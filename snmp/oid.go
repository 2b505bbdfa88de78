package snmp

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// maxSubIDs is the greatest number of sub-identifiers in an OID (RFC 2578,
// section 3.5).
const maxSubIDs = 128

// An OID is an object identifier. It is an immutable value: it can be compared
// with == and be a map key. The zero OID is not a valid identifier.
type OID struct {
	// enc holds the BER content octets (X.690, section 8.19) in their only
	// minimal form. Decoding is one copy, the test for a prefix is one string
	// comparison, and encoding is one append.
	enc string
}

// ParseOID parses numeric dotted text such as "1.3.6.1.2.1.1.3.0". One leading
// dot is allowed. The error wraps [ErrSyntax].
func ParseOID(s string) (OID, error) {
	var (
		buf   [64]byte
		enc   = buf[:0]
		first uint64
	)
	rest, more := strings.TrimPrefix(s, "."), true
	for n := 0; more; n++ {
		var part string
		part, rest, more = strings.Cut(rest, ".")
		sub, err := strconv.ParseUint(part, 10, 32)
		switch {
		case err != nil:
			return OID{}, oidError{s, "sub-identifier " + strconv.Quote(part) + " is not a 32-bit number"}
		case n == maxSubIDs:
			return OID{}, oidError{s, "more than 128 sub-identifiers"}
		case n == 0 && sub > 2:
			return OID{}, oidError{s, "first sub-identifier is greater than 2"}
		case n == 1 && first < 2 && sub >= 40:
			return OID{}, oidError{s, "second sub-identifier is greater than 39"}
		case n == 0:
			first = sub
		case n == 1:
			enc = appendBase128(enc, first*40+sub)
		default:
			enc = appendBase128(enc, sub)
		}
	}
	if len(enc) == 0 {
		return OID{}, oidError{s, "fewer than two sub-identifiers"}
	}
	return OID{string(enc)}, nil
}

// MustParseOID is like [ParseOID] but panics on an error. It is meant for
// constants.
func MustParseOID(s string) OID {
	o, err := ParseOID(s)
	if err != nil {
		panic(err)
	}
	return o
}

// OIDFromBER returns the OID whose BER content octets are b. It copies b. The
// error wraps [ErrSyntax].
func OIDFromBER(b []byte) (OID, error) {
	var sub uint64
	start, n := true, 1 // the first octets hold two sub-identifiers
	for _, c := range b {
		if start && c == 0x80 {
			return OID{}, oidError{string(b), "sub-identifier has a leading zero octet"}
		}
		sub = sub<<7 | uint64(c&0x7f)
		if sub > math.MaxUint32+80 || sub > math.MaxUint32 && n > 1 {
			return OID{}, oidError{string(b), "sub-identifier exceeds 32 bits"}
		}
		if start = c < 0x80; start {
			sub = 0
			if n++; n > maxSubIDs {
				return OID{}, oidError{string(b), "more than 128 sub-identifiers"}
			}
		}
	}
	if len(b) == 0 || !start {
		return OID{}, oidError{string(b), "truncated"}
	}
	return OID{string(b)}, nil
}

// AppendBER appends the BER content octets of o to b.
func (o OID) AppendBER(b []byte) []byte { return append(b, o.enc...) }

// HasPrefix reports whether o is prefix or lies below it.
func (o OID) HasPrefix(prefix OID) bool { return strings.HasPrefix(o.enc, prefix.enc) }

// Compare returns -1, 0 or +1 by the order in which GetNext visits OIDs.
func (o OID) Compare(p OID) int {
	a, b := o.enc, p.enc
	i, n := 0, min(len(a), len(b))
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return cmp.Compare(len(a), len(b))
	}
	// Back up to the start of the sub-identifiers that differ. The longer
	// encoding is the greater number; equally long ones compare as bytes.
	for i > 0 && a[i-1] >= 0x80 {
		i--
	}
	x, y := a[i:i+subIDLen(a[i:])], b[i:i+subIDLen(b[i:])]
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
}

// String returns the dotted form without a leading dot, or "" for the zero OID.
func (o OID) String() string { return string(o.AppendText(nil)) }

// AppendText appends the dotted form of o to b.
func (o OID) AppendText(b []byte) []byte {
	var sub uint64
	first := true
	for i := range len(o.enc) {
		sub = sub<<7 | uint64(o.enc[i]&0x7f)
		if o.enc[i] >= 0x80 {
			continue
		}
		if first {
			arc := min(sub/40, 2)
			b = strconv.AppendUint(b, arc, 10)
			sub -= arc * 40
			first = false
		}
		b = append(b, '.')
		b = strconv.AppendUint(b, sub, 10)
		sub = 0
	}
	return b
}

func appendBase128(b []byte, v uint64) []byte {
	for shift := 63; shift > 0; shift -= 7 {
		if v>>shift != 0 {
			b = append(b, byte(v>>shift)|0x80)
		}
	}
	return append(b, byte(v)&0x7f)
}

// subIDLen returns the length of the first sub-identifier in enc.
func subIDLen(enc string) int {
	for i := range len(enc) {
		if enc[i] < 0x80 {
			return i + 1
		}
	}
	return len(enc)
}

type oidError struct{ in, msg string }

func (e oidError) Error() string { return "snmp: OID " + strconv.Quote(e.in) + ": " + e.msg }
func (e oidError) Unwrap() error { return ErrSyntax }
