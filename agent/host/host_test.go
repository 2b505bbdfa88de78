package host_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/agent/host"
	"github.com/pollux-snmp/pollux/snmp"
)

func hostAgent(t testing.TB) *agent.Agent {
	a, err := agent.New(&agent.Config{
		System:      host.System(),
		Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}},
		OnError:     func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	host.Handle(a)
	return a
}

// walk returns the values of all instances below root as text, and checks their
// order.
func walk(t testing.TB, a *agent.Agent, root string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	at := snmp.MustParseOID(root)
	for {
		m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 50, VarBinds: []snmp.VarBind{{OID: at}}}}
		req, _ := m.Append(nil)
		rsp, err := snmp.MessageFromBER(a.Respond(context.Background(), nil, req, netip.AddrPort{}, netip.AddrPort{}))
		if err != nil || rsp.PDU.ErrorStatus != 0 {
			t.Fatalf("walk at %v: %v, %v", at, rsp.PDU.ErrorStatus, err)
		}
		for _, vb := range rsp.PDU.VarBinds {
			if vb.Value.Kind() == snmp.KindEndOfMIBView || !vb.OID.HasPrefix(snmp.MustParseOID(root)) {
				return all
			}
			if vb.OID.Compare(at) <= 0 {
				t.Fatalf("after %v came %v", at, vb.OID)
			}
			at = vb.OID
			all[vb.OID.String()] = strings.TrimSpace(vb.Value.String())
		}
	}
}

// TestWalk: everything is in order, and what every machine has is there.
func TestWalk(t *testing.T) {
	a := hostAgent(t)
	all := walk(t, a, "1.3")
	t.Logf("%d instances", len(all))
	for _, o := range []string{"1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.2.1.0", "1.3.6.1.2.1.2.2.1.2.1", "1.3.6.1.2.1.25.2.2.0", "1.3.6.1.4.1.2021.4.5.0"} {
		if all[o] == "" {
			t.Errorf("no %s", o)
		}
	}
	in, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range in {
		if got, want := all[fmt.Sprint("1.3.6.1.2.1.31.1.1.1.1.", i.Index)], fmt.Sprintf("STRING: %q", i.Name); got != want {
			t.Errorf("ifName.%d = %s, want %s", i.Index, got, want)
		}
		if got, want := all[fmt.Sprint("1.3.6.1.2.1.2.2.1.4.", i.Index)], fmt.Sprint("INTEGER: ", i.MTU); got != want {
			t.Errorf("ifMtu.%d = %s, want %s", i.Index, got, want)
		}
	}
}

// TestAgreesWithProc: counters lie between what /proc says before and after.
func TestAgreesWithProc(t *testing.T) {
	octets := func() uint64 {
		b, err := os.ReadFile("/sys/class/net/lo/statistics/rx_bytes")
		if err != nil {
			t.Skip("no /sys/class/net/lo")
		}
		n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
		return n
	}
	before := octets()
	all := walk(t, hostAgent(t), "1.3.6.1.2.1.31.1.1.1.6")
	after := octets()
	got, err := strconv.ParseUint(strings.TrimPrefix(all["1.3.6.1.2.1.31.1.1.1.6.1"], "Counter64: "), 10, 64)
	if err != nil || got < before || got > after {
		t.Errorf("ifHCInOctets.1 = %v, want from %d to %d", all["1.3.6.1.2.1.31.1.1.1.6.1"], before, after)
	}
}

