package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A watched buffer is written by a daemon and read by a test.
type watched struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// wait waits until the log has n times text.
func (w *watched) wait(t *testing.T, text string, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); strings.Count(w.String(), text) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q, %d times, in the log:\n%s", text, n, w)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)
}

// startAgent runs "pollux agent" until stop, which returns its exit code.
func startAgent(t *testing.T, args ...string) (addr string, log *watched, stop func() int) {
	t.Helper()
	addr = "127.0.0.1:" + freePort(t)
	log = &watched{}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- run(ctx, append(append([]string{"agent"}, args...), "udp:"+addr), log, log) }()
	stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { stop() })
	log.wait(t, "NET-SNMP version", 1)
	return addr, log, stop
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask runs one of Debian's programs.
func ask(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s", name)
	}
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "cert_indexes"), 0o700) // or they say that they make it
	cmd := exec.Command(path, append([]string{"-On", "-t", "1", "-r", "2"}, args...)...)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
	out, _ := cmd.CombinedOutput()
	return strings.TrimSpace(string(out))
}

const agentConf = `
sysLocation  here
sysContact me
sysName one
rocommunity public 127.0.0.1
rocommunity narrow default .1.3.6.1.2.1.1.5
rocommunity far 192.0.2.0/24
com2sec rw default private
group rwG v2c rw
view all included .1
view all excluded .1.3.6.1.2.1.1.4
access rwG "" any noauth exact all all none
createUser u SHA-256 authpass1 AES privpass1
rouser u priv
extend hello /bin/echo
authtrapenable 1
`

const sysNameOID, sysContactOID, sysLocationOID = ".1.3.6.1.2.1.1.5.0", ".1.3.6.1.2.1.1.4.0", ".1.3.6.1.2.1.1.6.0"

func TestAgentServes(t *testing.T) {
	dir := t.TempDir()
	conf := writeFile(t, filepath.Join(dir, "snmpd.conf"), agentConf)
	pid := filepath.Join(dir, "pid")
	addr, log, stop := startAgent(t, "-f", "-C", "-c", conf, "-p", pid, "-r", "-DALL", "-Le", "--sysName=two")
	if got, _ := os.ReadFile(pid); strings.TrimSpace(string(got)) != strconv.Itoa(os.Getpid()) {
		t.Errorf("the file of -p has %q", got)
	}
	if want := conf + ":15: extend: not served yet, skipped"; !strings.Contains(log.String(), want) {
		t.Errorf("log = %s, want %q", log, want)
	}
	v3 := "-v3 -u u -l authPriv -a SHA-256 -A authpass1 -x AES -X privpass1"
	tests := []struct{ program, opts, args, want string }{
		{"snmpget", "-v1 -c public", sysNameOID, sysNameOID + ` = STRING: "two"`},
		{"snmpget", "-v2c -c public", sysLocationOID, sysLocationOID + ` = STRING: "here"`},
		{"snmpget", v3, sysContactOID, sysContactOID + ` = STRING: "me"`},
		{"snmpwalk", "-v2c -c narrow -Oqv", ".1.3.6.1.2.1.1", "\"two\"\nNo more variables left"},
		{"snmpget", "-v2c -c far -t0.2 -r0", sysNameOID, "Timeout: No Response from " + addr + "."},
		{"snmpget", "-v2c -c nobody -t0.2 -r0", sysNameOID, "Timeout: No Response from " + addr + "."},
		{"snmpget", "-v2c -c private", sysContactOID, sysContactOID + " = No Such Object available on this agent at this OID"},
		{"snmpget", "-v2c -c public -Oqv", ".1.3.6.1.2.1.11.30.0", "1"}, // snmpEnableAuthenTraps
		{"snmpset", "-v2c -c private", sysLocationOID + " s there", sysLocationOID + ` = STRING: "there"`},
		{"snmpget", "-v2c -c public", sysLocationOID, sysLocationOID + ` = STRING: "there"`},
		{"snmpset", "-v2c -c public", sysLocationOID + " s x", "Reason: authorizationError"},
		{"snmpget", "-v3 -u u -l authNoPriv -a SHA-256 -A authpass1", sysNameOID, "Reason: authorizationError"},
	}
	for _, tt := range tests {
		args := append(append(strings.Fields(tt.opts), addr), strings.Fields(tt.args)...)
		if got := ask(t, tt.program, args...); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %s = %q, want %q", tt.program, tt.opts, tt.args, got, tt.want)
		}
	}
	if code := stop(); code != 0 {
		t.Errorf("exit code = %d, want 0; log: %s", code, log)
	}
	if _, err := os.Stat(pid); !os.IsNotExist(err) {
		t.Errorf("the file of -p is still there: %v", err)
	}
}

