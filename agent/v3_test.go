package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// testUsers are one user for each pair of protocols, and one with none.
func testUsers() []User {
	auth, priv := usm.PassPhrase("authpass1"), usm.PassPhrase("privpass1")
	all := []User{
		{User: usm.User{Name: "noauth"}, Grant: &Grant{Write: true}},
		{User: usm.User{Name: "shaonly", Auth: usm.SHA, AuthKey: auth}, Grant: &Grant{}},
		{User: usm.User{Name: "anyone", Auth: usm.SHA, AuthKey: auth}, Grant: &Grant{Level: usm.NoAuthNoPriv}},
	}
	for a := usm.MD5; a <= usm.SHA512; a++ {
		for p := usm.DES; p <= usm.AES256C; p++ {
			name := strings.ToLower(a.String() + p.String())
			all = append(all, User{User: usm.User{Name: strings.ReplaceAll(name, "-", ""), Auth: a, AuthKey: auth, Priv: p, PrivKey: priv},
				Grant: &Grant{Write: true, Level: usm.AuthNoPriv}})
		}
	}
	return all
}

// Bits of msgFlags.
const (
	flagAuth = 1 << iota
	flagPriv
	flagReportable
)

// setFlags and flagsOf turn msgFlags into what a header says, and back.
func setFlags(h *snmp.HeaderData, flags uint8) {
	h.Auth, h.Priv, h.Reportable = flags&flagAuth != 0, flags&flagPriv != 0, flags&flagReportable != 0
}

