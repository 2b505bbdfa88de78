package usm

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
)

var (
	authProtocols = []AuthProtocol{MD5, SHA, SHA224, SHA256, SHA384, SHA512}
	privProtocols = []PrivProtocol{DES, TripleDES, AES128, AES192, AES256, AES192C, AES256C}

	authKey = PassPhrase("authpass1")
	privKey = PassPhrase("privpass1")
)

func localUser(t testing.TB, a AuthProtocol, p PrivProtocol) *LocalUser {
	t.Helper()
	u := &User{Name: "bob", Auth: a, AuthKey: authKey, Priv: p, PrivKey: privKey}
	l, err := u.Localize(unhex(t, sampleEngineID))
	if err != nil {
		t.Fatalf("Localize(%v, %v) error = %v", a, p, err)
	}
	if p != NoPriv { // make the keys of privacy
		if _, err := l.Encrypt(nil, []byte{1}, 0, 0, [8]byte{}); err != nil {
			t.Fatalf("Encrypt(%v, %v) error = %v", a, p, err)
		}
	}
	return l
}

// sample returns n octets that are not all the same.
func sample(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func TestSignIsHMAC(t *testing.T) {
	for _, a := range authProtocols {
		l := localUser(t, a, NoPriv)
		key, err := authKey.Localize(a, NoPriv, unhex(t, sampleEngineID))
		if err != nil {
			t.Fatal(err)
		}
		n := a.MACLen()
		for _, size := range []int{n, n + 1, 63, 64, 65, 119, 120, 128, 1500} {
			if size < n {
				continue
			}
			for _, off := range []int{0, (size - n) / 2, size - n} {
				msg := sample(size)
				zeroed := bytes.Clone(msg)
				clear(zeroed[off : off+n])
				h := hmac.New(a.info().new, key.Octets())
				h.Write(zeroed)
				want := h.Sum(nil)[:n]
				if err := l.Sign(msg, off); err != nil || !bytes.Equal(msg[off:off+n], want) {
					t.Errorf("%v: Sign(%d octets, %d) = %x, %v, want %x", a, size, off, msg[off:off+n], err, want)
				}
				signed := bytes.Clone(msg)
				if err := l.Verify(msg, off, n); err != nil || !bytes.Equal(msg, signed) {
					t.Errorf("%v: Verify(%d octets, %d) error = %v", a, size, off, err)
				}
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	for _, a := range authProtocols {
		l, n := localUser(t, a, NoPriv), a.MACLen()
		msg := sample(100)
		if err := l.Sign(msg, 20); err != nil {
			t.Fatal(err)
		}
		for i := range msg { // damage to each octet is seen
			msg[i] ^= 0x10
			if err := l.Verify(msg, 20, n); !errors.Is(err, ErrWrongDigest) {
				t.Errorf("%v: Verify with octet %d damaged: error = %v, want ErrWrongDigest", a, i, err)
			}
			msg[i] ^= 0x10
		}
		for _, tt := range []struct{ off, len int }{{20, 0}, {20, n - 1}, {20, n + 1}, {-1, n}, {101 - n, n}, {math.MaxInt, n}, {19, n}, {20, -1}} {
			if err := l.Verify(msg, tt.off, tt.len); !errors.Is(err, ErrWrongDigest) {
				t.Errorf("%v: Verify(%d, %d) error = %v, want ErrWrongDigest", a, tt.off, tt.len, err)
			}
		}
		for _, off := range []int{-1, 101 - n, math.MaxInt} {
			if err := l.Sign(msg, off); !errors.Is(err, ErrBadArgument) {
				t.Errorf("%v: Sign at %d: error = %v, want ErrBadArgument", a, off, err)
			}
		}
		if err := l.Verify(nil, 0, n); !errors.Is(err, ErrWrongDigest) {
			t.Errorf("%v: Verify of nothing: error = %v, want ErrWrongDigest", a, err)
		}
	}
}

// The standard library's modes do the same as ours.
func reference(t *testing.T, a AuthProtocol, p PrivProtocol, plaintext []byte, boots, time uint32, salt [8]byte) []byte {
	t.Helper()
	k, err := privKey.Localize(a, p, unhex(t, sampleEngineID))
	if err != nil {
		t.Fatal(err)
	}
	key := k.Octets()
	var b cipher.Block
	var iv []byte
	switch p {
	case DES:
		b, err = des.NewCipher(key[:8])
		iv = key[8:]
	case TripleDES:
		b, err = des.NewTripleDESCipher(key[:24])
		iv = key[24:]
	default:
		b, err = aes.NewCipher(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if iv != nil {
		for i := range iv {
			iv[i] ^= salt[i]
		}
		out := make([]byte, (len(plaintext)+7)/8*8)
		copy(out, plaintext)
		cipher.NewCBCEncrypter(b, iv).CryptBlocks(out, out)
		return out
	}
	iv = binary.BigEndian.AppendUint32(iv, boots)
	iv = binary.BigEndian.AppendUint32(iv, time)
	out := make([]byte, len(plaintext))
	//lint:ignore SA1019 RFC 3826 asks for CFB.
	cipher.NewCFBEncrypter(b, append(iv, salt[:]...)).XORKeyStream(out, plaintext)
	return out
}

func TestEncryptAndDecrypt(t *testing.T) {
	const boots, time = 0x01020304, 0x05060708
	for _, p := range privProtocols {
		a := SHA
		l := localUser(t, a, p)
		for _, n := range []int{1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 1400} {
			plaintext, salt := sample(n), l.NextSalt(boots)
			want := reference(t, a, p, plaintext, boots, time, salt)

			got, err := l.Encrypt([]byte{9}, plaintext, boots, time, salt)
			if err != nil || !bytes.Equal(got[1:], want) || got[0] != 9 || len(want) != l.CiphertextLen(n) {
				t.Errorf("%v: Encrypt(%d octets) = %x, %v, want %x", p, n, got, err, want)
			}
			if !bytes.Equal(plaintext, sample(n)) {
				t.Errorf("%v: Encrypt(%d octets) changed its argument", p, n)
			}
			back, err := l.Decrypt([]byte{9}, want, boots, time, salt[:])
			if err != nil || len(back) != 1+len(want) || back[0] != 9 || !bytes.Equal(back[1:1+n], plaintext) || bytes.ContainsFunc(back[1+n:], func(r rune) bool { return r != 0 }) {
				t.Errorf("%v: Decrypt(%d octets) = %x, %v, want %x", p, n, back, err, plaintext)
			}

			// Where it stands, and to places that overlap.
			for _, from := range []int{0, 3, 8, 20} {
				buf := make([]byte, 8, 8+20+n+8)
				place := buf[from : from+n]
				copy(place, plaintext)
				got, err := l.Encrypt(buf[:8], place, boots, time, salt)
				if err != nil || !bytes.Equal(got[8:], want) || &got[0] != &buf[0] {
					t.Errorf("%v: Encrypt(%d octets) from %d to 8 = %x, %v, want %x", p, n, from, got[8:], err, want)
				}
			}
			buf := append(make([]byte, 8), want...)
			back, err = l.Decrypt(buf[:8], buf[8:], boots, time, salt[:])
			if err != nil || !bytes.Equal(back[8:8+n], plaintext) || &back[0] != &buf[0] {
				t.Errorf("%v: Decrypt(%d octets) in place = %x, %v, want %x", p, n, back[8:], err, plaintext)
			}

			// Each part of the initialisation vector counts.
			bad := salt
			bad[0]++
			for _, iv := range []struct {
				boots, time uint32
				salt        [8]byte
			}{{boots, time, bad}, {boots + 1, time, salt}, {boots, time + 1, salt}} {
				aes := p != DES && p != TripleDES
				back, err := l.Decrypt(nil, want, iv.boots, iv.time, iv.salt[:])
				if same := bytes.Equal(back[:n], plaintext); err != nil || same != (!aes && iv.salt == salt) && n >= 7 {
					t.Errorf("%v: Decrypt(%d octets) with a wrong vector = %x, %v", p, n, back, err)
				}
			}
		}
		for _, tt := range []struct{ n, salt int }{{0, 8}, {16, 0}, {16, 7}, {16, 9}} {
			if _, err := l.Decrypt(nil, make([]byte, tt.n), 1, 1, make([]byte, tt.salt)); !errors.Is(err, ErrDecryption) {
				t.Errorf("%v: Decrypt(%d octets, salt of %d) error = %v, want ErrDecryption", p, tt.n, tt.salt, err)
			}
		}
	}
	for _, p := range []PrivProtocol{DES, TripleDES} {
		l := localUser(t, MD5, p)
		for n := 1; n < 8; n++ {
			if _, err := l.Decrypt(nil, make([]byte, 16+n), 1, 1, make([]byte, 8)); !errors.Is(err, ErrDecryption) {
				t.Errorf("%v: Decrypt(%d octets) error = %v, want ErrDecryption", p, 16+n, err)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	for _, tt := range []struct {
		a    AuthProtocol
		p    PrivProtocol
		want SecurityLevel
	}{{NoAuth, NoPriv, NoAuthNoPriv}, {SHA, NoPriv, AuthNoPriv}, {SHA, DES, AuthPriv}} {
		l := localUser(t, tt.a, tt.p)
		if got := l.User().Level(); got != tt.want {
			t.Errorf("Level() = %v, want %v", got, tt.want)
		}
		if l.User().Check() != nil || l.EngineID().String() != "0x"+sampleEngineID || l.MACLen() != tt.a.MACLen() {
			t.Errorf("%v: Check, EngineID or MACLen is wrong", tt.want)
		}
		msg := make([]byte, 100)
		if err := l.Sign(msg, 0); errors.Is(err, ErrUnsupportedSecurityLevel) != (tt.want < AuthNoPriv) {
			t.Errorf("%v: Sign error = %v", tt.want, err)
		}
		if err := l.Verify(msg, 0, 12); errors.Is(err, ErrUnsupportedSecurityLevel) != (tt.want < AuthNoPriv) {
			t.Errorf("%v: Verify error = %v", tt.want, err)
		}
		salt := l.NextSalt(1)
		if _, err := l.Encrypt(nil, msg, 1, 1, salt); errors.Is(err, ErrUnsupportedSecurityLevel) != (tt.want < AuthPriv) {
			t.Errorf("%v: Encrypt error = %v", tt.want, err)
		}
		if _, err := l.Decrypt(nil, msg[:96], 1, 1, salt[:]); errors.Is(err, ErrUnsupportedSecurityLevel) != (tt.want < AuthPriv) {
			t.Errorf("%v: Decrypt error = %v", tt.want, err)
		}
	}
}

// Salts are unlike for all LocalUsers of a Key and all goroutines.
func TestSaltsDoNotRepeat(t *testing.T) {
	for _, p := range []PrivProtocol{DES, AES128} {
		u := &User{Name: "bob", Auth: MD5, AuthKey: authKey, Priv: p, PrivKey: PassPhrase("privpass1")}
		var (
			mu   sync.Mutex
			wg   sync.WaitGroup
			seen = map[[8]byte]bool{}
		)
		for i := range 8 {
			l, err := u.Localize(fmt.Appendf(nil, "engine%d", i/2))
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for range 1000 {
					salt := l.NextSalt(7)
					if p == DES && binary.BigEndian.Uint32(salt[:]) != 7 {
						t.Errorf("DES: salt %x does not begin with the boots", salt)
					}
					mu.Lock()
					seen[salt] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(seen) != 8000 {
			t.Errorf("%v: %d salts differ, want 8000", p, len(seen))
		}
	}
}

// One LocalUser from many goroutines; run with -race.
func TestConcurrent(t *testing.T) {
	u := &User{Name: "bob", Auth: SHA256, AuthKey: PassPhrase("authpass1"), Priv: AES256C, PrivKey: PassPhrase("privpass1")}
	l, err := u.Localize([]byte("engine"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				plaintext := sample(50 + g)
				salt := l.NextSalt(1)
				msg, err := l.Encrypt(make([]byte, 24), plaintext, 1, uint32(i), salt)
				if err == nil {
					err = l.Sign(msg, 0)
				}
				if err == nil {
					err = l.Verify(msg, 0, 24)
				}
				back, err2 := l.Decrypt(nil, msg[24:], 1, uint32(i), salt[:])
				if err != nil || err2 != nil || !bytes.Equal(back, plaintext) {
					t.Errorf("round trip = %x, %v, %v, want %x", back, err, err2, plaintext)
				}
			}
		})
	}
	wg.Wait()
}

func TestAllocs(t *testing.T) {
	var c Cache
	check := func(name string, want float64, f func()) {
		t.Helper()
		if got := testing.AllocsPerRun(100, f); got > want {
			t.Errorf("%s: %v allocs, want at most %v", name, got, want)
		}
	}
	msg, buf := sample(150), make([]byte, 0, 200)
	for _, a := range authProtocols {
		l := localUser(t, a, NoPriv)
		check(fmt.Sprint(a, " Sign"), 0, func() { l.Sign(msg, 30) })
		check(fmt.Sprint(a, " Verify"), 0, func() { l.Verify(msg, 30, l.MACLen()) })
		check(fmt.Sprint(a, " Verify, refused"), 0, func() { l.Verify(msg, 31, l.MACLen()) })
	}
	for _, p := range privProtocols {
		l := localUser(t, SHA, p)
		check(fmt.Sprint(p, " Encrypt"), 0, func() {
			l.Encrypt(buf, msg, 1, 2, l.NextSalt(1))
		})
		salt := make([]byte, 8)
		check(fmt.Sprint(p, " Decrypt"), 0, func() { l.Decrypt(buf, msg[:144], 1, 2, salt) })
		check(fmt.Sprint(p, " Decrypt, refused"), 0, func() { l.Decrypt(buf, nil, 1, 2, salt) })
		c.Keep(l)
		id := l.EngineID()
		check("Cache.Localize", 0, func() { c.Localize(l.User(), id) })
	}
	p := SecurityParameters{EngineID: sample(17), Boots: 7, Time: 100000, UserName: []byte("bob"), MAC: sample(24), Salt: sample(8)}
	ber, _ := p.AppendBER(nil)
	check("SecurityParameters.AppendBER", 0, func() { p.AppendBER(buf) })
	check("SecurityParametersFromBER", 0, func() { SecurityParametersFromBER(ber) })
	var pc PeerClock
	check("clocks", 0, func() {
		pc.Update(1, 2, epoch)
		Clock{Boots: 1, Start: epoch}.Check(1, 2, epoch)
	})
}

// FuzzDecrypt checks that no length panics, that an error is one of two, and
// that encrypting again gives the same octets.
func FuzzDecrypt(f *testing.F) {
	var users []*LocalUser
	for _, p := range append(privProtocols, NoPriv) {
		users = append(users, localUser(f, SHA, p))
	}
	f.Add(uint8(0), sample(16), sample(8), uint32(1), uint32(2))
	f.Add(uint8(2), sample(17), sample(8), uint32(1), uint32(2))
	f.Add(uint8(1), sample(17), sample(8), uint32(1), uint32(2))
	f.Add(uint8(7), sample(17), sample(0), uint32(1), uint32(2))
	f.Fuzz(func(t *testing.T, which uint8, ciphertext, salt []byte, boots, time uint32) {
		l := users[int(which)%len(users)]
		got, err := l.Decrypt(nil, ciphertext, boots, time, salt)
		if err != nil {
			if !errors.Is(err, ErrDecryption) && !errors.Is(err, ErrUnsupportedSecurityLevel) {
				t.Fatalf("Decrypt error = %v", err)
			}
			return
		}
		back, err := l.Encrypt(nil, got, boots, time, [8]byte(salt))
		if err != nil || !bytes.Equal(back, ciphertext) {
			t.Errorf("Decrypt(%x) = %x, which encrypts to %x, %v", ciphertext, got, back, err)
		}
	})
}
