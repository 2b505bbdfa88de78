package snmp

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/internal/ber"
)

var update = flag.Bool("update", false, "rewrite testdata by exchanges with Net-SNMP, which must be installed")

// A transcript is an exchange of Net-SNMP's tools with its agent.
type transcript struct {
	name string
	msgs [][]byte  // in the order in which they were seen
	vbs  []VarBind // what the tool printed
}

// golden reads testdata. Its files hold a message after each line that starts
// with ">" (to the agent) or "<" (from it), in hex with comments, and what the
// tool printed after "=".
func golden(tb testing.TB) (all []transcript) {
	tb.Helper()
	files, err := filepath.Glob("testdata/netsnmp-*.txt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no transcripts in testdata: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		x := transcript{name: filepath.Base(file)}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			switch printed, ok := strings.CutPrefix(line, "= "); {
			case ok:
				var vb VarBind
				if err := vb.UnmarshalText([]byte(printed)); err != nil {
					tb.Fatalf("%s: %q: %v", file, printed, err)
				}
				x.vbs = append(x.vbs, vb)
			case line == ">" || line == "<":
				x.msgs = append(x.msgs, nil)
			case !strings.HasPrefix(line, "#"):
				digits, _, _ := strings.Cut(line, "#")
				b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
				if err != nil {
					tb.Fatalf("%s: %q: %v", file, line, err)
				}
				last := &x.msgs[len(x.msgs)-1]
				*last = append(*last, b...)
			}
		}
		all = append(all, x)
	}
	return all
}

func TestGolden(t *testing.T) {
	if *update {
		record(t)
	}
	for _, x := range golden(t) {
		t.Run(x.name, func(t *testing.T) {
			var answered []VarBind
			for _, msg := range x.msgs {
				checkMessage(t, msg)
				m, err := MessageFromBER(msg)
				if err != nil {
					t.Fatalf("MessageFromBER(%x) error = %v", msg, err)
				}
				// Net-SNMP writes minimal forms except for its outer lengths and
				// those of v3, so only shorter ones tell of an error.
				enc, err := m.Append(nil)
				if again, _ := MessageFromBER(enc); err != nil || len(enc) > len(msg) || !reflect.DeepEqual(again, m) {
					t.Errorf("encoded as %x, %v; was %x", enc, err, msg)
				}
				if m.PDU.Type == Response && m.PDU.ErrorStatus == NoError {
					answered = append(answered, m.PDU.VarBinds...)
				}
			}
			// A walk's last answers lie outside of what it prints.
			if len(answered) < len(x.vbs) || !slices.EqualFunc(answered[:len(x.vbs)], x.vbs, samePrinted) {
				t.Errorf("decoded %v, Net-SNMP printed %v", answered, x.vbs)
			}
		})
	}
}

// samePrinted compares floats by the six digits that Net-SNMP prints of them.
func samePrinted(a, b VarBind) bool {
	x, xok := a.Value.Float64()
	y, yok := b.Value.Float64()
	if a.Value.Kind() == KindFloat && xok && yok {
		return a.OID == b.OID && fmt.Sprintf("%f", x) == fmt.Sprintf("%f", y)
	}
	return a == b
}

