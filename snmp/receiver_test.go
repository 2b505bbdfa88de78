package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// A respondConn is the Conn of a sender to a Receiver.
type respondConn struct {
	r    *Receiver
	src  netip.AddrPort
	last []byte // the last message, as it was sent
	lose int    // answers to lose
}

func (c *respondConn) Send(ctx context.Context, msg []byte) error {
	c.last = bytes.Clone(msg)
	if rsp := c.r.Respond(ctx, nil, bytes.Clone(msg), c.src, netip.AddrPort{}); len(rsp) > 0 {
		return errors.New("a trap was answered")
	}
	return nil
}

func (c *respondConn) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	c.last = bytes.Clone(req)
	for range 2 {
		buf = c.r.Respond(ctx, buf[:0], bytes.Clone(req), c.src, netip.AddrPort{})
		if c.lose--; c.lose < 0 {
			break
		}
		buf = nil
	}
	if len(buf) == 0 {
		return nil, errSilence
	}
	return buf, nil
}

// next returns what is in the queue.
func (r *Receiver) next() (src netip.AddrPort, m *Message) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if len(r.queue) == 0 {
		return
	}
	for src, m = range r.Notifications(ctx) {
		break
	}
	return src, m
}

func (r *Receiver) counts() [6]uint64 {
	return [6]uint64{r.Queued.Load(), r.Overflow.Load(), r.Refused.Load(), r.Forged.Load(), r.Replayed.Load(), r.Malformed.Load()}
}

var (
	sender   = netip.MustParseAddrPort("192.0.2.7:40000")
	linkDown = MustParseOID("1.3.6.1.6.3.1.1.5.3")
	ifIndex5 = VarBind{MustParseOID("1.3.6.1.2.1.2.2.1.1.5"), IntegerValue(5)}
)

func TestReceiver(t *testing.T) {
	r := &Receiver{Community: func(c string, src netip.AddrPort) bool { return c == "public" && src == sender }}
	conn := &respondConn{r: r, src: sender}
	want := []VarBind{{oidSysUpTime, TimeTicksValue(100)}, {oidSnmpTrapOID, OIDValue(linkDown)}, ifIndex5}
	for _, v := range []Version{V1, V2c} {
		c, err := NewClient(conn, &Config{Version: v, Community: "public"})
		if err != nil {
			t.Fatal(err)
		}
		check := func(typ PDUType) {
			t.Helper()
			src, m := r.next()
			if m == nil || src != sender || m.PDU.Type != typ || m.Community != "public" {
				t.Fatalf("v%v: received %+v from %v", v, m, src)
			}
			p, err := m.PDU.ToV2(m.Community)
			if err != nil || len(p.VarBinds) < 3 || !slices.Equal(p.VarBinds[:3], want) {
				t.Errorf("v%v: in the form of SNMPv2: %v, %v; want %v", v, p.VarBinds, err, want)
			}
		}
		if err := c.Trap(t.Context(), time.Second, linkDown, ifIndex5); err != nil {
			t.Errorf("v%v: Trap = %v", v, err)
		}
		if v == V1 {
			check(TrapV1)
			continue
		}
		check(TrapV2)
		if err := c.Inform(t.Context(), time.Second, linkDown, ifIndex5); err != nil {
			t.Errorf("Inform = %v", err)
		}
		check(InformRequest)
		if _, err := c.Get(t.Context(), linkDown); !errors.Is(err, errSilence) {
			t.Errorf("Get = %v, want silence", err)
		}
		other := with(t, c, func(f *Config) { f.Community = "private" })
		if err := other.Inform(t.Context(), time.Second, linkDown); !errors.Is(err, errSilence) {
			t.Errorf("Inform with another community = %v, want silence", err)
		}
	}
	if rsp := r.Respond(t.Context(), []byte("x"), []byte{0x30, 1}, sender, sender); string(rsp) != "x" {
		t.Errorf("garbage was answered by %q", rsp)
	}
	if got, want := r.counts(), [6]uint64{3, 0, 2, 0, 0, 1}; got != want {
		t.Errorf("counts %d, want %d", got, want)
	}
}

