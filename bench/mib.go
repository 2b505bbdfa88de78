package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// corpus holds directories with modules.
const corpus = "../../shared/mibs"

// mibRows compares whole processes that load all modules there are and print one
// name: snmptranslate, and ours without and with what an earlier one has left in
// its cache. There are no rows where the modules or snmptranslate are missing.
func mibRows(b *bench) ([]row, error) {
	dirs, err := filepath.Glob(corpus + "/*")
	if err != nil || len(dirs) == 0 {
		fmt.Println("mib: skipped, there are no modules in", corpus)
		return nil, nil
	}
	theirs, err := exec.LookPath("snmptranslate")
	if err != nil {
		fmt.Println("mib: skipped, snmptranslate is not installed")
		return nil, nil
	}
	files := 0
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		files += len(entries)
	}
	ours := filepath.Join(b.dir, "pollux")
	build := exec.Command("go", "build", "-o", ours, "./cmd/pollux")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	cache := filepath.Join(b.dir, "cache")
	// load runs a program for d, and returns how many files a second it got
	// through.
	load := func(d time.Duration, program []string, before func() error) (float64, error) {
		var spent time.Duration
		n := 0
		for ; spent < d; n++ {
			if err := before(); err != nil {
				return 0, err
			}
			cmd := exec.Command(program[0], append(program[1:], "-m", "ALL", "-M", strings.Join(dirs, ":"), "-On", "IF-MIB::ifDescr.1")...)
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "SNMPCONFPATH="+b.dir, "SNMP_PERSISTENT_DIR="+b.dir)
			start := time.Now()
			out, err := cmd.Output()
			spent += time.Since(start)
			if err != nil || !bytes.Equal(out, []byte(".1.3.6.1.2.1.2.2.1.2.1\n")) {
				return 0, fmt.Errorf("%s: %w\n%s", program[0], err, out)
			}
		}
		return float64(n*files) / spent.Seconds(), nil
	}
	nothing := func() error { return nil }
	forget := func() error { return os.RemoveAll(cache) }
	return []row{
		{"snmptranslate -m ALL", func(d time.Duration) (float64, error) { return load(d, []string{theirs}, nothing) }},
		{"pollux translate -m ALL, the first time", func(d time.Duration) (float64, error) {
			return load(d, []string{ours, "translate"}, forget)
		}},
		{"pollux translate -m ALL, from the cache", func(d time.Duration) (float64, error) {
			return load(d, []string{ours, "translate"}, nothing) // the row before has left one
		}},
	}, nil
}
