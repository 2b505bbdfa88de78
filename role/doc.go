// Package role carries whole messages between a manager and an agent.
//
// A [Manager] sends requests and waits for the answers; an [Agent] waits for
// requests and sends the answers back. Both work over one socket a local
// address and treat a message as opaque octets: this package does not know
// what SNMP is. Two small functions in [Config] tell it what it must know of a
// protocol, namely which answer belongs to which request ([KeyFunc]) and, on a
// byte stream, where a message ends ([SplitFunc]).
//
// # Roles
//
// [Dial] makes a manager with a default destination, [Open] one without:
// every call then names its own. [ListenAgent] makes an agent that serves
// several local addresses as one. [Manager.Exchange] blocks, [Manager.Start]
// calls back, [Manager.ExchangeAll] takes a list. [Agent.Serve] answers for
// ever, [Agent.ServeOne] once; [Agent.Receive] and [Agent.Send] are its parts.
//
// # Time
//
// An exchange makes one attempt and up to Config.Retries further ones, each
// lasting Config.Timeout. The context passed to a call bounds all of them
// together. There are no other timers, and nothing that arrives shortens an
// attempt, except the answer.
//
// # Buffers
//
// The caller owns every buffer that it passes in. A call keeps no reference to
// it after it returns (Start: after Done is called), and a returned message
// aliases the buffer that the caller passed, never memory of this package.
// Steady-state traffic over UDP does not allocate.
//
// # Concurrency
//
// All methods of Manager and Agent may be called from several goroutines.
// What they send at the same time leaves in one system call where the system
// has one for it (Linux). After Close, blocked and later calls return an error
// that wraps [net.ErrClosed].
//
// # Errors
//
// Every error is an [*Error] of one kind: [ErrBadArgument], [ErrNetwork], or
// its children [ErrNoResponse] and [ErrNoRequest]. The operating system's
// cause is wrapped as well. Datagrams that answer nothing are no errors: they
// are dropped and counted in [Stats].
//
// # Transports
//
// UDP, TCP and Unix sockets (stream and datagram) are built in. Anything that
// implements [PacketConn] can take their place; package roletest has one that
// lives in memory, loses, delays and forges messages on request, and runs in
// virtual time.
package role
