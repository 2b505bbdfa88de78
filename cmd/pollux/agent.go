package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/agent/host"
	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/internal/netsnmp"
	"github.com/pollux-snmp/pollux/role"
)

const agentHelp = `Serve the values of this machine, as the files of Net-SNMP's snmpd say.

It reads snmpd.conf and snmpd.local.conf of the directories in SNMPCONFPATH, or
of /etc/snmp, /usr/share/snmp, /usr/local/share/snmp and ~/.snmp. It grants
nobody anything that they do not grant. Directives that it does not serve are
named and skipped; a mistake in one that it serves stops the start.

ADDRESS is [TRANSPORT:]HOST[:PORT], several with commas between them; besides
these, those of agentAddress are listened at. Without any it is 127.0.0.1:161.

The options are those of snmpd:
  -c FILE[,FILE]  read these files too
  -C              read no other files, and keep no engine ID and boots
  -d              dump the messages in hexadecimal
  -f              stay in front: it always does, so start it with & to go on
  -L e|o|f FILE   log to stderr, stdout or a file; -Ls, to syslog, is stderr
  -p FILE         keep the process ID in a file while running; -U: after it too
  -v              print the version
  --NAME=VALUE    a directive of snmpd.conf, such as --rocommunity=public
Accepted without effect: -D -I -r -x -X -a -A -q -V

Without -C, the engine ID, boots and what SNMP has set are kept in the file
pollux-agent.conf of the directory that persistentDir or SNMP_PERSISTENT_DIR
names, or of /var/lib/snmp.

SIGHUP reads the files again; the addresses stay. SIGTERM and SIGINT end it.`

func (p *program) agentCommand() *cobra.Command {
	return &cobra.Command{
		Use:                   "agent [OPTIONS] [ADDRESS...]",
		Short:                 "Serve this machine's values, as snmpd.conf says",
		Long:                  agentHelp,
		DisableFlagParsing:    true, // options are those of snmpd
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			d := &daemon{log: p.stderr}
			switch err := d.parse(args, p.stdout); {
			case err != nil:
				return err
			case d.help:
				return cmd.Help()
			case d.version:
				fmt.Fprintln(p.stdout, versionLine)
				return nil
			}
			err := d.run(cmd.Context())
			if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
				p.target = dns.Name
			}
			return err
		},
	}
}

// versionLine is what scripts that start snmpd wait for.
const versionLine = "Pollux " + version + ", compatible with NET-SNMP version 5.9"

// A daemon is a run of "pollux agent".
type daemon struct {
	files      []string
	only       bool // -C
	directives []netsnmp.Directive
	addresses  []string
	pidFile    string
	leavePID   bool
	dump       bool
	logFile    string
	help       bool
	version    bool

	logging sync.Mutex
	log     io.Writer

	agent  atomic.Pointer[agent.Agent]
	store  *fence       // of the agent that answers
	memory *memoryStore // with -C
}

// parse reads the command line of snmpd.
func (d *daemon) parse(args []string, stdout io.Writer) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		next := func(letter byte) (string, error) {
			if len(args) == 0 {
				return "", &cli.UsageError{Text: fmt.Sprintf("Option -%c lacks a value.", letter)}
			}
			v := args[0]
			args = args[1:]
			return v, nil
		}
		switch {
		case arg == "--":
			for _, a := range args {
				d.addresses = append(d.addresses, netsnmp.Addresses(a)...)
			}
			return nil
		case arg == "--help":
			d.help = true
		case arg == "--version":
			d.version = true
		case strings.HasPrefix(arg, "--"):
			name, value, ok := strings.Cut(arg[2:], "=")
			if !ok {
				return &cli.UsageError{Text: "Unknown option " + arg + "; a directive is --NAME=VALUE."}
			}
			d.directives = append(d.directives, netsnmp.Parse("command line", name+" "+value)...)
		case !strings.HasPrefix(arg, "-") || arg == "-":
			d.addresses = append(d.addresses, netsnmp.Addresses(arg)...)
		default:
			if err := d.letters(arg[1:], next, stdout); err != nil {
				return err
			}
		}
	}
	return nil
}

