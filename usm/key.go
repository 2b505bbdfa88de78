package usm

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	minPassPhraseLen = 8       // RFC 3414, section 11.2
	passPhraseStream = 1 << 20 // octets hashed for a key, RFC 3414, A.2
)

// A Key is a secret of a user: a pass phrase, the master key that comes of it
// (Ku), or a key localised to one engine (Kul). The zero Key is none. A Key
// prints as redacted, whatever the verb or the encoder; Keys are equal (==) if
// one is a copy of the other.
//
// A Key remembers the master keys of its pass phrase and numbers the messages
// that are encrypted with it, so copy a Key rather than make it twice.
type Key struct {
	s *secret
}

type secret struct {
	kind keyKind
	salt atomic.Uint64 // the last that was used

	// octets is never changed and never shared. It is behind a second
	// pointer for the sake of a Key in an unexported field, whose methods fmt
	// cannot call: there it follows one pointer, if the verb is wrong.
	octets *[]byte

	mu      sync.Mutex // held while a master key is made, so that it is made once
	masters [len(authInfos)]Key
}

type keyKind uint8

const (
	passPhrase keyKind = iota
	master
	localized
)

func (k keyKind) String() string {
	return [...]string{"pass phrase", "master key", "localised key"}[k]
}

func newKey[T string | []byte](kind keyKind, octets T) Key {
	b := []byte(string(octets))
	s := &secret{kind: kind, octets: &b}
	var seed [8]byte
	rand.Read(seed[:])
	s.salt.Store(binary.BigEndian.Uint64(seed[:]))
	return Key{s}
}

// PassPhrase returns the Key of a pass phrase of at least eight octets. A
// shorter one is refused where it is used. Nothing is computed yet.
func PassPhrase(s string) Key { return newKey(passPhrase, s) }

// MasterKey returns the Key of a master key (Ku), which has the length of the
// authentication protocol's hash, for privacy too. It copies b.
func MasterKey(b []byte) Key { return newKey(master, b) }

// LocalizedKey returns the Key of a key (Kul) that is right for one engine only.
// For authentication it has the length of the protocol's hash. For privacy it
// may have that length too, and is then cut or extended, or that of the privacy
// protocol's key or more. It copies b.
func LocalizedKey(b []byte) Key { return newKey(localized, b) }

// IsZero reports whether k is none.
func (k Key) IsZero() bool { return k.s == nil }

// Octets returns a copy of what k holds. It is for those who store keys; keep it
// out of logs.
func (k Key) Octets() []byte {
	if k.s == nil {
		return nil
	}
	return slices.Clone(*k.s.octets)
}

const redacted = "usm.Key(redacted)"

// Format writes that the key is redacted, for every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns that the key is redacted, for JSON, log/slog and other
// encoders.
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Master returns the master key (Ku) that authentication protocol a makes of a
// pass phrase (RFC 3414, A.2); that of a master key is itself. It hashes 1 MiB,
// a millisecond or two, once for each Key and a. The error wraps
// [ErrBadArgument].
func (k Key) Master(a AuthProtocol) (Key, error) {
	if err := k.check(a, NoPriv); err != nil {
		return Key{}, err
	}
	switch k.s.kind {
	case master:
		return k, nil
	case localized:
		return Key{}, badArgument("a localised key has no master key")
	}
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	m := &k.s.masters[a]
	if m.s == nil {
		*m = MasterKey(passPhraseToKey(a, *k.s.octets))
	}
	return *m, nil
}

// Localize returns the key of the engine (Kul): the one for authentication if p
// is [NoPriv], and else the one for privacy with p, extended if the hash is too
// short for it. EngineID has 1 to 32 octets. A localised key is taken for one of
// this engine. It costs microseconds, after [Key.Master], except that Reeder's
// extension hashes 1 MiB again. The error wraps [ErrBadArgument].
func (k Key) Localize(a AuthProtocol, p PrivProtocol, engineID []byte) (Key, error) {
	if err := k.check(a, p); err != nil {
		return Key{}, err
	}
	if len(engineID) == 0 || len(engineID) > maxEngineIDLen {
		return Key{}, badArgument("engine ID has %d octets: it needs 1 to 32", len(engineID))
	}
	var kul []byte
	if k.s.kind == localized {
		kul = *k.s.octets
	} else {
		ku, err := k.Master(a)
		if err != nil {
			return Key{}, err
		}
		kul = localize(a, *ku.s.octets, engineID)
	}
	if p == NoPriv {
		return LocalizedKey(kul), nil
	}
	return LocalizedKey(extend(a, p, kul, engineID)), nil
}

