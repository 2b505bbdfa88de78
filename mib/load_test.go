package mib

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// smi is the part of SNMPv2-SMI and SNMPv2-TC that the modules of these tests
// import.
const smi = `
SNMPv2-SMI DEFINITIONS ::= BEGIN
org OBJECT IDENTIFIER ::= { iso 3 }
dod OBJECT IDENTIFIER ::= { org 6 }
internet OBJECT IDENTIFIER ::= { dod 1 }
mgmt OBJECT IDENTIFIER ::= { internet 2 }
mib-2 OBJECT IDENTIFIER ::= { mgmt 1 }
private OBJECT IDENTIFIER ::= { internet 4 }
enterprises OBJECT IDENTIFIER ::= { private 1 }
OBJECT-TYPE MACRO ::= BEGIN TYPE NOTATION ::= "x" VALUE NOTATION ::= value(VALUE ObjectName) END
Counter32 ::= [APPLICATION 1] IMPLICIT INTEGER (0..4294967295)
IpAddress ::= [APPLICATION 0] IMPLICIT OCTET STRING (SIZE (4))
END
`

const tc = `
SNMPv2-TC DEFINITIONS ::= BEGIN
IMPORTS TimeTicks FROM SNMPv2-SMI;
DisplayString ::= TEXTUAL-CONVENTION DISPLAY-HINT "255a" STATUS current DESCRIPTION "" SYNTAX OCTET STRING (SIZE (0..255))
TruthValue ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX INTEGER { true(1), false(2) }
PhysAddress ::= TEXTUAL-CONVENTION DISPLAY-HINT "1x:" STATUS current DESCRIPTION "" SYNTAX OCTET STRING
END
`

const acme = `
ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS
	MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, enterprises, Integer32, Counter32, IpAddress, Unsigned32
		FROM SNMPv2-SMI
	DisplayString, TruthValue, PhysAddress
		FROM SNMPv2-TC;

acme MODULE-IDENTITY
	LAST-UPDATED "202601010000Z"
	ORGANIZATION "Acme" CONTACT-INFO "none" DESCRIPTION "The module."
	REVISION "202601010000Z" DESCRIPTION "First."
	::= { enterprises 99999 }

Level ::= TEXTUAL-CONVENTION DISPLAY-HINT "d-2" STATUS current DESCRIPTION "hundredths" SYNTAX Integer32 (0..10000)

acmeTable OBJECT-TYPE
	SYNTAX SEQUENCE OF AcmeEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "A table." ::= { acme 1 }
acmeEntry OBJECT-TYPE
	SYNTAX AcmeEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "A row."
	INDEX { acmeKind, IMPLIED acmeName } ::= { acmeTable 1 }
AcmeEntry ::= SEQUENCE { acmeKind INTEGER, acmeName DisplayString, acmeLevel Level, acmeFlags BITS, acmeOn TruthValue }
acmeKind OBJECT-TYPE
	SYNTAX INTEGER { small(1), large(2) } MAX-ACCESS not-accessible STATUS current DESCRIPTION "" ::= { acmeEntry 1 }
acmeName OBJECT-TYPE
	SYNTAX DisplayString (SIZE (1..8)) MAX-ACCESS not-accessible STATUS current DESCRIPTION "" ::= { acmeEntry 2 }
acmeLevel OBJECT-TYPE
	SYNTAX Level UNITS "litres" MAX-ACCESS read-write STATUS current
	DESCRIPTION "How much there is."
	REFERENCE "A book."
	DEFVAL { 5 } ::= { acmeEntry 3 }
acmeFlags OBJECT-TYPE
	SYNTAX BITS { wet(0), hot(1), loud(9) } MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acmeEntry 4 }
acmeOn OBJECT-TYPE
	SYNTAX TruthValue MAX-ACCESS read-create STATUS deprecated DESCRIPTION "" DEFVAL { true } ::= { acmeEntry 5 }
acmeMac OBJECT-TYPE
	SYNTAX PhysAddress MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { acmeEntry 6 }
acmeMoreTable OBJECT-TYPE
	SYNTAX SEQUENCE OF AcmeMoreEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "" ::= { acme 2 }
acmeMoreEntry OBJECT-TYPE
	SYNTAX AcmeMoreEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "" AUGMENTS { acmeEntry } ::= { acmeMoreTable 1 }
AcmeMoreEntry ::= SEQUENCE { acmeMore Counter32 }
acmeMore OBJECT-TYPE
	SYNTAX Counter32 MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { acmeMoreEntry 1 }
acmePlain OBJECT-TYPE
	SYNTAX OCTET STRING MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acme 4 }
acmeAddr OBJECT-TYPE
	SYNTAX IpAddress MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acme 5 }
acmePointer OBJECT-TYPE
	SYNTAX OBJECT IDENTIFIER MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acme 6 }
acmeSize OBJECT-TYPE
	SYNTAX Unsigned32 (1..10 | 20) MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acme 7 }
acmeEvent NOTIFICATION-TYPE
	OBJECTS { acmeLevel, acmeFlags } STATUS current DESCRIPTION "" ::= { acme 0 1 }
acmeAlias OBJECT IDENTIFIER ::= { acme }
END
`

