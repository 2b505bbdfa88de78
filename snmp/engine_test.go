package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// A fakeV3 is an agent of SNMPv3 in memory, and the Conn to it.
type fakeV3 struct {
	tree  fakeConn // what it answers
	delay time.Duration

	mu    sync.Mutex
	id    usm.EngineID
	clock usm.Clock
	users []*usm.User

	// Forge, if any, may answer instead, given what the agent answers.
	forge func(req, rsp []byte) []byte
	dead  bool

	discoveries, late, requests, sent int // what came
}

func newFakeV3(users ...*usm.User) *fakeV3 {
	tree, _ := fakeTree(3)
	return &fakeV3{tree: fakeConn{tree: tree}, id: testEngineID, clock: usm.Clock{Boots: 3, Start: time.Now().Add(-time.Hour)}, users: users}
}

var errSilence = errors.New("no response")

func (f *fakeV3) Send(ctx context.Context, msg []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	return nil
}

func (f *fakeV3) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	if k, ok := Key(req); !ok || k != key {
		return nil, fmt.Errorf("key %d of a message whose key is %d", key, k)
	}
	f.mu.Lock()
	f.sent++
	wait := f.delay
	if f.dead {
		wait = time.Second
	}
	f.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return nil, errSilence
	}
	rsp := f.respond(req)
	if f.forge != nil {
		rsp = f.forge(req, rsp)
	}
	if rsp == nil {
		return nil, errSilence
	}
	return append(buf[:0], rsp...), nil
}

// respond answers a message as RFC 3414, section 3.2, has it.
func (f *fakeV3) respond(req []byte) []byte {
	var p Parser
	if p.Start(bytes.Clone(req)) != nil {
		return nil
	}
	sp, err := p.SecurityParameters()
	if err != nil {
		return nil
	}
	boots, t := f.clock.At(time.Now())
	h := p.HeaderData()
	m := &Message{Version: V3, HeaderData: HeaderData{MsgID: h.MsgID}, ContextEngineID: string(f.id)}
	answer := func(l *usm.LocalUser) []byte {
		scoped, err := m.AppendScopedPDU(nil)
		if err != nil {
			return nil
		}
		msg, err := m.Seal(nil, scoped, &usm.SecurityParameters{EngineID: f.id, Boots: boots, Time: t, UserName: sp.UserName}, l)
		if err != nil {
			return nil
		}
		return msg
	}
	report := func(s usm.Stat, l *usm.LocalUser) []byte {
		if !h.Reportable {
			return nil
		}
		m.PDU = PDU{Type: Report, RequestID: p.PDU().RequestID, VarBinds: []VarBind{{MustParseOID(s.OID()), Counter32Value(1)}}}
		return answer(l)
	}
	if string(sp.EngineID) != string(f.id) {
		f.discoveries++
		return report(usm.ErrUnknownEngineID, nil)
	}
	i := slices.IndexFunc(f.users, func(u *usm.User) bool { return u.Name == string(sp.UserName) })
	if i < 0 {
		return report(usm.ErrUnknownUserName, nil)
	}
	level := h.SecurityLevel()
	if level > f.users[i].Level() {
		return report(usm.ErrUnsupportedSecurityLevel, nil)
	}
	l, err := f.users[i].Localize(f.id)
	if err != nil {
		return nil
	}
	if h.Auth {
		if p.Verify(l, &sp) != nil {
			return report(usm.ErrWrongDigest, nil)
		}
		if f.clock.Check(sp.Boots, sp.Time, time.Now()) != nil {
			f.late++
			m.setLevel(usm.AuthNoPriv)
			return report(usm.ErrNotInTimeWindow, l)
		}
	}
	if h.Priv && p.Decrypt(l, &sp) != nil {
		return report(usm.ErrDecryption, nil)
	}
	f.requests++
	m.setLevel(level)
	m.ContextEngineID, m.ContextName = string(p.RawContextEngineID()), string(p.RawContextName())
	in := p.PDU()
	in.VarBinds, _ = p.VarBinds()
	m.PDU = f.tree.answer(V3, in)
	return answer(l)
}