// newReceiverV3 returns a Receiver that knows users at any engine.
func newReceiverV3(users ...*usm.User) *Receiver {
	return &Receiver{
		EngineID: usm.EngineID("\x80\x00\x00\x00\x05receiver"),
		User: func(_ usm.EngineID, name string) (*usm.User, usm.SecurityLevel) {
			if i := slices.IndexFunc(users, func(u *usm.User) bool { return u.Name == name }); i >= 0 {
				return users[i], 0
			}
			return nil, 0
		},
	}
}

func TestReceiverV3(t *testing.T) {
	var users []*usm.User
	protocolPairs(func(a usm.AuthProtocol, p usm.PrivProtocol) { users = append(users, testUser(a, p)) })
	r := newReceiverV3(users...)
	for i, u := range users {
		conn := &respondConn{r: r, src: sender}
		c, err := NewClient(conn, &Config{User: u, ContextName: "ctx"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := c.Inform(t.Context(), time.Second, linkDown, ifIndex5); err != nil {
				t.Fatalf("%s: Inform = %v", u.Name, err)
			}
			_, m := r.next()
			if m == nil || m.UserName() != u.Name || m.SecurityLevel() != u.Level() || m.PDU.Type != InformRequest || m.ContextName != "ctx" || m.EncryptedPDU != "" || len(m.PDU.VarBinds) != 3 {
				t.Fatalf("%s: received %+v", u.Name, m)
			}
		}
		// Every sender of traps has an engine of its own.
		d := with(t, c, func(f *Config) { f.EngineID = usm.EngineID(fmt.Sprintf("\x80\x00\x00\x00\x05%d", i)) })
		for range 2 {
			if err := d.Trap(t.Context(), time.Second, linkDown, ifIndex5); err != nil {
				t.Fatalf("%s: Trap = %v", u.Name, err)
			}
			if _, m := r.next(); m == nil || m.UserName() != u.Name || m.SecurityLevel() != u.Level() || m.PDU.Type != TrapV2 {
				t.Fatalf("%s: received %+v", u.Name, m)
			}
		}
	}
	if n := uint64(4 * len(users)); r.Queued.Load() != n || r.Forged.Load()+r.Replayed.Load()+r.Overflow.Load() != uint64(len(users)-1) {
		t.Errorf("counts %d", r.counts()) // each authenticated user synchronised once
	}
}

// What is not authentic is refused, with a Report where one is due.
func TestReceiverRefuses(t *testing.T) {
	good := testUser(usm.SHA256, usm.AES128)
	for _, tt := range []struct {
		name   string
		user   *usm.User
		level  usm.SecurityLevel
		want   usm.Stat
		forged bool
	}{
		{"an unknown user", &usm.User{Name: "stranger"}, 0, usm.ErrUnknownUserName, false},
		{"a wrong pass phrase", &usm.User{Name: good.Name, Auth: usm.SHA256, AuthKey: usm.PassPhrase("authpass2"), Priv: usm.AES128, PrivKey: privKey}, 0, usm.ErrWrongDigest, true},
		{"a wrong key of privacy", &usm.User{Name: good.Name, Auth: usm.SHA256, AuthKey: authKey, Priv: usm.AES128, PrivKey: usm.PassPhrase("privpass2")}, 0, usm.ErrDecryption, true},
		{"no authentication", good, usm.NoAuthNoPriv, usm.ErrUnsupportedSecurityLevel, false},
		{"no privacy", good, usm.AuthNoPriv, usm.ErrUnsupportedSecurityLevel, false},
	} {
		r := newReceiverV3(good)
		conn := &respondConn{r: r, src: sender}
		c, err := NewClient(conn, &Config{User: tt.user, Level: tt.level})
		if err != nil {
			t.Fatal(err)
		}
		// As if the engine was known, with its time.
		c.cfg.EngineID, c.cfg.Clock = r.EngineID, defaultClock
		if err := c.Inform(t.Context(), 0, linkDown); !errors.Is(err, tt.want) {
			t.Errorf("%s: Inform = %v, want %v", tt.name, err, tt.want)
		}
		d := with(t, c, func(f *Config) { f.EngineID = testEngineID })
		if err := d.Trap(t.Context(), 0, linkDown); err != nil {
			t.Errorf("%s: Trap = %v", tt.name, err)
		}
		want := [6]uint64{0, 0, 2, 0, 0, 0}
		if tt.forged {
			want = [6]uint64{0, 0, 0, 2, 0, 0}
		}
		if got := r.counts(); got != want {
			t.Errorf("%s: counts %d, want %d", tt.name, got, want)
		}
	}
	// A level that is less than the user's, where that is allowed.
	r := newReceiverV3(good)
	r.User = func(usm.EngineID, string) (*usm.User, usm.SecurityLevel) { return good, usm.AuthNoPriv }
	c, _ := NewClient(&respondConn{r: r, src: sender}, &Config{User: good, Level: usm.AuthNoPriv})
	if err := c.Inform(t.Context(), 0, linkDown); err != nil {
		t.Errorf("Inform at a level that is allowed = %v", err)
	}
	// A request is no notification.
	if _, err := c.Get(t.Context(), linkDown); !errors.Is(err, errSilence) {
		t.Errorf("Get = %v, want silence", err)
	}
}

func TestReceiverReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := testUser(usm.SHA256, usm.AES128)
		r := newReceiverV3(u)
		conn := &respondConn{r: r, src: sender}
		c, err := NewClient(conn, &Config{User: u, EngineID: testEngineID, Clock: usm.Clock{Boots: 1, Start: time.Now()}})
		if err != nil {
			t.Fatal(err)
		}
		trap := func() []byte {
			if err := c.Trap(t.Context(), 0, linkDown); err != nil {
				t.Fatal(err)
			}
			return conn.last
		}
		send := func(msg []byte, src netip.AddrPort, want [6]uint64) {
			t.Helper()
			before := r.counts()
			r.Respond(t.Context(), nil, bytes.Clone(msg), src, netip.AddrPort{})
			got := r.counts()
			for i := range got {
				got[i] -= before[i]
			}
			if got != want {
				t.Errorf("counts %d, want %d", got, want)
			}
		}
		replayed, forged := [6]uint64{4: 1}, [6]uint64{3: 1}
		first := trap()
		l1, _ := r.users.Localize(u, testEngineID)
		if l2, _ := r.users.Localize(u, testEngineID); l1 != l2 {
			t.Error("the keys of an engine that has proved to know them are not kept")
		}
		send(first, sender, replayed)
		bad := bytes.Clone(first)
		bad[len(bad)-1] ^= 1
		send(bad, sender, forged)
		time.Sleep(time.Hour)
		trap()
		send(first, sender, replayed)
		r.seen = nil // the time alone tells, too
		send(first, sender, replayed)
		// Another port of the device is the device.
		send(first, netip.AddrPortFrom(sender.Addr(), 1), replayed)

		// A device with the same engine ID at another address has its own time.
		other := &respondConn{r: r, src: netip.MustParseAddrPort("192.0.2.8:40000")}
		d, err := NewClient(other, &Config{User: u, EngineID: testEngineID, Clock: usm.Clock{Boots: 1, Start: time.Now()}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			d.Trap(t.Context(), 0, linkDown)
			send(trap(), sender, replayed)
			time.Sleep(time.Minute)
		}
		if got := r.Queued.Load(); got != 2+6 {
			t.Errorf("%d traps were queued, want 8", got)
		}
		// It reboots.
		d = with(t, d, func(f *Config) { f.Clock = usm.Clock{Boots: 2, Start: time.Now()} })
		old := other.last
		d.Trap(t.Context(), 0, linkDown)
		send(old, other.src, replayed)
		if got := r.Queued.Load(); got != 9 {
			t.Errorf("%d traps were queued, want 9", got)
		}
	})
}

