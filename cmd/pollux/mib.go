package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/internal/mibtext"
	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/mib/builtin"
)

const missingQuery = "Missing what to look for"

// mibCommand is the family of commands about modules.
func (p *program) mibCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "mib",
		Short: "Browse, search and check MIB modules",
		Long: `Browse, search and check MIB modules: those built in, and on top of them what -m
names. Modules with mistakes are read as far as they can be.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(p.mibTreeCommand(), p.mibFindCommand(), p.mibShowCommand(), p.mibLintCommand(), p.mibDumpCommand())
	for _, cmd := range root.Commands() {
		cmd.DisableFlagsInUseLine = true
		cmd.SetFlagErrorFunc(usage)
	}
	return root
}

// names returns the set of names, and says what could not be read of it. It is
// never nil.
func (p *program) names() *mib.Set {
	set, err := p.opts.Names()
	if err != nil {
		p.warn("mib", err)
	}
	if set == nil {
		return builtin.Set() // there is nothing to browse without names
	}
	return set
}

func (p *program) mibTreeCommand() *cobra.Command {
	var width int
	cmd := &cobra.Command{
		Use:   "tree [OPTIONS] [NAME...]",
		Short: "Print objects and what is below them",
		Long:  "Print objects and what is below them, or the whole tree.",
		Example: `  pollux mib tree IF-MIB::ifXTable
  pollux mib tree -m ./ACME-MIB.txt ACME-MIB::acme`,
		RunE: func(_ *cobra.Command, names []string) error {
			set := p.names()
			if len(names) == 0 {
				return mibtext.Tree(p.stdout, set, "", width)
			}
			for _, name := range names {
				if err := mibtext.Tree(p.stdout, set, name, width); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&width, "width", "w", 0, "`columns` at which lines break (no limit)")
	p.opts.BindSome(cmd.Flags(), "mibs", "mib-dirs", "mib-parsing")
	return cmd
}

func (p *program) mibFindCommand() *cobra.Command {
	var texts bool
	cmd := &cobra.Command{
		Use:   "find [OPTIONS] TEXT",
		Short: "Search objects by name, OID or text",
		Long: `Print a line with name, OID and type for each object whose OID lies below TEXT,
or that has TEXT in its module and label, the name of its type, or with --texts
its description. Case does not matter. The exit code is 1 if there is none.

The names built in have no descriptions: with --texts, all modules of the
directories are read, unless -m says which.`,
		Example: `  pollux mib find errors
  pollux mib find 1.3.6.1.2.1.31.1.1
  pollux mib find --texts "full duplex"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &cli.UsageError{Text: missingQuery}
			}
			if texts {
				p.readTexts(cmd)
			}
			found, err := mibtext.Find(p.stdout, p.names(), args[0], texts)
			if err == nil && found == 0 {
				fmt.Fprintf(p.stderr, "Nothing found for \"%s\"\n", args[0])
				err = &cli.Reported{Code: 1}
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&texts, "texts", "t", false, "look into descriptions, too")
	p.opts.BindSome(cmd.Flags(), "mibs", "mib-dirs", "mib-parsing")
	return cmd
}

// readTexts lets names read descriptions: of all modules, if nothing says of
// which.
func (p *program) readTexts(cmd *cobra.Command) {
	p.opts.Parse += "d"
	if _, ok := os.LookupEnv("MIBS"); !ok && !cmd.Flags().Changed("mibs") {
		cmd.Flags().Set("mibs", "ALL")
	}
}

func (p *program) mibShowCommand() *cobra.Command {
	var width int
	cmd := &cobra.Command{
		Use:   "show [OPTIONS] NAME...",
		Short: "Print all that is known of objects",
		Long: `Print all that is known of objects: the definition, where it is, its index and
what is below it. The names built in have no descriptions; they are taken from
the file of the module, if the directories have it.`,
		Example: `  pollux mib show IF-MIB::ifOperStatus
  pollux mib show ifXEntry`,
		RunE: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				return &cli.UsageError{Text: missingOID}
			}
			p.opts.Parse += "d"
			set := p.names()
			for i, name := range names {
				if o, err := (&mib.Input{Set: set}).OID(name); err == nil {
					if n, _ := set.Find(o); n.IsValid() && n.Description() == "" && n.Module() != "" {
						set = p.opts.WithModule(set, n.Module(), mib.Permissive)
					}
				}
				if i > 0 {
					fmt.Fprintln(p.stdout)
				}
				if err := mibtext.Show(p.stdout, set, name, width); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&width, "width", "w", 0, "`columns` at which lines break (no limit)")
	p.opts.BindSome(cmd.Flags(), "mibs", "mib-dirs", "mib-parsing")
	return cmd
}