// load reads modules from texts: name, text, name, text …
func load(t *testing.T, cfg Config, texts ...string) *Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for i := 0; i < len(texts); i += 2 {
		fsys[texts[i]] = &fstest.MapFile{Data: []byte(texts[i+1])}
	}
	cfg.FS = []fs.FS{fsys}
	if cfg.Modules == nil {
		cfg.Modules = []string{"ALL"}
	}
	s, err := Load(&cfg)
	if err != nil {
		t.Fatalf("Load() error = %v", err)
	}
	return s
}

func acmeSet(t *testing.T) *Set {
	return load(t, Config{}, "smi.txt", smi, "tc.txt", tc, "acme.txt", acme)
}

// below returns the labels and OIDs below a node.
func below(s *Set, name string) string {
	var b strings.Builder
	top, ok := s.Node(name)
	if !ok {
		return "no " + name
	}
	base := top.OID().String()
	for n := range s.Nodes() {
		if o := n.OID().String(); strings.HasPrefix(o, base+".") {
			fmt.Fprintf(&b, "%s%s ", n.Name(), o[len(base):])
		}
	}
	return strings.TrimSuffix(b.String(), " ")
}

func TestLoad(t *testing.T) {
	s := acmeSet(t)
	if d := s.Diagnostics(); len(d) > 0 {
		t.Errorf("Diagnostics() = %v, want none", d)
	}
	want := "anonymous#0.0 acmeEvent.0.1 acmeTable.1 acmeEntry.1.1 acmeKind.1.1.1 acmeName.1.1.2 acmeLevel.1.1.3 " +
		"acmeFlags.1.1.4 acmeOn.1.1.5 acmeMac.1.1.6 acmeMoreTable.2 acmeMoreEntry.2.1 acmeMore.2.1.1 acmePlain.4 " +
		"acmeAddr.5 acmePointer.6 acmeSize.7"
	if got := below(s, "acme"); got != want {
		t.Errorf("below acme:\n  %s, want\n  %s", got, want)
	}
	n, _ := s.Node("ACME-MIB::acmeLevel")
	for _, tt := range []struct{ what, got, want string }{
		{"OID", n.OID().String(), "1.3.6.1.4.1.99999.1.1.3"},
		{"Type", n.Type().String(), "Integer32"},
		{"TypeName", n.TypeName(), "Level"},
		{"Hint", n.Hint(), "d-2"},
		{"Units", n.Units(), "litres"},
		{"Access", n.Access().String(), "read-write"},
		{"Status", n.Status().String(), "current"},
		{"Default", n.Default(), "5"},
		{"Ranges", fmt.Sprint(n.Ranges()), "[{0 10000}]"},
		{"Description", n.Description(), "How much there is."},
		{"Reference", n.Reference(), "A book."},
		{"Module", n.Module(), "ACME-MIB"},
		{"Parent", n.Parent().Name(), "acmeEntry"},
		{"Indexes of the parent", fmt.Sprint(n.Parent().Indexes()), "[{acmeKind false} {acmeName true}]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s of acmeLevel = %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if n, _ = s.Node("acmeMoreEntry"); fmt.Sprint(n.Indexes()) != "[{acmeKind false} {acmeName true}]" {
		t.Errorf("Indexes of acmeMoreEntry = %v, want those of acmeEntry", n.Indexes())
	}
	if n, _ = s.Node("acmeSize"); fmt.Sprint(n.Ranges()) != "[{1 10} {20 20}]" {
		t.Errorf("Ranges of acmeSize = %v, want [{1 10} {20 20}]", n.Ranges())
	}
	if n, _ = s.Node("acmeEvent"); n.Type() != TypeNotification || fmt.Sprint(n.Objects()) != "[acmeLevel acmeFlags]" {
		t.Errorf("acmeEvent is %v with %v, want a notification with acmeLevel and acmeFlags", n.Type(), n.Objects())
	}
	if a, _ := s.Node("acmeAlias"); a.OID().String() != "1.3.6.1.4.1.99999" {
		t.Errorf("OID of acmeAlias = %v, want that of acme", a.OID())
	}
}

// TestForms loads the forms that the world's modules have.
func TestForms(t *testing.T) {
	root := func(name, body string) string {
		return name + " DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI; top OBJECT IDENTIFIER ::= { enterprises 7 }\n" + body + "\nEND\n"
	}
	object := func(name, parent string, id int) string {
		return fmt.Sprintf("%s OBJECT-TYPE SYNTAX INTEGER ACCESS read-only STATUS mandatory DESCRIPTION \"\" ::= { %s %d }\n", name, parent, id)
	}
	for _, tt := range []struct {
		name  string
		texts []string
		want  string // below top
		// permissive is what level Permissive reads, if it is not want.
		permissive string
		diags      string // a part of a diagnostic of level Permissive
	}{
		{name: "trap", texts: []string{"a", root("A", `aTrap TRAP-TYPE ENTERPRISE top VARIABLES { x } DESCRIPTION "" ::= 5`)}, want: "top#.0 aTrap.0.5"},
		{name: "path with labels", texts: []string{"a", root("A", "a OBJECT IDENTIFIER ::= { iso org(3) dod(6) internet(1) private(4) enterprises(1) 7 b(1) 2 }")}, want: "b.1 a.1.2"},
		{name: "numbers alone", texts: []string{"a", root("A", "a OBJECT IDENTIFIER ::= { 1 3 6 1 4 1 7 3 }")}, want: "a.3"},
		{name: "a number gets its name", texts: []string{"a", root("A", "a OBJECT IDENTIFIER ::= { top 1 1 }  b OBJECT IDENTIFIER ::= { top 1 }")}, want: "b.1 a.1.1"},
		{name: "two names of one OID", texts: []string{"a", root("A", "a OBJECT IDENTIFIER ::= { top 1 }  b OBJECT IDENTIFIER ::= { top 1 } c OBJECT IDENTIFIER ::= { a 1 } d OBJECT IDENTIFIER ::= { b 2 }")}, want: "a.1 b.1 c.1.1 d.1.2", diags: "the same object identifier to b"},
		{name: "child before parent", texts: []string{"a", root("A", "b OBJECT IDENTIFIER ::= { a 1 } a OBJECT IDENTIFIER ::= { top 1 }")}, want: "a.1 b.1.1"},
		{name: "circle", texts: []string{"a", root("A", "a OBJECT IDENTIFIER ::= { b 1 } b OBJECT IDENTIFIER ::= { a 1 } c OBJECT IDENTIFIER ::= { c 1 } d OBJECT IDENTIFIER ::= { top 1 }")}, want: "d.1", diags: "parent b is not known"},
		{name: "missing import", texts: []string{"a", root("A", ""), "b", "B DEFINITIONS ::= BEGIN x OBJECT IDENTIFIER ::= { top 1 } END"}, want: "x.1"},
		{name: "unknown module", texts: []string{"a", root("A", ""), "b", "B DEFINITIONS ::= BEGIN IMPORTS top FROM NOWHERE; x OBJECT IDENTIFIER ::= { top 1 } END"}, want: "x.1", diags: "there is no such module"},
		{name: "two modules in a file", texts: []string{"a", root("A", "") + "B DEFINITIONS ::= BEGIN IMPORTS top FROM A; x OBJECT IDENTIFIER ::= { top 1 } END"}, want: "x.1"},
		{name: "module from a module that comes later in its file", texts: []string{"a", root("A", "") + "B DEFINITIONS ::= BEGIN IMPORTS top FROM A; b OBJECT IDENTIFIER ::= { top 1 } END", "c", "C DEFINITIONS ::= BEGIN IMPORTS b FROM B; c OBJECT IDENTIFIER ::= { b 1 } END"}, want: "b.1 c.1.1"},
		{name: "circle of imports", texts: []string{"a", "A DEFINITIONS ::= BEGIN IMPORTS b FROM B enterprises FROM SNMPv2-SMI; top OBJECT IDENTIFIER ::= { enterprises 7 } a OBJECT IDENTIFIER ::= { b 1 } END", "b", "B DEFINITIONS ::= BEGIN IMPORTS top FROM A; b OBJECT IDENTIFIER ::= { top 1 } END"}, want: "b.1 a.1.1"},
		{name: "replacement", texts: []string{"a", root("A", ""), "b", "B DEFINITIONS ::= BEGIN IMPORTS enterprises FROM RFC1155-SMI; x OBJECT IDENTIFIER ::= { enterprises 7 1 } END"}, want: "x.1"},
		{name: "carriage returns and tabs", texts: []string{"a", strings.ReplaceAll(root("A", "\tx\tOBJECT IDENTIFIER\n::= { top 1 }"), "\n", "\r\n")}, want: "x.1"},
		{name: "Latin-1 in a comment and a string", texts: []string{"a", root("A", "-- caf\xe9\nx OBJECT-IDENTITY STATUS current DESCRIPTION \"na\xefve\" ::= { top 1 }")}, want: "x.1"},
		{name: "hyphen at the end", texts: []string{"a", root("A", "x- OBJECT IDENTIFIER ::= { top 1 }")}, want: "x-.1", diags: "must not end in a hyphen"},
		{name: "underscore", texts: []string{"a", root("A", object("a_b", "top", 1)+object("c", "top", 2))}, want: "no top", permissive: "a_b.1 c.2", diags: "must not have an underscore"},
		{name: "defined twice", texts: []string{"a", root("A", "x OBJECT IDENTIFIER ::= { top 1 } x OBJECT IDENTIFIER ::= { top 1 }")}, want: "x.1", diags: "defines this twice"},
		{name: "no END", texts: []string{"a", strings.Replace(root("A", object("x", "top", 1)), "END", "", 1)}, want: "no top", permissive: "x.1", diags: "END is missing"},
		{name: "broken object", texts: []string{"a", root("A", object("x", "top", 1)+"y OBJECT-TYPE SYNTAX INTEGER oops ::= { top 2 }\n"+object("z", "top", 3))}, want: "no top", permissive: "x.1 y.2 z.3", diags: "MAX-ACCESS or ACCESS expected"},
		{name: "object without a value", texts: []string{"a", root("A", object("x", "top", 1)+"y OBJECT-TYPE SYNTAX INTEGER ACCESS read-only\n"+object("z", "top", 3))}, want: "no top", permissive: "x.1 z.3"},
		{name: "junk", texts: []string{"a", root("A", object("x", "top", 1)+"} ) oops ; ::= 7\n"+object("z", "top", 3))}, want: "no top", permissive: "x.1 z.3"},
		{name: "IMPORTS without an end", texts: []string{"a", "A DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI top OBJECT IDENTIFIER ::= { enterprises 7 } x OBJECT IDENTIFIER ::= { top 1 } END"}, want: "no top", permissive: "x.1", diags: `IMPORTS has no ";"`},
		{name: "text before the module", texts: []string{"a", "Here it is:\n" + root("A", "x OBJECT IDENTIFIER ::= { top 1 }")}, want: "no top", permissive: "x.1"},
		{name: "byte order mark", texts: []string{"a", "\ufeff" + root("A", "x OBJECT IDENTIFIER ::= { top 1 }")}, want: "no top", permissive: "x.1"},
		{name: "PIB", texts: []string{"a", root("A", ""), "b", `B PIB-DEFINITIONS ::= BEGIN IMPORTS top FROM A;
			prc OBJECT-TYPE SYNTAX PrEntry PIB-ACCESS install STATUS current DESCRIPTION "" PIB-INDEX { prid } UNIQUENESS { x } INSTALL-ERRORS { e(1) } ::= { top 1 } END`}, want: "", permissive: "prc.1"},
		{name: "type that comes later", texts: []string{"a", root("A", "x OBJECT-TYPE SYNTAX Foo ACCESS read-only STATUS mandatory ::= { top 1 } Foo ::= INTEGER { a(1) }")}, want: "x.1"},
		{name: "name of a module differs from its file", texts: []string{"OTHER-NAME.txt", root("A", "x OBJECT IDENTIFIER ::= { top 1 }")}, want: "x.1"},
		{name: "the last file of a module wins", texts: []string{"a1", root("A", "x OBJECT IDENTIFIER ::= { top 1 }"), "a2", root("A", "y OBJECT IDENTIFIER ::= { top 1 }")}, want: "y.1"},
		{name: "empty file and one of garbage", texts: []string{"e", "", "g", "\x00\x01\x02", "a", root("A", "x OBJECT IDENTIFIER ::= { top 1 }")}, want: "x.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			texts := append([]string{"zmi", smi}, tt.texts...)
			if got := below(load(t, Config{Level: Normal}, texts...), "top"); got != tt.want {
				t.Errorf("on level Normal, below top:\n  %s, want\n  %s", got, tt.want)
			}
			want := tt.want
			if tt.permissive != "" {
				want = tt.permissive
			}
			s := load(t, Config{}, texts...)
			if got := below(s, "top"); got != want {
				t.Errorf("on level Permissive, below top:\n  %s, want\n  %s", got, want)
			}
			if !strings.Contains(fmt.Sprint(s.Diagnostics()), tt.diags) {
				t.Errorf("Diagnostics() = %v, want one with %q", s.Diagnostics(), tt.diags)
			}
		})
	}
}

