package mib

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// These tests hold package mib against Net-SNMP's snmptranslate, where that and
// the modules are installed.

func needTranslate(t *testing.T) {
	needCorpus(t)
	if _, err := exec.LookPath("snmptranslate"); err != nil {
		t.Skip("snmptranslate is not there")
	}
	t.Setenv("SNMPCONFPATH", t.TempDir())
	t.Setenv("SNMP_PERSISTENT_DIR", t.TempDir())
}

func translate(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("snmptranslate", append([]string{"-M", strings.Join(corpus, ":")}, args...)...)
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("snmptranslate %v: %v", args, err)
	}
	return string(out)
}

func corpusSet(t *testing.T) *Set {
	s, err := Load(&Config{Dirs: corpus, Modules: []string{"ALL"}, Level: Normal})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// firstDifference returns the first lines that differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got " + g[i] + "\nwant " + w[i]
		}
	}
	return "one ends before the other"
}

func TestReportsOfNetSNMP(t *testing.T) {
	needTranslate(t)
	s := corpusSet(t)
	for _, tt := range []struct {
		letters string
		width   int
		args    []string
	}{
		{"z", 0, []string{"-Tz"}}, {"p", 0, []string{"-Tp"}}, {"p", 70, []string{"-Tp", "-w", "70"}},
		{"a", 0, []string{"-Ta"}}, {"l", 0, []string{"-Tl"}}, {"o", 0, []string{"-To"}}, {"s", 0, []string{"-Ts"}},
		{"t", 0, []string{"-Tt"}}, {"lo", 0, []string{"-Tlo"}},
	} {
		var b bytes.Buffer
		r := Translation{Reports: tt.letters, Width: tt.width, Printer: Printer{Set: s}}
		r.Write(&b, "")
		if want := translate(t, append([]string{"-m", "ALL"}, tt.args...)...); b.String() != want {
			t.Errorf("-T%s differs: %s", tt.letters, firstDifference(b.String(), want))
		}
	}
}

