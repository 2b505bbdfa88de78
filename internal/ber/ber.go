// Package ber reads and writes the subset of the Basic Encoding Rules (X.690)
// that SNMP uses (RFC 3417, section 8), on byte slices and without allocating.
//
// It reads what peers really send: lengths in longer forms than needed and
// integers with redundant leading octets. It writes minimal forms only. Nothing
// recurses, so a message's nesting costs no stack.
package ber

import (
	"fmt"
	"math"

	"github.com/pollux-snmp/pollux/internal/general"
)

// ErrSyntax is the kind of all errors of this package: octets do not form what
// they should.
var ErrSyntax = general.Kind("invalid syntax", general.Err)

// Tags of the universal types that SNMP uses.
const (
	Integer     = 0x02
	OctetString = 0x04
	Null        = 0x05
	OID         = 0x06
	Sequence    = 0x30
)

// MaxLen is the greatest length of an element's content. It fits in an int of
// every platform with room for the header.
const MaxLen = math.MaxInt32 - 16

// An Error says where octets stop to make sense, what should be there and what
// is. It holds none of the octets, which may be secret.
type Error struct {
	Off   int    // octets before the element in the message
	Want  string // such as "an INTEGER"
	Found string // such as "an OCTET STRING"
}

func (e *Error) Error() string {
	return fmt.Sprintf("offset %d: expected %s, found %s", e.Off, e.Want, e.Found)
}

// Unwrap returns [ErrSyntax].
func (e *Error) Unwrap() error { return ErrSyntax }

// Header reads the tag and the length of the element at b[off:]. The content
// would be b[start:start+n], which may be longer than b. It reports false if
// the octets of the header are missing, or if the length is indefinite or
// exceeds [MaxLen]. Tags are single octets: SNMP has no greater ones.
func Header(b []byte, off int) (tag byte, start, n int, ok bool) {
	if off+1 < len(b) && b[off+1] < 0x80 {
		return b[off], off + 2, int(b[off+1]), true
	}
	return longHeader(b, off)
}

func longHeader(b []byte, off int) (tag byte, start, n int, ok bool) {
	if off+1 >= len(b) {
		return 0, 0, 0, false
	}
	start = off + 2 + int(b[off+1]&0x7f)
	if start == off+2 || start > off+2+8 || start > len(b) {
		return 0, 0, 0, false
	}
	var long uint64
	for _, c := range b[off+2 : start] {
		long = long<<8 | uint64(c)
	}
	return b[off], start, int(long & math.MaxInt32), long <= MaxLen
}

// BadHeader reports whether no octets after b could make b[off:] the header of
// an element: where [Header] reports false, it tells wrong from incomplete.
func BadHeader(b []byte, off int) bool {
	if off+1 >= len(b) {
		return false
	}
	n := b[off+1]
	if n == 0x80 || n > 0x88 {
		return true
	}
	_, _, _, ok := Header(b, off)
	return !ok && off+2+int(n&0x7f) <= len(b)
}

// Split returns the length of the first element in data with its header, or 0
// if more octets are needed to tell. The length may exceed that of data by far.
// It returns an error if data does not start with tag or a definite length.
func Split(data []byte, tag byte) (n int, err error) {
	if len(data) > 0 && data[0] != tag {
		return 0, &Error{0, TagName(tag), TagName(data[0])}
	}
	_, start, n, ok := Header(data, 0)
	if ok {
		return start + n, nil
	}
	if BadHeader(data, 0) {
		r := NewReader(data)
		return 0, r.badHeader(TagName(tag))
	}
	return 0, nil
}

// A Reader reads elements one after another. The slices that it returns alias
// those that it was made from.
type Reader struct {
	buf  []byte
	off  int
	base int // offset of buf in the message, for errors
}

// NewReader returns a Reader of the elements in b.
func NewReader(b []byte) Reader { return Reader{buf: b} }

// Offset returns how many octets of the message stand before the next element.
func (r *Reader) Offset() int { return r.base + r.off }

// Len returns the number of octets that are not yet read.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Peek returns the next element's tag, or 0 if there is none.
func (r *Reader) Peek() byte {
	if r.off < len(r.buf) {
		return r.buf[r.off]
	}
	return 0
}

// Any reads an element of any tag.
func (r *Reader) Any(want string) (tag byte, content []byte, err error) {
	if b := r.buf[r.off:]; len(b) >= 2 && b[1] < 0x80 && int(b[1]) <= len(b)-2 {
		n := 2 + int(b[1])
		r.off += n
		return b[0], b[2:n:n], nil
	}
	tag, start, n, ok := longHeader(r.buf, r.off)
	if !ok || n > len(r.buf)-start {
		return 0, nil, r.badHeader(want)
	}
	r.off = start + n
	return tag, r.buf[start:r.off:r.off], nil
}

// Bytes reads an element that must have tag and returns its content.
func (r *Reader) Bytes(tag byte) ([]byte, error) {
	if b := r.buf[r.off:]; len(b) >= 2 && b[0] == tag && b[1] < 0x80 && int(b[1]) <= len(b)-2 {
		n := 2 + int(b[1])
		r.off += n
		return b[2:n:n], nil
	}
	return r.longBytes(tag)
}

func (r *Reader) longBytes(tag byte) ([]byte, error) {
	got, start, n, ok := longHeader(r.buf, r.off)
	if !ok || n > len(r.buf)-start || got != tag {
		return nil, r.wrongTag(tag)
	}
	r.off = start + n
	return r.buf[start:r.off:r.off], nil
}