func newClientV3(t testing.TB, f *fakeV3, cfg Config) *Client {
	t.Helper()
	if cfg.User == nil {
		cfg.User = testUser(usm.SHA256, usm.AES128)
	}
	c, err := NewClient(f, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustGet asks for what the agent has.
func mustGet(t testing.TB, c *Client) {
	t.Helper()
	want := VarBind{oidSysUpTime, TimeTicksValue(5)}
	if got, err := c.Get(t.Context(), want.OID); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("Get = %v, %v; want %v", got, err, want)
	}
}

func TestClientV3(t *testing.T) {
	protocolPairs(func(a usm.AuthProtocol, p usm.PrivProtocol) {
		u := testUser(a, p)
		for level := usm.NoAuthNoPriv; level <= u.Level(); level++ {
			f := newFakeV3(u)
			c := newClientV3(t, f, Config{User: u, Level: level, ContextName: "other"})
			for range 3 {
				mustGet(t, c)
			}
			want := [3]int{1, 1, 3}
			if level == usm.NoAuthNoPriv {
				want[1] = 0
			}
			if got := [3]int{f.discoveries, f.late, f.requests}; got != want {
				t.Errorf("%s at %v: discoveries, synchronisations, requests %d, want %d", u.Name, level, got, want)
			}
		}
	})
}

func TestWith(t *testing.T) {
	u, plain := testUser(usm.SHA256, usm.AES128), &usm.User{Name: "plain"}
	f := newFakeV3(u, plain)
	c := newClientV3(t, f, Config{User: u})
	mustGet(t, c)
	for _, tt := range []struct {
		level   usm.SecurityLevel
		context string
		change  func(*Config)
	}{
		{usm.AuthPriv, "vlan-10", func(f *Config) { f.ContextName = "vlan-10" }},
		{usm.AuthNoPriv, "", func(f *Config) { f.Level = usm.AuthNoPriv }},
		{usm.NoAuthNoPriv, "", func(f *Config) { f.Level = usm.NoAuthNoPriv }},
		{usm.NoAuthNoPriv, "", func(f *Config) { f.User = plain }},
	} {
		d, err := c.With(tt.change)
		if err != nil {
			t.Fatal(err)
		}
		var got HeaderData
		var name string
		f.forge = func(req, rsp []byte) []byte {
			var p Parser
			p.Start(bytes.Clone(rsp))
			got = p.HeaderData()
			if got.Priv {
				sp, _ := p.SecurityParameters()
				p.Decrypt(localize(t, u, f.id), &sp)
			}
			name = string(p.RawContextName())
			return rsp
		}
		mustGet(t, d)
		if got.SecurityLevel() != tt.level || name != tt.context {
			t.Errorf("asked at %v in context %q, want %v in %q", got.SecurityLevel(), name, tt.level, tt.context)
		}
	}
	if f.discoveries != 1 || f.late != 1 {
		t.Errorf("%d discoveries and %d synchronisations, want 1 of each", f.discoveries, f.late)
	}
	// Privacy that is asked for is not left out silently.
	if _, err := with(t, c, func(f *Config) { f.Level = usm.AuthPriv }).With(func(f *Config) { f.User = plain }); !errors.Is(err, ErrBadArgument) {
		t.Errorf("With a user who has no privacy: %v, want ErrBadArgument", err)
	}
	if _, err := c.With(func(f *Config) { f.User = nil }); !errors.Is(err, ErrBadArgument) {
		t.Errorf("With no user: %v, want ErrBadArgument", err)
	}
	if c.cfg.ContextName != "" || c.cfg.User != u {
		t.Error("With changed the Client that it was called on")
	}
}

// Concurrent calls share one discovery and one synchronisation.
func TestDiscoveryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := testUser(usm.SHA256, usm.AES128)
		f := newFakeV3(u)
		f.delay = time.Second
		c := newClientV3(t, f, Config{User: u})
		start := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { mustGet(t, c) })
		}
		wg.Wait()
		if got := [3]int{f.discoveries, f.late, f.requests}; got != [3]int{1, 1, 100} || f.sent != 102 {
			t.Errorf("discoveries, synchronisations, requests %d in %d messages", got, f.sent)
		}
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("took %v, want 3s", got)
		}
	})
}

