package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/snmp"
)

const (
	missingAgent = "No hostname specified."
	missingOID   = "Missing object name"
)

func (p *program) getCommand() *cobra.Command {
	cmd := p.command("get [OPTIONS] AGENT OID...", "Ask for the values of instances", 2, missingOID, func(ctx context.Context, args []string) error {
		return p.get(ctx, snmp.GetRequest, args[1:])
	})
	p.opts.BindCommandOptions(cmd.Flags(), "f: do not drop a failing object and ask for the rest")
	return cmd
}

func (p *program) nextCommand() *cobra.Command {
	cmd := p.command("next [OPTIONS] AGENT OID...", "Ask for the instances after OIDs", 2, missingOID, func(ctx context.Context, args []string) error {
		return p.get(ctx, snmp.GetNextRequest, args[1:])
	})
	cmd.Aliases = []string{"getnext"}
	p.opts.BindCommandOptions(cmd.Flags(), "f: do not drop a failing object and ask for the rest")
	return cmd
}

// get asks for all OIDs in one message. If one of them fails, it reports that,
// asks for the rest, and ends with the code for an error-status.
func (p *program) get(ctx context.Context, t snmp.PDUType, names []string) error {
	drop := true
	err := p.opts.CommandOptions(func(letter byte, rest string) (int, bool) {
		drop = false
		return 0, letter == 'f'
	})
	if err != nil {
		return err
	}
	return p.session(ctx, func(s *cli.Session) error {
		oids, err := s.OIDs(names)
		if err != nil {
			return err
		}
		var failed error
		for len(oids) > 0 {
			var vbs []snmp.VarBind
			if t == snmp.GetRequest {
				vbs, err = s.Get(ctx, oids...)
			} else {
				vbs, err = s.GetNext(ctx, oids...)
			}
			var response *snmp.ResponseError
			switch {
			case err == nil:
				return errors.Join(failed, s.PrintAll(vbs))
			case !errors.As(err, &response):
				return err
			}
			title := "Error in packet"
			if t == snmp.GetNextRequest {
				title += "." // Net-SNMP's programs differ in this
			}
			cli.PrintResponseError(p.stderr, title, response, s.Printer.AppendOID)
			failed = &cli.Reported{Code: 2}
			if !drop || response.Index < 1 || response.Index > len(oids) {
				break
			}
			oids = slices.Delete(oids, response.Index-1, response.Index)
		}
		return failed
	})
}

func (p *program) bulkgetCommand() *cobra.Command {
	cmd := p.command("bulkget [OPTIONS] AGENT OID...", "Ask for many instances after OIDs in one message", 2, missingOID, func(ctx context.Context, args []string) error {
		nonRepeaters, maxRepetitions := 0, 10
		err := p.opts.CommandOptions(func(letter byte, rest string) (used int, ok bool) {
			switch letter {
			case 'n':
				nonRepeaters, used, ok = cli.Number(rest)
			case 'r':
				maxRepetitions, used, ok = cli.Number(rest)
			}
			return used, ok
		})
		if err != nil {
			return err
		}
		return p.session(ctx, func(s *cli.Session) error {
			oids, err := s.OIDs(args[1:])
			if err != nil {
				return err
			}
			if s.Version == snmp.V1 {
				return &cli.UsageError{Text: "Cannot send V2 PDU on V1 session"}
			}
			vbs, err := s.GetBulk(ctx, nonRepeaters, maxRepetitions, oids...)
			if err != nil {
				return err
			}
			// What follows the end of the MIB says nothing new.
			for i, vb := range vbs {
				if vb.Value.Kind() == snmp.KindEndOfMIBView {
					vbs = vbs[:i+1]
					break
				}
			}
			return s.PrintAll(vbs)
		})
	})
	p.opts.BindCommandOptions(cmd.Flags(), "n`NUM`: non-repeaters (0); rNUM: max-repetitions (10)")
	return cmd
}