// Enter reads an element that must have tag and returns a Reader of the
// elements in it.
func (r *Reader) Enter(tag byte) (Reader, error) {
	c, err := r.Bytes(tag)
	return Reader{buf: c, base: r.base + r.off - len(c)}, err
}

// Int32 reads an INTEGER of 32 bits. Values from 2^31 to 2^32-1 wrap round, as
// Net-SNMP has it, because some agents encode them as if they were unsigned.
func (r *Reader) Int32() (int32, error) {
	if b := r.buf[r.off:]; len(b) >= 3 && b[0] == Integer && b[1] == 1 {
		r.off += 3
		return int32(int8(b[2])), nil
	}
	off := r.off
	c, err := r.Bytes(Integer)
	if err != nil {
		return 0, err
	}
	v, ok := Int32(c)
	if !ok {
		r.off = off
		return 0, r.Error("an INTEGER of 32 bits", intFault(c))
	}
	return v, nil
}

// End returns an error unless all is read. What names the thing that should
// end, such as "the PDU".
func (r *Reader) End(what string) error {
	if r.off == len(r.buf) {
		return nil
	}
	return r.notEnd(what)
}

func (r *Reader) notEnd(what string) error {
	return r.Error("the end of "+what, fmt.Sprintf("%d more octets", r.Len()))
}

// Error returns an error at the next element.
func (r *Reader) Error(want, found string) error { return &Error{r.Offset(), want, found} }

// wrongTag is apart from Bytes so that the common path stays small.
func (r *Reader) wrongTag(want byte) error {
	tag, start, n, ok := Header(r.buf, r.off)
	if ok && n <= len(r.buf)-start || ok && tag != want {
		return r.Error(TagName(want), TagName(tag))
	}
	return r.badHeader(TagName(want))
}

// badHeader describes an element that is incomplete or has a length that is
// not valid.
func (r *Reader) badHeader(want string) error {
	_, start, n, ok := Header(r.buf, r.off)
	switch {
	case ok:
		return r.Error(want, fmt.Sprintf("a length of %d with %d octets left", n, len(r.buf)-start))
	case r.Len() == 0:
		return r.Error(want, "the end")
	case !BadHeader(r.buf, r.off):
		return r.Error(want, "the end within a tag and length")
	case r.buf[r.off+1] == 0x80:
		return r.Error(want, "an indefinite length")
	}
	return r.Error(want, "a length that is too great")
}

func intFault(c []byte) string {
	if len(c) == 0 {
		return "one without octets"
	}
	return "a greater one"
}

// stripInt removes redundant leading octets.
func stripInt(c []byte) []byte {
	for len(c) > 1 && (c[0] == 0 && c[1] < 0x80 || c[0] == 0xff && c[1] >= 0x80) {
		c = c[1:]
	}
	return c
}

// Int64 decodes the content of a signed integer. It reports false if there are
// no octets or more than 64 bits.
func Int64(c []byte) (int64, bool) {
	if len(c) == 0 {
		return 0, false
	}
	if len(c) > 8 {
		if c = stripInt(c); len(c) > 8 {
			return 0, false
		}
	}
	v := int64(int8(c[0]))
	for _, x := range c[1:] {
		v = v<<8 | int64(x)
	}
	return v, true
}

// Int32 decodes the content of a signed integer of 32 bits. Values from 2^31 to
// 2^32-1 wrap round.
func Int32(c []byte) (int32, bool) {
	v, ok := Int64(c)
	return int32(v), ok && v >= math.MinInt32 && v <= math.MaxUint32
}

// Uint32 decodes the content of an unsigned integer of 32 bits. Negative values
// from -2^31 are taken modulo 2^32: agents forget the leading zero octet.
func Uint32(c []byte) (uint32, bool) {
	v, ok := Int64(c)
	return uint32(v), ok && v >= math.MinInt32 && v <= math.MaxUint32
}

// Uint64 decodes the content of an unsigned integer of 64 bits. Negative values
// from -2^63 are taken modulo 2^64.
func Uint64(c []byte) (uint64, bool) {
	if len(c) > 8 {
		if c = stripInt(c); len(c) == 9 && c[0] == 0 {
			c = c[1:]
		}
	}
	v, ok := Int64(c)
	return uint64(v), ok
}

// tagNames names the tags that a reader of SNMP errors knows.
var tagNames = map[byte]string{
	0x01: "a BOOLEAN", Integer: "an INTEGER", 0x03: "a BIT STRING", OctetString: "an OCTET STRING",
	Null: "a NULL", OID: "an OBJECT IDENTIFIER", 0x0a: "an ENUMERATED", 0x24: "a constructed OCTET STRING",
	Sequence: "a SEQUENCE", 0x31: "a SET",
	0x40: "an IpAddress", 0x41: "a Counter32", 0x42: "a Gauge32", 0x43: "a TimeTicks", 0x44: "an Opaque",
	0x45: "an NsapAddress", 0x46: "a Counter64", 0x47: "a UInteger32",
	0x80: "a noSuchObject", 0x81: "a noSuchInstance", 0x82: "an endOfMibView",
	0xa0: "a GetRequest", 0xa1: "a GetNextRequest", 0xa2: "a Response", 0xa3: "a SetRequest",
	0xa4: "a Trap-PDU", 0xa5: "a GetBulkRequest", 0xa6: "an InformRequest", 0xa7: "an SNMPv2-Trap", 0xa8: "a Report",
}

// TagName returns the name of tag with its article, for errors. It never shows
// the octet of an unknown tag, which may be part of a community.
func TagName(tag byte) string {
	if s, ok := tagNames[tag]; ok {
		return s
	}
	return "an unknown tag"
}
