// Package mibtext holds what the subcommands of "pollux mib" print: the tree,
// search, a definition in full, the problems of modules, and all nodes as JSON.
package mibtext

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/snmp"
)

// Tree prints a node and what is below it, or the whole tree if name is empty,
// in the form of snmptranslate -Tp. Width is where lines are broken, 0 for
// nowhere.
func Tree(w io.Writer, set *mib.Set, name string, width int) error {
	t := mib.Translation{Reports: "p", Width: width}
	t.Printer.Set, t.Input.Set = set, set
	if name != "" {
		o, err := t.Input.OID(name)
		if err != nil {
			return err
		}
		name = "." + o.String()
	}
	return t.Write(w, name)
}

// Find prints a line for each node that fits a query: an OID and what is below
// it, or a part of a label, of a module and a label, or of a type's name. With
// texts it looks into descriptions, too. Case does not matter. It returns the
// number of lines.
func Find(w io.Writer, set *mib.Set, query string, texts bool) (int, error) {
	b := bufio.NewWriter(w)
	p := mib.Printer{Set: set}
	prefix, numeric := snmp.OID{}, false
	if o, err := snmp.ParseOID(query); err == nil {
		prefix, numeric = o, true
	}
	q := strings.ToLower(query)
	found := 0
	var line []byte
	for n := range set.Nodes() {
		o := n.OID()
		if o.IsZero() {
			continue
		}
		switch {
		case numeric:
			if !o.HasPrefix(prefix) {
				continue
			}
		case strings.Contains(strings.ToLower(n.Module()+"::"+n.Name()), q),
			n.TypeName() != "" && strings.Contains(strings.ToLower(n.TypeName()), q),
			texts && strings.Contains(strings.ToLower(n.Description()), q):
		default:
			continue
		}
		found++
		line = p.AppendOID(line[:0], o)
		if !strings.HasSuffix(string(line), n.Name()) { // another node is shown for this OID
			line = append(append(append(line[:0], n.Module()...), "::"...), n.Name()...)
		}
		line = append(line, "\t."...)
		line = append(line, o.String()...)
		if t := typeText(n); t != "" {
			line = append(append(line, '\t'), t...)
		}
		b.Write(append(line, '\n'))
	}
	return found, b.Flush()
}

// typeText returns the type of a node, or the macro that defines it.
func typeText(n mib.Node) string {
	if t := n.TypeName(); t != "" {
		return t
	}
	return n.Type().String()
}

// Show prints all that is known of a node: what snmptranslate -Td prints, and
// where it is defined, its reference, its index and its columns.
func Show(w io.Writer, set *mib.Set, name string, width int) error {
	t := mib.Translation{Reports: "d", Width: width}
	t.Printer.Set, t.Input.Set = set, set
	o, err := t.Input.OID(name)
	if err != nil {
		return err
	}
	if err = t.Write(w, "."+o.String()); err != nil {
		return err
	}
	n, _ := set.Find(o)
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "OID .%s\n", n.OID())
	if s := n.Status(); s != 0 && n.Access() == 0 {
		fmt.Fprintf(b, "Status %s\n", s)
	}
	if file, line := n.Position(); file != "" {
		fmt.Fprintf(b, "Defined in %s:%d\n", file, line)
	}
	if r := n.Reference(); r != "" {
		fmt.Fprintf(b, "Reference %q\n", r)
	}
	if list := n.Indexes(); len(list) > 0 {
		b.WriteString("Index")
		for _, x := range list {
			b.WriteByte(' ')
			b.WriteString(x.Name)
			if c, ok := set.Node(x.Name); ok {
				fmt.Fprintf(b, " (%s)", typeText(c))
			}
		}
		b.WriteByte('\n')
	}
	for c := range n.Children() {
		fmt.Fprintf(b, "  %s(%d) %s\n", c.Name(), c.SubID(), typeText(c))
	}
	return b.Flush()
}

// Lint prints problems as compilers do, one a line, and a last line that counts
// them. It returns the number of errors; warnings do not count.
func Lint(w io.Writer, list []mib.Diagnostic) (int, error) {
	b := bufio.NewWriter(w)
	errors := 0
	for _, d := range list {
		if d.Severity == mib.Error {
			errors++
		}
		b.WriteString(d.String())
		b.WriteByte('\n')
	}
	if len(list) > 0 {
		fmt.Fprintf(b, "%s, %s\n", count(errors, "error"), count(len(list)-errors, "warning"))
	}
	return errors, b.Flush()
}

// count returns a number of things, which end in "s" unless there is one.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}

// LintJSON prints problems as a JSON array.
func LintJSON(w io.Writer, list []mib.Diagnostic) error {
	type problem struct {
		File     string `json:"file"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
		Text     string `json:"text,omitempty"`
	}
	out := make([]problem, 0, len(list))
	for _, d := range list {
		out = append(out, problem{d.File, d.Line, d.Column, d.Severity.String(), d.Message, d.Text})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// dumped is a node in JSON.
type dumped struct {
	OID         string   `json:"oid"`
	Name        string   `json:"name"`
	Module      string   `json:"module,omitempty"`
	Also        []string `json:"alsoIn,omitempty"`
	Type        string   `json:"type,omitempty"`
	Convention  string   `json:"convention,omitempty"`
	Access      string   `json:"access,omitempty"`
	Status      string   `json:"status,omitempty"`
	Enums       []pair   `json:"enums,omitempty"`
	Ranges      [][2]int `json:"ranges,omitempty"`
	Hint        string   `json:"hint,omitempty"`
	Units       string   `json:"units,omitempty"`
	Index       []index  `json:"index,omitempty"`
	Augments    string   `json:"augments,omitempty"`
	Objects     []string `json:"objects,omitempty"`
	Default     string   `json:"default,omitempty"`
	Description string   `json:"description,omitempty"`
	Reference   string   `json:"reference,omitempty"`
}

type pair struct {
	Name  string `json:"name"`
	Value int32  `json:"value"`
}

type index struct {
	Name    string `json:"name"`
	Implied bool   `json:"implied,omitempty"`
}

// Dump prints nodes as JSON, one object a line. With module it prints only what
// that module defines; with texts, descriptions and references, too.
func Dump(w io.Writer, set *mib.Set, module string, texts bool) error {
	b := bufio.NewWriterSize(w, 1<<16)
	e := json.NewEncoder(b)
	for n := range set.Nodes() {
		modules := n.Modules()
		if module != "" && !slices.Contains(modules, module) {
			continue
		}
		o := n.OID()
		if o.IsZero() {
			continue
		}
		d := dumped{
			OID: o.String(), Name: n.Name(), Module: n.Module(), Type: n.Type().String(), Convention: n.TypeName(),
			Access: n.Access().String(), Status: n.Status().String(), Hint: n.Hint(), Units: n.Units(),
			Augments: n.Augments(), Objects: n.Objects(), Default: n.Default(),
		}
		for _, m := range modules[1:] {
			if m != d.Module && !slices.Contains(d.Also, m) {
				d.Also = append(d.Also, m)
			}
		}
		for _, x := range n.Enums() {
			d.Enums = append(d.Enums, pair{x.Name, x.Value})
		}
		for _, r := range n.Ranges() {
			d.Ranges = append(d.Ranges, [2]int{int(r.Low), int(r.High)})
		}
		if d.Augments == "" {
			for _, x := range n.Indexes() {
				d.Index = append(d.Index, index{x.Name, x.Implied})
			}
		}
		if texts {
			d.Description, d.Reference = n.Description(), n.Reference()
		}
		if err := e.Encode(d); err != nil {
			return err
		}
	}
	return b.Flush()
}
