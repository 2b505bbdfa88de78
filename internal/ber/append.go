package ber

import "math/bits"

// AppendHeader appends a tag and the length n of the content that is to follow.
func AppendHeader(dst []byte, tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(dst, tag, byte(n))
	case n < 1<<8:
		return append(dst, tag, 0x81, byte(n))
	case n < 1<<16:
		return append(dst, tag, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		return append(dst, tag, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, tag, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendBytes appends an element with the content s.
func AppendBytes[T string | []byte](dst []byte, tag byte, s T) []byte {
	return append(AppendHeader(dst, tag, len(s)), s...)
}

// AppendInt appends a signed integer.
func AppendInt(dst []byte, tag byte, v int64) []byte {
	return appendBits(dst, tag, uint64(v), IntLen(v))
}

// AppendUint appends an unsigned integer.
func AppendUint(dst []byte, tag byte, v uint64) []byte {
	return appendBits(dst, tag, v, UintLen(v))
}

// appendBits appends an integer of n octets, at most 9.
func appendBits(dst []byte, tag byte, v uint64, n int) []byte {
	dst = append(dst, tag, byte(n))
	if n == 9 {
		dst, n = append(dst, 0), 8
	}
	for n--; n >= 0; n-- {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

// IntLen returns the number of content octets of a signed integer.
func IntLen(v int64) int { return bits.Len64(uint64(v^v>>63))/8 + 1 }

// UintLen returns the number of content octets of an unsigned integer.
func UintLen(v uint64) int { return bits.Len64(v)/8 + 1 }

// Begin appends the start of an element whose length is not known yet. Give
// End the length that dst had before.
func Begin(dst []byte, tag byte) []byte { return append(dst, tag, 0) }

// End sets the length of the element that starts at dst[start] and ends with
// dst. A content of 128 octets or more moves by up to four octets.
func End(dst []byte, start int) []byte {
	n := len(dst) - start - 2
	if n < 0x80 {
		dst[start+1] = byte(n)
		return dst
	}
	more := HeaderLen(n) - 2
	dst = append(dst, 0, 0, 0, 0)[:len(dst)+more]
	copy(dst[start+2+more:], dst[start+2:])
	AppendHeader(dst[:start], dst[start], n)
	return dst
}

// HeaderLen returns the number of octets that AppendHeader appends.
func HeaderLen(n int) int {
	if n < 0x80 {
		return 2
	}
	return 2 + (bits.Len(uint(n))+7)/8
}
