package mibtext

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pollux-snmp/pollux/mib"
)

const module = `ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS OBJECT-TYPE, enterprises FROM SNMPv2-SMI;
acme OBJECT IDENTIFIER ::= { iso 3 6 1 4 1 99999 }
acmeTable OBJECT-TYPE SYNTAX SEQUENCE OF AcmeEntry MAX-ACCESS not-accessible STATUS current
	DESCRIPTION "Tanks." ::= { acme 1 }
acmeEntry OBJECT-TYPE SYNTAX AcmeEntry MAX-ACCESS not-accessible STATUS current
	DESCRIPTION "A tank." INDEX { acmeNo } ::= { acmeTable 1 }
AcmeEntry ::= SEQUENCE { acmeNo INTEGER, acmeLevel INTEGER }
acmeNo OBJECT-TYPE SYNTAX INTEGER (1..9) MAX-ACCESS not-accessible STATUS current DESCRIPTION "" ::= { acmeEntry 1 }
acmeLevel OBJECT-TYPE SYNTAX INTEGER { empty(0), full(1) } MAX-ACCESS read-only STATUS current
	DESCRIPTION "What the gauge shows." REFERENCE "A book." ::= { acmeEntry 2 }
acmeBad OBJECT-TYPE SYNTAX INTEGER oops ::= { acme 2 }
END
`

func set(t *testing.T) *mib.Set {
	s, err := mib.Load(&mib.Config{FS: []fs.FS{fstest.MapFS{"acme.txt": {Data: []byte(module)}}}, Modules: []string{"ALL"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFind(t *testing.T) {
	s := set(t)
	for _, tt := range []struct {
		query string
		texts bool
		want  int
		first string
	}{
		{"LEVEL", false, 1, "ACME-MIB::acmeLevel\t.1.3.6.1.4.1.99999.1.1.2\tINTEGER\n"},
		{"1.3.6.1.4.1.99999.1.1", false, 3, "ACME-MIB::acmeEntry\t.1.3.6.1.4.1.99999.1.1\n"},
		{"gauge", false, 0, ""},
		{"gauge", true, 1, "ACME-MIB::acmeLevel\t"},
		{"acme-mib::acmet", false, 1, "ACME-MIB::acmeTable\t"},
	} {
		var b strings.Builder
		n, err := Find(&b, s, tt.query, tt.texts)
		if err != nil || n != tt.want || !strings.HasPrefix(b.String(), tt.first) {
			t.Errorf("Find(%q, %v) = %d, %v and %q, want %d and %q", tt.query, tt.texts, n, err, b.String(), tt.want, tt.first)
		}
	}
}

func TestShow(t *testing.T) {
	var b strings.Builder
	if err := Show(&b, set(t), "acmeLevel", 0); err != nil {
		t.Fatal(err)
	}
	want := `ACME-MIB::acmeLevel
acmeLevel OBJECT-TYPE
  -- FROM	ACME-MIB
  SYNTAX	INTEGER {empty(0), full(1)} 
  MAX-ACCESS	read-only
  STATUS	current
  DESCRIPTION	"What the gauge shows."
::= { iso(1) 3 6 1 4 1 acme(99999) acmeTable(1) acmeEntry(1) 2 }
OID .1.3.6.1.4.1.99999.1.1.2
Defined in acme.txt:10
Reference "A book."
`
	if b.String() != want {
		t.Errorf("Show(acmeLevel) =\n%s, want\n%s", b.String(), want)
	}
	b.Reset()
	if err := Show(&b, set(t), "acmeEntry", 0); err != nil || !strings.Contains(b.String(), "Index acmeNo (INTEGER)\n  acmeNo(1) INTEGER\n  acmeLevel(2) INTEGER\n") {
		t.Errorf("Show(acmeEntry) = %v and\n%s", err, b.String())
	}
	if err := Show(&b, set(t), "nothing.0", 0); !errors.Is(err, mib.ErrNotFound) {
		t.Errorf("Show(nothing.0) error = %v, want ErrNotFound", err)
	}
}

func TestTree(t *testing.T) {
	var b strings.Builder
	want := `+--acmeEntry(1)
   |  Index: acmeNo
   |
   +-- ---- INTEGER   acmeNo(1)
   |        Range: 1..9
   +-- -R-- EnumVal   acmeLevel(2)
            Values: empty(0), full(1)
`
	if err := Tree(&b, set(t), "acmeEntry", 0); err != nil || b.String() != want {
		t.Errorf("Tree(acmeEntry) = %v and\n%s, want\n%s", err, b.String(), want)
	}
}

func TestLint(t *testing.T) {
	s := set(t)
	var b strings.Builder
	n, err := Lint(&b, s.Diagnostics())
	if err != nil || n != 1 || !strings.Contains(b.String(), `acme.txt:12:36: error: MAX-ACCESS or ACCESS expected ("oops")`) ||
		!strings.HasSuffix(b.String(), "1 error, 1 warning\n") {
		t.Errorf("Lint() = %d, %v and\n%s", n, err, b.String())
	}
	b.Reset()
	if err := LintJSON(&b, s.Diagnostics()); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(b.String()), &list); err != nil || len(list) != 2 || list[1]["line"] != 12.0 {
		t.Errorf("LintJSON() = %v, %v", list, err)
	}
	b.Reset()
	if err := LintJSON(&b, nil); err != nil || b.String() != "[]\n" {
		t.Errorf("LintJSON(nil) = %q, %v, want an empty array", b.String(), err)
	}
}

func TestDump(t *testing.T) {
	var b strings.Builder
	if err := Dump(&b, set(t), "ACME-MIB", true); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		var d dumped
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if d.Name == "acmeLevel" && (d.OID != "1.3.6.1.4.1.99999.1.1.2" || len(d.Enums) != 2 || d.Description != "What the gauge shows." || d.Access != "read-only") {
			t.Errorf("acmeLevel is %+v", d)
		}
	}
	if !strings.Contains(b.String(), `"index":[{"name":"acmeNo"}]`) {
		t.Errorf("no index in\n%s", b.String())
	}
}
