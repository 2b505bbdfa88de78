package agent_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// serve answers with a on a UDP socket and returns its address.
func serve(t testing.TB, a *agent.Agent) string {
	t.Helper()
	server, err := role.ListenAgent(t.Context(), nil, role.MustParseAddr("udp:127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(context.Background(), func(ctx context.Context, dst []byte, m *role.Message) []byte {
			return a.Respond(ctx, dst, m.Buf, netip.AddrPort{}, netip.AddrPort{})
		})
	}()
	t.Cleanup(func() { server.Close(); <-done })
	return strings.TrimPrefix(server.LocalAddrs()[0].String(), "udp:")
}

// dial connects to an address for notifications.
func dial(t testing.TB) func(ctx context.Context, address string) (snmp.Conn, error) {
	return func(ctx context.Context, address string) (snmp.Conn, error) {
		m, err := role.Dial(ctx, role.MustParseAddr(address), &role.Config{Key: snmp.Key})
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { m.Close() })
		return conn{m}, nil
	}
}

// A conn makes an snmp.Conn of a manager.
type conn struct{ m *role.Manager }

func (c conn) Send(ctx context.Context, msg []byte) error {
	return c.m.Send(ctx, role.Addr{}, msg)
}

func (c conn) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	rsp, _, err := c.m.Exchange(ctx, role.Addr{}, key, req, buf)
	return rsp, err
}

// netsnmp runs one of Net-SNMP's programs and returns what it prints.
func netsnmp(t testing.TB, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s", name)
	}
	cmd := exec.Command(path, append([]string{"-On", "-t", "2", "-r", "1"}, args...)...)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH="+t.TempDir())
	out, _ := cmd.CombinedOutput()
	return strings.TrimSpace(string(out))
}

type item struct {
	id   uint32
	name string
}

func liveAgent(t testing.TB) (*agent.Agent, string) {
	auth, priv := usm.PassPhrase("authpass1"), usm.PassPhrase("privpass1")
	cfg := &agent.Config{
		Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}, {Name: "private", Grant: &agent.Grant{Write: true}}},
		Users: []agent.User{
			{User: usm.User{Name: "noauth"}, Grant: &agent.Grant{}},
			{User: usm.User{Name: "shaonly", Auth: usm.SHA, AuthKey: auth}, Grant: &agent.Grant{}},
		},
	}
	for a := usm.MD5; a <= usm.SHA512; a++ {
		for p := usm.DES; p <= usm.AES256C; p++ {
			cfg.Users = append(cfg.Users, agent.User{User: usm.User{Name: a.String() + "-" + p.String(), Auth: a, AuthKey: auth, Priv: p, PrivKey: priv},
				Grant: &agent.Grant{Write: true}})
		}
	}
	a, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	root := snmp.MustParseOID("1.3.6.1.4.1.8072.9999")
	var n atomic.Uint64
	n.Store(1 << 40)
	a.Handle(root.Append(1), agent.NewVar(snmp.OctetsValue("hello"), func(snmp.Value) error { return nil }))
	a.Handle(root.Append(2), agent.Load(snmp.Counter64Value, &n))
	table := &agent.Table[item]{
		Columns: []agent.Column[item]{
			{ID: 2, Get: func(r *item) snmp.Value { return snmp.OctetsValue(r.name) }, Kind: snmp.KindOctetString, Max: 40,
				Set: func(r *item, v snmp.Value) error { r.name, _ = v.Octets(); return nil }},
			{ID: 3, Get: func(r *item) snmp.Value { return snmp.Gauge32Value(r.id) }},
		},
		RowStatus: 4,
		Index:     func(o snmp.OID, r *item) snmp.OID { return o.Append(r.id) },
		New: func(x snmp.Index) (*item, error) {
			id, ok := x.Uint32()
			if !ok || x.Len() > 0 {
				return nil, snmp.NoCreation
			}
			return &item{id: id}, nil
		},
	}
	for i := range uint32(200) {
		table.Put(item{i + 1, fmt.Sprint("row ", i+1)})
	}
	a.Handle(root.Append(3), table)
	a.Handle(root.NextSibling(), agent.Const(snmp.IntegerValue(0))) // ends walks
	return a, serve(t, a)
}