// letters reads a word of options. Next returns the word behind it.
func (d *daemon) letters(word string, next func(byte) (string, error), stdout io.Writer) (err error) {
	for i := range len(word) {
		letter, value := word[i], word[i+1:]
		switch letter {
		case 'f', 'r', 'X', 'a', 'A', 'q', 'V':
			continue
		case 'C':
			d.only = true
			continue
		case 'd':
			d.dump = true
			continue
		case 'U':
			d.leavePID = true
			continue
		case 'h':
			d.help = true
			continue
		case 'v':
			d.version = true
			continue
		case 'D': // the rest of the word
			return nil
		case 'L':
			if value == "" {
				if value, err = next(letter); err != nil {
					return err
				}
			}
			return d.logTo(value[0], value[1:], next, stdout)
		case 'u', 'g':
			return &cli.UsageError{Text: fmt.Sprintf("-%c is not built in: start the agent as the user that it is to run as.", letter)}
		case 'c', 'p', 'x', 'I':
			if value == "" {
				if value, err = next(letter); err != nil {
					return err
				}
			}
			switch letter {
			case 'c':
				d.files = append(d.files, strings.Split(value, ",")...)
			case 'p':
				d.pidFile = value
			}
			return nil
		}
		return &cli.UsageError{Text: fmt.Sprintf("Unknown option -%c.", letter)}
	}
	return nil
}

// logTo reads the value of -L. Upper case letters take a priority first, which
// has no effect.
func (d *daemon) logTo(to byte, rest string, next func(byte) (string, error), stdout io.Writer) (err error) {
	if strings.IndexByte("EOFS", to) >= 0 && rest == "" {
		if _, err = next('L'); err != nil {
			return err
		}
	}
	switch to {
	case 'e', 'E', 's', 'S':
	case 'o', 'O':
		d.log = stdout
	case 'n', 'N':
		d.log = io.Discard
	case 'F':
		d.logFile, err = next('L')
	case 'f':
		if d.logFile = rest; rest == "" {
			d.logFile, err = next('L')
		}
	default:
		return &cli.UsageError{Text: fmt.Sprintf("Unknown destination -L%c: want e, o, f FILE, s or n.", to)}
	}
	return err
}

func (d *daemon) logf(format string, args ...any) {
	d.logging.Lock()
	defer d.logging.Unlock()
	fmt.Fprintf(d.log, format+"\n", args...)
}

