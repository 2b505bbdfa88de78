package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pollux-snmp/pollux/snmp"
)

// Options are what all commands that speak to an agent take: the options of
// Net-SNMP's programs (snmpcmd(1)), each with a long name too.
type Options struct {
	Version   string
	Community string

	User                   string
	Level                  string
	AuthProto, AuthPass    string
	PrivProto, PrivPass    string
	Keys                   []string // -3m -3M -3k -3K: the letter, and the key
	Context                string
	EngineID, ContextEngID string
	BootsTime              string // -Z boots,time

	Retries int
	Timeout float64 // seconds

	Print []string // -O
	Input []string // -I
	MIBs  string   // -m
	Dirs  string   // -M
	Parse string   // -P

	Output string // text, json, csv, table
	Dump   bool   // -d

	Command []string // -C

	flags []*pflag.FlagSet // of all commands; the one that runs is parsed
}

// Bind adds the options to fs.
func (o *Options) Bind(fs *pflag.FlagSet) {
	o.flags = append(o.flags, fs)
	fs.SortFlags = false
	fs.StringVarP(&o.Version, "version", "v", "", "SNMP version: 1, 2c or 3; 3 if a user is given, else 2c")
	fs.StringVarP(&o.Community, "community", "c", "", "community of versions 1 and 2c")
	fs.StringVarP(&o.User, "user", "u", "", "user (security name) of version 3")
	fs.StringVarP(&o.Level, "level", "l", "", "security level: noAuthNoPriv, authNoPriv or authPriv; the highest the user has")
	fs.StringVarP(&o.AuthProto, "auth-protocol", "a", "", "MD5, SHA, SHA-224, SHA-256, SHA-384 or SHA-512")
	fs.StringVarP(&o.AuthPass, "auth-pass", "A", "", "pass phrase for authentication")
	fs.StringVarP(&o.PrivProto, "priv-protocol", "x", "", "DES, 3DES, AES, AES-192, AES-256, AES-192-C or AES-256-C")
	fs.StringVarP(&o.PrivPass, "priv-pass", "X", "", "pass phrase for privacy")
	fs.StringArrayVarP(&o.Keys, "key", "3", nil, "hexadecimal `key`: m, M master and k, K localised, for authentication, privacy")
	fs.StringVarP(&o.Context, "context", "n", "", "context name")
	fs.StringVarP(&o.EngineID, "security-engine", "e", "", "security engine ID, hexadecimal")
	fs.StringVarP(&o.ContextEngID, "context-engine", "E", "", "context engine ID, hexadecimal")
	fs.StringVarP(&o.BootsTime, "boots-time", "Z", "", "the engine's `boots,time`")
	fs.IntVarP(&o.Retries, "retries", "r", 5, "retransmissions")
	fs.Float64VarP(&o.Timeout, "timeout", "t", 1, "seconds for each attempt")
	fs.StringArrayVarP(&o.Print, "print", "O", nil, "how to print: `letters` of 0abeEfnpqQsStTuUvxX")
	fs.StringArrayVarP(&o.Input, "input", "I", nil, "how to read names and values: `letters` of bhrRusS")
	fs.StringVarP(&o.MIBs, "mibs", "m", "", "modules to load besides those built in, \"ALL\" for all")
	fs.StringVarP(&o.Dirs, "mib-dirs", "M", "", "directories with modules, separated by colons")
	fs.StringVarP(&o.Parse, "mib-parsing", "P", "", "how to read modules: `letters` of ucdewWR")
	fs.StringVar(&o.Output, "output", "text", "form of the output: text, json, csv or table")
	fs.BoolVarP(&o.Dump, "dump", "d", false, "print the messages in hexadecimal")
	fs.StringP("debug", "D", "", "accepted as Net-SNMP's, without effect")
	fs.StringP("log", "L", "", "accepted as Net-SNMP's, without effect")
	fs.Lookup("debug").NoOptDefVal = "ALL"
	for _, name := range []string{"debug", "log"} {
		fs.Lookup(name).Hidden = true
	}
}

// BindCommandOptions adds -C, the options of one command. Help says what its
// letters mean.
func (o *Options) BindCommandOptions(fs *pflag.FlagSet, help string) {
	fs.StringArrayVarP(&o.Command, "command-options", "C", nil, help)
}

// CommandOptions calls f for each letter of the -C options. F gets the rest of
// the word, and returns how much of that it used. An unknown letter is an
// error.
func (o *Options) CommandOptions(f func(letter byte, rest string) (used int, ok bool)) error {
	for _, word := range o.Command {
		for i := 0; i < len(word); i++ {
			used, ok := f(word[i], word[i+1:])
			if !ok {
				return &UsageError{fmt.Sprintf("Unknown flag passed to -C: %c", word[i])}
			}
			i += used
		}
	}
	return nil
}

// Number reads the number that begins rest, for CommandOptions.
func Number(rest string) (n, used int, ok bool) {
	for used < len(rest) && rest[used] >= '0' && rest[used] <= '9' {
		used++
	}
	n, err := strconv.Atoi(rest[:used])
	return n, used, err == nil
}

// attempt returns the length of one attempt.
func (o *Options) attempt() time.Duration { return time.Duration(o.Timeout * float64(time.Second)) }

// retries returns the number of retransmissions as packages role and snmp take
// it, where 0 means their default.
func (o *Options) retries() int {
	if o.Retries <= 0 {
		return -1
	}
	return o.Retries
}

// SNMPVersion returns the version that -v names.
func (o *Options) SNMPVersion() (snmp.Version, error) {
	switch strings.ToLower(o.Version) {
	case "":
		if o.User != "" {
			return snmp.V3, nil
		}
		return snmp.V2c, nil
	case "1":
		return snmp.V1, nil
	case "2c", "2":
		return snmp.V2c, nil
	case "3":
		return snmp.V3, nil
	}
	return 0, &UsageError{"Invalid version specified after -v flag: " + o.Version}
}
