module github.com/pollux-snmp/pollux/bench

go 1.26.0

replace github.com/pollux-snmp/pollux => ../

require (
	github.com/gosnmp/gosnmp v1.47.0
	github.com/pollux-snmp/pollux v0.0.0
)

require (
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