func (p *program) mibLintCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint [OPTIONS] FILE|DIRECTORY|MODULE...",
		Short: "Print the mistakes in modules",
		Long: `Print the mistakes in modules as compilers do: file:line:column: severity:
message. An error means that something of a definition is lost; a warning, that a
rule is broken. What the modules import is read from their own directories and
those of -M, or is built in. The exit code is 1 if there are errors.`,
		Example: `  pollux mib lint ACME-MIB.txt
  pollux mib lint --output json -M /usr/share/snmp/mibs mibs/`,
		RunE: func(_ *cobra.Command, args []string) error { return p.lint(args) },
	}
	p.opts.BindSome(cmd.Flags(), "output", "mib-dirs", "mib-parsing")
	cmd.Flags().Lookup("output").Usage = "form of the output: text or json"
	return cmd
}

func (p *program) lint(args []string) error {
	if len(args) == 0 {
		return &cli.UsageError{Text: "Missing files or modules"}
	}
	if p.opts.Output != "text" && p.opts.Output != "json" {
		return &cli.UsageError{Text: "Unknown form of output: " + p.opts.Output + " (text, json)"}
	}
	var modules, dirs []string
	named := map[string]bool{} // the files to report on, or none for all
	add := func(file string) {
		if !strings.ContainsAny(file, `/\`) {
			file = "./" + file // or it would be the name of a module
		}
		modules = append(modules, file)
		named[file] = true
		if dir := strings.TrimRight(file[:strings.LastIndexAny(file, `/\`)+1], `/\`); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	byModule := false
	for _, arg := range args {
		fi, err := os.Stat(arg)
		switch {
		case err != nil:
			modules = append(modules, arg)
			byModule = true
		case fi.IsDir():
			entries, err := os.ReadDir(arg)
			if err != nil {
				return err
			}
			for _, e := range entries {
				// Other files may lie beside modules.
				file := filepath.Join(arg, e.Name())
				if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("DEFINITIONS")) {
					add(file)
				}
			}
		default:
			add(arg)
		}
	}
	cfg := p.opts.MIBConfig(builtin.Set(), modules...)
	cfg.CacheDir = "" // it has no diagnostics
	cfg.Dirs = append(cfg.Dirs, dirs...)
	set, err := mib.Load(cfg)
	if err != nil {
		p.warn("mib lint", err)
		err = &cli.Reported{Code: 1}
	}
	var list []mib.Diagnostic
	for _, d := range set.Diagnostics() {
		if byModule || named[d.File] {
			list = append(list, d)
		}
	}
	if p.opts.Output == "json" {
		err = errors.Join(err, mibtext.LintJSON(p.stdout, list))
		for _, d := range list {
			if d.Severity == mib.Error {
				return errors.Join(err, &cli.Reported{Code: 1})
			}
		}
		return err
	}
	bad, printErr := mibtext.Lint(p.stdout, list)
	if printErr == nil && bad > 0 {
		printErr = &cli.Reported{Code: 1}
	}
	return errors.Join(err, printErr)
}

func (p *program) mibDumpCommand() *cobra.Command {
	var texts bool
	cmd := &cobra.Command{
		Use:   "dump [OPTIONS] [MODULE...]",
		Short: "Print objects as JSON, one a line",
		Long: `Print all objects, or those that modules define, as JSON, one a line by ascending
OID. The names built in have no descriptions: with --texts, the modules are read
from their files.`,
		Example: `  pollux mib dump IF-MIB
  pollux mib dump --texts -m ./ACME-MIB.txt ACME-MIB`,
		RunE: func(cmd *cobra.Command, modules []string) error {
			if texts && len(modules) == 0 {
				p.readTexts(cmd)
			} else if texts {
				p.opts.Parse += "d"
			}
			set := p.names()
			for _, m := range modules {
				if set = p.opts.WithModule(set, m, mib.Permissive); !slices.Contains(set.Modules(), m) {
					fmt.Fprintf(p.stderr, "Cannot find module (%s)\n", m)
					return &cli.Reported{Code: 1}
				}
			}
			if len(modules) == 0 {
				modules = []string{""}
			}
			for _, m := range modules {
				if err := mibtext.Dump(p.stdout, set, m, texts); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&texts, "texts", "t", false, "descriptions and references, too")
	p.opts.BindSome(cmd.Flags(), "mibs", "mib-dirs", "mib-parsing")
	return cmd
}
