package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/mib"
)

// translateCommand is snmptranslate.
func (p *program) translateCommand() *cobra.Command {
	var reports []string
	var width int
	cmd := &cobra.Command{
		Use:   "translate [OPTIONS] NAME...",
		Short: "Print names of objects in another form, or what is known of them",
		Long: `Print names of objects in another form, or what is known of them. A name is an
OID, a label, or a module and a label, with an index or without.

With -m LIST, names are those of these modules alone, as snmptranslate has them;
with -m +LIST they come on top of the names built in, and modules with mistakes
are read as far as they can be.`,
		Example: `  pollux translate -On IF-MIB::ifDescr
  pollux translate -Td SNMPv2-MIB::sysUpTime
  pollux translate -Tp -IR ifXTable
  pollux translate -m ALL -M /usr/share/snmp/mibs -Tz`,
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return p.translate(mib.Translation{Reports: strings.Join(reports, ""), Width: width}, args)
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&reports, "report", "T", nil, `what to print: `+"`letters`"+`
  d: the definition; p: the tree below; B: objects whose
  labels NAME, a regular expression, fits from the start
and without NAME, of all objects:
  p: the tree; a: ASN.1; l: labels and numbers; o: OIDs; s: labels;
  t: types; z: labels and OIDs`)
	fs.IntVarP(&width, "width", "w", 0, "`columns` at which -Tp and -Td break lines (no limit)")
	p.opts.BindSome(fs, "print", "input", "mibs", "mib-dirs", "mib-parsing")
	fs.Lookup("mibs").Usage = "`modules` to load, separated by colons, or ALL"
	cmd.SetFlagErrorFunc(usage)
	return cmd
}

// warn says what could not be read of the modules.
func (p *program) warn(command string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(p.stderr, "pollux %s: %s\n", command, strings.TrimPrefix(line, "mib: "))
	}
}

func usage(_ *cobra.Command, err error) error { return &cli.UsageError{Text: err.Error()} }

// letterError is what the user is told of a wrong letter.
func letterError(err error) error {
	return &cli.UsageError{Text: strings.TrimPrefix(err.Error(), "mib: ")}
}

func (p *program) translate(t mib.Translation, names []string) error {
	if len(names) == 0 && !strings.ContainsAny(t.Reports, "paloszt") {
		return &cli.UsageError{Text: missingOID}
	}
	if err := t.Check(); err != nil {
		return letterError(err)
	}
	if strings.Contains(t.Reports, "d") {
		p.opts.Parse += "d"
	}
	// Letters first: what they say wrongly is found before anything is read.
	in, err := p.opts.Reader(nil)
	if err != nil {
		return letterError(err)
	}
	out, err := p.opts.Printer(nil)
	if err != nil {
		return letterError(err)
	}
	set, err := p.opts.FileNames()
	if err != nil { // the others will do
		p.warn("translate", err)
	}
	in.Set, out.Set = set, set
	t.Input, t.Printer = *in, *out
	if len(names) == 0 {
		return t.Write(p.stdout, "")
	}
	for i, name := range names {
		if i > 0 {
			io.WriteString(p.stdout, "\n")
		}
		var err error
		if name == "" { // Write would take it for the whole tree
			_, err = in.OID(name)
		} else {
			err = t.Write(p.stdout, name)
		}
		if unknown, ok := errors.AsType[*mib.NameError](err); ok {
			fmt.Fprintln(p.stderr, unknown.Line)
			if in.Regex || strings.Contains(t.Reports, "B") {
				return &cli.Reported{Code: 1}
			}
			return &cli.Reported{Code: 2}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