// check reports whether k can be a key of a, or with p also one of p.
func (k Key) check(a AuthProtocol, p PrivProtocol) error {
	what := a.String()
	if p != NoPriv {
		what = p.String()
	}
	if k.s == nil {
		return badArgument("no pass phrase or key for %s", what)
	}
	n, want := len(*k.s.octets), a.KeyLen()
	switch {
	case int(a) >= len(authInfos) || int(p) >= len(privInfos):
		return badArgument("unknown protocol: AuthProtocol(%d), PrivProtocol(%d)", uint8(a), uint8(p))
	case a == NoAuth:
		return badArgument("a key needs an authentication protocol")
	case k.s.kind == passPhrase && n < minPassPhraseLen:
		return badArgument("pass phrase for %s has %d octets: it needs at least %d", what, n, minPassPhraseLen)
	case k.s.kind == localized && p != NoPriv && n >= p.KeyLen():
	case k.s.kind != passPhrase && n != want:
		return badArgument("%v for %s has %d octets: with %v it needs %d", k.s.kind, what, n, a, want)
	}
	return nil
}

// Change returns the KeyChange value that makes a peer replace its key k by to,
// with the hash of a and new random octets (RFC 3414, section 5, and A.5). Both
// keys must have the same length: localised keys of one user and engine, as
// a rule. The value is as secret as the older of both keys. The error wraps
// [ErrBadArgument].
func (k Key) Change(a AuthProtocol, to Key) ([]byte, error) {
	if k.s == nil || to.s == nil || k.s.kind == passPhrase || to.s.kind == passPhrase || len(*k.s.octets) != len(*to.s.octets) || a.KeyLen() == 0 {
		return nil, badArgument("key change: want two keys of one length and an authentication protocol")
	}
	value := make([]byte, 2*len(*k.s.octets))
	random, delta := value[:len(value)/2], value[len(value)/2:]
	rand.Read(random)
	copy(delta, *to.s.octets)
	keyChange(a, *k.s.octets, random, delta)
	return value, nil
}

// ApplyChange returns the key that a KeyChange value makes of k, with the hash of
// a. The value must have twice the length of the key. A wrong value gives a wrong
// key: nothing in it can be verified. The error wraps [ErrBadArgument].
func (k Key) ApplyChange(a AuthProtocol, value []byte) (Key, error) {
	if k.s == nil || k.s.kind == passPhrase || a.KeyLen() == 0 {
		return Key{}, badArgument("key change: want a key and an authentication protocol")
	}
	n := len(*k.s.octets)
	if len(value) != 2*n {
		return Key{}, badArgument("key change: value has %d octets: for this key it needs %d", len(value), 2*n)
	}
	to := newKey(k.s.kind, value[n:])
	keyChange(a, *k.s.octets, value[:n], *to.s.octets)
	return to, nil
}

// keyChange turns a new key into its delta, or a delta into the new key.
func keyChange(a AuthProtocol, old, random, delta []byte) {
	h := a.info().new()
	temp := old
	for len(delta) > 0 {
		h.Reset()
		h.Write(temp)
		h.Write(random)
		temp = h.Sum(nil)
		delta = delta[subtle.XORBytes(delta, delta, temp[:min(len(temp), len(delta))]):]
	}
}

// passPhraseToKey is RFC 3414, A.2: the hash of pass, repeated to 1 MiB. It
// needs a few KiB, however long pass is.
func passPhraseToKey(a AuthProtocol, pass []byte) []byte {
	// The stream has the period len(pass): a longer block of whole periods
	// makes the same stream with fewer calls.
	block := pass
	if len(pass) < 4096 {
		block = slices.Repeat(pass, 4096/len(pass))
	}
	h := a.info().new()
	for left := passPhraseStream; left > 0; {
		n := min(left, len(block))
		h.Write(block[:n])
		left -= n
	}
	return h.Sum(nil)
}

// localize is RFC 3414, section 2.6.
func localize(a AuthProtocol, ku, engineID []byte) []byte {
	h := a.info().new()
	h.Write(ku)
	h.Write(engineID)
	h.Write(ku)
	return h.Sum(nil)
}

// extend returns as many octets as p needs, beginning with kul.
func extend(a AuthProtocol, p PrivProtocol, kul, engineID []byte) []byte {
	key, last := slices.Clone(kul), kul
	for len(key) < p.KeyLen() {
		if p.info().reeder {
			// draft-reeder-snmpv3-usm-3desede-00: each part is made
			// of the last as if that was a pass phrase.
			last = localize(a, passPhraseToKey(a, last), engineID)
		} else {
			// draft-blumenthal-aes-usm-04: of all parts so far.
			last = hashOf(a.info().new(), key)
		}
		key = append(key, last...)
	}
	return key[:p.KeyLen()]
}

func hashOf(h hash.Hash, b []byte) []byte {
	h.Write(b)
	return h.Sum(nil)
}
