package snmp

import "github.com/pollux-snmp/pollux/internal/general"

// The kinds of failure of this package, for [errors.Is]. All of them lie below
// the module's general error.
var (
	// ErrSyntax means that text or bytes do not form the value they should.
	ErrSyntax = general.Kind("invalid syntax", general.Err)
)
