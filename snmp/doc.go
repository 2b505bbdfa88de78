// Package snmp is the protocol: object identifiers, values, the messages of
// SNMP v1, v2c and v3, and the [Client] that asks with them.
//
// It knows no sockets. A Client speaks through a [Conn], which package role
// implements and anybody else may.
package snmp