// TestNetSNMP runs Net-SNMP's programs against an agent.
func TestNetSNMP(t *testing.T) {
	_, addr := liveAgent(t)
	root := ".1.3.6.1.4.1.8072.9999"
	public, private := []string{"-v2c", "-cpublic", addr}, []string{"-v2c", "-cprivate", addr}
	tests := []struct {
		prog string
		args []string
		want string
	}{
		{"snmpget", append(public, root+".1.0", root+".2.0", root+".9.0"), root + `.1.0 = STRING: "hello"` + "\n" + root + ".2.0 = Counter64: 1099511627776\n" + root + ".9.0 = No Such Object available on this agent at this OID"},
		{"snmpget", []string{"-v1", "-cpublic", addr, root + ".1.0"}, root + `.1.0 = STRING: "hello"`},
		{"snmpget", []string{"-v1", "-cpublic", addr, root + ".2.0"}, "Error in packet\nReason: (noSuchName) There is no such variable name in this MIB.\nFailed object: " + root + ".2.0"},
		{"snmpgetnext", []string{"-v1", "-cpublic", addr, root + ".1.0"}, root + `.3.1.2.1 = STRING: "row 1"`},
		{"snmpset", append(private, root+".1.0", "s", "bye"), root + `.1.0 = STRING: "bye"`},
		{"snmpset", append(private, root+".1.0", "i", "1"), "Error in packet.\nReason: wrongType (The set datatype does not match the data type the agent expects)\nFailed object: " + root + ".1.0"},
		{"snmpset", append(private, root+".2.0", "C", "1"), ""},
		{"snmpset", append(private, root+".3.1.4.777", "i", "4", root+".3.1.2.777", "s", "new"), root + ".3.1.4.777 = INTEGER: 4\n" + root + `.3.1.2.777 = STRING: "new"`},
		{"snmpget", append(public, root+".3.1.2.777", root+".3.1.4.777"), root + `.3.1.2.777 = STRING: "new"` + "\n" + root + ".3.1.4.777 = INTEGER: 1"},
		{"snmpset", append(private, root+".3.1.4.777", "i", "6"), root + ".3.1.4.777 = INTEGER: 6"},
		{"snmpset", append(public, root+".1.0", "s", "no"), "Error in packet.\nReason: authorizationError (access denied to that object)"},
		{"snmpget", []string{"-v2c", "-cwrong", "-t0.2", "-r0", addr, root + ".1.0"}, "Timeout: No Response from " + addr + "."},
		{"snmpget", []string{"-v3", "-unobody", addr, root + ".1.0"}, "snmpget: Unknown user name"},
		{"snmpget", []string{"-v3", "-ushaonly", "-lanp", "-aSHA", "-Awrongpass1", addr, root + ".1.0"}, "snmpget: Authentication failure (incorrect password, community or key)"},
		{"snmpget", []string{"-v3", "-ushaonly", "-lap", "-aSHA", "-Aauthpass1", "-xAES", "-Xprivpass1", addr, root + ".1.0"}, "snmpget: Unsupported security level"},
	}
	for _, tt := range tests {
		got := netsnmp(t, tt.prog, tt.args...)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s %v:\ngot  %s\nwant %s", tt.prog, tt.args, got, tt.want)
		}
	}
	walk := netsnmp(t, "snmpwalk", append(public, root)...)
	if n := strings.Count(walk, "\n") + 1; n != 2+3*200 {
		t.Errorf("snmpwalk prints %d lines, want %d: %.200s", n, 2+3*200, walk)
	}
	if bulk := netsnmp(t, "snmpbulkwalk", append(public, root)...); bulk != walk {
		t.Errorf("snmpbulkwalk and snmpwalk print different values")
	}
	if v1 := netsnmp(t, "snmpwalk", "-v1", "-cpublic", addr, root); strings.Count(v1, "\n")+1 != 1+3*200 {
		t.Errorf("snmpwalk of v1 prints %d lines, want %d", strings.Count(v1, "\n")+1, 1+3*200)
	}
}

// TestNetSNMPUSM: every pair of protocols that Net-SNMP has, and walks in v3.
func TestNetSNMPUSM(t *testing.T) {
	_, addr := liveAgent(t)
	root := ".1.3.6.1.4.1.8072.9999"
	ran := 0
	for a := usm.MD5; a <= usm.SHA512; a++ {
		for p := usm.DES; p <= usm.AES256C; p++ {
			if p == usm.TripleDES {
				continue // Net-SNMP has none
			}
			user := a.String() + "-" + p.String()
			got := netsnmp(t, "snmpset", "-v3", "-u"+user, "-lap", "-a"+a.String(), "-Aauthpass1", "-x"+p.String(), "-Xprivpass1", addr, root+".1.0", "s", user)
			if want := root + `.1.0 = STRING: "` + user + `"`; got != want {
				t.Errorf("%s: %s, want %s", user, got, want)
			}
			ran++
		}
	}
	t.Logf("%d pairs", ran)
	for _, args := range [][]string{
		{"-v3", "-unoauth", "-lnanp"},
		{"-v3", "-ushaonly", "-lanp", "-aSHA", "-Aauthpass1"},
		{"-v3", "-uSHA-256-AES", "-lap", "-aSHA-256", "-Aauthpass1", "-xAES", "-Xprivpass1"},
	} {
		walk := netsnmp(t, "snmpbulkwalk", append(args, addr, root)...)
		if n := strings.Count(walk, "\n") + 1; n != 2+3*200 {
			t.Errorf("%v prints %d lines, want %d: %.200s", args, n, 2+3*200, walk)
		}
	}
}

