package netsnmp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/internal/general"
	"github.com/pollux-snmp/pollux/snmp"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want []string // line section name|args
	}{
		{"", nil},
		{"# all\n \n\trocommunity  public default # rest", []string{"3 snmpd rocommunity|public|default"}},
		{`a "b c" 'd "e' f\ g "h\"i" "" j"k`, []string{`1 snmpd a|b c|d "e|f g|h"i||j"k`}},
		{"a b \\\nc", []string{`1 snmpd a|b|\`, "2 snmpd c"}}, // no line goes on
		{"a \"b c\nd", []string{"1 snmpd a|b c (open)", "2 snmpd d"}},
		{"a\r\nb c\r\n", []string{"1 snmpd a", "2 snmpd b|c"}},
		{"[snmp] a b\nc\n[snmptrapd]\nd\n[SNMP] # x\ne\n[snmpd]\nf", []string{"1 snmp a|b", "2 snmpd c", "6 snmp e", "8 snmpd f"}},
		{"[snmptrapd] a\nb", []string{"2 snmpd b"}},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range Parse("f", tt.in) {
			s := fmt.Sprintf("%d %s %s", d.Line, d.Section, strings.Join(append([]string{d.Name}, d.Args...), "|"))
			if d.Open {
				s += " (open)"
			}
			got = append(got, s)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("Parse(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func lookup(host string) ([]netip.Addr, error) {
	if host != "two.example" {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.2")}, nil
}

func mapped(text string) (*Config, error) {
	return Map(Parse("f", text), agent.System{Services: 72}, lookup)
}

// show is the part of a Config that says who may do what, a word a thing.
func show(c *Config) string {
	var all []string
	for _, x := range c.Agent.Communities {
		all = append(all, fmt.Sprintf("com:%s@%v>%s/%s", x.Name, x.Source, x.SecurityName, x.Context))
	}
	for _, x := range c.Agent.Users {
		all = append(all, fmt.Sprintf("user:%s:%v:%v", x.Name, x.Auth, x.Priv))
	}
	for _, x := range c.Agent.Members {
		all = append(all, fmt.Sprintf("mem:%d:%s>%s", x.Model, x.SecurityName, x.Group))
	}
	for _, x := range c.Agent.Access {
		all = append(all, fmt.Sprintf("acc:%s/%s:%v:%d:%v>%s,%s,%s", x.Group, x.Context, x.Prefix, x.Model, x.Level, x.Read, x.Write, x.Notify))
	}
	for _, x := range c.Agent.Views {
		all = append(all, fmt.Sprintf("view:%s:%v:%v:%x", x.Name, x.Subtree, x.Excluded, x.Mask))
	}
	return strings.Join(all, " ")
}

func TestMapAccess(t *testing.T) {
	const both = " mem:1:_comm2>_comm2 mem:2:_comm2>_comm2 "
	zero := fmt.Sprint(snmp.OID{})
	tests := []struct{ in, want string }{
		{"", ""},
		{"rocommunity public", "com:public@0.0.0.0/0>_comm2/" + both + "acc:_comm2/:false:0:noAuthNoPriv>_view1,,_view1 view:_view1:" + zero + ":false:"},
		{"rwcommunity6 p default .1.3.6.1.2.1", "com:p@::/0>_comm2/" + both + "acc:_comm2/:false:0:noAuthNoPriv>_view1,_view1,_view1 view:_view1:1.3.6.1.2.1:false:"},
		{"rocommunity p 10.0.0.0/255.255.0.0 -V v ctx", "com:p@10.0.0.0/16>_comm1/ctx mem:1:_comm1>_comm1 mem:2:_comm1>_comm1 acc:_comm1/ctx:false:0:noAuthNoPriv>v,,v"},
		{"com2sec -Cn c n 192.0.2.0/24 p", "com:p@192.0.2.0/24>n/c"},
		{"com2sec n two.example p", "com:p@192.0.2.1/32>n/ com:p@192.0.2.2/32>n/"},
		{"com2sec6 n two.example p", "com:p@2001:db8::1/128>n/"},
		{"com2sec6 n 2001:db8::/32 p", "com:p@2001:db8::/32>n/"},
		{"group g v2c n\nGROUP h usm m", "mem:2:n>g mem:3:m>h"},
		{"view v included .1\nview w excluded system ff.A0", "view:v:" + zero + ":false: view:w:1.3.6.1.2.1.1:true:ffa0"},
		{`access g "" any noauth exact all none n`, "acc:g/:false:0:noAuthNoPriv>all,,n"},
		{`access g c usm priv prefix none w none`, "acc:g/c:true:3:authPriv>,w,"},
		{"rouser u", "mem:3:u>_user2 acc:_user2/:false:3:authNoPriv>_view1,,_view1 view:_view1:" + zero + ":false:"},
		{"rwuser -s usm u priv -V v c*", "mem:3:u>_user1 acc:_user1/c:true:3:authPriv>v,v,v"},
		{"rwuser u auth -V v\nrouser u auth -V w\nrouser u noauth -V x", "mem:3:u>_user1 acc:_user1/:false:3:authNoPriv>w,v,w acc:_user1/:false:3:noAuthNoPriv>x,,x"},
		{"rouser -s tsm u", ""},
		{"createUser a\ncreateUser b SHA-256 authpass1\ncreateUser c MD5 authpass1 AES-192-C", "user:a:NOAUTH:NOPRIV user:b:SHA-256:NOPRIV user:c:MD5:AES-192-C"},
		{"createUser d SHA -m 0x000102030405060708090a0b0c0d0e0f10111213 AES privpass1", "user:d:SHA:AES"},
		{"createUser -e 0x8000000001020304 a", ""},
		{"com2secunix n default p\nnosuch x", ""},
	}
	for _, tt := range tests {
		c, err := mapped(tt.in)
		if got := show(c); err != nil || got != tt.want {
			t.Errorf("Map(%q) = %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestMapSettings(t *testing.T) {
	c, err := mapped("sysDescr  a  b \nsysContact \"x\" <y> # z\nsysObjectID .1.3.6.1.4.1.9\nauthtrapenable 1\nengineID abc\n" +
		"agentAddress 127.0.0.1,udp:[::1]:161\nagentaddress 1161,tcp:1162,udp6:1163 unix:/x\n[snmp] persistentDir /p\n[snmp] sysName no\nextend a b\nnoSuch")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Agent.System
	if s.Descr != "a  b" || s.Contact != `"x" <y> # z` || s.ObjectID.String() != "1.3.6.1.4.1.9" || s.Services != 72 || s.Name != "" {
		t.Errorf("System = %+v", s)
	}
	if !c.Agent.AuthTraps || c.Agent.EngineID.String() != "0x80001f8804616263" || c.PersistentDir != "/p" {
		t.Errorf("AuthTraps, EngineID, PersistentDir = %v, %v, %s", c.Agent.AuthTraps, c.Agent.EngineID, c.PersistentDir)
	}
	want := []string{"127.0.0.1", "udp:[::1]:161", "udp:0.0.0.0:1161", "tcp:0.0.0.0:1162", "udp6:[::]:1163", "unix:/x"}
	if !slices.Equal(c.Addresses, want) {
		t.Errorf("Addresses = %q, want %q", c.Addresses, want)
	}
	want = []string{"f:10: extend: not served yet, skipped", "f:11: noSuch: unknown directive, skipped"}
	if !slices.Equal(c.Skipped, want) {
		t.Errorf("Skipped = %q, want %q", c.Skipped, want)
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct{ in, want string }{
		{"\nrocommunity", "f:2: rocommunity: want COMMUNITY"},
		{"rocommunity sesame 10.1.2.3/24", `f:1: rocommunity: source "10.1.2.3/24" has bits that its mask has not: want 10.1.2.0/24`},
		{"rocommunity sesame ::1", `source "::1" is not IPv4`},
		{"rocommunity6 sesame 127.0.0.1", `source "127.0.0.1" is not IPv6`},
		{"rocommunity sesame 10.0.0.0/33", "or a number from 0 to 32"},
		{"rocommunity sesame 10.0.0.0/255.0.255.0", "want a mask of ones and then zeros"},
		{"rocommunity sesame nowhere.example", `source "nowhere.example": no such host`},
		{"rocommunity sesame default bogusName", `"bogusName" is no OID`},
		{"rocommunity sesame default sys.em", `"sys.em" is no OID`}, // no pattern either
		{"rocommunity sesame default -V", "-V lacks a view"},
		{"rocommunity sesame default .1 c d", "too many arguments"},
		{"rocommunity sesame default .1 c*", "a community is in one context"},
		{`rocommunity "sesame`, "f:1: rocommunity: a quote without an end"},
		{"rouser u high", `"high" is no level`},
		{"rouser", "want USER"},
		{"com2sec a b", "want [-Cn CONTEXT] NAME SOURCE COMMUNITY"},
		{"group g any n", "a group needs one model"},
		{"group g v4 n", `"v4" is no security model`},
		{"view v include .1", `"include": want included or excluded`},
		{"view v included .1 zz", `mask "zz"`},
		{"access g any noauth exact a b c", "want GROUP CONTEXT MODEL"},
		{`access g "" any noauth near a b c`, `"near": want exact or prefix`},
		{"access " + strings.Repeat("g", 33) + ` "" any noauth exact a b c`, "1 to 32 octets"},
		{"createUser u sesame MD5", "no authentication protocol"},
		{"createUser u MD5", "no pass phrase"},
		{"createUser u MD5 sesame", "f:1: createUser: "}, // too short
		{"createUser u MD5 sesame01 sesame02", "no privacy protocol"},
		{"createUser u MD5 -m sesame", "the key is not hexadecimal"},
		{"sysServices many", "want a number from 0 to 127"},
		{"authtrapenable 0", "want 1 (enabled) or 2 (disabled)"},
		{"exactEngineID 0x00", "f:1: exactEngineID: "},
		{"engineID", "want a text of 1 to 27 octets"},
		{"[snmp] persistentDir", "want one directory"},
	}
	for _, tt := range tests {
		_, err := mapped(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, ErrConfig) || !errors.Is(err, general.Err) {
			t.Errorf("Map(%q) error = %v, want an ErrConfig with %q", tt.in, err, tt.want)
		} else if strings.Contains(err.Error(), "sesame") {
			t.Errorf("Map(%q) error = %v: it has a secret in it", tt.in, err)
		}
	}
	_, err := mapped("sysServices x\nrouser u auth\nauthtrapenable x")
	if n := strings.Count(fmt.Sprint(err), "f:"); n != 2 {
		t.Errorf("two mistakes: error = %v", err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("d/b.conf", "b")
	write("d/a.conf", "a\nincludeFile ../c")
	write("d/no.txt", "no")
	write("c", "c")
	main := write("main", "one\nincludeDir d\n[snmptrapd]\nno\n[snmpd]\ntwo")
	all, err := Read(main)
	var got []string
	for _, d := range all {
		got = append(got, fmt.Sprintf("%s:%d:%s", filepath.Base(d.File), d.Line, d.Name))
	}
	want := []string{"main:1:one", "a.conf:1:a", "c:1:c", "b.conf:1:b", "main:6:two"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Read() = %q, %v, want %q", got, err, want)
	}
	tests := []struct{ text, want string }{
		{"includeFile nosuch", "bad:1: includeFile: "},
		{"\nincludeDir nosuch", "bad:2: includeDir: "},
		{"includeFile", "want one path"},
		{"includeFile bad", "files include each other"},
		{"includeFile bad\nincludeFile bad\nincludeFile bad\nincludeFile bad", "more than"},
		{"includeFile .", "not a regular file"},
	}
	for _, tt := range tests {
		all, err := Read(write("bad", tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, ErrConfig) || len(all) > 0 {
			t.Errorf("Read of %q = %v, %v, want an ErrConfig with %q", tt.text, all, err, tt.want)
		}
	}
}

func FuzzMap(f *testing.F) {
	for _, s := range []string{"rocommunity public default -V v c", "[snmp] a \"b\\", "view v included .1 ff:a0", "com2sec -Cn c n 10.0.0.0/8 p",
		"rwuser u priv system", "access g \"\" any noauth exact a none b", "agentAddress a,b:1", "sysContact 'x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all := Parse("f", text)
		n := 0
		for _, d := range all {
			if d.Name == "" || strings.ContainsAny(d.Name, " \t\n") || d.Line < 1 || d.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("Parse(%q) has %+v", text, d)
			}
			n += len(d.Name) + len(d.Text)
			if len(strings.Join(d.Args, "")) > len(d.Text) {
				t.Fatalf("Parse(%q): arguments longer than the line: %+v", text, d)
			}
		}
		if n > len(text) {
			t.Fatalf("Parse(%q) is longer than the text", text)
		}
		c, err := Map(all, agent.System{}, lookup)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("Map(%q) error = %v, want ErrConfig", text, err)
			}
			return
		}
		// What is granted comes from directives that grant.
		if len(all) == 0 && show(c) != "" {
			t.Fatalf("Map(%q) = %s", text, show(c))
		}
		if len(c.Agent.Users) == 0 { // pass phrases take their time
			if _, err := agent.New(&c.Agent); err != nil {
				t.Fatalf("Map(%q) is what New refuses: %v", text, err)
			}
		}
	})
}