// record runs the tools against an agent on loopback and writes testdata.
func record(t *testing.T) {
	for _, prog := range []string{"snmpd", "snmpget", "snmpset", "snmptrap"} {
		if _, err := exec.LookPath(prog); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	agent := freePort(t)
	conf := filepath.Join(dir, "snmpd.conf")
	err := os.WriteFile(conf, []byte(`rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
createUser nobody
rouser nobody noauth
sysName peer
sysLocation "a place"
agentgroup root
[snmp] persistentDir `+dir+"\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "MIBS=", "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
	daemon := exec.Command("snmpd", "-f", "-Lo", "-C", "-c", conf, "-I", "-smux", "udp:"+agent)
	daemon.Env = env
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { daemon.Process.Kill(); daemon.Wait() }()

	const sys = "1.3.6.1.2.1.1."
	for _, x := range []struct{ name, args string }{
		{"v1-get", "snmpget -v1 -c public AGENT " + sys + "5.0 " + sys + "2.0 " + sys + "3.0"},
		{"v1-nosuchname", "snmpget -v1 -Cf -c public AGENT " + sys + "5.0 " + sys + "99.0"},
		{"v1-walk", "snmpwalk -v1 -c public AGENT " + sys + "9.1.2"},
		{"v1-trap", "snmptrap -v1 -c public AGENT 1.3.6.1.4.1.8072.9 10.1.2.3 6 17 94512 " + sys + "5.0 s peer"},
		{"v2c-get", "snmpget -v2c -c public AGENT " + sys + "5.0 " + sys + "99.0 1.3.6.1.2.1.2.2.1.10.1 1.3.6.1.2.1.31.1.1.1.6.1 1.3.6.1.2.1.4.20.1.1.127.0.0.1"},
		{"v2c-bulk", "snmpbulkget -v2c -Cn1 -Cr8 -c public AGENT " + sys + "3 1.3.6.1.2.1.2.2.1"},
		{"v2c-opaque", "snmpget -v2c -c public AGENT 1.3.6.1.4.1.2021.10.1.6.1 1.3.6.1.6.3.10.2.1.1.0"},
		{"v2c-set", "snmpset -v2c -c private AGENT 1.3.6.1.6.3.1.1.6.1.0 i 1"},
		{"v2c-trap", "snmptrap -v2c -c public AGENT 94512 1.3.6.1.6.3.1.1.5.3 1.3.6.1.2.1.2.2.1.1.5 i 5"},
		{"v3-get", "snmpget -v3 -u nobody -l noAuthNoPriv AGENT " + sys + "5.0"},
	} {
		var out []byte
		var msgs []string
		for try := 0; try < 20 && len(out) == 0; try++ {
			relay, stop := startRelay(t, agent)
			args := strings.Fields(strings.Replace(x.args, "AGENT", "-On -t 0.3 -r 0 udp:"+relay, 1))
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = env
			out, _ = cmd.Output()
			time.Sleep(50 * time.Millisecond) // a trap has no answer to wait for
			if msgs = stop(); args[0] == "snmptrap" || len(msgs) > 1 {
				break
			}
		}
		text := "# " + x.args + "\n" + strings.Join(msgs, "")
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, " = ") {
				text += "= " + line
			} else { // more octets of a Hex-STRING
				text = strings.TrimSuffix(text, "\n") + line
			}
		}
		if err := os.WriteFile("testdata/netsnmp-"+x.name+".txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func freePort(t *testing.T) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// startRelay listens for one client and passes its datagrams to the agent and
// the answers back. The function that it returns stops it and returns the
// messages as annotated hex.
func startRelay(t *testing.T, agent string) (addr string, stop func() []string) {
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	back, err := net.Dial("udp", agent)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 100)
	client := make(chan net.Addr, 100)
	done := make(chan bool, 2)
	go func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := front.ReadFrom(buf)
			if err != nil {
				break
			}
			seen <- ">\n" + annotate(buf[:n])
			client <- from
			back.Write(buf[:n])
		}
		done <- true
	}()
	go func() {
		buf := make([]byte, 65536)
		for {
			n, err := back.Read(buf)
			if err != nil {
				if strings.Contains(err.Error(), "refused") {
					continue
				}
				break
			}
			seen <- "<\n" + annotate(buf[:n])
			front.WriteTo(buf[:n], <-client)
		}
		done <- true
	}()
	return front.LocalAddr().String(), func() (msgs []string) {
		front.Close()
		back.Close()
		<-done
		<-done
		close(seen)
		for msg := range seen {
			msgs = append(msgs, msg)
		}
		return msgs
	}
}

// annotate writes one element a line, with the name of its type.
func annotate(b []byte) string {
	var out bytes.Buffer
	var walk func(b []byte, depth int)
	walk = func(b []byte, depth int) {
		for len(b) > 0 {
			tag, start, n, ok := ber.Header(b, 0)
			if !ok || n > len(b)-start {
				fmt.Fprintf(&out, "% x # not BER\n", b)
				return
			}
			indent := strings.Repeat("  ", depth)
			_, name, _ := strings.Cut(ber.TagName(tag), " ")
			if tag&0x20 != 0 {
				fmt.Fprintf(&out, "%s% x # %s\n", indent, b[:start], name)
				walk(b[start:start+n], depth+1)
			} else {
				fmt.Fprintf(&out, "%s% x  % x # %s\n", indent, b[:start], b[start:start+n], name)
			}
			b = b[start+n:]
		}
	}
	walk(b, 0)
	return out.String()
}
