package usm

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// maxEngineIDLen is the greatest length of an engine ID (RFC 3411, section 5).
const maxEngineIDLen = 32

// An EngineID is the octets that name an SNMP engine (SnmpEngineID, RFC 3411,
// section 5). Peers send IDs that are not valid; nothing here fails on them.
type EngineID []byte

// NewEngineID returns an ID that no other engine has: format 5 (octets) below
// the enterprise of Net-SNMP, whose own IDs have other formats, and twelve
// random octets. An agent keeps it across restarts.
func NewEngineID() EngineID {
	id := append(make(EngineID, 0, 17), 0x80, 0, 0x1f, 0x88, 5)
	id = id[:cap(id)]
	rand.Read(id[5:])
	return id
}

// ParseEngineID returns the ID that s holds as hexadecimal digits, with or
// without a leading "0x" and with or without blanks or colons between octets.
// The error wraps [ErrSyntax], also if the ID is not valid.
func ParseEngineID(s string) (EngineID, error) {
	digits := s
	if len(s) >= 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		digits = s[2:]
	}
	if len(digits) <= 3*maxEngineIDLen {
		digits = strings.NewReplacer(" ", "", ":", "").Replace(digits)
	}
	if len(digits) > 2*maxEngineIDLen {
		return nil, &failure{fmt.Sprintf("engine ID %.40q… is longer than 32 octets", s), ErrSyntax}
	}
	id, err := hex.DecodeString(digits)
	switch {
	case err != nil:
		return nil, &failure{fmt.Sprintf("engine ID %q: want hexadecimal digits, two for each octet", s), ErrSyntax}
	case !EngineID(id).Valid():
		return nil, &failure{fmt.Sprintf("engine ID %q: want 5 to 32 octets, not all 00 and not all ff", s), ErrSyntax}
	}
	return id, nil
}

// Valid reports whether id is what RFC 3411 allows: 5 to 32 octets, not all
// zero and not all ff.
func (id EngineID) Valid() bool {
	n := len(id)
	return n >= 5 && n <= maxEngineIDLen && bytes.Count(id, []byte{0}) != n && bytes.Count(id, []byte{0xff}) != n
}

// String returns the hexadecimal form that [ParseEngineID] reads, such as
// "0x80001f8805…".
func (id EngineID) String() string { return "0x" + hex.EncodeToString(id) }
