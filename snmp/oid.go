package snmp

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"strconv"
	"strings"
)

// maxSubIDs is the greatest number of sub-identifiers in an OID (RFC 2578,
// section 3.5).
const maxSubIDs = 128

// wantOID is what errors say was expected where an OID is not valid.
const wantOID = "an OBJECT IDENTIFIER of 2 to 128 sub-identifiers, each of 32 bits"

// An OID is an object identifier. It is an immutable value: it can be compared
// with == and be a map key. The zero OID is not a valid identifier: it stands
// for "none".
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

// OIDFromBER returns the OID whose BER content octets are b. It copies b. As
// Net-SNMP does, it accepts sub-identifiers with leading zero octets, which it
// drops, and takes no octets at all for 0.0. The error wraps [ErrSyntax].
func OIDFromBER(b []byte) (OID, error) {
	switch minimal, fault := checkOID(b); {
	case fault != "":
		return OID{}, oidError{"", fault}
	case minimal:
		return OID{string(b)}, nil
	}
	return OID{string(appendMinimalOID(nil, b))}, nil
}

// checkOID returns what is wrong with the content octets of an OID, or "", and
// whether they are in minimal form.
func checkOID(b []byte) (minimal bool, fault string) {
	if len(b) == 0 {
		return false, ""
	}
	if b[len(b)-1] >= 0x80 {
		return false, "a truncated sub-identifier"
	}
	minimal = true
	n, i := 1, 0 // the first octets hold two sub-identifiers
	for len(b)-i >= 8 && binary.LittleEndian.Uint64(b[i:])&0x8080808080808080 == 0 {
		n, i = n+8, i+8
	}
	for ; i < len(b); i++ {
		n++
		if b[i] < 0x80 {
			continue
		}
		for ; b[i] == 0x80; i++ {
			minimal = false
		}
		start := i
		for b[i] >= 0x80 {
			i++
		}
		// Five octets hold 35 bits.
		if i-start > 4 || i-start == 4 && b[start] > 0x8f && !(n == 2 && fitsFirst(b[start:i+1])) {
			return false, "a sub-identifier of more than 32 bits"
		}
	}
	if n > maxSubIDs {
		return false, "more than 128 sub-identifiers"
	}
	return minimal, ""
}

// fitsFirst reports whether the five octets of b, which hold the first two
// sub-identifiers, give the second one at most 32 bits.
func fitsFirst(b []byte) bool {
	var v uint64
	for _, c := range b {
		v = v<<7 | uint64(c&0x7f)
	}
	return v <= math.MaxUint32+80
}

// appendMinimalOID appends the minimal form of b, which checkOID has passed.
func appendMinimalOID(dst, b []byte) []byte {
	if len(b) == 0 {
		return append(dst, 0)
	}
	start := true
	for _, c := range b {
		if !start || c != 0x80 {
			dst = append(dst, c)
			start = c < 0x80
		}
	}
	return dst
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
func (o OID) String() string { return string(o.appendTo(nil)) }

// AppendText appends the dotted form of o to b. It never fails; the error is
// there for [encoding.TextAppender].
func (o OID) AppendText(b []byte) ([]byte, error) { return o.appendTo(b), nil }

// MarshalText returns the dotted form, which also is its form in JSON.
func (o OID) MarshalText() ([]byte, error) { return o.appendTo(nil), nil }

// UnmarshalText is [ParseOID], but makes the zero OID of empty text.
func (o *OID) UnmarshalText(text []byte) (err error) {
	*o = OID{}
	if len(text) > 0 {
		*o, err = ParseOID(string(text))
	}
	return err
}

func (o OID) appendTo(b []byte) []byte {
	for i, sub := range o.subIDs() {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(sub), 10)
	}
	return b
}

// IsZero reports whether o is the zero OID.
func (o OID) IsZero() bool { return o.enc == "" }

// Len returns the number of sub-identifiers, 0 for the zero OID.
func (o OID) Len() int {
	if o.enc == "" {
		return 0
	}
	n := 1
	for i := range len(o.enc) {
		n += int(^o.enc[i] >> 7)
	}
	return n
}

// SubIDs returns the sub-identifiers of o in order.
func (o OID) SubIDs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, sub := range o.subIDs() {
			if !yield(sub) {
				return
			}
		}
	}
}

func (o OID) subIDs() iter.Seq2[int, uint32] {
	return func(yield func(int, uint32) bool) {
		n, sub := 0, uint64(0)
		for i := range len(o.enc) {
			sub = sub<<7 | uint64(o.enc[i]&0x7f)
			if o.enc[i] >= 0x80 {
				continue
			}
			if n == 0 {
				arc := min(sub/40, 2)
				if !yield(0, uint32(arc)) {
					return
				}
				sub -= arc * 40
				n = 1
			}
			if !yield(n, uint32(sub)) {
				return
			}
			n, sub = n+1, 0
		}
	}
}

// Last returns the last sub-identifier. It reports false for the zero OID.
func (o OID) Last() (sub uint32, ok bool) {
	for _, sub = range o.subIDs() {
		ok = true
	}
	return sub, ok
}

// Append returns o with subs behind it. Appended to the zero OID, the first two
// must be the start of an OID. The result is the zero OID, which no message
// can carry, if it would not be valid; that includes more than 128
// sub-identifiers.
func (o OID) Append(subs ...uint32) OID {
	if len(subs) == 0 {
		return o
	}
	var buf [64]byte
	enc := append(buf[:0], o.enc...)
	n := o.Len() + len(subs)
	if o.enc == "" {
		if len(subs) < 2 || subs[0] > 2 || subs[0] < 2 && subs[1] > 39 {
			return OID{}
		}
		enc = appendBase128(enc, uint64(subs[0])*40+uint64(subs[1]))
		subs = subs[2:]
	}
	if n > maxSubIDs {
		return OID{}
	}
	for _, sub := range subs {
		enc = appendBase128(enc, uint64(sub))
	}
	return OID{string(enc)}
}

// Parent returns o without its last sub-identifier, and the zero OID if o has
// two or fewer.
func (o OID) Parent() OID { return OID{o.enc[:o.lastStart()]} }

// NextSibling returns the first OID, in the order of GetNext, that comes after o
// and all that is below o. It is the zero OID if there is none.
func (o OID) NextSibling() OID {
	for o.enc != "" {
		start, sub := o.lastStart(), uint64(0)
		for i := start; i < len(o.enc); i++ {
			sub = sub<<7 | uint64(o.enc[i]&0x7f)
		}
		if sub < math.MaxUint32 || start == 0 && sub < math.MaxUint32+80 {
			var buf [64]byte
			return OID{string(appendBase128(append(buf[:0], o.enc[:start]...), sub+1))}
		}
		o = o.Parent()
	}
	return OID{}
}

// lastStart returns where in enc the last sub-identifier starts.
func (o OID) lastStart() int {
	i := max(len(o.enc)-1, 0)
	for i > 0 && o.enc[i-1] >= 0x80 {
		i--
	}
	return i
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

// An oidError is a fault of text or, if in is empty and so not shown, of octets.
type oidError struct{ in, msg string }

func (e oidError) Error() string {
	if e.in == "" {
		return "snmp: OID: " + e.msg
	}
	return "snmp: OID " + strconv.Quote(e.in) + ": " + e.msg
}
func (e oidError) Unwrap() error { return ErrSyntax }
