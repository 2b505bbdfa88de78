package usm

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// holder has secrets where fmt cannot call their methods.
type holder struct {
	Public Key
	hidden Key
	user   *User
	value  User
	local  *LocalUser
}

func TestKeyIsRedacted(t *testing.T) {
	const secret = "maplesyrup"
	k := PassPhrase(secret)
	kul, err := k.Localize(MD5, NoPriv, unhex(t, sampleEngineID))
	if err != nil {
		t.Fatal(err)
	}
	u := &User{Name: "bob", Auth: MD5, AuthKey: k, Priv: AES128, PrivKey: k}
	l, err := u.Localize(unhex(t, sampleEngineID))
	if err != nil {
		t.Fatal(err)
	}
	salt := l.NextSalt(1)
	if _, err := l.Encrypt(nil, make([]byte, 10), 1, 1, salt); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	h := holder{k, kul, u, *u, l}
	for _, v := range []any{k, kul, &k, h, &h, []Key{k, kul}, map[string]Key{"k": kul}, []holder{h}, u, *u, l, []*LocalUser{l}} {
		for verb := range 128 {
			for _, flags := range []string{"", "+", "#", " ", "0", "-"} {
				fmt.Fprintf(&out, "%"+flags+string(rune(verb)), v)
			}
		}
		b, _ := json.Marshal(v)
		out.Write(b)
		x, _ := xml.Marshal(v)
		out.Write(x)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "k", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "k", v)
	}
	master, _ := k.Master(MD5)
	for _, b := range [][]byte{[]byte(secret), kul.Octets(), master.Octets(), l.mac.inner[4:20], l.mac.outer[4:20]} {
		for _, form := range []string{string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), strings.Trim(fmt.Sprint(b), "[]"), strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"), fmt.Sprintf("% x", b)} {
			if strings.Contains(out.String(), form) {
				t.Errorf("the output holds %q", form)
			}
		}
	}
	if want := `"AuthKey":"usm.Key(redacted)"`; !strings.Contains(out.String(), want) {
		t.Errorf("the output does not hold %s", want)
	}
}

func TestBadKeys(t *testing.T) {
	id := unhex(t, sampleEngineID)
	tests := []struct {
		name    string
		user    User
		wantErr string
	}{
		{"no name", User{}, "user name has 0 octets"},
		{"long name", User{Name: strings.Repeat("x", 33)}, "user name has 33 octets"},
		{"short pass phrase", User{Name: "bob", Auth: MD5, AuthKey: PassPhrase("1234567")}, `usm: user "bob": pass phrase for MD5 has 7 octets: it needs at least 8`},
		{"short privacy pass phrase", User{Name: "bob", Auth: SHA256, AuthKey: PassPhrase("12345678"), Priv: AES192C, PrivKey: PassPhrase("")}, `pass phrase for AES-192-C has 0 octets`},
		{"no key", User{Name: "bob", Auth: SHA}, "no pass phrase or key for SHA"},
		{"no privacy key", User{Name: "bob", Auth: SHA, AuthKey: PassPhrase("12345678"), Priv: DES}, "no pass phrase or key for DES"},
		{"privacy alone", User{Name: "bob", Priv: DES, PrivKey: PassPhrase("12345678")}, "privacy needs authentication"},
		{"master key of another protocol", User{Name: "bob", Auth: SHA, AuthKey: MasterKey(make([]byte, 16))}, "master key for SHA has 16 octets: with SHA it needs 20"},
		{"localised key of another protocol", User{Name: "bob", Auth: SHA, AuthKey: LocalizedKey(make([]byte, 64))}, "localised key for SHA has 64 octets"},
		{"short localised privacy key", User{Name: "bob", Auth: SHA, AuthKey: PassPhrase("12345678"), Priv: AES128, PrivKey: LocalizedKey(make([]byte, 15))}, "localised key for AES has 15 octets"},
		{"unknown protocol", User{Name: "bob", Auth: 99, AuthKey: PassPhrase("12345678")}, "unknown protocol"},
		{"unknown privacy protocol", User{Name: "bob", Auth: SHA, AuthKey: PassPhrase("12345678"), Priv: 99, PrivKey: PassPhrase("12345678")}, "unknown protocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.user.Localize(id)
			for _, err := range []error{tt.user.Check(), err} {
				if !errors.Is(err, ErrBadArgument) || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error = %v, want ErrBadArgument with %q", err, tt.wantErr)
				}
			}
		})
	}
	for _, n := range []int{0, 33} {
		for _, u := range []*User{{Name: "bob"}, {Name: "bob", Auth: MD5, AuthKey: PassPhrase("12345678")}} {
			if _, err := u.Localize(make([]byte, n)); !errors.Is(err, ErrBadArgument) {
				t.Errorf("Localize with an engine ID of %d octets: error = %v, want ErrBadArgument", n, err)
			}
		}
	}
	if _, err := LocalizedKey(make([]byte, 16)).Master(MD5); !errors.Is(err, ErrBadArgument) {
		t.Errorf("Master of a localised key: error = %v, want ErrBadArgument", err)
	}
	var zero Key
	if !zero.IsZero() || zero.Octets() != nil || PassPhrase("").IsZero() || fmt.Sprint(zero) != redacted {
		t.Error("the zero Key is not none")
	}
}

