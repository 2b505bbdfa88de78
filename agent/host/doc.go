// Package host has the objects of the machine that it runs on, for an
// [agent.Agent]: the interfaces group and ifXTable (IF-MIB), the groups of
// IP-MIB, TCP-MIB and UDP-MIB, storage and running software of
// HOST-RESOURCES-MIB, load and memory of UCD-SNMP-MIB.
//
//	a, err := agent.New(&agent.Config{System: host.System(), …})
//	host.Handle(a)
//
// Values are fetched when somebody asks and are at most a second old. What the
// system does not tell is not there. Linux tells everything; other systems what
// gopsutil and package net know of them.
package host
