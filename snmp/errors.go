package snmp

import (
	"fmt"
	"strconv"

	"github.com/pollux-snmp/pollux/internal/ber"
	"github.com/pollux-snmp/pollux/internal/general"
)

// The kinds of failure of this package, for [errors.Is]. All of them lie below
// the module's general error.
var (
	// ErrSyntax means that text or octets do not form the value they should.
	ErrSyntax = ber.ErrSyntax

	// ErrVersion means that a message is of a version that does not exist or is
	// not supported. It is an ErrSyntax.
	ErrVersion = general.Kind("unsupported version", ErrSyntax)

	// ErrBadArgument means that a call was refused before anything was sent.
	// Repeating it cannot help.
	ErrBadArgument = general.Kind("bad argument", general.Err)

	// ErrBadAnswer means that an answer came that does not fit its request.
	ErrBadAnswer = general.Kind("bad answer", general.Err)

	// ErrNotIncreasing means that a walk met an OID that does not come after
	// the one before, so that it might never end. It is an ErrBadAnswer.
	ErrNotIncreasing = general.Kind("OID not increasing", ErrBadAnswer)
)

// wrap puts the package's name before a fault that lies below [ErrSyntax].
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("snmp: %s: %w", what, err)
}

// A versionError is the place of a fault that is below [ErrVersion].
type versionError struct{ error }

func (e *versionError) Unwrap() error { return ErrVersion }

// A detail is a kind of failure and the text that says what happened.
type detail struct {
	text string
	kind error
}

func (e *detail) Error() string { return "snmp: " + e.text }
func (e *detail) Unwrap() error { return e.kind }

// An ErrorStatus says why a peer did not do as it was asked (RFC 3416, section
// 3). It is an error itself, for [errors.Is] on a [*ResponseError].
type ErrorStatus int32

// The error-status values. Those up to GenErr are all that SNMPv1 knows.
const (
	NoError ErrorStatus = iota
	TooBig
	NoSuchName
	BadValue
	ReadOnly
	GenErr
	NoAccess
	WrongType
	WrongLength
	WrongEncoding
	WrongValue
	NoCreation
	InconsistentValue
	ResourceUnavailable
	CommitFailed
	UndoFailed
	AuthorizationError
	NotWritable
	InconsistentName
)

var errorStatusNames = [...]string{
	"noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength",
	"wrongEncoding", "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed",
	"undoFailed", "authorizationError", "notWritable", "inconsistentName",
}

// String returns the name that the RFCs use, such as "noSuchName".
func (s ErrorStatus) String() string {
	if s >= 0 && int(s) < len(errorStatusNames) {
		return errorStatusNames[s]
	}
	return "error-status " + strconv.Itoa(int(s))
}

// Error returns the same as String.
func (s ErrorStatus) Error() string { return s.String() }

// V1 returns the status that tells the same to a peer of SNMPv1 (RFC 3584,
// section 4.4).
func (s ErrorStatus) V1() ErrorStatus {
	switch s {
	case WrongValue, WrongEncoding, WrongType, WrongLength, InconsistentValue:
		return BadValue
	case NoAccess, NotWritable, NoCreation, InconsistentName, AuthorizationError:
		return NoSuchName
	case NoError, TooBig, NoSuchName, BadValue, ReadOnly, GenErr:
		return s
	}
	return GenErr
}

// A ResponseError is the error-status of an answer. errors.Is(err, NoSuchName)
// tells which one.
type ResponseError struct {
	Status ErrorStatus
	Index  int // the position of the binding at fault, from 1; 0 if none is
	OID    OID // the OID of that binding in the request; zero if none is
}

func (e *ResponseError) Error() string {
	s := "snmp: agent answered " + e.Status.String()
	if !e.OID.IsZero() {
		s += " for " + e.OID.String()
	}
	return s
}

// Unwrap returns the status. A ResponseError also is below the module's
// general error.
func (e *ResponseError) Unwrap() []error { return []error{e.Status, general.Err} }
