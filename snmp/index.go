package snmp

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
)

// An Index reads the sub-identifiers that name a row of a table (RFC 2578,
// section 7.7), one index object after another:
//
//	idx, ok := vb.OID.Index(column)
//	ifIndex, ok := idx.Uint32()
//	addr, ok := idx.InetAddr()
//
// A method that reports false has read nothing. Methods of [OID] with names
// that start with Append build an index.
type Index struct {
	enc string // the sub-identifiers that are left
}

// Index returns a reader of the sub-identifiers of o after column, and whether
// o lies below column.
func (o OID) Index(column OID) (idx Index, ok bool) {
	if !o.HasPrefix(column) || len(o.enc) == len(column.enc) || column.IsZero() {
		return Index{}, false
	}
	return Index{o.enc[len(column.enc):]}, true
}

// Len returns the number of sub-identifiers that are left. A well-read index
// has none.
func (x Index) Len() int {
	n := 0
	for i := range len(x.enc) {
		n += int(^x.enc[i] >> 7)
	}
	return n
}

// Uint32 reads one sub-identifier, the index of an integer type.
func (x *Index) Uint32() (v uint32, ok bool) {
	if x.enc == "" {
		return 0, false
	}
	n := subIDLen(x.enc)
	for i := range n {
		v = v<<7 | uint32(x.enc[i]&0x7f)
	}
	x.enc = x.enc[n:]
	return v, true
}

// Fixed reads a string of n octets: the index of a string type of fixed size.
func (x *Index) Fixed(n int) (s string, ok bool) {
	if n < 0 || n > maxSubIDs {
		return "", false
	}
	y, b := *x, make([]byte, 0, maxSubIDs)
	for range n {
		sub, ok := y.Uint32()
		if !ok || sub > math.MaxUint8 {
			return "", false
		}
		b = append(b, byte(sub))
	}
	*x = y
	return string(b), true
}

// Octets reads a string of variable size: a length and as many octets.
func (x *Index) Octets() (s string, ok bool) {
	y := *x
	n, ok := y.Uint32()
	if !ok || n > maxSubIDs {
		return "", false
	}
	if s, ok = y.Fixed(int(n)); ok {
		*x = y
	}
	return s, ok
}

// ImpliedOctets reads all that is left as a string: an index object that is
// IMPLIED.
func (x *Index) ImpliedOctets() (s string, ok bool) { return x.Fixed(x.Len()) }

// OID reads an OID: the number of its sub-identifiers and as many of them.
func (x *Index) OID() (o OID, ok bool) {
	y := *x
	n, ok := y.Uint32()
	if !ok || n > maxSubIDs {
		return OID{}, false
	}
	if o, ok = y.oid(int(n)); ok {
		*x = y
	}
	return o, ok
}

// ImpliedOID reads all that is left as an OID: an index object that is IMPLIED.
func (x *Index) ImpliedOID() (o OID, ok bool) { return x.oid(x.Len()) }

func (x *Index) oid(n int) (OID, bool) {
	y, subs := *x, make([]uint32, 0, maxSubIDs)
	for range n {
		sub, ok := y.Uint32()
		if !ok {
			return OID{}, false
		}
		subs = append(subs, sub)
	}
	o := OID{}.Append(subs...)
	if !o.IsZero() {
		*x = y
	}
	return o, !o.IsZero()
}

// Addr reads the index of type IpAddress: four octets.
func (x *Index) Addr() (a netip.Addr, ok bool) {
	s, ok := x.Fixed(4)
	if !ok {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte([]byte(s))), true
}

// The values of InetAddressType (RFC 4001) that netip has addresses for.
const (
	inetIPv4  = 1
	inetIPv6  = 2
	inetIPv6z = 4
)

// InetAddr reads the pair InetAddressType and InetAddress (RFC 4001) of the
// types ipv4, ipv6 and ipv6z, whose zone becomes the number in decimal digits.
// It reports false for others; read those with Uint32 and Octets.
func (x *Index) InetAddr() (a netip.Addr, ok bool) {
	y := *x
	typ, ok1 := y.Uint32()
	s, ok2 := y.Octets()
	if !ok1 || !ok2 {
		return netip.Addr{}, false
	}
	switch {
	case typ == inetIPv4 && len(s) == 4:
		a = netip.AddrFrom4([4]byte([]byte(s)))
	case typ == inetIPv6 && len(s) == 16:
		a = netip.AddrFrom16([16]byte([]byte(s)))
	case typ == inetIPv6z && len(s) == 20:
		zone := uint32(s[16])<<24 | uint32(s[17])<<16 | uint32(s[18])<<8 | uint32(s[19])
		a = netip.AddrFrom16([16]byte([]byte(s[:16]))).WithZone(strconv.FormatUint(uint64(zone), 10))
	default:
		return netip.Addr{}, false
	}
	*x = y
	return a, true
}

// AppendOctets returns o with an index of a string type of variable size behind
// it: the length and the octets. Like those of all methods that append, the
// result is the zero OID if it would have more than 128 sub-identifiers.
func (o OID) AppendOctets(s string) OID {
	return o.Append(uint32(len(s))).appendOctets(s)
}

// AppendImpliedOctets returns o with the octets of s behind it: an index of a
// string type of fixed size, or one that is IMPLIED.
func (o OID) AppendImpliedOctets(s string) OID { return o.appendOctets(s) }

func (o OID) appendOctets(s string) OID {
	if o.IsZero() || o.Len()+len(s) > maxSubIDs {
		return OID{}
	}
	var buf [2 * maxSubIDs]byte
	enc := append(buf[:0], o.enc...)
	for i := range len(s) {
		enc = appendBase128(enc, uint64(s[i]))
	}
	return OID{string(enc)}
}

// AppendOID returns o with an index of type OBJECT IDENTIFIER behind it: the
// number of sub-identifiers and they themselves.
func (o OID) AppendOID(p OID) OID {
	return o.Append(uint32(p.Len())).AppendImpliedOID(p)
}

// AppendImpliedOID returns o with the sub-identifiers of p behind it.
func (o OID) AppendImpliedOID(p OID) OID {
	subs := make([]uint32, 0, maxSubIDs)
	for sub := range p.SubIDs() {
		subs = append(subs, sub)
	}
	if o.IsZero() {
		return OID{}
	}
	return o.Append(subs...)
}

// AppendAddr returns o with an index of type IpAddress behind it. It is the
// zero OID if a is no IPv4 address.
func (o OID) AppendAddr(a netip.Addr) OID {
	if a = a.Unmap(); !a.Is4() {
		return OID{}
	}
	b := a.As4()
	return o.appendOctets(string(b[:]))
}

// AppendInetAddr returns o with the pair InetAddressType and InetAddress behind
// it. It is the zero OID if a is not valid or has a zone that is not a number.
func (o OID) AppendInetAddr(a netip.Addr) OID {
	switch {
	case o.IsZero() || !a.IsValid():
		return OID{}
	case a.Is4():
		return o.Append(inetIPv4).AppendOctets(string(a.AsSlice()))
	case a.Zone() == "":
		return o.Append(inetIPv6).AppendOctets(string(a.AsSlice()))
	}
	zone, err := strconv.ParseUint(a.Zone(), 10, 32)
	if err != nil {
		return OID{}
	}
	b := binary.BigEndian.AppendUint32(a.AsSlice(), uint32(zone))
	return o.Append(inetIPv6z).AppendOctets(string(b))
}
