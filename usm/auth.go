package usm

import (
	"crypto/subtle"
	"encoding"
	"hash"
	"sync"
)

// A mac is an HMAC key (RFC 2104) as the states of its hash after the inner and
// the outer pad, so that a message costs neither key setup nor memory.
type mac struct {
	pool         *sync.Pool // of *hashState
	len          int        // of the code
	inner, outer []byte     // of encoding.BinaryMarshaler
}

// A hashState is a hash at work.
type hashState struct {
	hash.Hash
	state encoding.BinaryUnmarshaler // the same
	sum   [maxMACLen + 16]byte       // of SHA-512, the longest
}

var hashPools = func() (pools [len(authInfos)]sync.Pool) {
	for p := MD5; p <= SHA512; p++ {
		pools[p].New = func() any {
			h := p.info().new()
			return &hashState{Hash: h, state: h.(encoding.BinaryUnmarshaler)}
		}
	}
	return
}()

func newMAC(a AuthProtocol, key []byte) *mac {
	pad := func(x byte) []byte {
		h := a.info().new()
		block := make([]byte, h.BlockSize()) // longer than any hash
		copy(block, key)
		for i := range block {
			block[i] ^= x
		}
		h.Write(block)
		state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			panic(err) // the standard library's hashes do not fail
		}
		return state
	}
	return &mac{pool: &hashPools[a], len: a.MACLen(), inner: pad(0x36), outer: pad(0x5c)}
}

var zeros [maxMACLen]byte

// sum returns a hashState whose sum begins with the code of msg with zeros in
// the place of the code. It goes back with put.
func (m *mac) sum(msg []byte, off int) *hashState {
	s := m.pool.Get().(*hashState)
	s.state.UnmarshalBinary(m.inner) // fails on damage alone
	s.Write(msg[:off])
	s.Write(zeros[:m.len])
	s.Write(msg[off+m.len:])
	sum := s.Sum(s.sum[:0])
	s.state.UnmarshalBinary(m.outer)
	s.Write(sum)
	s.Sum(s.sum[:0])
	return s
}

func (m *mac) put(s *hashState) {
	s.Reset()
	m.pool.Put(s)
}

// MACLen returns the length of the authentication code, 0 without
// authentication.
func (l *LocalUser) MACLen() int { return l.user.Auth.MACLen() }

// Sign writes the authentication code of the whole message msg into its
// [LocalUser.MACLen] octets at macOff, whatever they hold (RFC 3414, sections
// 6.3.1 and 7.3.1; RFC 7860, section 4.2.1). The error wraps
// [ErrUnsupportedSecurityLevel] without authentication and [ErrBadArgument] if
// the code would not lie within msg.
func (l *LocalUser) Sign(msg []byte, macOff int) error {
	switch {
	case l.mac == nil:
		return ErrUnsupportedSecurityLevel
	case macOff < 0 || macOff > len(msg)-l.mac.len:
		return badArgument("an authentication code of %d octets at offset %d of %d octets", l.mac.len, macOff, len(msg))
	}
	s := l.mac.sum(msg, macOff)
	copy(msg[macOff:macOff+l.mac.len], s.sum[:])
	l.mac.put(s)
	return nil
}

// Verify checks the authentication code of the whole message msg: macLen octets
// at macOff. It does not change msg. The comparison takes the same time
// whichever octets differ. The error is [ErrUnsupportedSecurityLevel] without
// authentication and [ErrWrongDigest] for all else, whatever the offsets; it
// costs one hash of msg and no memory.
func (l *LocalUser) Verify(msg []byte, macOff, macLen int) error {
	switch {
	case l.mac == nil:
		return ErrUnsupportedSecurityLevel
	case macLen != l.mac.len || macOff < 0 || macOff > len(msg)-macLen:
		return ErrWrongDigest
	}
	s := l.mac.sum(msg, macOff)
	equal := subtle.ConstantTimeCompare(msg[macOff:macOff+macLen], s.sum[:macLen])
	l.mac.put(s)
	if equal != 1 {
		return ErrWrongDigest
	}
	return nil
}
