package usm

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// This file asks Net-SNMP's agent, with messages that are put together here from
// the functions of this package alone.

const (
	tagNull      = 0x05
	tagOID       = 0x06
	tagTimeTicks = 0x43
	tagGet       = 0xa0
	tagResponse  = 0xa2
	tagSet       = 0xa3
	tagReport    = 0xa8
)

func tlv(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(appendHeader(nil, tag, len(content)), content...)
}

func integer(v uint32) []byte { return appendInteger(nil, v) }

// oid returns the encoding of a dotted OID.
func oid(s string) []byte {
	var b []byte
	for i, part := range strings.Split(s, ".") {
		var v uint64
		fmt.Sscan(part, &v)
		switch i {
		case 0:
			b = append(b, byte(40*v))
		case 1:
			b[0] += byte(v)
		default:
			for shift := 28; shift > 0; shift -= 7 {
				if v>>shift != 0 {
					b = append(b, byte(v>>shift)|0x80)
				}
			}
			b = append(b, byte(v&0x7f))
		}
	}
	return tlv(tagOID, b)
}

func binding(name string, value []byte) []byte { return tlv(tagSequence, oid(name), value) }

// answer is a message from the agent, verified and decrypted.
type answer struct {
	params  SecurityParameters
	pduType byte
	status  uint32
	oid     []byte // the encoding of the first name
	value   []byte // the encoding of its value
}

// A peer is a snmpd and what is known of it.
type peer struct {
	t        *testing.T
	conn     net.Conn
	engineID EngineID
	clock    PeerClock
	id       uint32
}

// start runs snmpd with this configuration until the test ends.
func startPeer(t *testing.T, conf string) *peer {
	t.Helper()
	snmpd, err := exec.LookPath("snmpd")
	if err != nil {
		if snmpd, err = exec.LookPath("/usr/sbin/snmpd"); err != nil {
			t.Skip("snmpd is not installed")
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.LocalAddr().String()
	free.Close()

	cmd := exec.Command(snmpd, "-C", "-c", file, "-f", "-Lo", "udp:"+addr)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMP_PERSISTENT_DIR="+dir)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("snmpd said:\n%s", &log)
		}
	})
	conn, err := net.Dial("udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })

	p := &peer{t: t, conn: conn}
	for deadline := time.Now().Add(10 * time.Second); ; {
		a, err := p.exchange(nil, NoAuthNoPriv, tagGet)
		if err == nil {
			if a.pduType != tagReport || !isStat(a, ErrUnknownEngineID) || !a.params.EngineID.Valid() {
				t.Fatalf("discovery: got %+v, want a Report of unknown engine IDs", a)
			}
			p.engineID = bytes.Clone(a.params.EngineID)
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("snmpd does not answer: %v", err)
		}
		time.Sleep(20 * time.Millisecond) // a refused datagram comes back at once
	}
}

// isStat reports whether a names the counter of s.
func isStat(a *answer, s Stat) bool { return bytes.Equal(a.oid, oid(s.OID())) }

