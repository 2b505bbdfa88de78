// Package pollux is the front door to SNMP in Go.
package pollux

import "github.com/pollux-snmp/pollux/internal/general"

// ErrGeneral is the root of all errors of this module: errors.Is(err,
// ErrGeneral) tells whether an error came from any of its packages.
var ErrGeneral = general.Err
