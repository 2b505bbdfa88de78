package role

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/pollux-snmp/pollux/internal/general"
)

// The kinds of failure. Every [*Error] has one; test with [errors.Is]. Above
// them all stands the module's general error, pollux.ErrGeneral.
var (
	// ErrBadArgument means that the call was refused before anything was
	// sent. Repeating it cannot help.
	ErrBadArgument = general.Kind("bad argument", general.Err)

	// ErrNetwork means that the network or the operating system stopped an
	// operation. The cause is wrapped too, so errors.Is(err, syscall.EPERM)
	// works.
	ErrNetwork = general.Kind("network error", general.Err)

	// ErrNoResponse means that all attempts were made, or the context's
	// deadline passed, and no answer to the request came. It is an ErrNetwork.
	ErrNoResponse = general.Kind("no response", ErrNetwork)

	// ErrNoRequest means that an agent's wait ended without a request. It is
	// an ErrNetwork.
	ErrNoRequest = general.Kind("no request", ErrNetwork)
)

// An Error describes one failed call.
//
// Its text holds addresses and counts but never octets of a message, which may
// contain a community string.
type Error struct {
	Op       string // "exchange", "send", "receive", "dial", "listen", "resolve", "parse"
	Addr     string // the peer, or the local address for "listen"; may be ""
	Attempts int    // messages sent before giving up
	Kind     error  // one of the kinds above; nil if the context was cancelled
	Err      error  // the cause, or nil if Kind says it all
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("role: " + e.Op)
	if e.Addr != "" {
		b.WriteString(" " + e.Addr)
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	switch {
	case e.Attempts == 1:
		b.WriteString(" after 1 attempt")
	case e.Attempts > 1:
		b.WriteString(" after " + strconv.Itoa(e.Attempts) + " attempts")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	kind := e.Kind
	if kind == nil {
		kind = general.Err
	}
	if e.Err == nil {
		return []error{kind}
	}
	return []error{kind, e.Err}
}

// Timeout reports whether waiting longer might have helped. With it, *Error
// answers the question that callers put to a [net.Error].
func (e *Error) Timeout() bool {
	return e.Kind == ErrNoResponse || e.Kind == ErrNoRequest
}

// contextError returns the error of a call that its context ended: of the kind
// given if the deadline passed, of no kind if it was cancelled.
func contextError(ctx context.Context, op string, addr Addr, attempts int, kind error) *Error {
	e := &Error{Op: op, Addr: addr.String(), Attempts: attempts, Err: context.Cause(ctx)}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		e.Kind = kind
	}
	return e
}

// badArgument returns an error for a call that was refused.
func badArgument(op string, addr Addr, text string) *Error {
	return &Error{Op: op, Addr: addr.String(), Kind: ErrBadArgument, Err: errors.New(text)}
}
