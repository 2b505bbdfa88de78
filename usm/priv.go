package usm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"slices"
	"sync"
)

// A privacy is a prepared key of a privacy protocol.
type privacy struct {
	cipher.Block
	preIV uint64 // of DES and 3DES: the end of the key
	cbc   bool   // CBC with blocks of 8 octets, else CFB with blocks of 16
}

func newPrivacy(p PrivProtocol, key []byte) (*privacy, error) {
	var (
		b     cipher.Block
		err   error
		preIV uint64
	)
	switch p {
	case DES:
		b, err = des.NewCipher(key[:8])
		preIV = binary.BigEndian.Uint64(key[8:])
	case TripleDES:
		b, err = des.NewTripleDESCipher(key[:24])
		preIV = binary.BigEndian.Uint64(key[24:])
	default:
		b, err = aes.NewCipher(key)
	}
	if err != nil {
		return nil, badArgument("%v: %v", p, err) // the length is right: not reached
	}
	return &privacy{Block: b, preIV: preIV, cbc: p == DES || p == TripleDES}, nil
}

// A blockState is what a cipher works in: on the heap, as a cipher.Block is an
// interface, and used again.
type blockState struct {
	iv, tmp [aes.BlockSize]byte
}

var blockPool = sync.Pool{New: func() any { return new(blockState) }}

// state returns a blockState with the initialisation vector: pre-IV xor salt
// (RFC 3414, section 8.1.1.1), or boots, time and salt (RFC 3826, section
// 3.1.2.1).
func (p *privacy) state(boots, time uint32, salt uint64) *blockState {
	s := blockPool.Get().(*blockState)
	if p.cbc {
		binary.BigEndian.PutUint64(s.iv[:], p.preIV^salt)
		return s
	}
	binary.BigEndian.PutUint32(s.iv[:], boots)
	binary.BigEndian.PutUint32(s.iv[4:], time)
	binary.BigEndian.PutUint64(s.iv[8:], salt)
	return s
}

func (s *blockState) put() {
	*s = blockState{}
	blockPool.Put(s)
}

// The four modes work in place. The length of b is a multiple of 8 for CBC and
// any for CFB.

func (p *privacy) encryptCBC(s *blockState, b []byte) {
	iv := s.iv[:8]
	for ; len(b) >= 8; b = b[8:] {
		xor8(b, b, iv)
		p.Encrypt(b[:8], b[:8])
		iv = b[:8]
	}
}

func (p *privacy) decryptCBC(s *blockState, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		copy(s.tmp[:8], b)
		p.Decrypt(b[:8], b[:8])
		xor8(b, b, s.iv[:])
		copy(s.iv[:8], s.tmp[:])
	}
}

func (p *privacy) encryptCFB(s *blockState, b []byte) {
	iv := s.iv[:]
	for ; len(b) >= 16; b = b[16:] {
		p.Encrypt(s.tmp[:], iv)
		xor8(b, b, s.tmp[:])
		xor8(b[8:], b[8:], s.tmp[8:])
		iv = b[:16]
	}
	p.tailCFB(s, iv, b)
}

func (p *privacy) decryptCFB(s *blockState, b []byte) {
	for ; len(b) >= 16; b = b[16:] {
		p.Encrypt(s.tmp[:], s.iv[:])
		copy(s.iv[:], b)
		xor8(b, b, s.tmp[:])
		xor8(b[8:], b[8:], s.tmp[8:])
	}
	p.tailCFB(s, s.iv[:], b)
}

// tailCFB is the same in both directions for less than a block.
func (p *privacy) tailCFB(s *blockState, iv, b []byte) {
	if len(b) == 0 {
		return
	}
	p.Encrypt(s.tmp[:], iv)
	for i := range b {
		b[i] ^= s.tmp[i]
	}
}

func xor8(dst, a, b []byte) {
	binary.NativeEndian.PutUint64(dst, binary.NativeEndian.Uint64(a)^binary.NativeEndian.Uint64(b))
}

// CiphertextLen returns the length of what n octets are encrypted to: n, or the
// next multiple of 8 with DES and 3DES.
func (l *LocalUser) CiphertextLen(n int) int { return l.user.Priv.CiphertextLen(n) }

// NextSalt returns the msgPrivacyParameters of one message: a counter of 64 bits
// from a random start, or with DES and 3DES the engine's boots and the low 32
// bits of it. The counter is that of the user's PrivKey, so it does not repeat
// while the program runs, and with DES within 2^32 messages.
func (l *LocalUser) NextSalt(boots uint32) (salt [8]byte) {
	if l.salt == nil {
		return
	}
	n := l.salt.Add(1)
	if l.user.Priv == DES || l.user.Priv == TripleDES {
		n = uint64(boots)<<32 | n&(1<<32-1)
	}
	binary.BigEndian.PutUint64(salt[:], n)
	return
}

// Encrypt appends the encrypted plaintext to dst, [LocalUser.CiphertextLen]
// octets of it. Boots and time are those in the message's security parameters,
// and salt comes from [LocalUser.NextSalt] for this message alone. Plaintext may
// be dst[len(dst):len(dst)+n], so that a scoped PDU is encrypted where it
// stands, and may overlap it in any other way. The error is
// [ErrUnsupportedSecurityLevel] without privacy. It does not allocate if dst has
// room, except for the first message, which makes the key.
func (l *LocalUser) Encrypt(dst, plaintext []byte, boots, time uint32, salt [8]byte) ([]byte, error) {
	if l.privacy == nil {
		return nil, ErrUnsupportedSecurityLevel
	}
	p, err := l.privacy()
	if err != nil {
		return nil, err
	}
	n := l.CiphertextLen(len(plaintext))
	b := slices.Grow(dst, n)[:len(dst)+n]
	out := b[len(dst):]
	clear(out[copy(out, plaintext):]) // the padding
	s := p.state(boots, time, binary.BigEndian.Uint64(salt[:]))
	if p.cbc {
		p.encryptCBC(s, out)
	} else {
		p.encryptCFB(s, out)
	}
	s.put()
	return b, nil
}

// Decrypt appends the decrypted ciphertext to dst, with the padding that DES and
// 3DES have. Boots, time and salt are those in the message's security
// parameters. Ciphertext may overlap dst[len(dst):] as in [LocalUser.Encrypt].
// Call it after [LocalUser.Verify]. The error is [ErrUnsupportedSecurityLevel]
// without privacy and [ErrDecryption] if the lengths of ciphertext or salt are
// not what the protocol makes. A wrong key gives a wrong plaintext, not an
// error. It does not allocate if dst has room, except for the first message,
// which makes the key.
func (l *LocalUser) Decrypt(dst, ciphertext []byte, boots, time uint32, salt []byte) ([]byte, error) {
	n := len(ciphertext)
	switch {
	case l.privacy == nil:
		return nil, ErrUnsupportedSecurityLevel
	case len(salt) != saltLen || n == 0 || n != l.CiphertextLen(n):
		return nil, ErrDecryption
	}
	p, err := l.privacy()
	if err != nil {
		return nil, err
	}
	b := slices.Grow(dst, n)[:len(dst)+n]
	out := b[len(dst):]
	copy(out, ciphertext)
	s := p.state(boots, time, binary.BigEndian.Uint64(salt))
	if p.cbc {
		p.decryptCBC(s, out)
	} else {
		p.decryptCFB(s, out)
	}
	s.put()
	return b, nil
}
