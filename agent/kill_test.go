package agent

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// TestKill kills an agent at any moment of its start and of SETs that it keeps:
// boots never go back, and what was answered is there.
func TestKill(t *testing.T) {
	const env = "POLLUX_TEST_STORE"
	if path := os.Getenv(env); path != "" {
		killed(t, path)
		return
	}
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	path := filepath.Join(t.TempDir(), "state")
	var boots, serial int64
	for i := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), env+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(i%20)*time.Millisecond, func() { cmd.Process.Kill() })
		for sc := bufio.NewScanner(out); sc.Scan(); {
			var b, s int64
			if _, err := fmt.Sscanf(sc.Text(), "boots %d serial %d", &b, &s); err != nil {
				continue
			}
			if b < boots || s < serial {
				t.Fatalf("round %d: boots %d and serial %d after %d and %d", i, b, s, boots, serial)
			}
			boots, serial = b, s
		}
		cmd.Wait()
	}
	data, err := FileStore(path).Load()
	if err != nil {
		t.Fatal(err)
	}
	old, err := parseSaved(data)
	if err != nil || int64(old.boots) < boots || int64(old.number("setserialno")) < serial {
		t.Errorf("in the end: %v, boots %d and serial %d were told; saved is\n%s", err, boots, serial, data)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) > 2 {
		t.Errorf("%d files are left, want at most 2", len(files))
	}
	if boots < 2 || serial < 2 {
		t.Errorf("boots %d and serial %d: nothing was tried", boots, serial)
	}
	t.Logf("%d rounds: boots %d, serial %d", rounds, boots, serial)
}

// killed starts an agent and adds to a number that it keeps, until it is killed.
func killed(t *testing.T, path string) {
	a := newAgent(t, func(cfg *Config) { cfg.Store = FileStore(path) })
	serial := oidSerialNo.Append(0)
	n, _ := value(t, a, serial).Int64()
	boots, _ := value(t, a, oidEngine.Append(2, 0)).Int64()
	for {
		os.Stdout.WriteString("boots " + strconv.FormatInt(boots, 10) + " serial " + strconv.FormatInt(n, 10) + "\n")
		if got := set(t, a, snmp.VarBind{OID: serial, Value: snmp.IntegerValue(int32(n))}); got != "noError@0" {
			t.Fatal(got)
		}
		n++
	}
}
