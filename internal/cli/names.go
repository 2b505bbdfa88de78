package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/mib/builtin"
)

// BindSome adds some of the options that [Options.Bind] adds, by their long
// names, for commands that speak to no agent.
func (o *Options) BindSome(fs *pflag.FlagSet, names ...string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.Bind(all)
	o.flags[len(o.flags)-1] = fs
	fs.SortFlags = false
	for _, name := range append(names, "debug", "log") {
		fs.AddFlag(all.Lookup(name))
	}
}

// parsed returns the flags of the command that runs.
func (o *Options) parsed() *pflag.FlagSet {
	for _, fs := range o.flags {
		if fs.Parsed() {
			return fs
		}
	}
	return pflag.NewFlagSet("", pflag.ContinueOnError)
}

// defaultDirs are where modules are looked for when nothing says where.
func defaultDirs() []string {
	dirs := []string{"/usr/local/share/snmp/mibs", "/usr/share/snmp/mibs", "/usr/share/snmp/mibs/ietf", "/usr/share/snmp/mibs/iana"}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append([]string{filepath.Join(home, ".snmp", "mibs")}, dirs...)
	}
	return dirs
}

// dirs returns the directories that -M or MIBDIRS names. A "+" in front of them
// puts them behind the usual ones, where they win, and a "-" in front of those.
func (o *Options) dirs() []string {
	text := o.Dirs
	if text == "" {
		text = os.Getenv("MIBDIRS")
	}
	if text == "" {
		return defaultDirs()
	}
	list := filepath.SplitList(strings.TrimLeft(text, "+-"))
	switch text[0] {
	case '+':
		return append(defaultDirs(), list...)
	case '-':
		return append(list, defaultDirs()...)
	}
	return list
}

// modules returns the modules that -m or MIBS names. With added, they come
// beside the usual ones; without given, nothing names any.
func (o *Options) modules() (list []string, added, given bool) {
	text, given := o.MIBs, o.parsed().Changed("mibs")
	if !given {
		text, given = os.LookupEnv("MIBS")
	}
	list = strings.FieldsFunc(strings.TrimLeft(text, "+-"), func(r rune) bool { return r == ':' || r == ',' })
	return list, text != "" && (text[0] == '+' || text[0] == '-'), given
}

// MIBConfig returns what the options say of reading modules, on top of base. All
// modules at once are kept in the user's cache.
func (o *Options) MIBConfig(base *mib.Set, modules ...string) *mib.Config {
	cfg := &mib.Config{
		Dirs:         o.dirs(),
		Modules:      modules,
		Base:         base,
		Underscores:  strings.Contains(o.Parse, "u"),
		CommentToEOL: strings.Contains(o.Parse, "c"),
		Replace:      strings.Contains(o.Parse, "R"),
		FactsOnly:    !strings.Contains(o.Parse, "d"),
	}
	if dir, err := os.UserCacheDir(); err == nil {
		cfg.CacheDir = filepath.Join(dir, "pollux")
	}
	return cfg
}

// Names returns the set of names that the options ask for: those built in, and
// on top of them the modules that -m or MIBS names, and those that stand before
// "::" in the command's arguments. A "+" in front of a list of modules changes
// nothing, since the names built in stay. An empty list asks for no names. With
// an error, the set holds the rest.
func (o *Options) Names() (*mib.Set, error) {
	list, _, given := o.modules()
	var set *mib.Set
	if !given || len(list) > 0 {
		set = builtin.Set()
	}
	if len(list) > 0 {
		set, err := mib.Load(o.MIBConfig(set, list...))
		return o.withArguments(set, mib.Permissive), err
	}
	return o.withArguments(set, mib.Permissive), nil
}

// FileNames is [Options.Names] for what compares with Net-SNMP name by name: a
// list of modules without "+" is all that there is, and of them is kept what
// Net-SNMP keeps. But if these do not even have the roots that modules hang
// below, names in arguments are read as Names reads them.
func (o *Options) FileNames() (*mib.Set, error) {
	list, added, given := o.modules()
	if !given || added || len(list) == 0 {
		return o.Names()
	}
	cfg := o.MIBConfig(nil, list...)
	cfg.Level = mib.Normal
	set, err := mib.Load(cfg)
	if _, ok := set.Node("internet"); !ok && o.parsed().NArg() > 0 {
		return o.Names()
	}
	return o.withArguments(set, cfg.Level), err
}

// withArguments adds the modules in the command's arguments. One that no file
// has is no error here: the name in it will be one.
func (o *Options) withArguments(set *mib.Set, level mib.Level) *mib.Set {
	for _, arg := range o.parsed().Args() {
		if m := mib.ModuleOf(arg); m != "" && strings.HasPrefix(arg[len(m):], "::") {
			set = o.WithModule(set, m, level)
		}
	}
	return set
}

// WithModule adds a module to a set, if a file has it, and the set has nothing
// of it or lacks the descriptions that the options ask for.
func (o *Options) WithModule(set *mib.Set, module string, level mib.Level) *mib.Set {
	if set != nil && slices.Contains(set.Modules(), module) && (set != builtin.Set() || !strings.Contains(o.Parse, "d")) {
		return set
	}
	cfg := o.MIBConfig(set, module)
	cfg.Level = level
	if s, err := mib.Load(cfg); err == nil {
		return s
	}
	return set
}

// Reader returns how the command reads names and values.
func (o *Options) Reader(set *mib.Set) (*mib.Input, error) {
	in := &mib.Input{Set: set}
	for _, letters := range o.Input {
		if err := in.SetOptions(letters); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Printer returns how the command prints names and values.
func (o *Options) Printer(set *mib.Set) (*mib.Printer, error) {
	p := &mib.Printer{Set: set}
	for _, letters := range o.Print {
		if err := p.SetOptions(letters); err != nil {
			return nil, err
		}
	}
	return p, nil
}
