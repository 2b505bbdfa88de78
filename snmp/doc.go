// Package snmp is the protocol: object identifiers, values, the messages of
// SNMP v1, v2c and v3, the [Client] that asks with them, and the [Receiver] of
// notifications.
//
// It knows no sockets. A Client speaks through a [Conn], which package role
// implements and anybody else may:
//
//	m, err := role.Open(ctx, &role.Config{Key: snmp.Key, Split: snmp.Split})
//	c, err := snmp.NewClient(m.To(addr), &snmp.Config{Community: "public"})
//	for row, err := range c.Table(ctx, ifEntry, 2, 10, 16) { … }
//
// One Manager does for any number of Clients, and a Client for any number of
// goroutines. An idle Client takes 400 octets, and about a kilobyte more once it
// has keys of SNMPv3.
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
// A Client with a User finds out the peer's engine ID and time by itself, once
// for all calls that wait, and follows a peer that reboots, gets another engine
// ID or sets its clock. It believes an answer only if it has the engine, user,
// time, context, msgID and request-id of its request and no lower level. Reports
// come as errors below [ErrReport] and, for the reasons of the User-based
// Security Model, errors of package usm; those that are not authentic change
// nothing. A call sends four messages at most besides a discovery's.
//
// [Message.AppendScopedPDU] and [HeaderData.Seal] make a secured message,
// [Parser.SecurityParameters], [Parser.Verify] and [Parser.Decrypt] take it apart,
// all without allocating. Keys and algorithms are in package usm, and a security
// model of another kind finds [HeaderData.Append], [Parser.RawEncryptedPDU] and
// [Parser.StartScopedPDU].
//
// # Time
//
// A Client has two clocks: a timeout bounds an attempt, the context a call. The
// timeout is [Config].Timeout, or with MaxTimeout follows the peer's round-trip
// times. StartGet, which has no context, ends when the attempts do.
//
// # Errors
//
// Those of the Conn are passed on. Others are an error-status, as a
// [*ResponseError]; below [ErrBadArgument], before anything was sent; below
// [ErrBadAnswer], if an answer came that is none; or a Report.
package snmp
