package snmp

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/pollux-snmp/pollux/usm"
)

var (
	testEngineID = usm.EngineID("\x80\x00\x1f\x88\x05peer")
	authKey      = usm.PassPhrase("authpass1")
	privKey      = usm.PassPhrase("privpass1")
)

func testUser(a usm.AuthProtocol, p usm.PrivProtocol) *usm.User {
	u := &usm.User{Name: fmt.Sprint(a, "_", p), Auth: a, Priv: p}
	if a != usm.NoAuth {
		u.AuthKey = authKey
	}
	if p != usm.NoPriv {
		u.PrivKey = privKey
	}
	return u
}

func localize(t testing.TB, u *usm.User, engineID usm.EngineID) *usm.LocalUser {
	t.Helper()
	l, err := u.Localize(engineID)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// seal makes a message of m at the level of its flags.
func seal(t testing.TB, m *Message, l *usm.LocalUser, boots, time uint32) []byte {
	t.Helper()
	scoped, err := m.AppendScopedPDU(nil)
	if err != nil {
		t.Fatal(err)
	}
	sp := usm.SecurityParameters{EngineID: l.EngineID(), Boots: boots, Time: time, UserName: []byte(l.User().Name)}
	msg, err := m.Seal(nil, scoped, &sp, l)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// open is the other way.
func open(p *Parser, msg []byte, l *usm.LocalUser) error {
	if err := p.Start(msg); err != nil {
		return err
	}
	sp, err := p.SecurityParameters()
	if err != nil {
		return err
	}
	h := p.HeaderData()
	if h.Auth {
		if err := p.Verify(l, &sp); err != nil {
			return err
		}
	}
	if h.Priv {
		return p.Decrypt(l, &sp)
	}
	return nil
}

// protocolPairs calls f for each pair of protocols that there is.
func protocolPairs(f func(a usm.AuthProtocol, p usm.PrivProtocol)) {
	f(usm.NoAuth, usm.NoPriv)
	for a := usm.MD5; a <= usm.SHA512; a++ {
		for p := usm.NoPriv; p <= usm.AES256C; p++ {
			f(a, p)
		}
	}
}

func v3Message(n int, level usm.SecurityLevel) *Message {
	m := response(n)
	m.Version, m.Community = V3, ""
	m.HeaderData = HeaderData{MsgID: 77, MaxSize: 65507, SecurityModel: 3}
	m.setLevel(level)
	m.ContextEngineID, m.ContextName = string(testEngineID), "context"
	return m
}

func TestSealAndOpen(t *testing.T) {
	protocolPairs(func(a usm.AuthProtocol, pr usm.PrivProtocol) {
		u := testUser(a, pr)
		l := localize(t, u, testEngineID)
		for level := usm.NoAuthNoPriv; level <= u.Level(); level++ {
			for _, n := range []int{0, 1, 3, 50} {
				m := v3Message(n, level)
				msg := seal(t, m, l, 7, 1000)
				var p Parser
				if err := open(&p, bytes.Clone(msg), l); err != nil {
					t.Fatalf("%s at %v: %v", u.Name, level, err)
				}
				if key, ok := Key(msg); key != 77 || !ok {
					t.Errorf("%s: Key = %d, %v", u.Name, key, ok)
				}
				if got := p.HeaderData(); got != m.HeaderData || got.SecurityLevel() != level {
					t.Errorf("%s at %v: header %+v", u.Name, level, got)
				}
				vbs, err := p.VarBinds()
				if err != nil || !slices.Equal(vbs, m.PDU.VarBinds) || string(p.RawContextName()) != "context" || p.PDU().RequestID != m.PDU.RequestID {
					t.Errorf("%s at %v: %v, %v", u.Name, level, vbs, err)
				}
			}
		}
	})
}

// Damage to any octet of an authenticated message is seen, and seen before the
// PDU is decrypted.
func TestOpenRefuses(t *testing.T) {
	for _, pr := range []usm.PrivProtocol{usm.NoPriv, usm.AES128} {
		u := testUser(usm.SHA256, pr)
		l := localize(t, u, testEngineID)
		msg := seal(t, v3Message(2, u.Level()), l, 7, 1000)
		for i := range msg {
			for _, bit := range []byte{1, 0x80} {
				bad := bytes.Clone(msg)
				bad[i] ^= bit
				var p Parser
				err := open(&p, bad, l)
				h := p.HeaderData()
				if err == nil && h.Auth {
					t.Errorf("%v: octet %d changed by %#x is not seen", pr, i, bit)
				}
				if err != nil && !errors.Is(err, ErrSyntax) && !errors.Is(err, usm.ErrUSM) {
					t.Errorf("%v: octet %d changed by %#x: %v", pr, i, bit, err)
				}
			}
		}
		// Octets behind the message are no part of it.
		var p Parser
		if err := open(&p, append(bytes.Clone(msg), 0, 1), l); err != nil || p.TrailingLen() != 2 {
			t.Errorf("%v: with trailing octets: %v, %d", pr, err, p.TrailingLen())
		}
	}
	l := localize(t, testUser(usm.SHA256, usm.AES128), testEngineID)
	other := &usm.User{Name: "other", Auth: usm.SHA256, AuthKey: authKey, Priv: usm.AES128, PrivKey: usm.PassPhrase("another1")}
	var p Parser
	err := open(&p, seal(t, v3Message(2, usm.AuthPriv), l, 7, 1000), localize(t, other, testEngineID))
	if !errors.Is(err, usm.ErrDecryption) || p.Next() || p.Err() == nil {
		t.Errorf("with another key: %v, want ErrDecryption", err)
	}
}

func TestSealRefuses(t *testing.T) {
	l := localize(t, testUser(usm.SHA256, usm.NoPriv), testEngineID)
	sp := &usm.SecurityParameters{EngineID: testEngineID, UserName: []byte("u")}
	for _, tt := range []struct {
		h    HeaderData
		l    *usm.LocalUser
		want error
	}{
		{HeaderData{Priv: true}, l, ErrBadArgument},
		{HeaderData{MsgID: -1}, l, ErrBadArgument},
		{HeaderData{MaxSize: 483}, l, ErrBadArgument},
		{HeaderData{Auth: true}, nil, usm.ErrUnsupportedSecurityLevel},
		{HeaderData{Auth: true, Priv: true}, l, usm.ErrUnsupportedSecurityLevel},
	} {
		got, err := tt.h.Seal([]byte{1}, []byte{0x30, 0}, sp, tt.l)
		if !errors.Is(err, tt.want) || len(got) != 1 {
			t.Errorf("Seal of %+v = %x, %v; want %v", tt.h, got, err, tt.want)
		}
	}
	// Without a user, as in a discovery.
	h := HeaderData{MsgID: 1, Reportable: true}
	msg, err := h.Seal(nil, []byte{0x30, 0}, &usm.SecurityParameters{}, nil)
	if err != nil || !bytes.Contains(msg, []byte("\x04\x10\x30\x0e\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00")) {
		t.Errorf("a discovery is %x, %v", msg, err)
	}
}

func TestStat(t *testing.T) {
	stat := func(vbs ...VarBind) error {
		var p Parser
		if err := p.Start(mustAppend(&Message{Version: V3, PDU: PDU{Type: Report, VarBinds: vbs}})); err != nil {
			t.Fatal(err)
		}
		return p.stat()
	}
	for s := usm.ErrUnsupportedSecurityLevel; s <= usm.ErrDecryption; s++ {
		if got := stat(VarBind{MustParseOID(s.OID()), Counter32Value(1)}); got != s {
			t.Errorf("Report of %v = %v, want %v", s.OID(), got, s)
		}
		if got := stat(VarBind{MustParseOID(s.OID()).Parent(), Counter32Value(1)}); got != s {
			t.Errorf("Report of %v without instance = %v, want %v", s.OID(), got, s)
		}
	}
	for _, s := range []string{"1.3.6.1.6.3.15.1.1", "1.3.6.1.6.3.15.1.1.0.0", "1.3.6.1.6.3.15.1.1.7.0", "1.3.6.1.6.3.15.1.1.129.0", "1.3.6.1.6.3.15.1.1.1.1", "1.3"} {
		if got := stat(VarBind{MustParseOID(s), Counter32Value(1)}); got != nil {
			t.Errorf("Report of %s = %v, want nil", s, got)
		}
	}
	if got := stat(VarBind{MustParseOID("1.3.6.1.6.3.12.1.5.0"), Counter32Value(1)}); !errors.Is(got, ErrReport) || got.Error() != "snmp: agent reports: unknown context" {
		t.Errorf("Report of snmpUnknownContexts = %v", got)
	}
	if got := stat(); got != nil {
		t.Errorf("empty Report = %v", got)
	}
}

// A sealer does what a busy agent or manager does, in buffers of its own.
type sealer struct {
	m           *Message
	l           *usm.LocalUser
	id          []byte
	scoped, msg []byte
}

func newSealer(tb testing.TB) *sealer {
	l := localize(tb, testUser(usm.SHA256, usm.AES128), testEngineID)
	return &sealer{m: v3Message(1, usm.AuthPriv), l: l, id: testEngineID}
}

func (s *sealer) seal() (err error) {
	if s.scoped, err = s.m.AppendScopedPDU(s.scoped[:0]); err != nil {
		return err
	}
	var name [32]byte
	sp := usm.SecurityParameters{EngineID: s.id, Boots: 7, Time: 1000, UserName: append(name[:0], s.l.User().Name...)}
	s.msg, err = s.m.Seal(s.msg[:0], s.scoped, &sp, s.l)
	return err
}

func TestSecureAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget")
	}
	s := newSealer(t)
	if got := testing.AllocsPerRun(100, func() {
		if err := s.seal(); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("seal: %v allocs, want 0", got)
	}
	var p Parser
	msg := bytes.Clone(s.msg)
	if got := testing.AllocsPerRun(100, func() {
		copy(s.msg, msg)
		if err := open(&p, s.msg, s.l); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("open: %v allocs, want 0", got)
	}
}

func BenchmarkV3(b *testing.B) {
	b.Run("encode-1", func(b *testing.B) {
		s := newSealer(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := s.seal(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode-1", func(b *testing.B) {
		s := newSealer(b)
		if err := s.seal(); err != nil {
			b.Fatal(err)
		}
		msg := bytes.Clone(s.msg)
		var p Parser
		b.ReportAllocs()
		for b.Loop() {
			copy(s.msg, msg) // as it is decrypted where it stands
			if err := open(&p, s.msg, s.l); err != nil {
				b.Fatal(err)
			}
			for p.Next() {
				p.Uint64()
			}
		}
	})
}

// FuzzOpen takes octets for the content of an encrypted PDU and for the
// security parameters.
func FuzzOpen(f *testing.F) {
	l := localize(f, testUser(usm.MD5, usm.AES128), testEngineID)
	msg := seal(f, v3Message(2, usm.AuthPriv), l, 7, 1000)
	f.Add(msg, []byte{})
	f.Add(seal(f, v3Message(2, usm.AuthNoPriv), l, 7, 1000), []byte{0x30, 0})
	f.Fuzz(func(t *testing.T, msg, plain []byte) {
		var p Parser
		if err := open(&p, bytes.Clone(msg), l); err != nil && !errors.Is(err, ErrSyntax) && !errors.Is(err, usm.ErrUSM) {
			t.Errorf("open(%x) error = %v", msg, err)
		}
		p.stat()
		// As if plain had been encrypted.
		sp := usm.SecurityParameters{EngineID: testEngineID, UserName: []byte("u")}
		h := HeaderData{MsgID: 1, Auth: true, Priv: true}
		sealed, err := h.Seal(nil, bytes.Clone(plain), &sp, l)
		if err != nil {
			t.Fatal(err)
		}
		err = open(&p, bytes.Clone(sealed), l)
		var q Parser
		q.Start(sealed)
		if len(plain) > 0 {
			if direct := q.StartScopedPDU(plain); (direct == nil) != (err == nil) || err != nil && !errors.Is(err, usm.ErrDecryption) {
				t.Errorf("scoped PDU %x: %v, sealed and opened: %v", plain, direct, err)
			}
		}
		if err == nil {
			if a, b := p.PDU(), q.PDU(); !reflect.DeepEqual(a, b) {
				t.Errorf("scoped PDU %x: %v, sealed and opened: %v", plain, b, a)
			}
		}
	})
}
