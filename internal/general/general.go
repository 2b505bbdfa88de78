// Package general holds the root of the module's errors and the type that the
// packages build their trees of error kinds from.
//
// A kind is an error that names one decision of a caller, such as "no
// response". It unwraps to its parent, so that errors.Is finds a kind and all
// above it; the root of every tree is [Err].
package general

// Err is the root of all errors of the module. The front door exports it as
// pollux.ErrGeneral.
var Err error = &kind{text: "snmp"}

// Kind returns a new kind of error below parent. Text must stand on its own,
// such as "no response".
func Kind(text string, parent error) error { return &kind{text, parent} }

// A kind is compared by address: two kinds of the same text differ.
type kind struct {
	text   string
	parent error // nil for the root
}

func (k *kind) Error() string { return k.text }
func (k *kind) Unwrap() error { return k.parent }