// An inform whose acknowledgement is lost is acknowledged again, and given once.
func TestInformAgain(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	r := newReceiverV3(u)
	conn := &respondConn{r: r, src: sender}
	c, err := NewClient(conn, &Config{User: u})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Inform(t.Context(), 0, linkDown); err != nil {
		t.Fatal(err)
	}
	conn.lose = 1
	if err := c.Inform(t.Context(), 0, linkDown); err != nil || r.Queued.Load() != 2 {
		t.Errorf("Inform whose acknowledgement is lost = %v, queued %d, want 2", err, r.Queued.Load())
	}
}

// A full queue is counted, and what it has no room for is not acknowledged.
func TestReceiverOverflow(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	r := newReceiverV3(u)
	r.QueueLen = 2
	conn := &respondConn{r: r, src: sender}
	c, err := NewClient(conn, &Config{User: u})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := NewClient(conn, &Config{Community: "public"})
	for range 2 {
		if err := c.Inform(t.Context(), 0, linkDown); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*Client{d, c} {
		if err := c.Inform(t.Context(), 0, linkDown); !errors.Is(err, errSilence) {
			t.Errorf("Inform to a full queue = %v, want silence", err)
		}
	}
	overflow := r.Overflow.Load() // the Conn makes two attempts
	if overflow < 2 || r.Queued.Load() != 2 {
		t.Errorf("counts %d", r.counts())
	}
	// The same message again, when there is room.
	conn.Exchange(t.Context(), 0, conn.last, nil, 0, 0)
	r.next()
	r.next()
	if rsp := r.Respond(t.Context(), nil, bytes.Clone(conn.last), sender, sender); len(rsp) == 0 || r.Queued.Load() != 3 {
		t.Errorf("a message for which there is room again: answered by %d octets, counts %d", len(rsp), r.counts())
	}
}

// Informs work for months, while the time of their receiver advances, and after
// it has started again.
func TestInformsForMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := testUser(usm.SHA256, usm.AES128)
		r := newReceiverV3(u)
		r.Clock = usm.Clock{Boots: 5, Start: time.Now()}
		conn := &respondConn{r: r, src: sender}
		c, err := NewClient(conn, &Config{User: u})
		if err != nil {
			t.Fatal(err)
		}
		for day := range 200 {
			if err := c.Inform(t.Context(), 0, linkDown); err != nil {
				t.Fatalf("day %d: Inform = %v", day, err)
			}
			time.Sleep(24 * time.Hour)
			if day%50 == 49 {
				r.Clock = usm.Clock{Boots: r.Clock.Boots + 1, Start: time.Now()}
			}
		}
		if r.Queued.Load() != 200 || r.Replayed.Load() != 1+3 || r.Refused.Load() != 1 {
			t.Errorf("counts %d, want 200 queued, one discovery and a synchronisation for each start", r.counts())
		}
	})
}

