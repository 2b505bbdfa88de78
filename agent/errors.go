package agent

import "github.com/pollux-snmp/pollux/internal/general"

// The kinds of failure of this package, for [errors.Is].
var (
	// ErrBadArgument means that settings or arguments cannot be used.
	ErrBadArgument = general.Kind("bad argument", general.Err)

	// ErrStore means that a Store holds what it should not, or could not keep
	// what it was given.
	ErrStore = general.Kind("store", general.Err)
)
