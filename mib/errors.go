package mib

import "github.com/pollux-snmp/pollux/internal/general"

// The kinds of failure of this package, for [errors.Is]. All of them lie below
// the module's general error.
var (
	// ErrNotFound means that there is no module, no file or no node of a name.
	ErrNotFound = general.Kind("not found", general.Err)

	// ErrSyntax means that a text is not an OID, a value or a module.
	ErrSyntax = general.Kind("invalid syntax", general.Err)

	// ErrRange means that a value or a part of an index is not one that its
	// type allows.
	ErrRange = general.Kind("out of range", general.Err)
)
