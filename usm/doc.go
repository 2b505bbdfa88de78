// Package usm is the User-based Security Model of SNMPv3 on byte slices: keys,
// authentication, privacy, the security parameters of a message and the clocks
// of engines (RFC 3414, RFC 3826, RFC 7860, and the drafts of Blumenthal and of
// Reeder for AES-192, AES-256 and 3DES).
//
// # From a pass phrase to a message
//
// A [User] holds a name, protocols and [Key] values, which are pass phrases or
// keys. [User.Localize] makes the [LocalUser] of one engine, which signs,
// verifies, encrypts and decrypts. A pass phrase costs a millisecond or two,
// once for a Key: use one User for all devices that share it.
//
// # Time
//
// Nothing here reads a clock. [Clock] (authoritative, an agent's own) and
// [PeerClock] (a manager's notion of an agent's) get the time as an argument.
//
// # Buffers
//
// The caller owns every slice that it passes in, and nothing is kept, unless a
// comment says otherwise. A message costs no allocation.
//
// # Concurrency
//
// Keys, Users and LocalUsers may be used from any number of goroutines at once.
// The clocks are plain values that their owner guards.
//
// # What a stranger can cost
//
// Before a message is authenticated, a stranger who knows a user's name can make
// the receiver parse its parameters, hash it once, and, for an engine not seen
// before, localise one authentication key: a few microseconds, and no memory
// that stays. What takes longer (pass phrases, the keys of privacy) happens at
// most once for a Key or a LocalUser, and privacy only after [LocalUser.Verify].
// With a pass phrase, the first message pays for it; call [User.Check] before
// listening to pay in advance.
package usm
