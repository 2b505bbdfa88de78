package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runPollux runs the program as from a shell.
func runPollux(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return out.String(), err.String(), code
}

// snmpdConf is for an agent with values that do not change.
const snmpdConf = `
sysDescr    peer agent
sysContact  peers@example.org
sysName     peer
sysLocation lab
com2sec ro default public
com2sec rw default private
group roG v1  ro
group roG v2c ro
group rwG v1  rw
group rwG v2c rw
view all included .1
access roG "" any noauth exact all none none
access rwG "" any noauth exact all all  all
createUser sha256aes SHA-256 authpass1 AES privpass1
createUser md5des MD5 authpass1 DES privpass1
createUser sha512a256 SHA-512 authpass1 AES-256 privpass1
rouser sha256aes authnopriv .1
rouser md5des authnopriv .1
rouser sha512a256 authnopriv .1
override -rw 1.3.6.1.4.1.8072.9999.9999.2.0 octet_str "settable"
override -rw 1.3.6.1.4.1.8072.9999.9999.3.0 integer 42
`

// startSNMPD starts Net-SNMP's agent and returns its address.
func startSNMPD(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("snmpd")
	if err != nil {
		path = "/usr/sbin/snmpd"
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("snmpd is not installed")
	}
	if _, err := exec.LookPath("snmpget"); err != nil {
		t.Skip("snmpget is not installed")
	}
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := c.LocalAddr().String()
	c.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(conf, []byte(snmpdConf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-C", "-c", conf, "-f", "-Lf", filepath.Join(dir, "log"), "udp:"+addr)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMP_PERSISTENT_DIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for { // until it answers
		var out bytes.Buffer
		if run(ctx, []string{"get", "-v2c", "-c", "public", "-t0.2", "-r0", addr, ".1.3.6.1.2.1.1.5.0"}, &out, &out) == 0 {
			return addr
		}
		if ctx.Err() != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("snmpd does not answer at %s: %s\n%s", addr, out.String(), log)
		}
		time.Sleep(50 * time.Millisecond) // it refuses until it listens
	}
}