// TestSnmptrapd sends notifications of all kinds to Net-SNMP's receiver.
func TestSnmptrapd(t *testing.T) {
	path, err := exec.LookPath("snmptrapd")
	if err != nil {
		t.Skip("no snmptrapd")
	}
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.LocalAddr().String()
	probe.Close()
	dir := t.TempDir()
	const engineID = "0x8000000001020304"
	conf := filepath.Join(dir, "snmptrapd.conf")
	text := "authCommunity log public\ncreateUser -e " + engineID + " sender SHA authpass1 AES privpass1\n" +
		"createUser sender SHA authpass1 AES privpass1\nauthUser log sender priv\nauthUser log -s usm sender noauth\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	cmd := exec.Command(path, "-On", "-C", "-c", conf, "-f", "-Lf", log, "udp:"+addr)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	wait := func(what string) bool {
		for range 50 {
			if b, _ := os.ReadFile(log); strings.Contains(string(b), what) {
				return true
			}
			time.Sleep(100 * time.Millisecond)
		}
		return false
	}
	if !wait("NET-SNMP version") {
		t.Fatal("snmptrapd does not start")
	}
	id, _ := usm.ParseEngineID(engineID)
	auth, priv := usm.PassPhrase("authpass1"), usm.PassPhrase("privpass1")
	for i, target := range []agent.Target{
		{Version: snmp.V1, Community: "public"},
		{Version: snmp.V2c, Community: "public"},
		{Version: snmp.V2c, Community: "public", Inform: true},
		{Version: snmp.V3, User: "sender"},
		{Version: snmp.V3, User: "sender", Level: usm.AuthNoPriv},
		{Version: snmp.V3, User: "sender", Inform: true},
	} {
		target.Address = "udp:" + addr
		a, err := agent.New(&agent.Config{
			EngineID: id,
			Users:    []agent.User{{User: usm.User{Name: "sender", Auth: usm.SHA, AuthKey: auth, Priv: usm.AES128, PrivKey: priv}}},
			Targets:  []agent.Target{target},
			Dial:     dial(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 2 { // the second inform knows the engine
			mark := fmt.Sprintf("notification %d.%d", i, n)
			err := a.Notify(t.Context(), agent.ColdStart, snmp.VarBind{OID: snmp.MustParseOID("1.3.6.1.2.1.1.5.0"), Value: snmp.OctetsValue(mark)})
			if err != nil {
				t.Errorf("%+v: %v", target, err)
			} else if !wait(mark) {
				b, _ := os.ReadFile(log)
				t.Errorf("%+v: snmptrapd has not logged it: %s", target, b)
			}
		}
	}
}

// TestNetSNMPTables runs snmpusm and snmpvacm against an agent.
func TestNetSNMPTables(t *testing.T) {
	_, addr := liveAgent(t)
	admin := []string{"-v3", "-uSHA-AES", "-lap", "-aSHA", "-Aauthpass1", "-xAES", "-Xprivpass1"}
	run := func(want, prog string, args ...string) {
		t.Helper()
		if got := netsnmp(t, prog, args...); got != want {
			t.Errorf("%s %v: %s, want %s", prog, args, got, want)
		}
	}
	with := func(args ...string) []string { return append(append(slices.Clone(admin), addr), args...) }
	run("User successfully created.", "snmpusm", with("create", "newuser", "SHA-AES")...)
	run("Sec2group successfully created.", "snmpvacm", with("createSec2Group", "3", "newuser", "newgroup")...)
	run("View successfully created.", "snmpvacm", with("createView", "newview", ".1.3.6.1.4.1.8072.9999.2", "ff")...)
	run("Access successfully created.", "snmpvacm", with("createAccess", "newgroup", "3", "1", "1", "newview", "none", "none")...)
	as := func(pass string, args ...string) []string {
		return append([]string{"-v3", "-unewuser", "-lap", "-aSHA", "-A" + pass, "-xAES", "-Xprivpass1", addr}, args...)
	}
	value := ".1.3.6.1.4.1.8072.9999.2.0 = Counter64: 1099511627776"
	run(value, "snmpgetnext", as("authpass1", ".1.3")...)
	run("SNMPv3 Key(s) successfully changed.", "snmpusm", append(append(slices.Clone(admin), "-Ca"), addr, "passwd", "authpass1", "authpass2", "newuser")...)
	run(value, "snmpgetnext", as("authpass2", ".1.3")...)
	run("snmpgetnext: Authentication failure (incorrect password, community or key)", "snmpgetnext", as("authpass1", ".1.3")...)
	run("SNMPv3 Key(s) successfully changed.", "snmpusm", append(append(slices.Clone(admin), "-Cx"), addr, "passwd", "privpass1", "privpass2", "newuser")...)
	run(value, "snmpgetnext", append(as("authpass2", ".1.3"), "-Xprivpass2")...)
	run("Access successfully deleted.", "snmpvacm", with("deleteAccess", "newgroup", "3", "1")...)
	run("View successfully deleted.", "snmpvacm", with("deleteView", "newview", ".1.3.6.1.4.1.8072.9999.2")...)
	run("Sec2group successfully deleted.", "snmpvacm", with("deleteSec2Group", "3", "newuser")...)
	run("User successfully deleted.", "snmpusm", with("delete", "newuser")...)
	run("snmpgetnext: Unknown user name", "snmpgetnext", as("authpass2", ".1.3")...)
}
