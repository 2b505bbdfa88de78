package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/snmp"
)

// mib2 is what a walk without an OID walks.
var mib2 = snmp.MustParseOID("1.3.6.1.2.1")

// A walk is one run of walk or bulkwalk.
type walk struct {
	p *program
	s *cli.Session

	root, end snmp.OID // end is the first OID not to print, or zero
	bulk      bool

	include   bool   // -Ci: the root's own instance, too
	noGet     bool   // -CI: do not ask for the root itself if nothing is below
	unchecked bool   // -Cc: OIDs need not increase
	count     bool   // -Cp
	total     bool   // -Ct: print how long it took
	each      bool   // -CT: print how long each request took
	endName   string // -CE
	repeat    int    // -Cr
	nonRepeat int    // -Cn

	found int // instances printed
}

func (p *program) walkCommand() *cobra.Command {
	cmd := p.command("walk [OPTIONS] [AGENT [OID]]", "Print all instances below an OID", 0, "", func(ctx context.Context, args []string) error {
		if len(args) == 0 {
			return p.walkThisMachine(ctx)
		}
		return p.walk(ctx, &walk{}, args)
	})
	cmd.Long = `Print all instances below an OID, one request for each; below mib-2 if no OID is
given. Without an agent, start one on a free port of 127.0.0.1 and walk what
this machine says of itself.`
	p.opts.BindCommandOptions(cmd.Flags(), `c: OIDs need not increase; E OID: end there; i: include OID;
I: no GET of OID; p: count; t: time; T: time of each request`)
	return cmd
}

func (p *program) bulkwalkCommand() *cobra.Command {
	cmd := p.command("bulkwalk [OPTIONS] AGENT [OID]", "Print all instances below an OID, many with each request", 1, missingAgent, func(ctx context.Context, args []string) error {
		return p.walk(ctx, &walk{bulk: true, repeat: 10}, args)
	})
	p.opts.BindCommandOptions(cmd.Flags(), `c: OIDs need not increase; i: include OID; nNUM: non-repeaters (0);
p: count; rNUM: max-repetitions (10); t: time`)
	return cmd
}

// walk walks the agent and the OID that args name.
func (p *program) walk(ctx context.Context, w *walk, args []string) error {
	w.p = p
	if err := p.opts.CommandOptions(w.option); err != nil {
		return err
	}
	return p.session(ctx, func(s *cli.Session) error {
		var err error
		w.s, w.root, w.end = s, mib2, mib2.NextSibling()
		if len(args) > 1 {
			if w.root, w.end, err = s.Subtree(args[1]); err != nil {
				return err
			}
		}
		if w.endName != "" {
			if w.end, err = s.OID(w.endName); err != nil {
				return err
			}
		}
		if w.bulk && s.Version == snmp.V1 {
			return &cli.UsageError{Text: "Cannot send V2 PDU on V1 session"}
		}
		return w.run(ctx)
	})
}

// option takes a letter of -C.
func (w *walk) option(letter byte, rest string) (used int, ok bool) {
	switch {
	case letter == 'c':
		w.unchecked = true
	case letter == 'i':
		w.include = true
	case letter == 'p':
		w.count = true
	case letter == 't':
		w.total = true
	case letter == 'I' && !w.bulk:
		w.noGet = true
	case letter == 'T' && !w.bulk:
		w.each = true
	case letter == 'E' && !w.bulk && len(rest) > 1:
		w.endName = rest[1:] // after a space
		return len(rest), true
	case letter == 'r' && w.bulk:
		w.repeat, used, ok = cli.Number(rest)
		return used, ok
	case letter == 'n' && w.bulk:
		w.nonRepeat, used, ok = cli.Number(rest)
		return used, ok
	default:
		return 0, false
	}
	return 0, true
}

// run walks and prints.
func (w *walk) run(ctx context.Context) error {
	start := time.Now()
	if w.include {
		if err := w.get(ctx); err != nil {
			return err
		}
	}
	if err := w.below(ctx); err != nil {
		return err
	}
	if w.found == 0 && !w.noGet {
		if err := w.get(ctx); err != nil {
			return err
		}
	}
	if w.count {
		w.s.Say("Variables found: %d\n", w.found)
	}
	if w.total {
		fmt.Fprintf(w.p.stderr, "Total traversal time = %f seconds\n", time.Since(start).Seconds())
	}
	return nil
}

// get prints the instance that the root names. An agent that has none is no
// error.
func (w *walk) get(ctx context.Context) error {
	rsp, err := w.s.Do(ctx, snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{OID: w.root}}})
	if err != nil || rsp.ErrorStatus != snmp.NoError {
		return err
	}
	w.found += len(rsp.VarBinds)
	return w.s.PrintAll(rsp.VarBinds)
}

// below prints all instances after the root and before the end.
func (w *walk) below(ctx context.Context) error {
	request := snmp.PDU{Type: snmp.GetNextRequest, VarBinds: make([]snmp.VarBind, 1)}
	if w.bulk {
		request.Type, request.NonRepeaters, request.MaxRepetitions = snmp.GetBulkRequest, w.nonRepeat, w.repeat
	}
	for last := w.root; ; {
		request.VarBinds[0] = snmp.VarBind{OID: last}
		start := time.Now()
		rsp, err := w.s.Do(ctx, request)
		switch {
		case err != nil:
			return err
		case rsp.ErrorStatus == snmp.NoSuchName:
			w.s.Say("End of MIB\n")
			return nil
		case rsp.ErrorStatus != snmp.NoError:
			cli.PrintResponseError(w.p.stderr, "Error in packet.", &snmp.ResponseError{Status: rsp.ErrorStatus, Index: rsp.ErrorIndex, OID: last}, w.s.Printer.AppendOID)
			return &cli.Reported{Code: 2}
		case len(rsp.VarBinds) == 0:
			return fmt.Errorf("the agent answered without bindings")
		}
		for _, vb := range rsp.VarBinds {
			if !w.end.IsZero() && vb.OID.Compare(w.end) >= 0 {
				return nil
			}
			w.found++
			if w.each {
				w.s.Say("%f s: ", time.Since(start).Seconds())
			}
			if err := w.s.Out.Print(vb); err != nil {
				return err
			}
			switch vb.Value.Kind() {
			case snmp.KindEndOfMIBView, snmp.KindNoSuchObject, snmp.KindNoSuchInstance:
				return nil
			}
			if vb.OID.Compare(last) <= 0 && !w.unchecked {
				name := w.s.Printer.AppendOID
				w.s.Out.Flush()
				fmt.Fprintf(w.p.stderr, "Error: OID not increasing: %s\n >= %s\n\n", name(nil, last), name(nil, vb.OID))
				return &cli.Reported{Code: 1}
			}
			last = vb.OID
		}
	}
}