// Strangers leave nothing behind.
func TestReceiverState(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	r := newReceiverV3(u)
	forger := *u
	forger.AuthKey = usm.PassPhrase("authpass2")
	conn := &respondConn{r: r}
	c, err := NewClient(conn, &Config{User: &forger, EngineID: testEngineID})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		conn.src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
		d := with(t, c, func(f *Config) { f.EngineID = usm.NewEngineID() })
		if err := d.Trap(t.Context(), 0, linkDown); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.clocks) != 0 || len(r.seen) != 0 || r.Forged.Load() != 300 {
		t.Errorf("%d clocks, %d digests, counts %d", len(r.clocks), len(r.seen), r.counts())
	}
	// Those who know a key leave so much.
	for i := range maxClocks + 100 {
		sp := usm.SecurityParameters{EngineID: testEngineID, Boots: 1, Time: 1, MAC: fmt.Appendf(nil, "%012d", i)}
		r.late(false, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 1), &sp)
		if r.known(&sp) || !r.known(&sp) {
			t.Fatal("a digest is not new, or not known")
		}
	}
	if len(r.clocks) != maxClocks || len(r.seen) != maxDigests || len(r.ring) != maxDigests {
		t.Errorf("%d clocks, %d digests", len(r.clocks), len(r.seen))
	}
}

