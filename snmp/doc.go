// Package snmp is the protocol: object identifiers, values, the messages of
// SNMP v1, v2c and v3, and the [Client] that asks with them.
//
// It knows no sockets. A Client speaks through a [Conn], which package role
// implements and anybody else may.
//
// # Data
//
// An [OID], a [Value] and a [VarBind] are immutable values that can be compared
// with == and be map keys. Their text is what Net-SNMP prints without MIB
// modules, and parses again; in JSON a binding is an object. A peer chooses the
// kind of a Value, so its accessors report whether it is of the kind asked for.
// Exceptions such as noSuchInstance are values, not errors.
//
// # Two levels
//
// A [Parser] reads a message in place, and Append of [Message] and [HeaderData]
// write one behind a slice: neither allocates. [MessageFromBER] and the Client
// return copies, which live as long as you like; short strings of one message
// share memory, long ones do not.
//
// What Net-SNMP accepts is accepted and made regular: lengths and integers in
// longer forms than needed, OIDs with leading zero octets, negative Counter32,
// Gauge32, TimeTicks and Counter64 (taken modulo their size), and Counter64 in
// SNMPv1. Anything else is an [ErrSyntax] that tells the offset, what was
// expected and what stood there, and shows no octets of the message. No length
// or count from outside sizes an allocation.
//
// # SNMPv3
//
// [Message.AppendScopedPDU] makes what is encrypted, [HeaderData.Append] the
// frame around it, and tells where the security parameters stand, so that the
// authentication parameters in them can be set last. The other way,
// [Parser.RawEncryptedPDU] gives what is to be decrypted and
// [Parser.StartScopedPDU] takes the result. Security itself is in package usm.
//
// # Time
//
// A Client has two clocks: [Config].Timeout bounds an attempt, the context a
// call.
package snmp
