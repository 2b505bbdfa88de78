//go:build race

package snmp

// raceEnabled says that the race detector runs, which makes pools forget and
// everything slow.
const raceEnabled = true
