// Command pollux speaks SNMP from a shell: it does what Net-SNMP's programs do,
// with their options.
//
//	pollux COMMAND [OPTIONS] [AGENT] [ARGUMENTS]
//
// Each command has a file of its own here. What they share is in internal/cli.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/internal/cli"
)

// version is what "pollux --version" prints.
const version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes the command that args names, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetOut(stdout)
	root.SetErr(stderr)
	if cmd, rest, err := root.Find(args); err == nil && cmd != root && !cmd.DisableFlagParsing {
		cmd.InitDefaultHelpFlag()
		words := cli.Normalize(cmd.Flags(), rest)
		args = append(strings.Fields(cmd.CommandPath())[1:], words...)
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	return cli.Report(stderr, strings.TrimPrefix(cmd.CommandPath(), "pollux "), p.target, err)
}

// A program is one run of the program.
type program struct {
	stdout, stderr io.Writer
	opts           cli.Options
	target         string // the agent, for messages
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "pollux",
		Short:         "SNMP from a shell, with Net-SNMP's options",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.getCommand(), p.nextCommand(), p.bulkgetCommand(), p.walkCommand(), p.bulkwalkCommand(), p.setCommand(), p.trapCommand(), p.informCommand(), p.benchCommand(), p.agentCommand())
	root.AddCommand(p.translateCommand(), p.mibCommand())
	return root
}

// command returns a command that speaks to an agent. Run gets the arguments
// after the options.
func (p *program) command(use, short string, minArgs int, missing string, run func(ctx context.Context, args []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:                   use,
		Short:                 short,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < minArgs {
				return &cli.UsageError{Text: missing}
			}
			if len(args) > 0 {
				p.target = args[0]
			}
			return run(cmd.Context(), args)
		},
	}
	p.opts.Bind(cmd.Flags())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &cli.UsageError{Text: err.Error()} })
	return cmd
}

// session opens the session with the agent of the command line, and closes it
// after f.
func (p *program) session(ctx context.Context, f func(s *cli.Session) error) error {
	return p.sessionAt(ctx, pollux.AgentPort, f)
}

// sessionAt is session with the port that a target without one has.
func (p *program) sessionAt(ctx context.Context, port uint16, f func(s *cli.Session) error) error {
	s, err := p.opts.Dial(ctx, p.target, port, p.stdout, p.stderr)
	if err != nil {
		return err
	}
	err = f(s)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	return err
}