// exchange asks with these bindings, as l at the level. Without l it
// discovers. It returns the answer once it is authenticated, if it claims to be.
func (p *peer) exchange(l *LocalUser, level SecurityLevel, pduType byte, bindings ...[]byte) (*answer, error) {
	p.id++
	pdu := tlv(pduType, integer(p.id), integer(0), integer(0), tlv(tagSequence, bindings...))
	scoped := tlv(tagSequence, tlv(tagOctetString, p.engineID), tlv(tagOctetString), pdu)
	var params SecurityParameters
	if l != nil {
		params.EngineID = p.engineID
		params.UserName = []byte(l.User().Name)
		params.Boots, params.Time = p.clock.At(time.Now())
	}
	if level >= AuthNoPriv {
		params.MAC = make([]byte, l.MACLen())
	}
	if level == AuthPriv {
		salt := l.NextSalt(params.Boots)
		params.Salt = salt[:]
		b, err := l.Encrypt(scoped[:0], scoped, params.Boots, params.Time, salt)
		if err != nil {
			return nil, err
		}
		scoped = tlv(tagOctetString, b)
	}
	flags := byte(level-NoAuthNoPriv) | byte(level)&2>>1 | 4 // auth 1, priv 2, reportable 4
	sec, macOff := params.AppendBER(nil)
	secHeader := appendHeader(nil, tagOctetString, len(sec))
	head := append(append(integer(3),
		tlv(tagSequence, integer(p.id), integer(65507), tlv(tagOctetString, []byte{flags}), integer(3))...), secHeader...)
	msg := tlv(tagSequence, head, sec, scoped)
	if level >= AuthNoPriv {
		if err := l.Sign(msg, len(msg)-len(scoped)-len(sec)+macOff); err != nil {
			return nil, err
		}
	}
	if _, err := p.conn.Write(msg); err != nil {
		return nil, err
	}
	buf := make([]byte, 65536)
	p.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	n, err := p.conn.Read(buf)
	if err != nil {
		return nil, err
	}
	return p.parse(l, buf[:n])
}

func (p *peer) parse(l *LocalUser, msg []byte) (*answer, error) {
	r := reader{b: msg}
	all := len(msg)
	r.header(tagSequence, "message", all)
	if v := r.integer("version"); v != 3 {
		r.fail("version 3", fmt.Sprint(v))
	}
	r.header(tagSequence, "header", all)
	if id := r.integer("message ID"); id != p.id {
		r.fail("the same message ID", fmt.Sprint(id))
	}
	r.integer("greatest size")
	flags := append(r.octets("flags", 1), 0)[0]
	r.integer("security model")
	sec := r.octets("security parameters", all)
	if r.err != nil {
		return nil, r.err
	}
	params, err := SecurityParametersFromBER(sec)
	if err != nil {
		return nil, err
	}
	if flags&1 != 0 {
		if err := l.Verify(msg, r.off-len(sec)+params.MACOffset, len(params.MAC)); err != nil {
			return nil, err
		}
		if err := p.clock.Update(params.Boots, params.Time, time.Now()); err != nil {
			return nil, err
		}
	}
	if flags&2 != 0 {
		b, err := l.Decrypt(nil, r.octets("encrypted PDU", all), params.Boots, params.Time, params.Salt)
		if err != nil {
			return nil, err
		}
		r = reader{b: b, err: r.err}
	}
	r.header(tagSequence, "scoped PDU", all)
	r.octets("context engine ID", 32)
	r.octets("context name", 32)
	if r.err != nil || r.off == len(r.b) {
		return nil, fmt.Errorf("no PDU: %w", r.err)
	}
	a := &answer{params: params, pduType: r.b[r.off]}
	r.header(a.pduType, "PDU", all)
	r.integer("request ID")
	a.status = r.integer("error-status")
	r.integer("error-index")
	r.header(tagSequence, "bindings", all)
	r.header(tagSequence, "binding", all)
	start := r.off
	r.off += r.header(tagOID, "name", all)
	a.oid = r.b[start:r.off]
	if r.err == nil && r.off < len(r.b) {
		start = r.off
		r.off += r.header(r.b[start], "value", all)
		a.value = r.b[start:r.off]
	}
	return a, r.err
}

const (
	sysUpTime = "1.3.6.1.2.1.1.3.0"
	authPass  = "authpass1"
	privPass  = "privpass1"
)

var newAuthKey, newPrivKey = PassPhrase("newauthpass"), PassPhrase("newprivpass")