func flagsOf(h snmp.HeaderData) (flags uint8) {
	for i, set := range []bool{h.Auth, h.Priv, h.Reportable} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

// A v3 is a request of v3, to be changed before it is signed or sent.
type v3 struct {
	snmp.HeaderData
	flags           uint8
	sp              usm.SecurityParameters
	contextEngineID []byte
	context         string
	user            *usm.LocalUser
	spoilScoped     bool // before it is encrypted
	spoilMAC        bool
}

func v3Request(t testing.TB, a *Agent, user string, pdu *snmp.PDU, change func(m *v3)) []byte {
	t.Helper()
	m := &v3{HeaderData: snmp.HeaderData{MsgID: 4711, MaxSize: 65507, SecurityModel: 3}, flags: flagReportable}
	m.user = (*a.engine.users.Load())[user]
	m.sp = usm.SecurityParameters{EngineID: a.engine.id, UserName: []byte(user)}
	m.sp.Boots, m.sp.Time = a.engine.clock.At(a.now())
	m.contextEngineID = a.engine.id
	if m.user != nil && m.user.User().Level() >= usm.AuthNoPriv {
		m.flags |= flagAuth
	}
	if m.user != nil && m.user.User().Level() == usm.AuthPriv {
		m.flags |= flagPriv
	}
	if change != nil {
		change(m)
	}
	setFlags(&m.HeaderData, m.flags)
	whole := snmp.Message{Version: snmp.V3, HeaderData: m.HeaderData, ContextEngineID: string(m.contextEngineID), ContextName: m.context, PDU: *pdu}
	data, err := whole.AppendScopedPDU(nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.spoilScoped {
		data[0] = 0x31
	}
	if m.flags&flagPriv != 0 && m.user != nil && m.user.User().Priv != usm.NoPriv {
		salt := m.user.NextSalt(m.sp.Boots)
		if m.sp.Salt == nil {
			m.sp.Salt = salt[:]
		}
		if data, err = m.user.Encrypt(nil, data, m.sp.Boots, m.sp.Time, salt); err != nil {
			t.Fatal(err)
		}
	}
	if m.flags&flagAuth != 0 && m.user != nil {
		m.sp.MAC = make([]byte, m.user.MACLen())
	}
	params, macOff := m.sp.AppendBER(nil)
	msg, off := m.HeaderData.Append(nil, params, data)
	if m.flags&flagAuth != 0 && m.user != nil && m.user.MACLen() > 0 {
		if err := m.user.Sign(msg, off+macOff); err != nil {
			t.Fatal(err)
		}
		if m.spoilMAC {
			msg[off+macOff] ^= 1
		}
	}
	return msg
}

// open reads an answer as the one who asked would.
func open(t testing.TB, a *Agent, msg []byte) (*snmp.Parser, *usm.SecurityParameters) {
	t.Helper()
	var p snmp.Parser
	if err := p.Start(msg); err != nil {
		t.Fatalf("answer: %v", err)
	}
	if p.Version() != snmp.V3 {
		return &p, nil
	}
	params, off := p.RawSecurityParams()
	sp, err := usm.SecurityParametersFromBER(params)
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	user := (*a.engine.users.Load())[string(sp.UserName)]
	if p.HeaderData().Auth {
		if err := user.Verify(msg, off+sp.MACOffset, len(sp.MAC)); err != nil {
			t.Fatalf("answer: %v", err)
		}
	}
	if p.HeaderData().Priv {
		plain, err := user.Decrypt(nil, p.RawEncryptedPDU(), sp.Boots, sp.Time, sp.Salt)
		if err != nil {
			t.Fatalf("answer: %v", err)
		}
		if err := p.StartScopedPDU(plain); err != nil {
			t.Fatalf("answer: %v", err)
		}
	}
	return &p, &sp
}

// TestV3 is RFC 3412, section 7.2, and RFC 3414, section 3.2: what is answered,
// at which level, and what counts what is not.
func TestV3(t *testing.T) {
	a := newAgent(t, func(cfg *Config) { cfg.Users = testUsers() })
	handleTest(a)
	a.HandleContext("blue", oid("1.3.6.1.4.1.77"), Const(snmp.IntegerValue(1)))
	const noReport = flagReportable
	const (
		auth = flagAuth
		priv = flagAuth | flagPriv
	)
	st := &a.stats
	usmStat := func(s usm.Stat) *atomic.Uint32 { return &st.usm[s] }
	tests := []struct {
		name   string
		user   string
		change func(m *v3)
		want   string // binding or report
		flags  uint8
		count  *atomic.Uint32
	}{
		{"noAuthNoPriv", "noauth", nil, "99.1.0 = INTEGER: -7", 0, nil},
		{"authNoPriv", "shaonly", nil, "99.1.0 = INTEGER: -7", auth, nil},
		{"authPriv", "shaaes", nil, "99.1.0 = INTEGER: -7", priv, nil},
		{"a user at a lower level", "shaaes", func(m *v3) { m.flags = auth | flagReportable }, "99.1.0 = INTEGER: -7", auth, nil},
		{"below what is granted", "shaaes", func(m *v3) { m.flags = flagReportable }, "authorizationError@0; 99.1.0 = NULL", 0, nil},
		{"the local engine of RFC 5343", "noauth", func(m *v3) { m.contextEngineID = localEngineID }, "99.1.0 = INTEGER: -7", 0, nil},
		{"discovery", "", func(m *v3) { m.sp = usm.SecurityParameters{}; m.contextEngineID = nil }, "1.3.6.1.6.3.15.1.1.4.0 = Counter32: 1", 0, usmStat(usm.ErrUnknownEngineID)},
		{"another engine", "shaaes", func(m *v3) { m.sp.EngineID = usm.EngineID("another engine") }, "1.3.6.1.6.3.15.1.1.4.0 = Counter32: 2", 0, usmStat(usm.ErrUnknownEngineID)},
		{"another engine, no report", "shaaes", func(m *v3) { m.sp.EngineID = usm.EngineID("another engine"); m.flags &^= noReport }, "none", 0, usmStat(usm.ErrUnknownEngineID)},
		{"unknown user", "nobody", nil, "1.3.6.1.6.3.15.1.1.3.0 = Counter32: 1", 0, usmStat(usm.ErrUnknownUserName)},
		{"level too high", "shaonly", func(m *v3) { m.flags |= priv }, "1.3.6.1.6.3.15.1.1.1.0 = Counter32: 1", 0, usmStat(usm.ErrUnsupportedSecurityLevel)},
		{"no level of the user", "noauth", func(m *v3) { m.flags |= auth }, "1.3.6.1.6.3.15.1.1.1.0 = Counter32: 2", 0, usmStat(usm.ErrUnsupportedSecurityLevel)},
		{"wrong digest", "shaaes", func(m *v3) { m.spoilMAC = true }, "1.3.6.1.6.3.15.1.1.5.0 = Counter32: 1", 0, usmStat(usm.ErrWrongDigest)},
		{"too early", "shaaes", func(m *v3) { m.sp.Time += 151 }, "1.3.6.1.6.3.15.1.1.2.0 = Counter32: 1", auth, usmStat(usm.ErrNotInTimeWindow)},
		{"just in time", "shaaes", func(m *v3) { m.sp.Time += 149 }, "99.1.0 = INTEGER: -7", priv, nil},
		{"boots before", "shaonly", func(m *v3) { m.sp.Boots-- }, "1.3.6.1.6.3.15.1.1.2.0 = Counter32: 2", auth, usmStat(usm.ErrNotInTimeWindow)},
		{"boots to come", "shaonly", func(m *v3) { m.sp.Boots++; m.flags &^= noReport }, "none", auth, usmStat(usm.ErrNotInTimeWindow)},
		{"wrong salt length", "shaaes", func(m *v3) { m.sp.Salt = []byte("short") }, "1.3.6.1.6.3.15.1.1.6.0 = Counter32: 1", 0, usmStat(usm.ErrDecryption)},
		{"decrypts to nothing", "shaaes", func(m *v3) { m.spoilScoped = true }, "1.3.6.1.6.3.15.1.1.6.0 = Counter32: 2", 0, usmStat(usm.ErrDecryption)},
		{"privacy without authentication", "shaaes", func(m *v3) { m.flags = flagPriv | flagReportable }, "none", 0, &st.snmpInvalidMsgs},
		{"unknown model", "noauth", func(m *v3) { m.SecurityModel = 99 }, "none", 0, &st.snmpUnknownSecurityModels},
		{"context engine", "shaaes", func(m *v3) { m.contextEngineID = []byte("another engine") }, "1.3.6.1.6.3.11.2.1.3.0 = Counter32: 1", priv, &st.snmpUnknownPDUHandlers},
		{"context", "shaaes", func(m *v3) { m.context = "red" }, "1.3.6.1.6.3.12.1.5.0 = Counter32: 1", priv, &st.snmpUnknownContexts},
		{"context without access", "shaaes", func(m *v3) { m.context = "blue" }, "authorizationError@0; 99.1.0 = NULL", priv, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before uint32
			if tt.count != nil {
				before = tt.count.Load()
			}
			pdu := snmp.PDU{Type: snmp.GetRequest, RequestID: 99, VarBinds: names("1.3.6.1.4.1.99.1.0")}
			b := a.Respond(t.Context(), nil, v3Request(t, a, tt.user, &pdu, tt.change), from, here)
			if tt.count != nil && tt.count.Load() != before+1 {
				t.Errorf("the counter is %d, want %d", tt.count.Load(), before+1)
			}
			if b == nil {
				if tt.want != "none" {
					t.Errorf("no answer, want %s", tt.want)
				}
				return
			}
			p, sp := open(t, a, b)
			m, err := p.Message()
			if err != nil {
				t.Fatal(err)
			}
			if got := show(&m.PDU); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if flagsOf(m.HeaderData) != tt.flags || m.MsgID != 4711 {
				t.Errorf("answer has flags %x and msgID %d, want %x and 4711", flagsOf(m.HeaderData), m.MsgID, tt.flags)
			}
			if boots, _ := a.engine.clock.At(a.now()); !bytes.Equal(sp.EngineID, a.engine.id) || sp.Boots != boots {
				t.Errorf("answer has engine %v and boots %d, want %v and %d", sp.EngineID, sp.Boots, a.engine.id, boots)
			}
			if wantReport := strings.HasPrefix(tt.want, "1.3.6.1.6"); (m.PDU.Type == snmp.Report) != wantReport {
				t.Errorf("answer is a %v", m.PDU.Type)
			}
		})
	}
}

// TestV3Unconfirmed: no Report for what no Report may answer (RFC 3412, section
// 7.1).
func TestV3Unconfirmed(t *testing.T) {
	a := newAgent(t, func(cfg *Config) { cfg.Users = testUsers() })
	for _, typ := range []snmp.PDUType{snmp.Response, snmp.TrapV2, snmp.Report} {
		pdu := snmp.PDU{Type: typ, VarBinds: names("1.3")}
		for _, user := range []string{"noauth", "nobody", "shaaes"} {
			if b := a.Respond(t.Context(), nil, v3Request(t, a, user, &pdu, nil), from, here); b != nil && user != "shaaes" {
				t.Errorf("%v of %s was answered", typ, user)
			}
		}
	}
}

// TestV3MaxSize: the answer is no larger than the sender can receive.
func TestV3MaxSize(t *testing.T) {
	a := newAgent(t, func(cfg *Config) { cfg.Users = testUsers(); cfg.MaxBulk = 10000 })
	a.Handle(peerTable, bigTable(1000))
	for _, user := range []string{"noauth", "shaonly", "md5des", "sha512aes256"} {
		for _, limit := range []int32{484, 500, 700, 1472, 3000, 65507} {
			pdu := snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 5000, VarBinds: []snmp.VarBind{{OID: peerTable}}}
			b := a.Respond(t.Context(), nil, v3Request(t, a, user, &pdu, func(m *v3) { m.MaxSize = limit }), from, here)
			if len(b) > int(limit) || len(b) < min(int(limit), 60000)-100 {
				t.Errorf("%s: answer of %d octets, want at most %d and not much less", user, len(b), limit)
			}
			open(t, a, b)
			pdu = snmp.PDU{Type: snmp.GetRequest, VarBinds: make([]snmp.VarBind, 300)}
			for i := range pdu.VarBinds {
				pdu.VarBinds[i].OID = peerTable.Append(1, 2, 1)
			}
			b = a.Respond(t.Context(), nil, v3Request(t, a, user, &pdu, func(m *v3) { m.MaxSize = limit }), from, here)
			if len(b) == 0 || len(b) > int(limit) {
				t.Errorf("%s: answer to GET of %d octets, want at most %d", user, len(b), limit)
			}
		}
	}
}