func TestKeyChange(t *testing.T) {
	for _, a := range []AuthProtocol{MD5, SHA, SHA512} {
		for _, n := range []int{1, 16, 20, 24, 32, 64, 65} { // shorter and longer than the hash
			from, to := LocalizedKey(bytes.Repeat([]byte{7}, n)), LocalizedKey(bytes.Repeat([]byte{9}, n))
			value, err := from.Change(a, to)
			if err != nil || len(value) != 2*n {
				t.Fatalf("%v, %d octets: Change = %d octets, %v, want %d", a, n, len(value), err, 2*n)
			}
			got, err := from.ApplyChange(a, value)
			if err != nil || !bytes.Equal(got.Octets(), to.Octets()) {
				t.Errorf("%v, %d octets: ApplyChange = %x, %v, want %x", a, n, got.Octets(), err, to.Octets())
			}
			if again, _ := from.Change(a, to); bytes.Equal(again, value) && n > 8 {
				t.Errorf("%v, %d octets: two changes have the same random octets", a, n)
			}
			for _, bad := range [][]byte{nil, value[:2*n-1], append(value[:2*n:2*n], 0)} {
				if _, err := from.ApplyChange(a, bad); !errors.Is(err, ErrBadArgument) {
					t.Errorf("%v: ApplyChange with %d octets: error = %v, want ErrBadArgument", a, len(bad), err)
				}
			}
		}
	}
	k := LocalizedKey(make([]byte, 16))
	for _, err := range []error{
		errOf(k.Change(MD5, LocalizedKey(make([]byte, 20)))), errOf(k.Change(MD5, Key{})), errOf(Key{}.Change(MD5, k)),
		errOf(k.Change(NoAuth, k)), errOf(PassPhrase("12345678").Change(MD5, PassPhrase("87654321"))), errOf(k.ApplyChange(NoAuth, nil)), errOf(Key{}.ApplyChange(MD5, nil)),
	} {
		if !errors.Is(err, ErrBadArgument) {
			t.Errorf("a key change of the wrong keys: error = %v, want ErrBadArgument", err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// Equal pass phrases and many goroutines cost one derivation.
func TestMasterIsMadeOnce(t *testing.T) {
	u := &User{Name: "bob", Auth: SHA, AuthKey: PassPhrase("maplesyrup"), Priv: AES128, PrivKey: PassPhrase("maplesyrup")}
	var wg sync.WaitGroup
	masters := make([]Key, 8)
	for i := range masters {
		wg.Go(func() { masters[i], _ = u.AuthKey.Master(SHA) })
	}
	wg.Wait()
	if err := u.Check(); err != nil {
		t.Fatal(err)
	}
	for _, m := range masters {
		if m.IsZero() || m != masters[0] {
			t.Error("Master made the key again")
		}
	}
	if u.PrivKey.s.masters[SHA] != (Key{}) || u.privKey() != u.AuthKey {
		t.Error("the master key of an equal pass phrase was made again")
	}
}

// The stream of RFC 3414, A.2 is one period after another, whatever the length
// of the pass phrase is, and it ends after 1 MiB.
func TestPassPhraseToKeyStream(t *testing.T) {
	for _, n := range []int{8, 13, 4095, 4096, 4097, passPhraseStream - 1, passPhraseStream, passPhraseStream + 5} {
		pass := make([]byte, n)
		for i := range pass {
			pass[i] = byte(i * 7)
		}
		stream := make([]byte, passPhraseStream)
		for i := range stream {
			stream[i] = pass[i%n]
		}
		if got, want := passPhraseToKey(SHA256, pass), hashOf(SHA256.info().new(), stream); !bytes.Equal(got, want) {
			t.Errorf("passPhraseToKey of %d octets = %x, want %x", n, got, want)
		}
	}
}
