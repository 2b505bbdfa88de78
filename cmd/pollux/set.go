package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/snmp"
)

func (p *program) setCommand() *cobra.Command {
	cmd := p.command("set [OPTIONS] AGENT OID TYPE VALUE...", "Set instances, all or none", 2, missingOID, func(ctx context.Context, args []string) error {
		quiet := false
		err := p.opts.CommandOptions(func(letter byte, rest string) (int, bool) {
			quiet = true
			return 0, letter == 'q'
		})
		if err != nil {
			return err
		}
		return p.session(ctx, func(s *cli.Session) error {
			vbs, err := readVarBinds(s, args[1:])
			if err != nil {
				return err
			}
			rsp, err := s.Do(ctx, snmp.PDU{Type: snmp.SetRequest, VarBinds: vbs})
			if err != nil {
				return err
			}
			if rsp.ErrorStatus != snmp.NoError {
				e := &snmp.ResponseError{Status: rsp.ErrorStatus, Index: rsp.ErrorIndex}
				if i := rsp.ErrorIndex - 1; i >= 0 && i < len(vbs) {
					e.OID = vbs[i].OID
				}
				cli.PrintResponseError(p.stderr, "Error in packet.", e, s.Printer.AppendOID)
				return &cli.Reported{Code: 2}
			}
			if quiet {
				return nil
			}
			return s.PrintAll(rsp.VarBinds)
		})
	})
	cmd.Long = `Set instances, all or none.

Each binding takes three arguments. TYPE is one of
  i INTEGER       u Unsigned32    c Counter32    C Counter64    t TimeTicks
  a IpAddress     o OID           s string       x hexadecimal  d decimal octets
  b BITS          n Null          U, I 64 bits   F, D floats    = from the MIB`
	p.opts.BindCommandOptions(cmd.Flags(), "q: do not print what was set")
	return cmd
}

// readVarBinds reads bindings of three words each.
func readVarBinds(s *cli.Session, words []string) ([]snmp.VarBind, error) {
	var vbs []snmp.VarBind
	for ; len(words) > 0; words = words[3:] {
		switch len(words) {
		case 1:
			return nil, &cli.UsageError{Text: words[0] + ": Needs type and value"}
		case 2:
			return nil, &cli.UsageError{Text: words[0] + ": Needs value"}
		}
		if len(words[1]) != 1 {
			return nil, &cli.UsageError{Text: words[0] + ": Bad object type: " + words[1]}
		}
		oid, err := s.OID(words[0])
		if err != nil {
			return nil, err
		}
		v, err := s.Reader.Value(oid, words[1][0], words[2])
		var bad *mib.ValueError
		if errors.As(err, &bad) {
			why := "Bad value notation"
			if errors.Is(err, mib.ErrRange) {
				why = "Value out of range"
			}
			return nil, &cli.UsageError{Text: words[0] + ": " + why + " (" + bad.Detail + ")"}
		}
		if err != nil {
			return nil, err
		}
		vbs = append(vbs, snmp.VarBind{OID: oid, Value: v})
	}
	return vbs, nil
}