// If the call that discovers is cancelled, another one goes on; if the peer is
// dead, all calls learn that at once.
func TestDiscoveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := testUser(usm.SHA256, usm.AES128)
		f := newFakeV3(u)
		f.delay = time.Second
		c := newClientV3(t, f, Config{User: u})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Get(ctx, oidSysUpTime); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled Get = %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() { mustGet(t, c) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if f.requests != 10 || f.sent != 13 {
			t.Errorf("%d requests and %d messages, want 10 and 13", f.requests, f.sent)
		}

		f.dead = true
		c = newClientV3(t, f, Config{User: u})
		start := time.Now()
		for range 10 {
			wg.Go(func() {
				if _, err := c.Get(t.Context(), oidSysUpTime); !errors.Is(err, errSilence) {
					t.Errorf("Get from a dead peer = %v", err)
				}
			})
		}
		wg.Wait()
		if got := time.Since(start); got != time.Second {
			t.Errorf("a dead peer cost %v, want 1s", got)
		}
		short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer stop()
		wg.Go(func() { c.Get(t.Context(), oidSysUpTime) })
		synctest.Wait()
		start = time.Now()
		if _, err := c.Get(short, oidSysUpTime); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("a call that waits for another's discovery = %v after %v", err, time.Since(start))
		}
		wg.Wait()
	})
}

// The Client follows whatever the peer's engine does.
func TestRecovery(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *fakeV3, ahead *time.Duration)
		sent   int // messages of the next Get
	}{
		{"nothing", func(*fakeV3, *time.Duration) {}, 1},
		{"a reboot", func(f *fakeV3, _ *time.Duration) { f.clock = usm.Clock{Boots: 4, Start: time.Now()} }, 2},
		{"a reboot that was not counted", func(f *fakeV3, _ *time.Duration) { f.clock.Start = time.Now() }, 2},
		{"boots that went back", func(f *fakeV3, _ *time.Duration) { f.clock = usm.Clock{Boots: 1, Start: time.Now()} }, 2},
		{"time that went forward", func(f *fakeV3, _ *time.Duration) { f.clock.Start = f.clock.Start.Add(-24 * time.Hour) }, 2},
		{"time within the window", func(f *fakeV3, _ *time.Duration) { f.clock.Start = f.clock.Start.Add(100 * time.Second) }, 1},
		{"another engine ID", func(f *fakeV3, _ *time.Duration) { f.id = usm.NewEngineID() }, 4},
		{"another engine ID and time", func(f *fakeV3, _ *time.Duration) {
			f.id, f.clock = usm.NewEngineID(), usm.Clock{Boots: 1, Start: time.Now()}
		}, 4},
		{"our clock forward", func(_ *fakeV3, ahead *time.Duration) { *ahead = 48 * time.Hour }, 2},
		// The peer's time stands still for us until it is out of the window.
		{"our clock back", func(_ *fakeV3, ahead *time.Duration) { *ahead = -48 * time.Hour; time.Sleep(time.Hour) }, 2},
		{"many days", func(*fakeV3, *time.Duration) { time.Sleep(100 * 24 * time.Hour) }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := testUser(usm.SHA256, usm.AES128)
				f := newFakeV3(u)
				var ahead time.Duration
				c := newClientV3(t, f, Config{User: u, Now: func() time.Time { return time.Now().Add(ahead) }})
				mustGet(t, c)
				time.Sleep(time.Hour)
				mustGet(t, c)
				tt.change(f, &ahead)
				before := f.sent
				mustGet(t, c)
				if got := f.sent - before; got != tt.sent {
					t.Errorf("took %d messages, want %d", got, tt.sent)
				}
				before = f.sent
				for range 5 {
					time.Sleep(time.Hour)
					mustGet(t, c)
				}
				if got := f.sent - before; got != 5 {
					t.Errorf("5 calls later took %d messages", got)
				}
			})
		})
	}
}