// What the program prints is what Net-SNMP's programs print, on the same
// streams, with the same exit code.
func TestLikeNetSNMP(t *testing.T) {
	agent := startSNMPD(t)
	t.Setenv("MIBS", "") // no names, as Debian's programs are installed
	tools := map[string]string{"get": "snmpget", "next": "snmpgetnext", "bulkget": "snmpbulkget",
		"walk": "snmpwalk", "bulkwalk": "snmpbulkwalk", "set": "snmpset"}
	tests := []string{
		"get -v2c -c public AGENT .1.3.6.1.2.1.1.5.0 .1.3.6.1.2.1.1.2.0",
		"get -v1 -c public AGENT .1.3.6.1.2.1.1.5.0",
		"get AGENT -v 2c -cpublic -On .1.3.6.1.2.1.1.5.0",
		"get -v2c -c public -Oqv AGENT .1.3.6.1.2.1.1.5.0",
		"get -v1 -c public AGENT .1.3.6.1.2.1.1.99.0",
		"get -v1 -c public AGENT .1.3.6.1.2.1.1.99.0 .1.3.6.1.2.1.1.5.0",
		"get -v1 -c public -Cf AGENT .1.3.6.1.2.1.1.99.0 .1.3.6.1.2.1.1.5.0",
		"get -v2c -c public AGENT .1.3.6.1.2.1.1.99.0 .1.3.6.1.2.1.1.5.1 .1.3.6.1.2.1.1.5.0",
		"get -v2c -c public AGENT .1 .2",
		"get -v2c -c nope -t0.1 -r0 AGENT .1.3.6.1.2.1.1.5.0",
		"get -v2c -c public AGENT bogusName.0",
		"next -v2c -c public AGENT .1.3.6.1.2.1.1.4 .1.3.6.1.2.1.1.5",
		"next -v1 -c public AGENT .1.3.6.1.2.1.1.4",
		"next -v2c -c public AGENT .2.5",
		"next -v1 -c public AGENT .2.5",
		"bulkget -v2c -c public -Cn1 -Cr3 AGENT .1.3.6.1.2.1.1.1 .1.3.6.1.2.1.1.4",
		"bulkget -v2c -c public -Cr2 AGENT .1.3.6.1.2.1.1.4 .1.3.6.1.2.1.1.5",
		"walk -v2c -c public AGENT .1.3.6.1.2.1.1.9.1.3",
		"walk -v1 -c public -Cp AGENT .1.3.6.1.2.1.1.9.1.3",
		"walk -v2c -c public -Cp AGENT .1.3.6.1.2.1.1.9.1.2",
		"walk -v2c -c public AGENT .1.3.6.1.2.1.1.5.0",
		"walk -v2c -c public AGENT .1.3.6.1.2.1.99",
		"walk -v2c -c public -CI AGENT .1.3.6.1.2.1.99",
		"walk -v2c -c public -Ci AGENT .1.3.6.1.2.1.1.5.0",
		"walk -v2c -c public -CE .1.3.6.1.2.1.1.6 AGENT .1.3.6.1.2.1.1.4",
		"walk -v2c -c public AGENT .1.3.6.1.6.3.16.1.5",
		"bulkwalk -v2c -c public -Cr3 AGENT .1.3.6.1.2.1.1.9.1.3",
		"bulkwalk -v2c -c public -Cp AGENT .1.3.6.1.2.1.1.9.1.2",
		"bulkwalk -v2c -c public AGENT .1.3.6.1.2.1.99",
		"set -v2c -c public AGENT .1.3.6.1.2.1.1.5.0 s x",
		"set -v2c -c private AGENT .1.3.6.1.2.1.1.3.0 t 1",
		"set -v2c -c private AGENT .1.3.6.1.4.1.8072.9999.9999.3.0 s abc",
		"set -v1 -c private AGENT .1.3.6.1.4.1.8072.9999.9999.3.0 s abc",
		"set -v2c -c private AGENT .1.3.6.1.4.1.8072.9999.9999.3.0 i -7",
		"set -v2c -c private -Cq AGENT .1.3.6.1.4.1.8072.9999.9999.3.0 i 9",
		"set -v2c -c private AGENT .1.3.6.1.4.1.8072.9999.9999.2.0 x 00ff80",
		"get -v3 -u sha256aes -l authPriv -a SHA-256 -A authpass1 -x AES -X privpass1 AGENT .1.3.6.1.2.1.1.5.0",
		"get -v3 -u md5des -l authPriv -a MD5 -A authpass1 -x DES -X privpass1 AGENT .1.3.6.1.2.1.1.5.0",
		"get -v3 -u sha512a256 -l ap -a SHA-512 -A authpass1 -x AES-256 -X privpass1 AGENT .1.3.6.1.2.1.1.5.0",
		"get -v3 -u sha256aes -l anp -a SHA-256 -A authpass1 AGENT .1.3.6.1.2.1.1.5.0",
		"get -v3 -u sha256aes -l nanp AGENT .1.3.6.1.2.1.1.5.0",
		"bulkwalk -v3 -u sha256aes -l authPriv -a SHA-256 -A authpass1 -x AES -X privpass1 AGENT .1.3.6.1.2.1.1.9.1.3",
		"get -v3 -u nobody -l noAuthNoPriv AGENT .1.3.6.1.2.1.1.5.0",
		"get -v3 -u sha256aes -l authNoPriv -a SHA-256 -A wrongpass1 AGENT .1.3.6.1.2.1.1.5.0",
	}
	for _, line := range tests {
		t.Run(line, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(line, "AGENT", agent))
			stdout, stderr, code := runPollux(t, args...)

			tool := tools[args[0]]
			cmd := exec.Command(tool, args[1:]...)
			var wantOut, wantErr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &wantOut, &wantErr
			cmd.Run()
			if stdout != wantOut.String() {
				t.Errorf("prints\n%s%s prints\n%s", stdout, tool, wantOut.String())
			}
			stderr = strings.ReplaceAll(stderr, "pollux "+args[0]+":", tool+":")
			if strings.TrimSpace(stderr) != strings.TrimSpace(wantErr.String()) {
				t.Errorf("says\n%s%s says\n%s", stderr, tool, wantErr.String())
			}
			if want := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("ends with %d, %s with %d", code, tool, want)
			}
		})
	}
}

// The other forms of output hold the same values.
func TestOutputForms(t *testing.T) {
	agent := startSNMPD(t)
	args := []string{"get", "-v2c", "-c", "public", agent, "sysName.0", "sysObjectID.0", "ifNumber.99", "--output"}
	stdout, stderr, code := runPollux(t, append(args, "json")...)
	var rows []struct {
		Name, OID, Type, Text string
		Value                 any
	}
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || code != 0 || stderr != "" || len(rows) != 3 {
		t.Fatalf("json: %v, code %d, %s\n%s", err, code, stderr, stdout)
	}
	if got, want := fmt.Sprint(rows), "[{SNMPv2-MIB::sysName.0 1.3.6.1.2.1.1.5.0 OctetString peer peer} "+
		"{SNMPv2-MIB::sysObjectID.0 1.3.6.1.2.1.1.2.0 OID NET-SNMP-TC::linux 1.3.6.1.4.1.8072.3.2.10} "+
		"{IF-MIB::ifNumber.99 1.3.6.1.2.1.2.1.99 noSuchInstance No Such Instance currently exists at this OID <nil>}]"; got != want {
		t.Errorf("json:\n got %s\nwant %s", got, want)
	}
	for form, want := range map[string]string{
		"csv":   "name,oid,type,value\nSNMPv2-MIB::sysName.0,1.3.6.1.2.1.1.5.0,OctetString,peer\n",
		"table": "NAME                       OID                 TYPE            VALUE\nSNMPv2-MIB::sysName.0      1.3.6.1.2.1.1.5.0   OctetString     peer\n",
		"text":  "SNMPv2-MIB::sysName.0 = STRING: peer\n",
	} {
		if stdout, stderr, code := runPollux(t, append(args, form)...); code != 0 || stderr != "" || !strings.HasPrefix(stdout, want) {
			t.Errorf("%s: code %d, %s\n%swant\n%s", form, code, stderr, stdout, want)
		}
	}
	if _, stderr, code := runPollux(t, append(args, "xml")...); code != 1 || !strings.Contains(stderr, "xml") {
		t.Errorf("xml: code %d, %q", code, stderr)
	}
}