func TestAgentRereads(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SNMPCONFPATH", dir)
	t.Setenv("SNMP_PERSISTENT_DIR", filepath.Join(dir, "state"))
	conf := writeFile(t, filepath.Join(dir, "snmpd.conf"), agentConf)
	addr, log, _ := startAgent(t)
	name := func(community, want string) {
		t.Helper()
		if got := ask(t, "snmpget", "-v2c", "-c", community, "-Oqv", "-t0.5", addr, sysNameOID); !strings.Contains(got, want) {
			t.Errorf("sysName = %q, want %q; log: %s", got, want, log)
		}
	}
	state := func() (boots, id string) {
		b, err := os.ReadFile(filepath.Join(dir, "state", "pollux-agent.conf"))
		f := strings.Fields(string(b))
		if err != nil || len(f) < 4 {
			t.Fatalf("what is kept = %q, %v", b, err)
		}
		return f[1], f[3]
	}
	name("public", "one")
	_, id := state()

	writeFile(t, conf, "rocommunity other\nsysName three\n")
	hangup := func() {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGHUP)
		}
		if err != nil {
			t.Skip(err) // Windows has no such signal
		}
	}
	hangup()
	log.wait(t, "version 5.9 restarted", 1)
	name("other", "three")
	name("public", "Timeout")
	if boots, again := state(); boots != "2" || again != id {
		t.Errorf("after SIGHUP boots, ID = %s, %s, want 2, %s", boots, again, id)
	}

	// A mistake leaves all as it was.
	writeFile(t, conf, "rocommunity public\nrouser u high\n")
	hangup()
	log.wait(t, conf+":2: rouser: ", 1)
	name("other", "three")
	name("public", "Timeout")
}

// With -C and no engine ID in the files, the engine remains over SIGHUP.
func TestAgentFence(t *testing.T) {
	d := &daemon{only: true, log: &watched{}}
	d.directives = nil
	cfg, err := d.configure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.start(cfg); err != nil {
		t.Fatal(err)
	}
	first, old := string(d.memory.data), d.store
	if cfg, err = d.configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.start(cfg); err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(first, "engineBoots 1", "engineBoots 2", 1); string(d.memory.data) != want {
		t.Errorf("kept = %q, want %q", d.memory.data, want)
	}
	if err := old.Save([]byte(first)); err == nil {
		t.Error("the former agent could save its boots")
	}
}

func TestAgentStartsNot(t *testing.T) {
	dir := t.TempDir()
	bad := writeFile(t, filepath.Join(dir, "bad.conf"), "sysName x\ncom2sec a b\n")
	tests := []struct {
		args string
		want string
	}{
		{"-C -c " + bad, bad + ":2: com2sec: want [-Cn CONTEXT] NAME SOURCE COMMUNITY"},
		{"-C -c" + bad + ".no", "no such file"},
		{"-C --rocommunity", "a directive is --NAME=VALUE"},
		{"-C --rouser=u,high --sysServices=x", "command line:1: sysServices: want a number"},
		{"-Z", "Unknown option -Z."},
		{"-c", "Option -c lacks a value."},
		{"-Lq", "Unknown destination -Lq"},
		{"-C -p " + dir + "/no/pid udp:127.0.0.1:0", "no/pid"},
		{"-C udp:127.0.0.1:99999", "99999"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"agent"}, strings.Fields(tt.args)...), &out, &out); code != 1 || !strings.Contains(out.String(), tt.want) {
			t.Errorf("agent %s = %d, %q, want 1, %q", tt.args, code, &out, tt.want)
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"agent", "-v"}, &out, &out); code != 0 || out.String() != versionLine+"\n" {
		t.Errorf("agent -v = %d, %q", code, &out)
	}
	if code := run(t.Context(), []string{"agent", "-h"}, &out, &out); code != 0 || !strings.Contains(out.String(), "stay in front") {
		t.Errorf("agent -h = %d, %q", code, &out)
	}
}

// The file that the peer of the interoperation tests runs with.
func TestAgentSample(t *testing.T) {
	conf := filepath.FromSlash("../../../shared/samples/snmpd.conf")
	if _, err := os.Stat(conf); err != nil {
		t.Skip("no sample")
	}
	addr, log, _ := startAgent(t, "-C", "-c", conf, "-d")
	tests := []struct{ opts, want string }{
		{"-v1 -c public", "peer"},
		{"-v2c -c private", "peer"},
		{"-v3 -u noauth -l noAuthNoPriv", "peer"},
		{"-v2c -c ctxcomm -t0.2 -r0", "Timeout"}, // nothing has that context
	}
	for _, u := range []string{"md5des MD5 DES", "shaaes SHA AES", "sha224aes SHA-224 AES", "sha384a192 SHA-384 AES-192", "sha512a256 SHA-512 AES-256", "shaa256c SHA AES-256-C"} {
		f := strings.Fields(u)
		tests = append(tests, struct{ opts, want string }{"-v3 -l authPriv -u " + f[0] + " -a " + f[1] + " -A authpass1 -x " + f[2] + " -X privpass1", "peer"})
	}
	for _, tt := range tests {
		if got := ask(t, "snmpget", append(strings.Fields(tt.opts), "-Oqv", addr, sysNameOID)...); !strings.Contains(got, tt.want) {
			t.Errorf("snmpget %s = %q, want %q", tt.opts, got, tt.want)
		}
	}
	for _, want := range []string{"com2secunix: not served yet", "proxy: not served yet", "Received "} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}