func TestDiagnostic(t *testing.T) {
	s := load(t, Config{}, "smi", smi, "bad.txt", "BAD DEFINITIONS ::= BEGIN\nIMPORTS enterprises FROM SNMPv2-SMI;\nx OBJECT-TYPE\n  SYNTAX INTEGER\n  AXCESS read-only\n  ::= { enterprises 1 }\nEND\n")
	want := `bad.txt:5:3: error: MAX-ACCESS or ACCESS expected ("AXCESS")`
	if d := s.Diagnostics(); len(d) != 1 || d[0].String() != want {
		t.Errorf("Diagnostics() = %v, want %s", d, want)
	}
	_, err := Load(&Config{Level: Strict, Modules: []string{"BAD"}, FS: []fs.FS{fstest.MapFS{
		"b": {Data: []byte("BAD DEFINITIONS ::= BEGIN x OBJECT-TYPE END")}}}})
	if !errors.Is(err, ErrSyntax) {
		t.Errorf("Load() of a broken module on level Strict: error = %v, want ErrSyntax", err)
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(&Config{Modules: []string{"NO-SUCH-MIB"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("Load() of an unknown module: error = %v, want ErrNotFound", err)
	}
	if _, err := Load(&Config{Modules: []string{"./no/such/file"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load() of an unknown file: error = %v, want fs.ErrNotExist", err)
	}
	s, err := Load(&Config{Dirs: []string{"no/such/directory"}})
	if err != nil || s.Len() != 3 {
		t.Errorf("Load() of nothing = %d nodes, %v, want the 3 roots", s.Len(), err)
	}
	if _, err := Load(nil); err != nil {
		t.Errorf("Load(nil) error = %v", err)
	}
}

// TestOnlyNeeded checks that modules that nobody asks for are not read.
func TestOnlyNeeded(t *testing.T) {
	s := load(t, Config{Modules: []string{"A"}}, "smi", smi, "tc", tc,
		"a", "A DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI; a OBJECT IDENTIFIER ::= { enterprises 1 } END",
		"b", "B DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI; b OBJECT IDENTIFIER ::= { enterprises 2 } END")
	if _, ok := s.Node("a"); !ok {
		t.Error("a is not there")
	}
	if _, ok := s.Node("b"); ok {
		t.Error("b is there, but module B was not asked for")
	}
}

// TestBase loads modules on top of a set.
func TestBase(t *testing.T) {
	base := acmeSet(t)
	text := "X DEFINITIONS ::= BEGIN IMPORTS acme, Level FROM ACME-MIB; x OBJECT-TYPE SYNTAX Level ACCESS read-only STATUS mandatory ::= { acme 9 } " +
		"acmeSize OBJECT-TYPE SYNTAX INTEGER ACCESS read-write STATUS obsolete ::= { acme 7 } END"
	s := load(t, Config{Base: base}, "x", text)
	if d := s.Diagnostics(); len(d) > 0 {
		t.Errorf("Diagnostics() = %v, want none", d)
	}
	n, ok := s.Node("X::x")
	if !ok || n.OID().String() != "1.3.6.1.4.1.99999.9" || n.Hint() != "d-2" {
		t.Errorf("X::x is %v with hint %q, want 1.3.6.1.4.1.99999.9 with d-2", n.OID(), n.Hint())
	}
	if n, _ = s.Node("acmeSize"); n.Type() != TypeInteger || n.Status() != Obsolete {
		t.Errorf("acmeSize is %v and %v, want what the file says", n.Type(), n.Status())
	}
	if n, _ = s.Node("acmeLevel"); n.Units() != "litres" || n.Description() != "" && n.Description() != "How much there is." {
		t.Errorf("acmeLevel has units %q and description %q", n.Units(), n.Description())
	}
	if got, want := below(s, "acmeTable"), below(base, "acmeTable"); got != want {
		t.Errorf("below acmeTable: %s, want %s", got, want)
	}
}

func TestBinary(t *testing.T) {
	s := acmeSet(t)
	data, _ := s.AppendBinary(nil)
	back, err := FromBinary(string(data))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := below(back, "iso"), below(s, "iso"); got != want {
		t.Errorf("after a round trip:\n  %s, want\n  %s", got, want)
	}
	again := acmeSet(t)
	if data2, _ := again.AppendBinary(nil); string(data2) != string(data) {
		t.Error("the same modules make another set the second time")
	}
	for _, bad := range []string{"", "x", string(data[:headerLen]), string(data[:len(data)-1])} {
		if _, err := FromBinary(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("FromBinary() of %d octets: error = %v, want ErrSyntax", len(bad), err)
		}
	}
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	texts := []string{"smi", smi, "tc", tc, "acme", acme}
	first := load(t, Config{CacheDir: dir}, texts...)
	second := load(t, Config{CacheDir: dir}, texts...)
	if first.data != second.data {
		t.Error("the set from the cache is another one")
	}
	if n, _ := second.Node("acmeLevel"); n.Description() != "How much there is." {
		t.Errorf("from the cache, Description() = %q", n.Description())
	}
	// The key is the content: a change must be seen, and so must damage.
	texts[5] = strings.Replace(acme, "litres", "gallons", 1)
	third := load(t, Config{CacheDir: dir}, texts...)
	if n, _ := third.Node("acmeLevel"); n.Units() != "gallons" {
		t.Errorf("after a change, Units() = %q, want gallons", n.Units())
	}
	files, _ := filepath.Glob(dir + "/*")
	if len(files) != 2 {
		t.Fatalf("the cache has %d files, want 2", len(files))
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(f, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fourth := load(t, Config{CacheDir: dir}, texts...)
	if fourth.data != third.data {
		t.Error("a damaged cache is believed")
	}
	for i := range 10 {
		texts[5] = strings.Replace(acme, "litres", fmt.Sprint(i), 1)
		load(t, Config{CacheDir: dir}, texts...)
	}
	if files, _ = filepath.Glob(dir + "/*"); len(files) > cacheCount {
		t.Errorf("the cache has %d files, want %d at most", len(files), cacheCount)
	}
	if s := load(t, Config{CacheDir: "/dev/null/x"}, texts...); s.data == "" {
		t.Error("a cache that cannot be written is an error")
	}
}

// TestHostile loads modules that are made to be slow.
func TestHostile(t *testing.T) {
	n := 20000
	if testing.Short() {
		n = 2000
	}
	var chain, flat, twins, anon, enum, deep strings.Builder
	for i := range n {
		fmt.Fprintf(&chain, "n%d OBJECT IDENTIFIER ::= { n%d 1 }\n", i+1, i)
		fmt.Fprintf(&flat, "f%d OBJECT IDENTIFIER ::= { top %d }\n", i, n-i)
		fmt.Fprintf(&twins, "t%d OBJECT IDENTIFIER ::= { top 1 }\n", i)
		fmt.Fprintf(&anon, "a%d OBJECT IDENTIFIER ::= { 1 3 6 1 4 1 7 %d 1 }\n", i, i)
		fmt.Fprintf(&enum, "e%d(%d),", i, i)
		deep.WriteString("{")
	}
	start := time.Now()
	for name, body := range map[string]string{
		"chain": "n0 OBJECT IDENTIFIER ::= { top 1 }\n" + chain.String(),
		"flat":  flat.String(), "twins": twins.String(), "numbers": anon.String(),
		"enumeration": "x OBJECT-TYPE SYNTAX INTEGER {" + enum.String() + "} ACCESS read-only STATUS mandatory ::= { top 1 }",
		"braces":      "x OBJECT-TYPE SYNTAX INTEGER ACCESS read-only STATUS mandatory DEFVAL " + deep.String(),
		"quote":       `"`, "comment": strings.Repeat("--", 2*n), "errors": strings.Repeat("} ", n),
		"names": strings.Repeat("x OBJECT-TYPE ", n),
	} {
		text := "A DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI; top OBJECT IDENTIFIER ::= { enterprises 7 }\n" + body + "\nEND"
		began := time.Now()
		for _, level := range []Level{Permissive, Normal} {
			s := load(t, Config{Level: level}, "smi", smi, "a", text)
			p := Printer{Set: s}
			in := Input{Set: s}
			for n := range s.Nodes() {
				if o, err := in.OID("." + n.OID().String()); err == nil {
					p.AppendOID(nil, o)
				}
				break
			}
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
	t.Logf("all of it took %v", time.Since(start))
}

// corpus is where the modules of the IETF and of Net-SNMP may lie.
var corpus = []string{"../../shared/mibs/ietf", "../../shared/mibs/net-snmp"}

func needCorpus(tb testing.TB) {
	if _, err := os.Stat(corpus[0]); err != nil {
		tb.Skip("the modules are not there")
	}
}

func TestCorpus(t *testing.T) {
	needCorpus(t)
	s, err := Load(&Config{Dirs: corpus, Modules: []string{"ALL"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() < 30000 {
		t.Errorf("%d nodes, want more than 30,000", s.Len())
	}
	data, _ := s.AppendBinary(nil)
	if per := len(data) / s.Len(); per > 300 {
		t.Errorf("%d bytes a node, want 300 at most", per)
	}
	for n := range s.Nodes() {
		o := n.OID()
		if o.IsZero() {
			continue
		}
		if at, rest := s.Find(o); rest != 0 || at.OID() != o {
			t.Errorf("Find(%v) = %s and %d, want %s", o, at.Name(), rest, n.Name())
		}
		if at, ok := s.Node(n.Module() + "::" + n.Name()); !ok || at.Name() != n.Name() {
			t.Errorf("Node(%s::%s) = %v", n.Module(), n.Name(), ok)
		}
	}
	for _, d := range s.Diagnostics() {
		if d.Severity == Error && !strings.Contains(d.Message, "IMPORTS") {
			t.Errorf("unexpected: %v", d)
		}
	}
}

// TestOneByOne loads each module of the corpus alone, so that nothing but what
// it imports is there.
func TestOneByOne(t *testing.T) {
	needCorpus(t)
	if testing.Short() {
		t.Skip("takes seconds")
	}
	files, _ := filepath.Glob(corpus[1] + "/*")
	for _, f := range files {
		if slices.Contains([]string{"README"}, filepath.Base(f)) {
			continue
		}
		if _, err := Load(&Config{Dirs: corpus, Modules: []string{f}}); err != nil {
			t.Errorf("Load(%s) error = %v", f, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(acme)
	f.Add(smi)
	f.Add("A DEFINITIONS ::= BEGIN x OBJECT-TYPE SYNTAX INTEGER { a(1) } ACCESS read-only STATUS mandatory ::= { iso 1 2 } END")
	f.Add("A DEFINITIONS ::= BEGIN t TRAP-TYPE ENTERPRISE iso VARIABLES { x } ::= 5 a OBJECT IDENTIFIER ::= { iso } END")
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"smi": {Data: []byte(smi)}, "tc": {Data: []byte(tc)}, "fuzz": {Data: []byte(text)}}
		for _, level := range []Level{Permissive, Normal} {
			s, err := Load(&Config{FS: []fs.FS{fsys}, Modules: []string{"ALL"}, Level: level})
			if err != nil {
				t.Fatalf("Load() error = %v", err)
			}
			count := 0
			p := Printer{Set: s, Brackets: level == Normal}
			for n := range s.Nodes() {
				count++
				o := n.OID()
				if o.IsZero() {
					continue
				}
				if at, rest := s.Find(o); rest != 0 || at.OID() != o {
					t.Errorf("Find(%v) = %q and %d below, want %q", o, at.Name(), rest, n.Name())
				}
				p.AppendOID(nil, o.Append(1, 2, 3))
				n.Indexes()
				n.Description()
			}
			if count != s.Len() {
				t.Errorf("%d nodes, Len() = %d", count, s.Len())
			}
			data, _ := s.AppendBinary(nil)
			if len(data) > 4096+400*(len(text)+len(smi)+len(tc)) {
				t.Errorf("%d octets of modules became %d", len(text), len(data))
			}
		}
	})
}

func BenchmarkLoadAll(b *testing.B) {
	needCorpus(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(&Config{Dirs: corpus, Modules: []string{"ALL"}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadCached(b *testing.B) {
	needCorpus(b)
	b.ReportAllocs()
	cfg := &Config{Dirs: corpus, Modules: []string{"ALL"}, CacheDir: b.TempDir()}
	Load(cfg)
	for b.Loop() {
		if _, err := Load(cfg); err != nil {
			b.Fatal(err)
		}
	}
}