// A memStore is a Store that can fail.
type memStore struct {
	data []byte
	fail error
}

func (s *memStore) Load() ([]byte, error) { return s.data, nil }
func (s *memStore) Save(b []byte) error {
	if s.fail == nil {
		s.data = bytes.Clone(b)
	}
	return s.fail
}

// TestBoots is RFC 3414, section 2.2: boots grow by one with each start, are
// saved before use, and latch.
func TestBoots(t *testing.T) {
	s := &memStore{}
	var id string
	for want := uint32(1); want < 5; want++ {
		a := newAgent(t, func(cfg *Config) { cfg.Store = s })
		if want == 1 {
			id = a.engine.id.String()
		}
		if a.engine.clock.Boots != want || a.engine.id.String() != id {
			t.Errorf("start %d: boots %d of %v, want %d of %s", want, a.engine.clock.Boots, a.engine.id, want, id)
		}
		if saved, err := parseSaved(s.data); err != nil || saved.boots != want {
			t.Errorf("start %d: saved %+v, %v", want, saved, err)
		}
	}
	s.fail = fmt.Errorf("disk full")
	if _, err := New(&Config{Store: s}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("New with a Store that fails: %v, want its error", err)
	}
	s.fail = nil
	for _, bad := range []string{"engineBoots x\noldEngineID 0x8000000001020304", "engineBoots 1", "oldEngineID 0x8000000001020304", "\x00\x00\x00", "engineBoots 99999999999\noldEngineID 0x8000000001020304", "engineBoots 1\noldEngineID 0x00"} {
		s.data = []byte(bad)
		if _, err := New(&Config{Store: s}); err == nil {
			t.Errorf("New with %q saved: no error", bad)
		}
		if string(s.data) != bad {
			t.Errorf("New has replaced %q, which it could not read", bad)
		}
	}
	s.data = []byte("engineBoots 2147483646\noldEngineID 0x8000000001020304\n")
	for range 2 {
		a := newAgent(t, func(cfg *Config) { cfg.Store = s; cfg.Users = testUsers() })
		if a.engine.clock.Boots != maxBoots {
			t.Errorf("boots %d, want %d", a.engine.clock.Boots, maxBoots)
		}
		pdu := snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.4.1.99.1.0")}
		b := a.Respond(t.Context(), nil, v3Request(t, a, "shaonly", &pdu, nil), from, here)
		if p, _ := open(t, a, b); p.PDU().Type != snmp.Report {
			t.Error("an engine whose boots have latched answers an authenticated request")
		}
	}
}

func TestFileStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "state")
	s := FileStore(path)
	if b, err := s.Load(); b != nil || err != nil {
		t.Errorf("Load before Save: %q, %v", b, err)
	}
	for _, want := range []string{"one", "two", ""} {
		if err := s.Save([]byte(want)); err != nil {
			t.Fatalf("Save: %v", err)
		}
		if b, err := s.Load(); string(b) != want || err != nil {
			t.Errorf("Load: %q, %v, want %q", b, err, want)
		}
	}
	files, _ := os.ReadDir(filepath.Dir(path))
	if len(files) != 1 {
		t.Errorf("%d files, want 1", len(files))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, %v, want 0600", info.Mode(), err)
	}
}

// TestEngineTime: the time in messages is seconds since the start.
func TestEngineTime(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	a := newAgent(t, func(cfg *Config) { cfg.Users = testUsers(); cfg.Now = func() time.Time { return now } })
	handleTest(a)
	pdu := snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.4.1.99.1.0")}
	old := v3Request(t, a, "shaaes", &pdu, nil)
	for _, tt := range []struct {
		after time.Duration
		want  snmp.PDUType
	}{{0, snmp.Response}, {150 * time.Second, snmp.Response}, {151 * time.Second, snmp.Report}} {
		now = a.start.Add(tt.after)
		p, sp := open(t, a, a.Respond(t.Context(), nil, old, from, here))
		if p.PDU().Type != tt.want || sp.Time != uint32(tt.after/time.Second) {
			t.Errorf("replayed after %v: %v with time %d, want %v", tt.after, p.PDU().Type, sp.Time, tt.want)
		}
	}
	if got := a.UpTime(); got != 15100 {
		t.Errorf("UpTime = %d, want 15100", got)
	}
}
