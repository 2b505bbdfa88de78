// Command mibgen writes the facts of the standard MIB modules for package
// mib/builtin: names, OIDs, syntaxes, enumerations, hints, indexes, units and
// access. Descriptions and all other text stay behind.
//
//	go run ./internal/mibgen -o mib/builtin/facts.bin DIRECTORY...
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/pollux-snmp/pollux/mib"
)

// first are the modules that are read first, so that a node that several
// modules define shows the name that people know: these are the ones that
// Net-SNMP reads when nobody tells it otherwise.
var first = []string{
	"SNMPv2-MIB", "IF-MIB", "IP-MIB", "TCP-MIB", "UDP-MIB", "SNMP-VIEW-BASED-ACM-MIB",
	"SNMP-COMMUNITY-MIB", "SNMP-TARGET-MIB", "SNMP-NOTIFICATION-MIB", "SNMP-USER-BASED-SM-MIB",
	"SNMP-FRAMEWORK-MIB", "SNMP-MPD-MIB", "SNMP-PROXY-MIB", "SNMP-TSM-MIB", "SNMP-TLS-TM-MIB", "SNMPv2-TM",
	"HOST-RESOURCES-MIB", "HOST-RESOURCES-TYPES", "NOTIFICATION-LOG-MIB", "DISMAN-EVENT-MIB",
	"DISMAN-SCHEDULE-MIB", "IP-FORWARD-MIB", "IPV6-MIB", "AGENTX-MIB", "UCD-SNMP-MIB", "UCD-DISKIO-MIB",
	"UCD-DLMOD-MIB", "UCD-DEMO-MIB", "LM-SENSORS-MIB", "NET-SNMP-AGENT-MIB", "NET-SNMP-EXTEND-MIB",
	"NET-SNMP-VACM-MIB", "NET-SNMP-PASS-MIB", "NET-SNMP-EXAMPLES-MIB", "ENTITY-MIB", "BRIDGE-MIB",
	"Q-BRIDGE-MIB", "EtherLike-MIB", "MAU-MIB", "RMON-MIB",
}

func main() {
	out := flag.String("o", "", "the `file` to write")
	only := flag.Bool("first", false, "leave out all modules that are not in the list of the first ones")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(1)
	}
	modules := first
	if !*only {
		modules = append(modules, "ALL")
	}
	set, err := mib.Load(&mib.Config{Dirs: flag.Args(), Modules: modules, FactsOnly: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	data, err := set.AppendBinary(nil)
	if err == nil {
		err = os.WriteFile(*out, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d nodes of %d modules, %d bytes\n", set.Len(), len(set.Modules()), len(data))
}
