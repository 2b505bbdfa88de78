// Package cli is what the commands of the program share: Net-SNMP's options
// and how they are written, the session that they describe, names, output, and
// the words and exit codes of errors.
package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

// Normalize returns args in the form that pflag reads as Net-SNMP's programs
// read theirs: options may stand between arguments, a letter may take the rest
// of its word or the next one, -D and -L take a word of their own kind, and a
// negative number is an argument.
func Normalize(fs *pflag.FlagSet, args []string) []string {
	var opts, rest []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		next := func() string { // the option's value in a word of its own
			if len(args) == 0 {
				return ""
			}
			v := args[0]
			args = args[1:]
			return v
		}
		switch {
		case arg == "--":
			rest = append(rest, args...)
			args = nil
		case strings.HasPrefix(arg, "--"):
			opts = append(opts, arg)
			name, _, hasValue := strings.Cut(arg[2:], "=")
			if f := fs.Lookup(name); f != nil && !hasValue && f.NoOptDefVal == "" && len(args) > 0 {
				opts[len(opts)-1] += "=" + next()
			}
		case arg == "-" || !strings.HasPrefix(arg, "-") || negative.MatchString(arg):
			rest = append(rest, arg)
		default:
			opts = append(opts, letters(fs, arg[1:], next)...)
		}
	}
	return append(append(opts, "--"), rest...)
}

var negative = regexp.MustCompile(`^-[0-9]+(\.[0-9]*)?$`)

// letters takes a word of short options apart.
func letters(fs *pflag.FlagSet, word string, next func() string) []string {
	var opts []string
	for i := range len(word) {
		f := fs.ShorthandLookup(word[i : i+1])
		if f == nil {
			return append(opts, "-"+word[i:]) // pflag says that it is unknown
		}
		value := word[i+1:]
		switch {
		case f.Value.Type() == "bool" || f.Value.Type() == "count":
			opts = append(opts, "--"+f.Name)
			continue
		case f.Name == "log" && len(value) == 1 && strings.Contains("fFEOS", value),
			f.Name == "key" && len(value) == 1,
			f.Name == "command-options" && value == "E":
			value += " " + next()
		case value == "" && f.NoOptDefVal == "":
			value = next()
		}
		return append(opts, "--"+f.Name+"="+value)
	}
	return opts
}
