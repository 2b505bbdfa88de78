package mib_test

import (
	"fmt"
	"io/fs"
	"testing/fstest"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/mib/builtin"
	"github.com/pollux-snmp/pollux/snmp"
)

func ExamplePrinter() {
	p := mib.Printer{Set: builtin.Set()}
	line := p.AppendVarBind(nil, snmp.VarBind{
		OID:   snmp.MustParseOID("1.3.6.1.2.1.2.2.1.8.3"),
		Value: snmp.IntegerValue(1),
	})
	fmt.Printf("%s\n", line)

	p.SetOptions("qs")
	line = p.AppendVarBind(line[:0], snmp.VarBind{
		OID:   snmp.MustParseOID("1.3.6.1.2.1.2.2.1.6.3"),
		Value: snmp.OctetsValue("\x00\x1b\xc0\x01\x02\x03"),
	})
	fmt.Printf("%s\n", line)
	// Output:
	// IF-MIB::ifOperStatus.3 = INTEGER: up(1)
	// ifPhysAddress.3 0:1b:c0:1:2:3
}

func ExampleInput() {
	in := mib.Input{Set: builtin.Set()}
	o, err := in.OID(`IP-MIB::ipAddressIfIndex.ipv4."192.0.2.1"`)
	fmt.Println(o, err)

	o, _ = in.OID("ifAdminStatus.2")
	v, err := in.Value(o, '=', "down")
	fmt.Println(v, err)

	_, err = in.OID("ifDescr.first")
	fmt.Println(err)
	// Output:
	// 1.3.6.1.2.1.4.34.1.3.1.4.192.0.2.1 <nil>
	// INTEGER: 2 <nil>
	// mib: "ifDescr.first": unknown object identifier (Index out of range: first (ifIndex))
}

// A module of one's own on top of the standard ones. It may lie in directories,
// too: see Config.Dirs.
func ExampleLoad() {
	files := fstest.MapFS{"acme.txt": {Data: []byte(`
ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS OBJECT-TYPE, enterprises, Gauge32 FROM SNMPv2-SMI;
acmeLevel OBJECT-TYPE
	SYNTAX Gauge32  UNITS "litres"  MAX-ACCESS read-only  STATUS current
	DESCRIPTION "What is in the tank."
	::= { enterprises 99999 1 }
acmeBroken OBJECT-TYPE SYNTAX
END`)}}
	set, err := mib.Load(&mib.Config{FS: []fs.FS{files}, Modules: []string{"ACME-MIB"}, Base: builtin.Set()})
	if err != nil {
		fmt.Println(err)
	}
	for _, d := range set.Diagnostics() {
		fmt.Println(d)
	}
	n, _ := set.Node("acmeLevel")
	fmt.Println(n.OID(), n.Type(), n.Units(), n.Description())
	// Output:
	// acme.txt:9:1: error: type expected after SYNTAX ("END")
	// 1.3.6.1.4.1.99999.1 Gauge32 litres What is in the tank.
}
