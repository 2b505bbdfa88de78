// Command bench measures Pollux beside what it is compared with, in one run,
// on the loopback interface: a C program that does nothing but move datagrams
// (raw/raw.c, which needs a C compiler), gosnmp, and Net-SNMP's snmptranslate.
//
//	go run . [-rounds 5] [-seconds 2] [role|agent|mib …]
//
// Every round measures each row once, one after the other; the figures are the
// medians, and the ratios the medians of the ratios within a round, since the
// speed of a shared machine drifts. Nothing else should run meanwhile.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	rounds  = flag.Int("rounds", 5, "rounds to measure")
	seconds = flag.Float64("seconds", 2, "duration of one measurement")
)

// A row is one thing to measure: run returns how many it did in a second.
type row struct {
	name string
	run  func(d time.Duration) (float64, error)
}

// A suite is a table of rows. The first one is what the others are compared
// with.
type suite struct {
	name, title string
	rows        func(b *bench) ([]row, error)
}

var suites = []suite{
	{"role", "exchanges a second, one process that asks, raw.c answers", roleRows},
	{"agent", "answers a second, raw.c asks with 256 in flight", agentRows},
	{"client", "requests a second, raw.c answers", clientRows},
	{"one", "requests a second, one at a time, raw.c answers", oneRows},
	{"walk", "rows a second of a table of 100,000, an agent in the same process", walkRows},
	{"poll", "targets a second, of 10,000 with one in ten dead, an agent in the same process", pollRows},
	{"mib", "module files a second, one process that loads all of them and prints a name", mibRows},
}

func main() {
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(names []string) error {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.close()
	for _, s := range append(suites, codecSuites()...) {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		rows, err := s.rows(b)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			continue // it has said why
		}
		if err := measure(s.title, rows); err != nil {
			return err
		}
	}
	return nil
}

// measure runs the rows in turn, and prints a table.
func measure(title string, rows []row) error {
	fmt.Printf("%s\n(median of %d rounds of %v s each)\n", title, *rounds, *seconds)
	results := make([][]float64, len(rows))
	ratios := make([][]float64, len(rows))
	for range *rounds {
		for i, r := range rows {
			n, err := r.run(time.Duration(*seconds * float64(time.Second)))
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			results[i] = append(results[i], n)
			ratios[i] = append(ratios[i], n/results[0][len(results[0])-1])
		}
	}
	for i, r := range rows {
		lo, hi := slices.Min(ratios[i]), slices.Max(ratios[i])
		fmt.Printf("  %-50s %9.0f/s  ratio %.2f  (%.2f to %.2f)\n", r.name, median(results[i]), median(ratios[i]), lo, hi)
	}
	fmt.Println()
	return nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// A bench holds the C program and those that run.
type bench struct {
	dir     string
	raw     string
	started []*os.Process
}

func newBench() (*bench, error) {
	dir, err := os.MkdirTemp("", "pollux-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, raw: filepath.Join(dir, "raw")}
	out, err := exec.Command("cc", "-O2", "-o", b.raw, "raw/raw.c").CombinedOutput()
	if err != nil {
		b.close()
		return nil, fmt.Errorf("cc raw/raw.c: %w\n%s", err, out)
	}
	return b, nil
}

func (b *bench) close() {
	for _, p := range b.started {
		p.Kill()
		p.Wait()
	}
	os.RemoveAll(b.dir)
}

// answer starts raw.c on a free port. It ends with this process.
func (b *bench) answer() (port int, err error) {
	port, err = freePort()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(b.raw, "answer", strconv.Itoa(port))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	b.started = append(b.started, cmd.Process)
	_, err = bufio.NewReader(out).ReadString('\n')
	return port, err
}

// ask lets raw.c ask what listens at port.
func (b *bench) ask(port, window int, d time.Duration) (float64, error) {
	out, err := exec.Command(b.raw, "ask", strconv.Itoa(port), strconv.Itoa(window), fmt.Sprint(d.Seconds())).Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func freePort() (int, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port, nil
}