// TestAgreesWithSnmpd compares what stands still with Net-SNMP's agent.
func TestAgreesWithSnmpd(t *testing.T) {
	snmpd, err := exec.LookPath("snmpd")
	if err != nil {
		t.Skip("no snmpd")
	}
	snmpwalk, err := exec.LookPath("snmpwalk")
	if err != nil {
		t.Skip("no snmpwalk")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(conf, []byte("rocommunity public 127.0.0.1\nsysServices 72\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.LocalAddr().String()
	probe.Close()
	env := append(os.Environ(), "MIBS=", "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
	cmd := exec.Command(snmpd, "-C", "-c", conf, "-f", "-Lf", filepath.Join(dir, "log"), "udp:"+addr)
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	theirs := make(map[string]string)
	read := func(root string) {
		for range 20 {
			c := exec.Command(snmpwalk, "-v2c", "-cpublic", "-One", "-t1", "-r0", addr, root)
			c.Env = env
			out, err := c.Output()
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			for line := range strings.Lines(string(out)) {
				if o, v, ok := strings.Cut(line, " = "); ok {
					theirs[strings.TrimPrefix(o, ".")] = strings.TrimSpace(v)
				}
			}
			return
		}
		t.Fatalf("snmpd does not answer for %s", root)
	}
	a := hostAgent(t)
	compared, differ := 0, 0
	for _, root := range []string{
		"1.3.6.1.2.1.1.1", "1.3.6.1.2.1.1.2", "1.3.6.1.2.1.1.5", "1.3.6.1.2.1.1.6", "1.3.6.1.2.1.1.7", "1.3.6.1.2.1.2.1",
		"1.3.6.1.2.1.2.2.1.1", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.3", "1.3.6.1.2.1.2.2.1.4", "1.3.6.1.2.1.2.2.1.5",
		"1.3.6.1.2.1.2.2.1.6", "1.3.6.1.2.1.2.2.1.7", "1.3.6.1.2.1.2.2.1.8", "1.3.6.1.2.1.2.2.1.9", "1.3.6.1.2.1.2.2.1.21", "1.3.6.1.2.1.2.2.1.22",
		"1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.15", "1.3.6.1.2.1.31.1.1.1.16", "1.3.6.1.2.1.31.1.1.1.17", "1.3.6.1.2.1.31.1.1.1.18", "1.3.6.1.2.1.31.1.1.1.19",
		"1.3.6.1.2.1.4.1", "1.3.6.1.2.1.4.2", "1.3.6.1.2.1.4.20", "1.3.6.1.2.1.6.1", "1.3.6.1.2.1.6.2", "1.3.6.1.2.1.6.3", "1.3.6.1.2.1.6.4",
		"1.3.6.1.2.1.25.1.7", "1.3.6.1.2.1.25.2.2", "1.3.6.1.2.1.25.2.3.1.1", "1.3.6.1.2.1.25.2.3.1.2", "1.3.6.1.2.1.25.2.3.1.3", "1.3.6.1.2.1.25.2.3.1.4", "1.3.6.1.2.1.25.2.3.1.5",
		"1.3.6.1.4.1.2021.4.1", "1.3.6.1.4.1.2021.4.2", "1.3.6.1.4.1.2021.4.3", "1.3.6.1.4.1.2021.4.5", "1.3.6.1.4.1.2021.4.12",
		"1.3.6.1.4.1.2021.10.1.1", "1.3.6.1.4.1.2021.10.1.2", "1.3.6.1.4.1.2021.10.1.4",
	} {
		clear(theirs)
		read(root)
		ours := walk(t, a, root)
		for o, v := range theirs {
			// The size of memory that is for all kinds of use is never the same.
			if strings.Contains(v, "No Such") || o == "1.3.6.1.2.1.25.2.3.1.5.11" || o == "1.3.6.1.2.1.25.2.3.1.5.7" || o == "1.3.6.1.2.1.25.2.3.1.5.8" {
				continue
			}
			compared++
			if v == `""` { // snmpwalk's form of an empty string
				v = `STRING: ""`
			}
			if ours[o] != v && strings.TrimPrefix(ours[o], "OID: ") != strings.TrimPrefix(v, "OID: .") {
				differ++
				t.Errorf("%s: ours %s, snmpd's %s", o, ours[o], v)
			}
		}
		for o, v := range ours {
			if _, ok := theirs[o]; !ok {
				t.Logf("%s: ours %s, snmpd has none", o, v)
			}
		}
	}
	t.Logf("%d instances compared, %d differ", compared, differ)
}