// pairs returns a user of each pair of protocols that Net-SNMP has, and the
// configuration for them. All share the Keys of authPass and privPass.
func pairs() (users []*User, conf string) {
	a, p := PassPhrase(authPass), PassPhrase(privPass)
	conf = "sysContact peers\ncreateUser nobody\nrwuser nobody noauth .1\n"
	users = append(users, &User{Name: "nobody"})
	for auth := MD5; auth <= SHA512; auth++ {
		for _, priv := range []PrivProtocol{NoPriv, DES, AES128, AES192, AES256, AES192C, AES256C} {
			u := &User{Name: fmt.Sprint(auth, "_", priv), Auth: auth, AuthKey: a, Priv: priv, PrivKey: p}
			users = append(users, u)
			conf += fmt.Sprintf("createUser %s %v %s", u.Name, auth, authPass)
			if priv != NoPriv {
				conf += fmt.Sprintf(" %v %s", priv, privPass)
			}
			conf += fmt.Sprintf("\nrwuser %s %s .1\n", u.Name, []string{"", "noauth", "auth", "priv"}[u.Level()])
		}
	}
	return users, conf
}

// get asks for sysUpTime.0, after a time synchronisation if that is needed.
func (p *peer) get(l *LocalUser) {
	p.t.Helper()
	level := l.User().Level()
	p.clock = PeerClock{}
	if level > NoAuthNoPriv {
		a, err := p.exchange(l, level, tagGet, binding(sysUpTime, tlv(tagNull)))
		if err != nil || a.pduType != tagReport || !isStat(a, ErrNotInTimeWindow) || !p.clock.Synced() {
			p.t.Fatalf("%s: without the time: got %+v, %v, want a Report of not in time windows", l.User().Name, a, err)
		}
	}
	a, err := p.exchange(l, level, tagGet, binding(sysUpTime, tlv(tagNull)))
	if err != nil || a.pduType != tagResponse || !bytes.Equal(a.oid, oid(sysUpTime)) || len(a.value) < 3 || a.value[0] != tagTimeTicks {
		p.t.Fatalf("%s: got %+v, %v, want sysUpTime.0", l.User().Name, a, err)
	}
	if want := (level == AuthPriv); len(a.params.Salt) == 8 != want {
		p.t.Errorf("%s: the answer has a salt of %d octets", l.User().Name, len(a.params.Salt))
	}
}

func TestNetSNMPPairs(t *testing.T) {
	users, conf := pairs()
	p := startPeer(t, conf)
	for _, u := range users {
		t.Run(u.Name, func(t *testing.T) {
			p.t = t
			l, err := u.Localize(p.engineID)
			if err != nil {
				t.Fatal(err)
			}
			p.get(l)
		})
	}
}

// The agent's reasons to refuse a message are the Stats that they should be.
func TestNetSNMPReports(t *testing.T) {
	_, conf := pairs()
	p := startPeer(t, conf)
	a, k := PassPhrase(authPass), PassPhrase(privPass)
	good := &User{Name: "SHA-256_AES", Auth: SHA256, AuthKey: a, Priv: AES128, PrivKey: k}
	sync, err := good.Localize(p.engineID)
	if err != nil {
		t.Fatal(err)
	}
	p.get(sync)

	tests := []struct {
		name  string
		user  User
		level SecurityLevel
		want  Stat
	}{
		{"unknown user", User{Name: "stranger", Auth: SHA256, AuthKey: a}, AuthNoPriv, ErrUnknownUserName},
		{"wrong pass phrase", User{Name: good.Name, Auth: SHA256, AuthKey: PassPhrase("authpass2")}, AuthNoPriv, ErrWrongDigest},
		{"wrong protocol", User{Name: good.Name, Auth: SHA224, AuthKey: a}, AuthNoPriv, ErrWrongDigest},
		{"no privacy", User{Name: "SHA-256_NOPRIV", Auth: SHA256, AuthKey: a, Priv: AES128, PrivKey: k}, AuthPriv, ErrUnsupportedSecurityLevel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := tt.user.Localize(p.engineID)
			if err != nil {
				t.Fatal(err)
			}
			a, err := p.exchange(l, tt.level, tagGet, binding(sysUpTime, tlv(tagNull)))
			if err != nil || a.pduType != tagReport || !isStat(a, tt.want) {
				t.Errorf("got %+v, %v, want a Report of %q", a, err, tt.want)
			}
		})
	}
}