// TestDetailsOfNetSNMP compares 300 definitions, the same ones in each run.
func TestDetailsOfNetSNMP(t *testing.T) {
	needTranslate(t)
	s := corpusSet(t)
	var oids []string
	for n := range s.Nodes() {
		if o := n.OID(); !o.IsZero() {
			oids = append(oids, "."+o.String())
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(oids), func(i, j int) { oids[i], oids[j] = oids[j], oids[i] })
	oids = oids[:300]
	for _, width := range []string{"0", "72"} {
		tr := Translation{Reports: "d", Printer: Printer{Set: s}}
		args := []string{"-m", "ALL", "-Td"}
		if width != "0" {
			tr.Width = 72
			args = append(args, "-w", width)
		}
		var b bytes.Buffer
		for i, o := range oids {
			if i > 0 {
				b.WriteByte('\n')
			}
			if err := tr.Write(&b, o); err != nil {
				t.Fatal(err)
			}
		}
		if want := translate(t, append(args, oids...)...); b.String() != want {
			t.Errorf("-Td -w %s differs: %s", width, firstDifference(b.String(), want))
		}
	}
}

func TestFormsOfNetSNMP(t *testing.T) {
	needTranslate(t)
	s := corpusSet(t)
	names := []string{
		"IF-MIB::ifDescr", ".1.3.6.1.2.1.2.2.1.2.1", ".1.3.6.1.6.3.16.1.5.2.1.3.5.95.97.108.108.95.1.1",
		".1.3.6.1.4.1.99999.1.2", "1.3.6.1.2.1.4.34.1.3.1.4.127.0.0.1", "1.3.6.1.2.1.4.34.1.3.2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1",
		".iso.org.dod.internet.mgmt.mib-2.system.sysDescr.0", `SNMP-VIEW-BASED-ACM-MIB::vacmAccessContextMatch."roG"."".0.noAuthNoPriv`,
		"1.3.6.1.2.1.16.1.1.1.1.3", ".1.3.6.1.2.1.2.2.1.99.1", ".1.3.6.1.2.1.2.2.1.2.1.5.6", ".1.3.6.1.2.1.1.3.0",
		`NET-SNMP-EXTEND-MIB::nsExtendOutput1Line."foo bar"`, "1.2.3", ".0.0", ".2.5", "iso.3.6.1.2.1", ".1", ".1.3", "1",
		"1.3.6.1.6.3.15.1.2.2.1.3.5.128.0.0.0.1.4.117.115.101.114", "RFC1213-MIB::mib-2.5", "IF-MIB::ifEntry.2.3",
		"1.3.6.1.2.1.17.7.1.2.2.1.2.1.0.1.2.3.4.5", "Q-BRIDGE-MIB::dot1qTpFdbPort.1.'0:1:2:3:4:5'", "1.3.6.1.2.1.31.1.2.1.3.0.1",
		".1.3.6.1.2.1.88.1.2.2.1.3.5.115.110.109.112.100.7.95.109.116.101.95.49.46", "1.3.6.1.2.1.4.24.4.1.1.10.0.0.0.255.0.0.0.0.192.168.1.1",
		"1.3.6.1.2.1.4.24.7.1.7.1.4.10.0.0.0.24.3.0.0.1.1.4.192.168.1.1", "IF-MIB::ifIndex.0x10", "IF-MIB::ifIndex.010",
	}
	for _, opts := range []string{"S", "n", "f", "s", "u", "X", "b", "E", "Xs", "Xf"} {
		var b bytes.Buffer
		tr := Translation{Printer: Printer{Set: s}}
		tr.Printer.SetOptions(opts)
		for i, name := range names {
			if i > 0 {
				b.WriteByte('\n')
			}
			if err := tr.Write(&b, name); err != nil {
				t.Fatalf("Write(%s) error = %v", name, err)
			}
		}
		want := translate(t, append([]string{"-m", "ALL", "-O" + opts}, names...)...)
		if b.String() != want {
			t.Errorf("-O%s differs: %s", opts, firstDifference(b.String(), want))
		}
	}
}

// TestMatchesOfNetSNMP compares what regular expressions find (-TB).
func TestMatchesOfNetSNMP(t *testing.T) {
	needTranslate(t)
	s := corpusSet(t)
	for _, pattern := range []string{"^ifT", "type$", "if", "HC", "IfT", "nope", "[0-9]$"} {
		var b bytes.Buffer
		tr := Translation{Reports: "B", Printer: Printer{Set: s}}
		if err := tr.Write(&b, pattern); err != nil {
			t.Errorf("Write(%q) error = %v", pattern, err)
		}
		if want := translate(t, "-m", "ALL", "-TB", pattern); b.String() != want {
			t.Errorf("-TB %s differs: %s", pattern, firstDifference(b.String(), want))
		}
	}
}

var pieces = regexp.MustCompile(`"[^"]*"|--[^\n]*|[A-Za-z0-9_-]+|::=|\.\.|\s+|.`)

// TestMutantsOfNetSNMP breaks modules of the corpus at random and compares what
// both make of them: the names must be the same on level Normal, and level
// Permissive must not have fewer.
func TestMutantsOfNetSNMP(t *testing.T) {
	needTranslate(t)
	if testing.Short() {
		t.Skip("takes seconds")
	}
	junk := []string{"_", "--", "-----", `"`, "{", "}", "(", ")", ",", ";", "::=", "OBJECT-TYPE", "END", "SYNTAX", "'ff'h", "INTEGER",
		"BEGIN", "FROM", "IMPORTS", "SIZE", "|", "OCTET STRING", "Foo", "MACRO", "\xe9", "TRAP-TYPE", "DEFINITIONS", "[", ":", "-1"}
	dir := t.TempDir()
	files, _ := filepath.Glob(corpus[0] + "/*-MIB.txt")
	r := rand.New(rand.NewPCG(3, 4))
	lost, all := 0, 0
	for range 60 {
		name := files[r.IntN(len(files))]
		text, err := os.ReadFile(name)
		if err != nil || len(text) > 60000 {
			continue
		}
		words := pieces.FindAllString(string(text), -1)
		for range 1 + r.IntN(3) {
			i, j := r.IntN(len(words)), r.IntN(len(words))
			switch x := junk[r.IntN(len(junk))]; r.IntN(5) {
			case 0:
				words[i] = ""
			case 1:
				words[i] = x
			case 2:
				words[i] = x + " " + words[i]
			case 3:
				words[i] += " " + words[i]
			case 4:
				words[i], words[j] = words[j], words[i]
			}
		}
		mutant := strings.Join(words, "")
		if err := os.WriteFile(filepath.Join(dir, "mutant"), []byte(mutant), 0o666); err != nil {
			t.Fatal(err)
		}
		module := strings.TrimSuffix(filepath.Base(name), ".txt")
		out, _ := exec.Command("snmptranslate", "-M", strings.Join(append(slices.Clone(corpus), dir), ":"), "-m", module, "-Tz").Output()
		var got bytes.Buffer
		s, _ := Load(&Config{Dirs: append(slices.Clone(corpus), dir), Modules: []string{module}, Level: Normal})
		(&Translation{Reports: "z", Printer: Printer{Set: s}}).Write(&got, "")
		if got.String() != string(out) {
			t.Errorf("a mutant of %s differs: %s", module, firstDifference(got.String(), string(out)))
		}
		got.Reset()
		s, _ = Load(&Config{Dirs: append(slices.Clone(corpus), dir), Modules: []string{module}})
		(&Translation{Reports: "z", Printer: Printer{Set: s}}).Write(&got, "")
		have := map[string]bool{}
		for line := range strings.Lines(got.String()) {
			have[line] = true
		}
		for line := range strings.Lines(string(out)) {
			all++
			if !have[line] {
				lost++
			}
		}
	}
	if lost*1000 > all {
		t.Errorf("level Permissive lacks %d of %d names that Net-SNMP has", lost, all)
	}
}
