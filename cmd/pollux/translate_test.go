package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// acmeModule has one definition that is right, and mistakes.
const acmeModule = `ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS MODULE-IDENTITY, OBJECT-TYPE, enterprises, Integer32 FROM SNMPv2-SMI;
acme OBJECT IDENTIFIER ::= { enterprises 99999 }
acmeColour OBJECT-TYPE SYNTAX INTEGER { red(1), green(2) } MAX-ACCESS read-write STATUS current
	DESCRIPTION "Of the paint." REFERENCE "A book." ::= { acme 3 }
acmeBad OBJECT-TYPE SYNTAX Integer32 MAX-ACCESS read-onyl STATUS current DESCRIPTION "" ::= { acme 4 }
acmeLost OBJECT IDENTIFIER ::= { nowhere 1 }
END
`

// acmeFile writes the module, and sees to it that nothing else is read.
func acmeFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("MIBDIRS", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	os.Unsetenv("MIBS")
	file := filepath.Join(dir, "ACME-MIB.txt")
	if err := os.WriteFile(file, []byte(acmeModule), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTranslate(t *testing.T) {
	file := acmeFile(t)
	dir := filepath.Dir(file)
	tests := []struct {
		line, stdout, stderr string
		code                 int
	}{
		{"translate -On IF-MIB::ifDescr.1", ".1.3.6.1.2.1.2.2.1.2.1\n", "", 0},
		{"translate .1.3.6.1.2.1.1.5.0 -Os sysUpTime", "sysName.0\n\n", "sysUpTime: Unknown Object Identifier (Sub-id not found: (top) -> sysUpTime)\n", 2},
		{"translate -IR nope sysUpTime", "", "Unknown object identifier: nope\n", 2},
		{"translate -TB nope$", "", "Unable to find a matching object identifier for \"nope$\"\n", 1},
		{"translate -Ib nope$", "", "Unable to find a matching object identifier for \"nope$\"\n", 1},
		{"translate -M DIR -On ACME-MIB::acmeColour", ".1.3.6.1.4.1.99999.3\n", "", 0}, // its module is looked for
		{"translate -m FILE .1.3.6.1.4.1.99999.3.0", "ACME-MIB::acmeColour.0\n", "", 0},
		{"translate -m +FILE -IR acmeColour ifDescr", "ACME-MIB::acmeColour\n\nIF-MIB::ifDescr\n", "", 0},
		{"translate -m FILE:NOPE-MIB acmeColour -IR", "ACME-MIB::acmeColour\n", "pollux translate: NOPE-MIB: no file of the MIB directories has it\n", 0},
		{"translate", "", "Missing object name\nTry \"pollux translate --help\".\n", 1},
		{"translate -Td", "", "Missing object name\nTry \"pollux translate --help\".\n", 1},
		{"translate -Ty .1.3", "", "unknown letter \"y\" in option -T\nTry \"pollux translate --help\".\n", 1},
		{"translate -Oy .1.3", "", "unknown letter \"y\" in option -O\nTry \"pollux translate --help\".\n", 1},
		{"translate -v2c .1.3", "", "unknown shorthand flag: 'v' in -v2c\nTry \"pollux translate --help\".\n", 1},
	}
	for _, tt := range tests {
		args := strings.Fields(strings.NewReplacer("FILE", file, "DIR", dir).Replace(tt.line))
		stdout, stderr, code := runPollux(t, args...)
		if stdout != tt.stdout || stderr != tt.stderr || code != tt.code {
			t.Errorf("pollux %s: code %d, stdout %q, stderr %q; want %d, %q, %q", tt.line, code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
		}
	}
	if stdout, _, code := runPollux(t, "translate", "", "-m", ""); stdout != "" || code != 2 {
		t.Errorf("an empty name: code %d, stdout %q; want 2 and nothing", code, stdout)
	}
}

// -m is heeded by commands that speak to an agent, too.
func TestModulesOfGet(t *testing.T) {
	file := acmeFile(t)
	for name, want := range map[string]string{"acmeColour.0": "127.0.0.1:9", "acmeNone.0": "Unknown Object Identifier"} {
		_, stderr, code := runPollux(t, "get", "-m", file, "-v2c", "-c", "public", "-r0", "-t0.1", "127.0.0.1:9", name)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("get %s: code %d, %q; want 1 and %q", name, code, stderr, want)
		}
	}
}

// translate prints what snmptranslate prints, on the same streams, with the same
// exit code.
func TestLikeSNMPTranslate(t *testing.T) {
	if _, err := exec.LookPath("snmptranslate"); err != nil {
		t.Skip("snmptranslate is not installed")
	}
	const corpus = "../../../shared/mibs"
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the modules are not there")
	}
	t.Setenv("SNMPCONFPATH", t.TempDir())
	t.Setenv("SNMP_PERSISTENT_DIR", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("MIBDIRS", corpus+"/ietf:"+corpus+"/net-snmp")
	tests := []string{
		"-m ALL -Tz",
		"-m ALL -Tz", // from the cache
		"-m ALL -Tp -w 70",
		"-m ALL -Tlo",
		"-m ALL -Td IF-MIB::ifOperStatus SNMPv2-MIB::coldStart",
		"-m ALL -Td -w 60 -On IF-MIB::ifEntry",
		"-m ALL -Tp -IR ifXTable",
		"-m ALL -TB nope",
		"-m ALL -Ib nope",
		"-m ALL -Of .1.3.6.1.2.1.2.2.1.2.1",
		"-m SNMPv2-SMI -Tl",
		"-m SNMPv2-SMI:SNMPv2-MIB -Tosz",
		"-m IF-MIB -Ta",
		"-m IF-MIB -Tt",
		"-m IF-MIB -Tz IF-MIB::ifType",
		"-m IF-MIB ifDescr",
		"-m IF-MIB IF-MIB::ifDescr bogus IF-MIB::ifType",
		"-m IF-MIB -IR bogus ifType",
		"-m IF-MIB -Ib bog[us ifType",
		"-m IF-MIB -TB bogus ifType",
		"-m IF-MIB -TB -Td ^ifType$",
		"-m IF-MIB -Os -Ib ifHC.*oct",
		"-m IF-MIB -Tp UDP-MIB::udp IF-MIB::ifIndex",
		"-m IF-MIB -OX IF-MIB::ifStackStatus.1.2",
		"-m IF-MIB -M " + corpus + "/ietf -On IF-MIB::ifDescr",
		"-m IF-MIB -M +" + corpus + "/ietf -On IF-MIB::ifDescr",
		"-m " + corpus + "/ietf/IF-MIB.txt -On IF-MIB::ifDescr",
	}
	for _, line := range tests {
		t.Run(line, func(t *testing.T) {
			stdout, stderr, code := runPollux(t, append([]string{"translate"}, strings.Fields(line)...)...)
			cmd := exec.Command("snmptranslate", strings.Fields(line)...)
			var wantOut, wantErr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &wantOut, &wantErr
			cmd.Run()
			if stdout != wantOut.String() {
				t.Errorf("prints %d bytes\n%.1000s\nsnmptranslate prints %d\n%.1000s", len(stdout), stdout, wantOut.Len(), wantOut.String())
			}
			// What is wrong with the modules themselves is for mib lint.
			if code != 0 && stderr != wantErr.String() && !strings.Contains(line, "ALL") {
				t.Errorf("says\n%ssnmptranslate says\n%s", stderr, wantErr.String())
			}
			if want := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("ends with %d, snmptranslate with %d", code, want)
			}
		})
	}
}

func TestMIBLint(t *testing.T) {
	file := acmeFile(t)
	stdout, stderr, code := runPollux(t, "mib", "lint", file)
	want := file + `:6:49: error: no such access ("read-onyl")
` + file + `:7:1: error: the parent nowhere is not known ("acmeLost")
2 errors, 0 warnings
`
	if stdout != want || stderr != "" || code != 1 {
		t.Errorf("mib lint: code %d, stderr %q\n%swant 1 and\n%s", code, stderr, stdout, want)
	}
	if all, _, code := runPollux(t, "mib", "lint", filepath.Dir(file)); all != stdout || code != 1 {
		t.Errorf("mib lint of the directory: code %d and\n%swant 1 and\n%s", code, all, stdout)
	}
	stdout, stderr, code = runPollux(t, "mib", "lint", "--output", "json", file)
	var list []struct {
		File           string
		Line, Column   int
		Severity, Text string
	}
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list) != 2 || list[0].Line != 6 || list[0].Text != "read-onyl" || list[0].Severity != "error" || code != 1 {
		t.Errorf("mib lint --output json: code %d, %v, %s\n%s", code, err, stderr, stdout)
	}
	right := strings.NewReplacer("read-onyl", "read-only", "nowhere", "acme").Replace(acmeModule)
	if err := os.WriteFile(file, []byte(right), 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := runPollux(t, "mib", "lint", file); stdout+stderr != "" || code != 0 {
		t.Errorf("mib lint of a module that is right: code %d, %q, %q", code, stdout, stderr)
	}
	// A module that is built in, too, says nothing twice.
	again := "UDP-MIB DEFINITIONS ::= BEGIN IMPORTS mib-2 FROM SNMPv2-SMI;\nudp OBJECT IDENTIFIER ::= { mib-2 7 }\nEND\n"
	if err := os.WriteFile(file, []byte(again), 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := runPollux(t, "mib", "lint", file); stdout+stderr != "" || code != 0 {
		t.Errorf("mib lint of a module that is built in: code %d, %q, %q", code, stdout, stderr)
	}
}

func TestMIB(t *testing.T) {
	file := acmeFile(t)
	dir := filepath.Dir(file)
	tests := []struct {
		line string
		want string // a part of what it prints
		code int
	}{
		{"mib tree -m FILE ACME-MIB::acme", "+--acme(99999)\n   |\n   +-- -RW- EnumVal   acmeColour(3)\n", 0},
		{"mib tree ifXTable", "+--ifXTable(1)\n", 0},
		{"mib tree nothing", "nothing: Unknown Object Identifier", 1},
		{"mib find -m FILE colour", "ACME-MIB::acmeColour\t.1.3.6.1.4.1.99999.3\tINTEGER\n", 0},
		{"mib find 1.3.6.1.2.1.1.3", "SNMPv2-MIB::sysUpTime\t.1.3.6.1.2.1.1.3\tTimeTicks\n", 0},
		{"mib find --texts -M DIR paint", "ACME-MIB::acmeColour\t", 0},
		{"mib find -M DIR -m ALL paint", "Nothing found for \"paint\"\n", 1},
		{"mib find", "Missing what to look for\n", 1},
		{"mib show -M DIR ACME-MIB::acmeColour", "  DESCRIPTION\t\"Of the paint.\"\n", 0},
		{"mib show -m FILE acmeColour", "Reference \"A book.\"\n", 0},
		{"mib show", "Missing object name\nTry \"pollux mib show --help\".\n", 1},
		{"mib dump -M DIR ACME-MIB", `{"oid":"1.3.6.1.4.1.99999.3","name":"acmeColour","module":"ACME-MIB","type":"INTEGER","access":"read-write",`, 0},
		{"mib dump --texts -M DIR ACME-MIB", `"description":"Of the paint.","reference":"A book."}`, 0},
		{"mib dump NOPE-MIB", "Cannot find module (NOPE-MIB)\n", 1},
		{"mib lint", "Missing files or modules\nTry \"pollux mib lint --help\".\n", 1},
		{"mib lint NOPE-MIB", "pollux mib lint: NOPE-MIB: no file of the MIB directories has it\n", 1},
		{"mib lint --output xml FILE", "Unknown form of output: xml (text, json)\n", 1},
		{"mib", "Available Commands:", 0},
		{"mib dance", `unknown command "dance"`, 1},
	}
	for _, tt := range tests {
		args := strings.Fields(strings.NewReplacer("FILE", file, "DIR", dir).Replace(tt.line))
		stdout, stderr, code := runPollux(t, args...)
		if got := stdout + stderr; code != tt.code || !strings.Contains(got, tt.want) || code == 0 && stderr != "" {
			t.Errorf("pollux %s: code %d and\n%.2000swant %d and\n%s", tt.line, code, got, tt.code, tt.want)
		}
	}
	// Names are there even where no names are asked for: there is nothing else.
	t.Setenv("MIBS", "")
	if stdout, _, code := runPollux(t, "mib", "find", "sysUpTime"); code != 0 || stdout == "" {
		t.Errorf("mib find without MIBS: code %d, %q", code, stdout)
	}
}

// Directories after a "+" come behind the usual ones and win; after a "-" they
// come before them.
func TestDirectories(t *testing.T) {
	dir := filepath.Dir(acmeFile(t))
	home := t.TempDir()
	t.Setenv("HOME", home)
	usual := filepath.Join(home, ".snmp", "mibs")
	if err := os.MkdirAll(usual, 0o777); err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(acmeModule, "{ acme 3 }", "{ acme 33 }")
	if err := os.WriteFile(filepath.Join(usual, "ACME-MIB.txt"), []byte(other), 0o666); err != nil {
		t.Fatal(err)
	}
	usualOnly := "USUAL-MIB DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI;\nusual OBJECT IDENTIFIER ::= { enterprises 5 }\nEND\n"
	if err := os.WriteFile(filepath.Join(usual, "USUAL-MIB.txt"), []byte(usualOnly), 0o666); err != nil {
		t.Fatal(err)
	}
	for dirs, want := range map[string]string{
		"":  ".1.3.6.1.4.1.99999.3\n\n", // USUAL-MIB is not there
		"+": ".1.3.6.1.4.1.99999.3\n\n.1.3.6.1.4.1.5\n",
		"-": ".1.3.6.1.4.1.99999.33\n\n.1.3.6.1.4.1.5\n",
	} {
		stdout, _, _ := runPollux(t, "translate", "-On", "-M", dirs+dir, "ACME-MIB::acmeColour", "USUAL-MIB::usual")
		if stdout != want {
			t.Errorf("-M %sDIR: %q, want %q", dirs, stdout, want)
		}
	}
}