// All of many calls in flight survive a reboot.
func TestRebootInFlight(t *testing.T) {
	for name, change := range map[string]func(f *fakeV3){
		"boots":     func(f *fakeV3) { f.clock = usm.Clock{Boots: 4, Start: time.Now()} },
		"same":      func(f *fakeV3) { f.clock.Start = time.Now() },
		"engine ID": func(f *fakeV3) { f.id = usm.NewEngineID() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := testUser(usm.SHA256, usm.AES128)
				f := newFakeV3(u)
				c := newClientV3(t, f, Config{User: u})
				mustGet(t, c)
				f.delay = time.Second
				var wg sync.WaitGroup
				for range 64 {
					wg.Go(func() { mustGet(t, c) })
				}
				synctest.Wait()
				f.mu.Lock()
				change(f)
				before := f.discoveries
				f.mu.Unlock()
				wg.Wait()
				if got := f.discoveries - before; name == "engine ID" && got != 64+1 || f.late > 65 {
					t.Errorf("%d messages to the old engine and discoveries, %d late ones", got, f.late)
				}
			})
		})
	}
}

// Two devices with one engine ID do not disturb each other.
func TestOneEngineID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := testUser(usm.SHA256, usm.AES128)
		f1, f2 := newFakeV3(u), newFakeV3(u)
		f2.clock = usm.Clock{Boots: 1, Start: time.Now()}
		c1, c2 := newClientV3(t, f1, Config{User: u}), newClientV3(t, f2, Config{User: u})
		for range 10 {
			mustGet(t, c1)
			mustGet(t, c2)
			time.Sleep(time.Minute)
		}
		if f1.sent != 12 || f2.sent != 12 {
			t.Errorf("%d and %d messages, want 12 each", f1.sent, f2.sent)
		}
	})
}

// With the engine's ID, boots and time given, the first message is the request.
func TestEngineGiven(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	f := newFakeV3(u)
	c := newClientV3(t, f, Config{User: u, EngineID: f.id, Clock: f.clock})
	mustGet(t, c)
	if f.sent != 1 {
		t.Errorf("with all given: %d messages, want 1", f.sent)
	}
	f = newFakeV3(u)
	mustGet(t, newClientV3(t, f, Config{User: u, EngineID: f.id}))
	if f.sent != 2 {
		t.Errorf("with the engine ID given: %d messages, want 2", f.sent)
	}
	f = newFakeV3(u)
	mustGet(t, newClientV3(t, f, Config{User: u, Clock: f.clock}))
	if f.sent != 2 {
		t.Errorf("with the time given: %d messages, want 2", f.sent)
	}
	f = newFakeV3(u)
	mustGet(t, newClientV3(t, f, Config{User: u, EngineID: f.id, Clock: usm.Clock{Boots: 9, Start: time.Now()}}))
	if f.sent != 2 {
		t.Errorf("with a wrong time given: %d messages, want 2", f.sent)
	}
	f = newFakeV3(u)
	_, err := newClientV3(t, f, Config{User: u, EngineID: usm.NewEngineID()}).Get(t.Context(), oidSysUpTime)
	if !errors.Is(err, usm.ErrUnknownEngineID) || !errors.Is(err, ErrReport) || f.sent != 1 {
		t.Errorf("with a wrong engine ID given: %v after %d messages, want ErrUnknownEngineID after 1", err, f.sent)
	}
	f = newFakeV3(u)
	f.clock.Boots = 1<<31 - 1
	_, err = newClientV3(t, f, Config{User: u}).Get(t.Context(), oidSysUpTime)
	if !errors.Is(err, usm.ErrNotInTimeWindow) || f.sent > 6 {
		t.Errorf("an engine at the end of its boots: %v after %d messages, want ErrNotInTimeWindow", err, f.sent)
	}
}