// run serves until the context ends.
func (d *daemon) run(ctx context.Context) error {
	if d.logFile != "" {
		f, err := os.OpenFile(d.logFile, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		d.log = f
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	cfg, err := d.configure(ctx)
	if err != nil {
		return err
	}
	if err := d.start(cfg); err != nil {
		return err
	}
	addresses := append(slices.Clone(d.addresses), cfg.Addresses...)
	slices.Sort(addresses)
	addresses = slices.Compact(addresses)

	var pidErr error
	listening := false
	serving, cancel := context.WithCancel(ctx)
	var reloading sync.WaitGroup
	ready := func([]role.Addr) {
		if d.pidFile != "" {
			if pidErr = os.WriteFile(d.pidFile, fmt.Appendln(nil, os.Getpid()), 0o644); pidErr != nil {
				cancel()
				return
			}
		}
		listening = true
		d.logf("%s", versionLine)
		reloading.Go(func() {
			for {
				select {
				case <-serving.Done():
					return
				case <-hangup:
					d.reload(serving)
				}
			}
		})
	}
	err = pollux.Serve(serving, d, ready, addresses...)
	cancel()
	reloading.Wait()
	if listening && d.pidFile != "" && !d.leavePID {
		os.Remove(d.pidFile)
	}
	switch {
	case pidErr != nil:
		return pidErr
	case listening && ctx.Err() != nil: // as it was told to
		d.logf("Ended")
		return nil
	}
	return err
}

// Respond answers with the present agent.
func (d *daemon) Respond(ctx context.Context, dst, req []byte, src, local netip.AddrPort) []byte {
	if !d.dump {
		return d.agent.Load().Respond(ctx, dst, req, src, local)
	}
	d.logf("\nReceived %d byte packet from [%v]:%d\n% X", len(req), src.Addr(), src.Port(), req)
	out := d.agent.Load().Respond(ctx, dst, req, src, local)
	if len(out) > len(dst) {
		d.logf("\nSending %d bytes to [%v]:%d\n% X", len(out)-len(dst), src.Addr(), src.Port(), out[len(dst):])
	}
	return out
}

// configure reads the files.
func (d *daemon) configure(ctx context.Context) (*netsnmp.Config, error) {
	files := d.files
	if !d.only {
		files = append(defaultFiles(), files...)
	}
	directives, err := netsnmp.Read(files...)
	cfg, mapErr := netsnmp.Map(append(directives, d.directives...), host.System(), func(name string) ([]netip.Addr, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	})
	for _, line := range cfg.Skipped {
		d.logf("%s", line)
	}
	return cfg, errors.Join(err, mapErr)
}

// defaultFiles returns the files that snmpd reads, those that are there.
func defaultFiles() (files []string) {
	dirs := filepath.SplitList(os.Getenv("SNMPCONFPATH"))
	if len(dirs) == 0 {
		dirs = []string{"/etc/snmp", "/usr/share/snmp", "/usr/local/share/snmp"}
		if home, err := os.UserHomeDir(); err == nil {
			dirs = append(dirs, filepath.Join(home, ".snmp"))
		}
	}
	for _, dir := range dirs {
		for _, name := range []string{"snmpd.conf", "snmpd.local.conf"} {
			path := filepath.Join(dir, name)
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				files = append(files, path)
			}
		}
	}
	return files
}

// start makes the agent of a configuration the one that answers. If it fails,
// the former one goes on.
func (d *daemon) start(cfg *netsnmp.Config) error {
	store := &fence{Store: d.newStore(cfg)}
	cfg.Agent.OnError = func(err error) { d.logf("%v", err) }
	if store.Store != nil {
		cfg.Agent.Store = store
	}
	// The former agent must not save its boots over those of the new one.
	d.store.close(true)
	a, err := agent.New(&cfg.Agent)
	if err != nil {
		d.store.close(false)
		if errors.Is(err, agent.ErrStore) {
			err = fmt.Errorf("%w; name another directory with persistentDir or SNMP_PERSISTENT_DIR, or keep nothing with -C", err)
		}
		return err
	}
	host.Handle(a)
	d.store = store
	d.agent.Store(a)
	return nil
}

// newStore returns where the agent keeps its state. With -C that is memory, so
// that the engine remains the same when the files are read again; but an engine
// ID that the files name needs boots that grow from one start to the next, which
// an agent has only without a Store.
func (d *daemon) newStore(cfg *netsnmp.Config) agent.Store {
	if d.only {
		if cfg.Agent.EngineID != nil {
			return nil
		}
		if d.memory == nil {
			d.memory = &memoryStore{}
		}
		return d.memory
	}
	dir := cfg.PersistentDir
	if dir == "" {
		dir = os.Getenv("SNMP_PERSISTENT_DIR")
	}
	if dir == "" {
		dir = "/var/lib/snmp"
	}
	return agent.FileStore(filepath.Join(dir, "pollux-agent.conf"))
}

// reload reads the files again.
func (d *daemon) reload(ctx context.Context) {
	cfg, err := d.configure(ctx)
	if err == nil {
		err = d.start(cfg)
	}
	if err != nil {
		d.logf("not restarted, the former configuration stays: %v", err)
		return
	}
	d.logf("%s restarted", versionLine)
}

// A fence is a Store that can be closed for saving. A nil *fence has no effect.
type fence struct {
	agent.Store
	mu     sync.Mutex
	closed bool
}

var errReplaced = errors.New("the configuration has been read again")

// Save implements agent.Store.
func (f *fence) Save(data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errReplaced
	}
	return f.Store.Save(data)
}

func (f *fence) close(closed bool) {
	if f != nil {
		f.mu.Lock()
		f.closed = closed
		f.mu.Unlock()
	}
}

// A memoryStore is a Store that lives as long as the process.
type memoryStore struct {
	mu   sync.Mutex
	data []byte
}

// Load implements agent.Store.
func (m *memoryStore) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.data), nil
}

// Save implements agent.Store.
func (m *memoryStore) Save(data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = slices.Clone(data)
	return nil
}