// The agent takes the KeyChange values that we make for a user cloned from
// another, the only kind whose keys it lets change, and then knows the new keys.
func TestNetSNMPKeyChange(t *testing.T) {
	users, conf := pairs()
	for _, u := range users {
		conf += fmt.Sprintf("rwuser new%s noauth .1\n", u.Name)
	}
	p := startPeer(t, conf)
	column := func(n int, user string) string {
		name := fmt.Sprint("1.3.6.1.6.3.15.1.2.2.1.", n) // usmUserEntry
		for _, index := range []string{string(p.engineID), user} {
			name += fmt.Sprint(".", len(index))
			for _, b := range []byte(index) {
				name += fmt.Sprint(".", b)
			}
		}
		return name
	}
	for _, u := range users {
		if u.Level() != AuthPriv {
			continue
		}
		t.Run(u.Name, func(t *testing.T) {
			p.t = t
			l, err := u.Localize(p.engineID)
			if err != nil {
				t.Fatal(err)
			}
			p.get(l)
			n := *u
			n.Name, n.AuthKey, n.PrivKey = "new"+u.Name, newAuthKey, newPrivKey
			set := func(bindings ...[]byte) {
				t.Helper()
				if a, err := p.exchange(l, AuthPriv, tagSet, bindings...); err != nil || a.pduType != tagResponse || a.status != 0 {
					t.Fatalf("SET = %+v, %v, want success", a, err)
				}
			}
			set(binding(column(4, n.Name), oid(column(3, u.Name))), // usmUserCloneFrom
				binding(column(13, n.Name), integer(4))) // usmUserStatus: createAndGo
			for _, c := range []struct {
				column   int // usmUserAuthKeyChange, usmUserPrivKeyChange
				priv     PrivProtocol
				from, to Key
			}{{6, NoPriv, u.AuthKey, n.AuthKey}, {9, u.Priv, u.PrivKey, n.PrivKey}} {
				from, err1 := c.from.Localize(u.Auth, c.priv, p.engineID)
				to, err2 := c.to.Localize(u.Auth, c.priv, p.engineID)
				value, err3 := from.Change(u.Auth, to)
				if err := errors.Join(err1, err2, err3); err != nil {
					t.Fatal(err)
				}
				set(binding(column(c.column, n.Name), tlv(tagOctetString, value)))
			}
			l, err = n.Localize(p.engineID)
			if err != nil {
				t.Fatal(err)
			}
			p.get(l)
		})
	}
}

// encode_keychange makes a value that ApplyChange takes.
func TestNetSNMPEncodeKeyChange(t *testing.T) {
	tool, err := exec.LookPath("encode_keychange")
	if err != nil {
		t.Skip("encode_keychange is not installed")
	}
	for name, a := range map[string]AuthProtocol{"md5": MD5, "sha1": SHA} {
		id := unhex(t, sampleEngineID)
		out, err := exec.Command(tool, "-t", name, "-O", "maplesyrup", "-N", "newsyrup", "-E", "0x"+sampleEngineID).Output()
		if err != nil {
			t.Fatal(err)
		}
		from, err1 := PassPhrase("maplesyrup").Localize(a, NoPriv, id)
		want, err2 := PassPhrase("newsyrup").Localize(a, NoPriv, id)
		got, err3 := from.ApplyChange(a, unhex(t, strings.TrimSpace(string(out))))
		if err := errors.Join(err1, err2, err3); err != nil || !bytes.Equal(got.Octets(), want.Octets()) {
			t.Errorf("%s: ApplyChange(%s) = %x, %v, want %x", name, out, got.Octets(), err, want.Octets())
		}
	}
}