func TestReports(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	for _, tt := range []struct {
		user *usm.User
		want usm.Stat
	}{
		{&usm.User{Name: "stranger", Auth: usm.SHA256, AuthKey: authKey}, usm.ErrUnknownUserName},
		{&usm.User{Name: "stranger"}, usm.ErrUnknownUserName},
		{&usm.User{Name: u.Name, Auth: usm.SHA256, AuthKey: usm.PassPhrase("authpass2")}, usm.ErrWrongDigest},
		{&usm.User{Name: u.Name, Auth: usm.SHA512, AuthKey: authKey}, usm.ErrWrongDigest},
		{&usm.User{Name: u.Name, Auth: usm.SHA256, AuthKey: authKey, Priv: usm.AES128, PrivKey: usm.PassPhrase("privpass2")}, usm.ErrDecryption},
		{&usm.User{Name: "auth", Auth: usm.SHA256, AuthKey: authKey, Priv: usm.AES128, PrivKey: privKey}, usm.ErrUnsupportedSecurityLevel},
	} {
		f := newFakeV3(u, &usm.User{Name: "auth", Auth: usm.SHA256, AuthKey: authKey})
		c := newClientV3(t, f, Config{User: tt.user})
		_, err := c.Get(t.Context(), oidSysUpTime)
		if !errors.Is(err, tt.want) || !errors.Is(err, ErrReport) || f.sent > 3 {
			t.Errorf("%s: %v after %d messages, want %v after at most 3", tt.user.Name, err, f.sent, tt.want)
		}
	}
}

