module github.com/pollux-snmp/pollux

go 1.26
