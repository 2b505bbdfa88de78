package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/mib/builtin"
)

// defaultDirs are where modules are looked for when nothing says where.
func defaultDirs() []string {
	dirs := []string{"/usr/local/share/snmp/mibs", "/usr/share/snmp/mibs", "/usr/share/snmp/mibs/ietf", "/usr/share/snmp/mibs/iana"}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append([]string{filepath.Join(home, ".snmp", "mibs")}, dirs...)
	}
	return dirs
}

// Names returns the set of names that the options ask for: those built in, and
// on top of them the modules that -m or the environment variable MIBS names,
// from the directories of -M or MIBDIRS. A "+" in front of a list of directories
// adds to the usual ones; in front of one of modules it changes nothing, since
// the names built in stay. An empty list of modules asks for no names at all.
func (o *Options) Names() (*mib.Set, error) {
	modules, given := o.MIBs, o.flags.Changed("mibs")
	if !given {
		modules, given = os.LookupEnv("MIBS")
	}
	switch modules = strings.Trim(modules, "+:"); {
	case !given:
		return builtin.Set(), nil
	case modules == "":
		return nil, nil
	}
	dirs := o.Dirs
	if dirs == "" {
		dirs = os.Getenv("MIBDIRS")
	}
	list := filepath.SplitList(strings.Trim(dirs, "+"))
	switch {
	case dirs == "":
		list = defaultDirs()
	case dirs[0] == '+':
		list = append(list, defaultDirs()...)
	}
	return mib.Load(&mib.Config{
		Dirs:         list,
		Modules:      strings.FieldsFunc(modules, func(r rune) bool { return r == ':' || r == ',' }),
		Base:         builtin.Set(),
		Underscores:  strings.Contains(o.Parse, "u"),
		CommentToEOL: strings.Contains(o.Parse, "c"),
		Replace:      strings.Contains(o.Parse, "R"),
		FactsOnly:    !strings.Contains(o.Parse, "d"),
	})
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
