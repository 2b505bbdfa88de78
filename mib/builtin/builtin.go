// Package builtin holds the facts of the standard MIB modules: the names, OIDs,
// syntaxes, enumerations, hints, indexes, units and access of what the IETF, the
// IANA, the IEEE and Net-SNMP have defined. Descriptions are not among them; load
// the modules' files for these.
//
// The facts are compiled into the program in the form in which package mib uses
// them. Nothing is parsed, copied or unpacked, so that the first lookup costs no
// more than any other.
package builtin

import (
	_ "embed" // for facts
	"sync"

	"github.com/pollux-snmp/pollux/mib"
)

//go:generate go run ../../internal/mibgen -o facts.bin ../../../shared/mibs/ietf ../../../shared/mibs/net-snmp

//go:embed facts.bin
var facts string

// Set returns the set of the standard modules. It is always the same one.
func Set() *mib.Set { return set() }

var set = sync.OnceValue(func() *mib.Set {
	s, err := mib.FromBinary(facts)
	if err != nil {
		panic("builtin: " + err.Error()) // facts.bin is of another version: run go generate
	}
	return s
})
