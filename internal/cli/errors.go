package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A UsageError is a mistake in the command line.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }

// Reported is an error that has been printed already.
type Reported struct{ Code int }

func (e *Reported) Error() string { return "" }

// Report prints err as Net-SNMP's programs do and returns their exit code: 2
// for an error-status, 1 for all else. Command is the name of the command, and
// target the agent as the user wrote it.
func Report(w io.Writer, command, target string, err error) int {
	var (
		reported *Reported
		response *snmp.ResponseError
		name     *mib.NameError
		dns      *net.DNSError
		usage    *UsageError
	)
	for _, r := range reports {
		if errors.Is(err, r.stat) {
			fmt.Fprintf(w, "pollux %s: %s\n", command, r.text)
			return 1
		}
	}
	switch {
	case errors.As(err, &reported):
		return reported.Code
	case errors.As(err, &response):
		PrintResponseError(w, "Error in packet.", response, (&mib.Printer{}).AppendOID)
		return 2
	case errors.As(err, &usage):
		fmt.Fprintf(w, "%s\nTry \"pollux %s --help\".\n", usage.Text, command)
	case errors.As(err, &name):
		fmt.Fprintln(w, name.Line)
	case errors.As(err, &dns):
		fmt.Fprintf(w, "pollux %s: Unknown host (%s)\n", command, target)
	case errors.Is(err, role.ErrNoResponse):
		fmt.Fprintf(w, "Timeout: No Response from %s.\n", target)
	case errors.Is(err, syscall.ECONNREFUSED):
		fmt.Fprintf(w, "pollux %s: Nobody listens at %s (connection refused)\n", command, target)
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(w, "pollux %s: interrupted\n", command)
	default:
		fmt.Fprintf(w, "pollux %s: %v\n", command, err)
	}
	return 1
}

// reports are Net-SNMP's words for the Reports of SNMPv3.
var reports = []struct {
	stat usm.Stat
	text string
}{
	{usm.ErrUnsupportedSecurityLevel, "Unsupported security level"},
	{usm.ErrNotInTimeWindow, "Not in time window"},
	{usm.ErrUnknownUserName, "Unknown user name"},
	{usm.ErrUnknownEngineID, "Unknown engine ID"},
	{usm.ErrWrongDigest, "Authentication failure (incorrect password, community or key)"},
	{usm.ErrDecryption, "Decryption error"},
}

// reasons are Net-SNMP's words for the statuses of an answer.
var reasons = map[snmp.ErrorStatus]string{
	snmp.TooBig:              "(tooBig) Response message would have been too large.",
	snmp.NoSuchName:          "(noSuchName) There is no such variable name in this MIB.",
	snmp.BadValue:            "(badValue) The value given has the wrong type or length.",
	snmp.ReadOnly:            "(readOnly) The two parties used do not have access to use the specified SNMP PDU.",
	snmp.GenErr:              "(genError) A general failure occured",
	snmp.NoAccess:            "noAccess",
	snmp.WrongType:           "wrongType (The set datatype does not match the data type the agent expects)",
	snmp.WrongLength:         "wrongLength (The set value has an illegal length from what the agent expects)",
	snmp.WrongEncoding:       "wrongEncoding",
	snmp.WrongValue:          "wrongValue (The set value is illegal or unsupported in some way)",
	snmp.NoCreation:          "noCreation (That table does not support row creation or that object can not ever be created)",
	snmp.InconsistentValue:   "inconsistentValue (The set value is illegal or unsupported in some way)",
	snmp.ResourceUnavailable: "resourceUnavailable (This is likely a out-of-memory failure within the agent)",
	snmp.CommitFailed:        "commitFailed",
	snmp.UndoFailed:          "undoFailed",
	snmp.AuthorizationError:  "authorizationError (access denied to that object)",
	snmp.NotWritable:         "notWritable (That object does not support modification)",
	snmp.InconsistentName:    "inconsistentName (That object can not currently be created)",
}

// PrintResponseError prints an error-status. AppendOID prints the name of the
// binding at fault.
func PrintResponseError(w io.Writer, title string, e *snmp.ResponseError, appendOID func([]byte, snmp.OID) []byte) {
	reason, ok := reasons[e.Status]
	if !ok {
		reason = e.Status.String()
	}
	fmt.Fprintf(w, "%s\nReason: %s\n", title, reason)
	if !e.OID.IsZero() {
		fmt.Fprintf(w, "Failed object: %s\n\n", appendOID(nil, e.OID))
	}
}
