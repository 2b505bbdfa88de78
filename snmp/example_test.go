package snmp_test

import (
	"errors"
	"fmt"

	"github.com/pollux-snmp/pollux/snmp"
)

// A walk ends at the first OID that is not below its root.
func ExampleOID_HasPrefix() {
	root := snmp.MustParseOID("1.3.6.1.2.1.2.2.1.10") // ifInOctets
	for _, s := range []string{"1.3.6.1.2.1.2.2.1.10.1", "1.3.6.1.2.1.2.2.1.100"} {
		fmt.Println(s, snmp.MustParseOID(s).HasPrefix(root))
	}
	// Output:
	// 1.3.6.1.2.1.2.2.1.10.1 true
	// 1.3.6.1.2.1.2.2.1.100 false
}

func ExampleParseOID_error() {
	_, err := snmp.ParseOID("1.3.6.1.sysDescr")
	fmt.Println(err)
	fmt.Println(errors.Is(err, snmp.ErrSyntax))
	// Output:
	// snmp: OID "1.3.6.1.sysDescr": sub-identifier "sysDescr" is not a 32-bit number
	// true
}