// Net-SNMP's tools send to a Receiver.
func TestReceiverNetSNMP(t *testing.T) {
	for _, tool := range []string{"snmptrap", "snmpinform"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	users := netSNMPUsers()
	r := newReceiverV3(users...)
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if rsp := r.Respond(context.Background(), nil, buf[:n], from.(*net.UDPAddr).AddrPort(), netip.AddrPort{}); len(rsp) > 0 {
				conn.WriteTo(rsp, from)
			}
		}
	}()
	defer func() { conn.Close(); <-done }()
	dir := t.TempDir()
	run := func(args string) {
		t.Helper()
		all := append(strings.Fields(args), "udp:"+conn.LocalAddr().String())
		if strings.Contains(args, "-v1") {
			all = append(all, "1.3.6.1.4.1.8072.9", "10.1.2.3", "2", "0", "100", "1.3.6.1.2.1.2.2.1.1.5", "i", "5")
		} else {
			all = append(all, "100", linkDown.String(), "1.3.6.1.2.1.2.2.1.1.5", "i", "5")
		}
		cmd := exec.Command(all[0], all[1:]...)
		cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for _, m := range r.Notifications(ctx) {
			p, err := m.PDU.ToV2("")
			if err != nil || len(p.VarBinds) < 3 || p.VarBinds[0].Value != TimeTicksValue(100) || p.VarBinds[1].Value != OIDValue(linkDown) || p.VarBinds[2] != ifIndex5 {
				t.Errorf("%s: received %+v, %v", args, p, err)
			}
			return
		}
		t.Errorf("%s: nothing came; counts %d", args, r.counts())
	}
	run("snmptrap -v1 -c public")
	run("snmptrap -v2c -c public")
	run("snmpinform -v2c -c public -t 1 -r 2")
	for i, u := range users {
		args := fmt.Sprintf("-v3 -u %s -l %v -a %v -A authpass1", u.Name, u.Level(), u.Auth)
		if u.Priv != usm.NoPriv {
			args += fmt.Sprintf(" -x %v -X privpass1", u.Priv)
		}
		if i%2 == 0 {
			run("snmpinform -t 1 -r 2 " + args)
		} else {
			run(fmt.Sprintf("snmptrap -e 0x80000000057%03d %s", i, args))
		}
	}
}

func FuzzReceiver(f *testing.F) {
	u := testUser(usm.SHA256, usm.AES128)
	conn := &respondConn{r: newReceiverV3(u), src: sender}
	for _, cfg := range []Config{{Community: "public"}, {Version: V1, Community: "public"}, {User: u, EngineID: testEngineID}, {User: u, EngineID: conn.r.EngineID, Clock: defaultClock}} {
		c, err := NewClient(conn, &cfg)
		if err != nil {
			f.Fatal(err)
		}
		c.Trap(context.Background(), 0, linkDown, ifIndex5)
		f.Add(conn.last)
		c.Inform(context.Background(), 0, linkDown)
		f.Add(conn.last)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		r := newReceiverV3(u)
		rsp := r.Respond(t.Context(), nil, bytes.Clone(msg), sender, sender)
		if len(rsp) > 0 {
			m, err := MessageFromBER(rsp)
			if err != nil || m.PDU.Type != Response && m.PDU.Type != Report && !m.Priv {
				t.Errorf("%x is answered by %x", msg, rsp)
			}
		}
		n := uint64(0)
		for _, c := range r.counts() {
			n += c
		}
		if n != 1 {
			t.Errorf("%x is counted %d times", msg, n)
		}
	})
}

func BenchmarkReceiver(b *testing.B) {
	u := testUser(usm.SHA256, usm.AES128)
	for _, name := range []string{"forged", "forged-new-engine", "replayed"} {
		b.Run(name, func(b *testing.B) {
			r := newReceiverV3(u)
			conn := &respondConn{r: r, src: sender}
			c, err := NewClient(conn, &Config{User: u, EngineID: testEngineID})
			if err != nil {
				b.Fatal(err)
			}
			if name != "forged-new-engine" {
				c.Trap(b.Context(), 0, linkDown, ifIndex5)
			} else {
				c.conn = sendConn(func(msg []byte) { conn.last = bytes.Clone(msg) })
				c.Trap(b.Context(), 0, linkDown, ifIndex5)
			}
			msg := bytes.Clone(conn.last)
			if name != "replayed" {
				msg[len(msg)-1] ^= 1
			}
			buf := make([]byte, len(msg))
			b.ReportAllocs()
			for b.Loop() {
				copy(buf, msg)
				r.Respond(b.Context(), nil, buf, sender, sender)
			}
		})
	}
}
