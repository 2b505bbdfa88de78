package agent

import (
	"cmp"

	"github.com/pollux-snmp/pollux/snmp"
)

// Requests are answered without making an [snmp.OID] of each name: the functions
// of this file work on the content octets that an OID has in a message, in their
// only minimal form, as strings or as octets.

type octets interface{ ~string | ~[]byte }

// enc returns the content octets of o.
func enc(o snmp.OID) string { return string(o.AppendBER(nil)) }

// appendName appends the minimal form of the content octets b, which came in a
// message.
func appendName(dst, b []byte) []byte {
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

// toOID returns the OID of content octets.
func toOID[T octets](b T) snmp.OID {
	o, _ := snmp.OIDFromBER([]byte(b))
	return o
}

// compare orders names as GetNext visits them.
func compare[A, B octets](a A, b B) int {
	i, n := 0, min(len(a), len(b))
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return cmp.Compare(len(a), len(b))
	}
	// Back to the start of the sub-identifiers that differ. The longer one is
	// the greater; equally long ones compare as octets.
	for i > 0 && a[i-1] >= 0x80 {
		i--
	}
	if d := cmp.Compare(subLen(a, i), subLen(b, i)); d != 0 {
		return d
	}
	for a[i] == b[i] {
		i++
	}
	return cmp.Compare(a[i], b[i])
}

// subLen returns the length of the sub-identifier at b[i:].
func subLen[T octets](b T, i int) int {
	n := 1
	for i+n <= len(b) && b[i+n-1] >= 0x80 {
		n++
	}
	return n
}

// hasPrefix reports whether name is prefix or lies below it.
func hasPrefix[A, B octets](name A, prefix B) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if name[i] != prefix[i] {
			return false
		}
	}
	return true
}

// equal reports whether both names are the same.
func equal[A, B octets](a A, b B) bool { return len(a) == len(b) && hasPrefix(a, b) }

// subID reads the sub-identifier at b[i:] and returns where it ends.
func subID[T octets](b T, i int) (sub uint32, end int) {
	for ; i < len(b); i++ {
		sub = sub<<7 | uint32(b[i]&0x7f)
		if b[i] < 0x80 {
			return sub, i + 1
		}
	}
	return sub, i
}

// appendSubID appends a sub-identifier.
func appendSubID(dst []byte, v uint32) []byte {
	for shift := 28; shift > 0; shift -= 7 {
		if v>>shift != 0 {
			dst = append(dst, byte(v>>shift)|0x80)
		}
	}
	return append(dst, byte(v)&0x7f)
}

// A subReader reads all sub-identifiers of a name, the first two included,
// which share their octets.
type subReader[T octets] struct {
	b      T
	off    int
	second uint32
	n      int
}

func (r *subReader[T]) next() (sub uint32, ok bool) {
	switch {
	case r.n == 1:
		r.n++
		return r.second, true
	case r.off >= len(r.b):
		return 0, false
	case r.n > 0:
		sub, r.off = subID(r.b, r.off)
		r.n++
		return sub, true
	}
	// The second may take more than 32 bits together with the first.
	var v uint64
	for r.off < len(r.b) {
		c := r.b[r.off]
		r.off++
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			break
		}
	}
	arc := min(v/40, 2)
	r.second = uint32(v - arc*40)
	r.n = 1
	return uint32(arc), true
}