// forgedReport returns a Report to req that anybody could send.
func forgedReport(t testing.TB, req []byte, s usm.Stat, engineID usm.EngineID, user string) []byte {
	var p Parser
	if err := p.Start(req); err != nil {
		t.Fatal(err)
	}
	m := &Message{HeaderData: HeaderData{MsgID: p.HeaderData().MsgID}, ContextEngineID: string(engineID),
		PDU: PDU{Type: Report, VarBinds: []VarBind{{MustParseOID(s.OID()), Counter32Value(1)}}}}
	scoped, _ := m.AppendScopedPDU(nil)
	msg, err := m.Seal(nil, scoped, &usm.SecurityParameters{EngineID: engineID, Boots: 1000, Time: 1000, UserName: []byte(user)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// Forged Reports change nothing, and cost a bounded number of messages.
func TestForgedReports(t *testing.T) {
	for s := usm.ErrUnsupportedSecurityLevel; s <= usm.ErrDecryption; s++ {
		for _, engineID := range []usm.EngineID{testEngineID, usm.NewEngineID(), nil} {
			synctest.Test(t, func(t *testing.T) {
				u := testUser(usm.SHA256, usm.AES128)
				f := newFakeV3(u)
				c := newClientV3(t, f, Config{User: u})
				mustGet(t, c)
				id, clock := c.peer.engine.id, c.peer.engine.clock
				before := f.sent

				// All answers are forged.
				f.forge = func(req, _ []byte) []byte { return forgedReport(t, req, s, engineID, u.Name) }
				_, err := c.Get(t.Context(), oidSysUpTime)
				if err == nil || f.sent-before > 10 {
					t.Errorf("%v: %v after %d messages", s, err, f.sent-before)
				}
				if len(engineID) > 0 && !errors.Is(err, s) {
					t.Errorf("%v: %v", s, err)
				}
				e := c.peer.engine
				if e == nil || e.id != id || e.clock != clock {
					t.Errorf("%v: the engine is %+v, was %q at %+v", s, e, id, clock)
				}
				f.forge = nil
				before = f.sent
				mustGet(t, c)
				if f.sent-before != 1 {
					t.Errorf("%v: a Get after it took %d messages", s, f.sent-before)
				}

				// One answer is forged: those that may come of an honest
				// misunderstanding cost no call.
				n := 0
				f.forge = func(req, rsp []byte) []byte {
					if n++; n == 1 {
						return forgedReport(t, req, s, engineID, u.Name)
					}
					return rsp
				}
				if s == usm.ErrNotInTimeWindow || s == usm.ErrUnknownEngineID {
					mustGet(t, c)
				}
			})
		}
	}
}

// Answers that are not what they should be are not believed.
func TestAnswersV3(t *testing.T) {
	u, other := testUser(usm.SHA256, usm.AES128), testUser(usm.SHA512, usm.AES128)
	resealed := func(l *usm.LocalUser, boots, time uint32, change func(*Message)) func(f *fakeV3, req, rsp []byte) []byte {
		return func(f *fakeV3, req, rsp []byte) []byte {
			var p Parser
			p.Start(bytes.Clone(rsp))
			sp, _ := p.SecurityParameters()
			if p.Decrypt(localize(t, u, f.id), &sp) != nil {
				t.Fatal("cannot decrypt the answer")
			}
			m, err := p.Message()
			if err != nil {
				t.Fatal(err)
			}
			b, tm := f.clock.At(now())
			if boots != 0 {
				b, tm = boots, time
			}
			change(&m)
			return seal(t, &m, l, b, tm)
		}
	}
	l := localize(t, u, testEngineID)
	var recorded []byte
	tests := []struct {
		name  string
		forge func(f *fakeV3, req, rsp []byte) []byte
		want  error
	}{
		{"garbage", func(*fakeV3, []byte, []byte) []byte { return []byte{0x30, 0} }, ErrBadAnswer},
		{"the request itself", func(_ *fakeV3, req, _ []byte) []byte { return req }, ErrBadAnswer},
		{"a message of v2c", func(*fakeV3, []byte, []byte) []byte { return mustAppend(response(1)) }, ErrBadAnswer},
		{"a damaged digest", func(_ *fakeV3, _, rsp []byte) []byte { rsp[len(rsp)-1] ^= 1; return rsp }, usm.ErrWrongDigest},
		{"an earlier answer", func(_ *fakeV3, _, rsp []byte) []byte {
			if recorded == nil {
				recorded = bytes.Clone(rsp)
			}
			return recorded
		}, ErrBadAnswer},
		{"another msgID", resealed(l, 0, 0, func(m *Message) { m.MsgID++ }), ErrBadAnswer},
		{"another request-id", resealed(l, 0, 0, func(m *Message) { m.PDU.RequestID++ }), ErrBadAnswer},
		{"no request-id", resealed(l, 0, 0, func(m *Message) { m.PDU.RequestID = 0 }), ErrBadAnswer},
		{"a lower level", resealed(l, 0, 0, func(m *Message) { m.Priv = false }), ErrBadAnswer},
		{"the lowest level", resealed(l, 0, 0, func(m *Message) { m.setLevel(usm.NoAuthNoPriv) }), ErrBadAnswer},
		{"another user", resealed(localize(t, other, testEngineID), 0, 0, func(m *Message) {}), ErrBadAnswer},
		{"another engine ID", resealed(localize(t, u, usm.EngineID("another engine")), 0, 0, func(m *Message) {}), ErrBadAnswer},
		{"another context", resealed(l, 0, 0, func(m *Message) { m.ContextName = "x" }), ErrBadAnswer},
		{"another context engine", resealed(l, 0, 0, func(m *Message) { m.ContextEngineID = "x" }), ErrBadAnswer},
		{"another PDU type", resealed(l, 0, 0, func(m *Message) { m.PDU.Type = GetRequest }), ErrBadAnswer},
		{"an old time", resealed(l, 3, 1, func(m *Message) {}), usm.ErrNotInTimeWindow},
		{"old boots", resealed(l, 2, 1<<20, func(m *Message) {}), usm.ErrNotInTimeWindow},
		{"too few bindings", resealed(l, 0, 0, func(m *Message) { m.PDU.VarBinds = nil }), ErrBadAnswer},
	}
	for _, tt := range tests {
		f := newFakeV3(u, other)
		c := newClientV3(t, f, Config{User: u})
		mustGet(t, c)
		before := f.sent
		// Before recorded is set, an answer passes.
		mustFail := func() {
			t.Helper()
			_, err := c.Get(t.Context(), oidSysUpTime)
			if !errors.Is(err, tt.want) || !errors.Is(err, ErrBadAnswer) || f.sent-before > 4 {
				t.Errorf("%s: %v after %d messages, want %v after at most 4", tt.name, err, f.sent-before, tt.want)
			}
		}
		f.forge = func(req, rsp []byte) []byte { return tt.forge(f, req, rsp) }
		if tt.name == "an earlier answer" {
			mustGet(t, c)
			before = f.sent
		}
		mustFail()

		// Once it is over, or if it happens once, the right answer counts.
		n := 0
		f.forge = func(req, rsp []byte) []byte {
			if n++; n == 1 {
				return tt.forge(f, req, rsp)
			}
			return rsp
		}
		if tt.name != "too few bindings" { // authentic: the agent means it
			mustGet(t, c)
		}
	}
}

// Without authentication, too, an answer has what its request has.
func TestAnswersNoAuth(t *testing.T) {
	u := &usm.User{Name: "plain"}
	for name, change := range map[string]func(m *Message, sp *usm.SecurityParameters){
		"nothing":           func(*Message, *usm.SecurityParameters) {},
		"another user":      func(_ *Message, sp *usm.SecurityParameters) { sp.UserName = []byte("x") },
		"another engine ID": func(_ *Message, sp *usm.SecurityParameters) { sp.EngineID = []byte("another") },
		"another msgID":     func(m *Message, _ *usm.SecurityParameters) { m.MsgID++ },
		"another context":   func(m *Message, _ *usm.SecurityParameters) { m.ContextName = "x" },
	} {
		f := newFakeV3(u)
		c := newClientV3(t, f, Config{User: u})
		mustGet(t, c)
		f.forge = func(_, rsp []byte) []byte {
			m, err := MessageFromBER(rsp)
			if err != nil {
				t.Fatal(err)
			}
			sp := usm.SecurityParameters{EngineID: f.id, UserName: []byte(u.Name)}
			change(&m, &sp)
			scoped, _ := m.AppendScopedPDU(nil)
			rsp, _ = m.Seal(nil, scoped, &sp, nil)
			return rsp
		}
		if name == "nothing" {
			mustGet(t, c)
		} else if got, err := c.Get(t.Context(), oidSysUpTime); !errors.Is(err, ErrBadAnswer) {
			t.Errorf("%s: Get = %v, %v; want ErrBadAnswer", name, got, err)
		}
	}
}

// now is the time of the fake agents.
var now = time.Now

// A discovery's answer does not need to be believed either.
func TestForgedDiscovery(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	for _, forged := range []int{1, 2} {
		f := newFakeV3(u)
		n := 0
		f.forge = func(req, rsp []byte) []byte {
			if n++; n <= forged {
				return forgedReport(t, req, usm.ErrUnknownEngineID, usm.NewEngineID(), "")
			}
			return rsp
		}
		mustGet(t, newClientV3(t, f, Config{User: u}))
		if f.sent > 8 {
			t.Errorf("with %d forged answers: %d messages", forged, f.sent)
		}
	}
	for name, forge := range map[string]func(req, rsp []byte) []byte{
		"without engine ID":  func(req, _ []byte) []byte { return forgedReport(t, req, usm.ErrUnknownEngineID, nil, "") },
		"with another msgID": func(req, rsp []byte) []byte { m, _ := MessageFromBER(rsp); m.MsgID++; return mustAppend(&m) },
		"not a Report": func(req, rsp []byte) []byte {
			m, _ := MessageFromBER(rsp)
			m.PDU.Type = Response
			return mustAppend(&m)
		},
		"garbage": func(req, rsp []byte) []byte { return []byte{0x30} },
		"bad parameters": func(req, rsp []byte) []byte {
			m, _ := MessageFromBER(rsp)
			m.SecurityParams = "x"
			return mustAppend(&m)
		},
	} {
		f := newFakeV3(u)
		f.forge = forge
		c := newClientV3(t, f, Config{User: u})
		if _, err := c.Get(t.Context(), oidSysUpTime); !errors.Is(err, ErrBadAnswer) && !errors.Is(err, ErrReport) || f.sent > 1 || c.peer.engine != nil {
			t.Errorf("%s: %v after %d messages", name, err, f.sent)
		}
	}
}

// A trap of SNMPv3 is from this program's own engine.
func TestTrapV3(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	own := usm.EngineID("\x80\x00\x00\x00\x05own")
	var sent []byte
	conn := sendConn(func(msg []byte) { sent = bytes.Clone(msg) })
	trap, _ := PDU{Type: TrapV1, Enterprise: oidSnmpTraps}.ToV2("")
	c, err := NewClient(conn, &Config{User: u})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), trap); !errors.Is(err, ErrBadArgument) || sent != nil {
		t.Errorf("without an engine ID: %v, want ErrBadArgument", err)
	}
	at := time.Date(2020, 1, 1, 0, 1, 40, 0, time.UTC)
	for _, tt := range []struct {
		clock       usm.Clock
		boots, time uint32
	}{{usm.Clock{}, 1, 100}, {usm.Clock{Boots: 7, Start: at.Add(-time.Minute)}, 7, 60}} {
		d, err := c.With(func(f *Config) { f.EngineID, f.Clock, f.Now = own, tt.clock, func() time.Time { return at } })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Do(t.Context(), trap); err != nil {
			t.Fatal(err)
		}
		var p Parser
		if err := open(&p, sent, localize(t, u, own)); err != nil {
			t.Fatal(err)
		}
		sp, _ := p.SecurityParameters()
		h := p.HeaderData()
		if sp.Boots != tt.boots || sp.Time != tt.time || h.Reportable || p.PDU().Type != TrapV2 || string(p.RawContextEngineID()) != string(own) {
			t.Errorf("trap at %d/%d with %+v, want %d/%d", sp.Boots, sp.Time, h, tt.boots, tt.time)
		}
	}
}

// A sendConn takes what is sent.
type sendConn func(msg []byte)

func (f sendConn) Send(_ context.Context, msg []byte) error { f(msg); return nil }

func (f sendConn) Exchange(context.Context, uint32, []byte, []byte, time.Duration, int) ([]byte, error) {
	return nil, errSilence
}

// What does not fit in the peer's buffer is not sent.
func TestPeerMaxSize(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	f := newFakeV3(u)
	c := newClientV3(t, f, Config{User: u})
	mustGet(t, c)
	c.peer.engine.maxSize = 484
	before := f.sent
	err := c.Set(t.Context(), VarBind{oidSysUpTime, OctetsValue(make([]byte, 480))})
	if !errors.Is(err, ErrBadArgument) || f.sent != before {
		t.Errorf("a Set of 480 octets: %v after %d messages, want ErrBadArgument after none", err, f.sent-before)
	}
}

func TestClientV3Allocs(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget")
	}
	u := testUser(usm.SHA256, usm.AES128)
	f := newFakeV3(u)
	c := newClientV3(t, f, Config{User: u})
	mustGet(t, c)
	e, s := c.peer.engine, new(scratch)
	p := &PDU{Type: GetRequest, VarBinds: []VarBind{{OID: oidSysUpTime}}}
	if got := testing.AllocsPerRun(100, func() {
		if _, err := c.seal(e, usm.AuthPriv, p, s); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("seal: %v allocs, want 0", got)
	}
	l, err := c.seal(e, usm.AuthPriv, p, s)
	if err != nil {
		t.Fatal(err)
	}
	rsp := f.respond(s.req)
	if got := testing.AllocsPerRun(100, func() {
		s.buf = append(s.buf[:0], rsp...)
		if v, err := c.openAnswer(e, l, usm.AuthPriv, p, s); v != answered {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("openAnswer: %v allocs, want 0", got)
	}
}
