package usm

import (
	"fmt"

	"github.com/pollux-snmp/pollux/internal/general"
)

// The kinds of failure of this package, for [errors.Is]. Each [Stat] is one
// more.
var (
	// ErrUSM is above all errors of this package.
	ErrUSM = general.Kind("user-based security model", general.Err)

	// ErrSyntax means that octets or text do not form what they should.
	ErrSyntax = general.Kind("invalid syntax", ErrUSM)

	// ErrBadArgument means that a user's name, protocols or keys cannot be
	// used, or that a function was called with what it does not take.
	ErrBadArgument = general.Kind("bad argument", ErrUSM)
)

// A Stat is one of the six reasons for which a message is refused (RFC 3414,
// section 3.2). It is an error, below [ErrUSM], and the number of the counter
// in usmStats that counts it and that a Report carries.
type Stat uint8

// The reasons, in the order of usmStats.
const (
	ErrUnsupportedSecurityLevel Stat = 1 + iota
	ErrNotInTimeWindow
	ErrUnknownUserName
	ErrUnknownEngineID
	ErrWrongDigest
	ErrDecryption
)

// statPrefix is usmStats; .N.0 below it is the instance of Stat N.
const statPrefix = "1.3.6.1.6.3.15.1.1."

// StatFromOID returns the Stat whose counter has the dotted OID, with or without
// a leading dot and with or without the instance ".0".
func StatFromOID(oid string) (s Stat, ok bool) {
	for s := ErrUnsupportedSecurityLevel; s <= ErrDecryption; s++ {
		full := s.OID()
		for _, have := range []string{full, full[:len(full)-2]} {
			if oid == have || oid == "."+have {
				return s, true
			}
		}
	}
	return 0, false
}

// OID returns the dotted OID of the counter's instance, such as
// "1.3.6.1.6.3.15.1.1.5.0" for [ErrWrongDigest].
func (s Stat) OID() string { return fmt.Sprint(statPrefix, uint8(s), ".0") }

// Error says what the reason means for the one who asked.
func (s Stat) Error() string {
	switch s {
	case ErrUnsupportedSecurityLevel:
		return "usm: security level not supported for this user"
	case ErrNotInTimeWindow:
		return "usm: message outside the time window"
	case ErrUnknownUserName:
		return "usm: unknown user name"
	case ErrUnknownEngineID:
		return "usm: unknown engine ID"
	case ErrWrongDigest:
		return "usm: wrong digest: authentication protocol, pass phrase or key differ"
	case ErrDecryption:
		return "usm: cannot decrypt: privacy protocol, pass phrase or key differ, or the message is damaged"
	}
	return fmt.Sprintf("usm: Stat(%d)", uint8(s))
}

// Unwrap returns [ErrUSM].
func (s Stat) Unwrap() error { return ErrUSM }

// failure is an error with its text and its kind.
type failure struct {
	text string
	kind error
}

func (f *failure) Error() string { return "usm: " + f.text }
func (f *failure) Unwrap() error { return f.kind }

func badArgument(format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), ErrBadArgument}
}
