// Package netsnmp reads the files that configure Net-SNMP's snmpd, and makes of
// them what package agent takes.
//
// Read and Parse take text apart into Directives: lines of a name and
// arguments. Map makes a Config of them, and says of each mistake which line of
// which file it is in. What it does not serve it names and leaves out, so that
// nothing is granted that the file does not grant.
//
// Lines are as snmpd 5.9 has them: a "#" where a word could begin starts a
// comment, a word may stand in " or ', a backslash takes the meaning from what
// follows it within a word, and no line continues in the next one, with a
// backslash at its end or without.
package netsnmp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pollux-snmp/pollux/internal/general"
)

// ErrConfig means that a configuration cannot be used.
var ErrConfig = general.Kind("bad configuration", general.Err)

// A Directive is one line of a file.
type Directive struct {
	File    string
	Line    int
	Section string // "snmpd", or "snmp" for what all of Net-SNMP's programs read
	Name    string // as written; case does not count
	Text    string // all behind the name, as written
	Args    []string
	Open    bool // a quote has no end
}

func (d *Directive) where() string { return fmt.Sprintf("%s:%d: %s", d.File, d.Line, d.Name) }

// wrong returns the error of a mistake in d.
func (d *Directive) wrong(format string, args ...any) error {
	return fmt.Errorf("%s: %w: %w", d.where(), fmt.Errorf(format, args...), ErrConfig)
}

// What files may hold at most.
const (
	maxFile  = 8 << 20 // octets of one
	maxTotal = 32 << 20
	maxDepth = 8 // of files in files
	maxFiles = 1000
)

// Parse takes text apart; file is its name for messages. Lines of sections for
// other programs are left out, and includeFile and includeDir are directives
// like others.
func Parse(file, text string) []Directive { return parse(file, "snmpd", text) }

func parse(file, section, text string) (all []Directive) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(strings.ReplaceAll(line, "\x00", " "))
		in := section
		if head, rest, ok := strings.Cut(line, "]"); ok && strings.HasPrefix(head, "[") {
			in = strings.ToLower(strings.TrimSpace(head[1:]))
			if line = strings.TrimSpace(rest); line == "" || line[0] == '#' {
				section = in // for the lines that follow, not this one alone
				continue
			}
		}
		if line == "" || line[0] == '#' || in != "snmpd" && in != "snmp" {
			continue
		}
		d := Directive{File: file, Line: n, Section: in, Name: line}
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			d.Name, d.Text = line[:i], strings.TrimSpace(line[i:])
		}
		d.Args, d.Open = words(d.Text)
		all = append(all, d)
	}
	return all
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// words takes the arguments of a directive apart. Open means that the last one
// lacks the quote at its end.
func words(s string) (all []string, open bool) {
	for {
		for s != "" && isSpace(s[0]) {
			s = s[1:]
		}
		if s == "" || s[0] == '#' {
			return all, false
		}
		var quote byte
		if s[0] == '"' || s[0] == '\'' {
			quote, s = s[0], s[1:]
		}
		var word []byte
		i := 0
		for ; i < len(s) && (quote != 0 && s[i] != quote || quote == 0 && !isSpace(s[i])); i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			word = append(word, s[i])
		}
		all = append(all, string(word))
		if quote != 0 && i == len(s) {
			return all, true
		}
		if quote != 0 {
			i++
		}
		s = s[i:]
	}
}

// Read reads files, and those that they include, in order. Errors wrap
// ErrConfig; those of one file do not keep the others from being read.
func Read(files ...string) ([]Directive, error) {
	var r reader
	var errs []error
	for _, f := range files {
		errs = append(errs, r.file(f, "snmpd", 0))
	}
	return r.all, errors.Join(errs...)
}

type reader struct {
	all   []Directive
	files int
	total int64
}

func (r *reader) file(path, section string, depth int) error {
	if r.files++; r.files > maxFiles {
		return fmt.Errorf("%s: more than %d files: %w", path, maxFiles, ErrConfig)
	}
	text, err := readText(path)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrConfig)
	}
	if r.total += int64(len(text)); r.total > maxTotal {
		return fmt.Errorf("%s: the files together are longer than %d octets: %w", path, maxTotal, ErrConfig)
	}
	var errs []error
	for _, d := range parse(path, section, text) {
		name := strings.ToLower(d.Name)
		if name != "includefile" && name != "includedir" {
			r.all = append(r.all, d)
			continue
		}
		errs = append(errs, r.include(&d, name == "includedir", depth+1))
	}
	return errors.Join(errs...)
}

// include reads what d names. A relative path begins where the file of d is.
func (r *reader) include(d *Directive, dir bool, depth int) error {
	switch {
	case len(d.Args) != 1 || d.Open:
		return d.wrong("want one path")
	case depth > maxDepth:
		return d.wrong("files include each other, or more than %d deep", maxDepth)
	}
	path := d.Args[0]
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.File), path)
	}
	files := []string{path}
	if dir {
		entries, err := os.ReadDir(path)
		if err != nil {
			return d.wrong("%w", err)
		}
		files = nil
		for _, e := range entries {
			if name := e.Name(); strings.HasSuffix(name, ".conf") && name[0] != '.' && !e.IsDir() {
				files = append(files, filepath.Join(path, name))
			}
		}
		slices.Sort(files)
	}
	for _, f := range files {
		if err := r.file(f, d.Section, depth); err != nil {
			return fmt.Errorf("%s: %w", d.where(), err)
		}
	}
	return nil
}

// readText reads a regular file.
func readText(path string) (string, error) {
	if st, err := os.Stat(path); err != nil {
		return "", err
	} else if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: longer than %d octets", path, maxFile)
	}
	return string(b), err
}
