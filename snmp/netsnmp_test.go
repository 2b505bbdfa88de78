package snmp

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/usm"
)

// dialRole returns a Conn of package role.
func dialRole(t *testing.T, addr string) role.Peer {
	t.Helper()
	m, err := role.Dial(t.Context(), role.MustParseAddr("udp:"+addr), &role.Config{Key: Key, Timeout: 500 * time.Millisecond, Retries: 20, RetryRefused: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.To(role.Addr{})
}

// Tables, parallel walks and requests without a wait, with Net-SNMP's agent.
func TestNetSNMPParallel(t *testing.T) {
	addr, _ := startAgent(t)
	conn := dialRole(t, addr)
	sysOREntry := MustParseOID("1.3.6.1.2.1.1.9.1")
	for _, cfg := range []Config{{Version: V1, Community: "public"}, {Community: "public"}, {User: testUser(usm.SHA256, usm.AES128)}} {
		c, err := NewClient(conn, &cfg)
		if err != nil {
			t.Fatal(err)
		}
		version := c.cfg.Version
		want, err := collect(c, t.Context(), sysOREntry)
		if err != nil || len(want) < 15 {
			t.Fatalf("v%v: Walk = %v, %v", version, want, err)
		}
		p := with(t, c, func(f *Config) { f.Parallel = 4 })
		if got, err := collect(p, t.Context(), sysOREntry); err != nil || !slices.Equal(got, want) {
			t.Errorf("v%v: parallel Walk = %d instances, %v; want %d", version, len(got), err, len(want))
		}
		for _, c := range []*Client{c, p} {
			checkTable(t, c, want, sysOREntry)
			checkTable(t, c, want, sysOREntry, 3, 2)
		}
		results := make(chan error, 100)
		for i := range cap(results) {
			vb := want[i%len(want)]
			if err := c.StartGet(func(got []VarBind, err error) {
				if err == nil && (len(got) != 1 || got[0] != vb) {
					err = fmt.Errorf("got %v, want %v", got, vb)
				}
				results <- err
			}, vb.OID); err != nil {
				t.Fatal(err)
			}
		}
		for range cap(results) {
			if err := <-results; err != nil {
				t.Errorf("v%v: StartGet: %v", version, err)
			}
		}
	}
}

// Net-SNMP's receiver of notifications takes ours.
func TestNetSNMPTrapd(t *testing.T) {
	snmptrapd, err := exec.LookPath("snmptrapd")
	if err != nil {
		t.Skip(err)
	}
	dir, addr := t.TempDir(), freePort(t)
	own := usm.EngineID("\x80\x00\x00\x00\x05ours")
	conf := "authCommunity log public\n[snmp] persistentDir " + dir + "\n[snmptrapd]\n"
	users := []*usm.User{testUser(usm.MD5, usm.DES), testUser(usm.SHA256, usm.AES128), testUser(usm.SHA512, usm.AES256C), testUser(usm.SHA, usm.NoPriv)}
	for _, u := range users {
		priv := ""
		if u.Priv != usm.NoPriv {
			priv = fmt.Sprintf(" %v privpass1", u.Priv)
		}
		for _, engine := range []string{"", fmt.Sprintf("-e 0x%x ", []byte(own))} {
			conf += fmt.Sprintf("createUser %s%s %v authpass1%s\n", engine, u.Name, u.Auth, priv)
		}
		conf += fmt.Sprintf("authUser log %s %s\n", u.Name, []string{"", "noauth", "auth", "priv"}[u.Level()])
	}
	file := filepath.Join(dir, "snmptrapd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(snmptrapd, "-f", "-Lo", "-On", "-C", "-c", file, "-n", "udp:"+addr)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		for range lines {
		}
		cmd.Wait()
	})
	conn := dialRole(t, addr)
	n := int32(0)
	// Each notification has a number of its own, which snmptrapd must print.
	check := func(what string, send func(vb VarBind) error) {
		t.Helper()
		n++
		if err := send(VarBind{ifIndex5.OID, IntegerValue(1000 + n)}); err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		want := fmt.Sprint("INTEGER: ", 1000+n)
		for deadline := time.After(5 * time.Second); ; {
			select {
			case line, ok := <-lines:
				if ok && !strings.Contains(line, want) {
					continue
				}
				if !ok {
					t.Fatalf("%s: snmptrapd has ended", what)
				}
			case <-deadline:
				t.Errorf("%s: snmptrapd does not print %q", what, want)
			}
			return
		}
	}
	for _, cfg := range []Config{{Community: "public"}, {Version: V1, Community: "public"}, {User: users[0]}, {User: users[1]}, {User: users[2]}, {User: users[3]}} {
		c, err := NewClient(conn, &cfg)
		if err != nil {
			t.Fatal(err)
		}
		name := "v" + c.cfg.Version.String()
		if cfg.User != nil {
			name += " " + cfg.User.Name
		}
		if c.cfg.Version != V1 { // the first inform also waits for snmptrapd to listen
			check(name+" inform", func(vb VarBind) error { return c.Inform(t.Context(), time.Second, linkDown, vb) })
		}
		d := with(t, c, func(f *Config) { f.EngineID = own })
		check(name+" trap", func(vb VarBind) error { return d.Trap(t.Context(), time.Second, linkDown, vb) })
	}
}