// Mistakes in the command line say what is wrong and cost nothing.
func TestMistakes(t *testing.T) {
	tests := []struct{ line, want string }{
		{"get -v9 host .1", "Invalid version specified after -v flag: 9"},
		{"get -v2c host .1", "No community name specified."},
		{"get -v3 host .1", "No user (security name) specified."},
		{"get -v2c -c public", "Missing object name"},
		{"get -v2c -c public host", "Missing object name"},
		{"bulkwalk -v2c -c public", "No hostname specified."},
		{"get -w host .1", "unknown shorthand flag: 'w'"},
		{"get -v3 -u u -l some host .1", "Invalid security level specified after -l flag: some"},
		{"get -v3 -u u -a ROT13 -A authpass1 host .1", "Invalid authentication protocol specified after -a flag: ROT13"},
		{"get -v3 -u u -x ROT13 -X privpass1 host .1", "Invalid privacy protocol specified after -x flag: ROT13"},
		{"get -v3 -u u -a SHA -A short host .1", "passphrase chosen is below the length requirements"},
		{"get -v3 -u u -e 1 host .1", "Bad engine ID value after -e flag."},
		{"get -v3 -u u -Z 1 host .1", "Need engine boots and time after -Z flag"},
		{"get -v3 -u u -3x 00 host .1", "Unknown flag passed to -3: x"},
		{"get -v3 -u u -3m zz host .1", "Bad key value after -3 flag"},
		{"get -Cz -v2c -c public host .1.3", "Unknown flag passed to -C: z"},
		{"walk -Cr5 -v2c -c public host .1.3", "Unknown flag passed to -C: r"},
		{"bulkwalk -v1 -c public 127.0.0.1:9 .1.3", "Cannot send V2 PDU on V1 session"},
		{"set -v2c -c public 127.0.0.1:9 .1.3.0 i", ".1.3.0: Needs value"},
		{"set -v2c -c public 127.0.0.1:9 .1.3.0", ".1.3.0: Needs type and value"},
		{"set -v2c -c public 127.0.0.1:9 .1.3.0 i abc", ".1.3.0: Value out of range (abc)"},
		{"set -v2c -c public 127.0.0.1:9 .1.3.0 zz abc", ".1.3.0: Bad object type: zz"},
		{"trap -v2c -c public 127.0.0.1:9", "Missing system uptime parameter"},
		{"trap -v2c -c public 127.0.0.1:9 5", "Missing trap-oid parameter"},
		{"trap -v1 -c public 127.0.0.1:9 coldStart 1.2.3.4", "Missing generic-trap parameter"},
		{"inform -v1 -c public 127.0.0.1:9 5 coldStart", "Cannot send INFORM as SNMPv1 PDU"},
		{"get -v2c -c public no.such.host.invalid .1.3", "pollux get: Unknown host (no.such.host.invalid)"},
		{"dance", `unknown command "dance"`},
	}
	for _, tt := range tests {
		stdout, stderr, code := runPollux(t, strings.Fields(tt.line)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("pollux %s: code %d, stdout %q, stderr %q; want 1 and %q", tt.line, code, stdout, stderr, tt.want)
		}
	}
}

// The main job: without an agent, the program starts one and walks this
// machine.
func TestWalkThisMachine(t *testing.T) {
	stdout, stderr, code := runPollux(t, "walk")
	if code != 0 || !strings.HasPrefix(stderr, "pollux walk: no agent named; started one") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SNMPv2-MIB::sysDescr.0 = STRING: ", "SNMPv2-MIB::sysName.0 = STRING: " + name + "\n", "IF-MIB::ifNumber.0 = INTEGER: ", "IF-MIB::ifDescr."} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in what it prints:\n%.2000s", want, stdout)
		}
	}
	stdout, _, code = runPollux(t, "walk", "--output", "json")
	if !json.Valid([]byte(stdout)) || code != 0 {
		t.Errorf("code %d, JSON is valid: %v", code, json.Valid([]byte(stdout)))
	}
}
