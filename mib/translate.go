package mib

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Translation is what snmptranslate does with a name: it prints the name in
// another form, or what is known of its node, or a report on the whole tree.
type Translation struct {
	Printer Printer
	Input   Input

	// Reports are the letters of -T: B the nodes whose labels a regular
	// expression fits from their start, and the next best one, d details, p the tree, a an ASN.1 dump, and the lists l
	// of labels and numbers, o of OIDs, s of labels, t of types, z of labels and
	// OIDs.
	Reports string

	// Width is the length at which lines are broken, without limit by default.
	Width int
}

// Check returns an error that wraps [ErrSyntax] if a letter of t.Reports is not
// known.
func (t *Translation) Check() error {
	for i := range len(t.Reports) {
		if !strings.Contains("Bdpalostz", t.Reports[i:i+1]) {
			return &optionError{'T', t.Reports[i]}
		}
	}
	return nil
}

// Write prints what t says about a name, or about the whole tree if name is
// empty. Both sets must be the same. The error is a [*NameError] if there is no
// such name; then nothing was written.
func (t *Translation) Write(w io.Writer, name string) error {
	b := bufio.NewWriterSize(w, 1<<16)
	defer b.Flush()
	set := t.Printer.set()
	if name == "" {
		t.whole(b, set)
		return b.Flush()
	}
	if strings.Contains(t.Reports, "B") {
		return t.matches(b, set, name)
	}
	in := t.Input
	if in.Set == nil {
		in.Set = set
	}
	r := nameReader{in: &in, s: in.Set}
	ok := false
	switch {
	case in.Random:
		ok = r.anywhere(name)
	case in.Regex:
		ok = r.pattern(name)
	case strings.HasPrefix(name[labelEnd(name):], ":"):
		ok = r.anywhere(name)
	default:
		ok = r.fromTop(name)
	}
	if !ok {
		err := r.error(name)
		switch {
		case in.Random:
			err.Line = "Unknown object identifier: " + name
		case in.Regex:
			err.Line = noMatchLine(name)
		}
		return err
	}
	if i := strings.LastIndexAny(t.Reports, "paloszt"); i >= 0 && t.Reports[i] == 'p' {
		if n, _ := set.find(r.ids); n.IsValid() {
			t.tree(b, n)
		}
		return b.Flush()
	}
	t.one(b, set, r.ids)
	return b.Flush()
}

// one prints an OID, and its details if they are asked for.
func (t *Translation) one(b *bufio.Writer, set *Set, ids []uint32) {
	line, _ := t.Printer.appendIDs(nil, ids, 0)
	b.Write(append(line, '\n'))
	if strings.Contains(t.Reports, "d") {
		t.details(b, set, ids)
	}
}

// matches prints the nodes whose labels a regular expression fits as Net-SNMP
// does: all whose labels begin with what fits, and of those that come after the
// last of these, the one in which it comes first. Case does not matter.
func (t *Translation) matches(b *bufio.Writer, set *Set, pattern string) error {
	re, err := regexp.Compile("(?i)" + pattern)
	if err != nil {
		return &NameError{pattern, err.Error(), noMatchLine(pattern), ErrSyntax}
	}
	found := false
	put := func(n Node) {
		found = true
		if latest, ok := set.Node(n.Name()); ok { // of several with its label
			n = latest
		}
		t.one(b, set, n.appendSubIDs(nil))
	}
	best, score := Node{}, noMatch
	var visit func(list []Node)
	visit = func(list []Node) {
		for _, n := range list {
			at := re.FindStringIndex(n.Name())
			switch {
			case at == nil:
			case at[0] == 0:
				put(n)
				best, score = Node{}, noMatch
			case at[0] < score:
				best, score = n, at[0]
			}
			visit(n.inOrder())
		}
	}
	visit(set.rootsInOrder())
	if best.IsValid() {
		put(best)
	}
	if !found {
		return &NameError{pattern, "", noMatchLine(pattern), ErrNotFound}
	}
	return b.Flush()
}

func noMatchLine(pattern string) string {
	return "Unable to find a matching object identifier for \"" + pattern + "\""
}

// whole prints the reports on the whole tree.
func (t *Translation) whole(b *bufio.Writer, set *Set) {
	i := strings.LastIndexAny(t.Reports, "paloszt")
	if i < 0 {
		return
	}
	switch t.Reports[i] {
	case 'p':
		if roots := set.rootsInOrder(); len(roots) > 0 {
			t.tree(b, roots[0])
		}
		return
	case 'a':
		b.WriteString("dump DEFINITIONS ::= BEGIN\n")
		dumpASN1(b, set.rootsInOrder()[0])
		b.WriteString("END\n")
		return
	}
	var want [256]bool
	for _, c := range []byte(t.Reports) {
		want[c] = true
	}
	labeled, dotted, symbolic := []byte(nil), []byte(nil), []byte(nil)
	var visit func(n Node, depth int)
	visit = func(n Node, depth int) {
		for c := range n.Children() {
			l, d, s := len(labeled), len(dotted), len(symbolic)
			labeled = appendLabel(labeled, c)
			dotted = strconv.AppendUint(append(dotted, '.'), uint64(c.SubID()), 10)
			symbolic = append(append(symbolic, '.'), c.Name()...)
			if depth > 0 {
				line := func(parts ...[]byte) {
					for _, p := range parts {
						b.Write(p)
					}
					b.WriteByte('\n')
				}
				if want['l'] {
					line(labeled)
				}
				if want['o'] {
					line(dotted)
				}
				if want['s'] {
					line(symbolic)
				}
				if want['z'] {
					fmt.Fprintf(b, "\"%s\"\t\t\t\"%s\"\n", c.Name(), dotted[1:])
				}
				if want['t'] {
					t.typed(b, c, depth)
				}
			}
			visit(c, depth+1)
			labeled, dotted, symbolic = labeled[:l], dotted[:d], symbolic[:s]
		}
	}
	for _, r := range set.rootsInOrder() {
		labeled = appendLabel(labeled[:0], r)
		dotted = strconv.AppendUint(append(dotted[:0], '.'), uint64(r.SubID()), 10)
		symbolic = append(append(symbolic[:0], '.'), r.Name()...)
		visit(r, 1)
	}
}

func appendLabel(b []byte, n Node) []byte {
	b = append(append(b, '.'), n.Name()...)
	b = append(b, '(')
	b = strconv.AppendUint(b, uint64(n.SubID()), 10)
	return append(b, ')')
}

func (t *Translation) typed(b *bufio.Writer, n Node, depth int) {
	for range depth {
		b.WriteString("  ")
	}
	fmt.Fprintf(b, "%s(%d) type=%d", n.Name(), n.SubID(), n.Type())
	if num := n.syntax(synNumber); num != 0 {
		fmt.Fprintf(b, " tc=%d", num-1)
	}
	if h := n.Hint(); h != "" {
		b.WriteString(" hint=" + h)
	}
	if u := n.Units(); u != "" {
		b.WriteString(" units=" + u)
	}
	b.WriteByte('\n')
}

func dumpASN1(b *bufio.Writer, n Node) {
	kids := n.inOrder()
	for _, c := range kids {
		fmt.Fprintf(b, "%s OBJECT IDENTIFIER ::= { %s %d }\n", c.Name(), n.Name(), c.SubID())
	}
	for _, c := range kids {
		dumpASN1(b, c)
	}
}

func (t *Translation) width() int {
	if t.Width <= 0 {
		return 1000000
	}
	return t.Width
}

// A wrapper breaks a list of words into lines.
type wrapper struct {
	b           *bufio.Writer
	pos, width  int
	start       int // pos after a break
	indent, sep string
	first       bool
}

func (w *wrapper) add(word string) {
	if !w.first {
		w.b.WriteString(w.sep)
	}
	w.first = false
	if w.pos+len(word)+2 > w.width {
		w.b.WriteString(w.indent)
		w.pos = w.start
	}
	w.b.WriteString(word)
	w.pos += len(word) + 2
}

var accessColumns = [...]string{"    ", "----", "---N", "-R--", "-RW-", "CR--", "--W-"}

var typeColumns = [...]string{
	TypeOther: "         ", TypeOID: "ObjID    ", TypeOctetString: "String   ", TypeInteger: "INTEGER  ",
	TypeNetworkAddress: "NetAddr  ", TypeIPAddress: "IpAddr   ", TypeCounter32: "Counter  ",
	TypeGauge32: "Gauge    ", TypeTimeTicks: "TimeTicks", TypeOpaque: "Opaque   ", TypeNull: "Null     ",
	TypeCounter64: "Counter64", TypeBits: "BitString", TypeNSAPAddress: "NsapAddr ",
	TypeUnsigned32: "Unsigned ", TypeUInteger32: "UInteger ", TypeInteger32: "Integer32",
}

// rangeText returns a range in the form of a type, or "" for types without.
func rangeText(t Type, r Range) string {
	switch t {
	case TypeInteger, TypeInteger32, TypeUnsigned32, TypeOctetString, TypeGauge32, TypeUInteger32:
	default:
		return ""
	}
	s := strconv.FormatInt(r.Low, 10)
	if r.Low != r.High {
		s += ".." + strconv.FormatInt(r.High, 10)
	}
	return s
}

// tree prints a node and what is below it (-Tp).
func (t *Translation) tree(b *bufio.Writer, n Node) {
	simple := true
	t.leaves(b, n, []byte{' '}, &simple)
}

// leaves prints n with the lines that lead to it: the last octet of indent is
// the line of n itself.
func (t *Translation) leaves(b *bufio.Writer, n Node, indent []byte, simple *bool) {
	last := len(indent) - 1
	own := indent[last]
	indent[last] = '+'
	typ := n.Type()
	if typ == TypeOther || !typ.isSyntax() {
		fmt.Fprintf(b, "%s--%s(%d)\n", indent, n.Name(), n.SubID())
		if ref := n.detail(detIndexes); ref != 0 {
			indent[last] = own
			fmt.Fprintf(b, "%s  |  Index: ", indent)
			w := wrapper{b: b, width: t.width() - len(indent) - 12 + 1, sep: ", ", first: true,
				indent: "\n" + string(indent) + "  |         "}
			_, count := n.s.list(ref)
			for i := range count {
				w.addTo(n.s.index(ref, i).Name)
			}
			b.WriteByte('\n')
		}
	} else {
		column := "         "
		if int(typ) < len(typeColumns) {
			column = typeColumns[typ]
		}
		if typ == TypeInteger && n.hasEnums() {
			column = "EnumVal  "
		}
		fmt.Fprintf(b, "%s-- %s %s %s(%d)\n", indent, accessColumns[n.Access()], column, n.Name(), n.SubID())
		indent[last] = own
		if tc := n.TypeName(); tc != "" {
			fmt.Fprintf(b, "%s        Textual Convention: %s\n", indent, tc)
		}
		if n.hasEnums() {
			fmt.Fprintf(b, "%s        Values: ", indent)
			w := wrapper{b: b, width: t.width() - len(indent) - 16, sep: ", ", first: true,
				indent: "\n" + string(indent) + "                "}
			for _, e := range n.Enums() {
				w.addTo(e.Name + "(" + strconv.Itoa(int(e.Value)) + ")")
			}
			b.WriteByte('\n')
		}
		if count := n.rangeCount(); count > 0 {
			word := "Range"
			if typ == TypeOctetString || typ == TypeOpaque {
				word = "Size"
			}
			fmt.Fprintf(b, "%s        %s: ", indent, word)
			for i := range count {
				if i > 0 {
					b.WriteString(" | ")
				}
				b.WriteString(rangeText(typ, n.rangeAt(i)))
			}
			b.WriteByte('\n')
		}
	}
	indent[last] = own
	indent = append(indent, "  |"...)
	*simple = typ != TypeOther
	kids := n.inOrder()
	slices.Reverse(kids) // of several nodes of one number, the one listed last comes first
	slices.SortStableFunc(kids, func(a, b Node) int { return int(int64(a.SubID()) - int64(b.SubID())) })
	for i, c := range kids {
		if !*simple || c.Type() == TypeOther {
			fmt.Fprintf(b, "%s\n", indent)
		}
		if i == len(kids)-1 {
			indent[last+3] = ' '
		}
		t.leaves(b, c, indent, simple)
	}
	if len(kids) > 0 {
		*simple = false
	}
}

// addTo is add for lists whose words are counted before they are compared.
func (w *wrapper) addTo(word string) {
	if !w.first {
		w.b.WriteString(w.sep)
	}
	w.first = false
	n := len(word) + 2
	if w.pos += n; w.pos >= w.width {
		w.b.WriteString(w.indent)
		w.pos = n
	}
	w.b.WriteString(word)
}

// details prints the definition of the node that lies deepest on the way to an
// OID (-Td).
func (t *Translation) details(b *bufio.Writer, set *Set, ids []uint32) {
	n, _ := set.find(ids)
	if !n.IsValid() {
		return
	}
	macro := " OBJECT-TYPE"
	if typ := n.Type(); !typ.isSyntax() {
		macro = " " + typ.String()
		if typ == TypeNotificationGroup {
			macro = " type_23" // as the original says it
		}
	}
	b.WriteString(n.Name() + macro + "\n")
	t.clauses(b, n)
	b.WriteString("::= {")
	pos := 5
	put := func(s string) {
		if pos+len(s)+2 > t.width() {
			b.WriteString("\n     ")
			pos = 5
		}
		b.WriteString(s)
		pos += len(s)
	}
	at := set.top()
	for i, id := range ids[:len(ids)-1] {
		c, ok := at.child(id)
		if !ok {
			for _, id := range ids[i : len(ids)-1] {
				put(" " + strconv.FormatUint(uint64(id), 10))
			}
			break
		}
		if at = c; c.isAnon() {
			put(" " + strconv.FormatUint(uint64(id), 10))
		} else {
			put(" " + string(appendLabel(nil, c)[1:]))
		}
	}
	put(" " + strconv.FormatUint(uint64(ids[len(ids)-1]), 10) + " }")
	b.WriteByte('\n')
}

// clauses prints the clauses of a definition.
func (t *Translation) clauses(b *bufio.Writer, n Node) {
	typ := n.Type()
	from := n.Module()
	if from == "" {
		from = "#-1"
	}
	b.WriteString("  -- FROM\t")
	b.WriteString(from)
	pos := 16 + len(from)
	for _, m := range n.Modules()[1:] {
		if m == from {
			continue
		}
		from = m
		if pos+len(m)+2 > t.width() {
			b.WriteString(",\n  --\t\t")
			pos = 16
		} else {
			b.WriteString(", ")
			pos += 2
		}
		b.WriteString(m)
		pos += len(m)
	}
	b.WriteByte('\n')
	if tc := n.TypeName(); tc != "" {
		b.WriteString("  -- TEXTUAL CONVENTION " + tc + "\n")
	}
	syntax := ""
	if typ.isSyntax() {
		syntax = typ.String()
	}
	if syntax != "" {
		b.WriteString("  SYNTAX\t" + syntax)
	}
	if count := n.rangeCount(); count > 0 {
		b.WriteString(" (")
		for i := range count {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(rangeText(typ, n.rangeAt(i)))
		}
		b.WriteString(") ")
	}
	if n.hasEnums() {
		b.WriteString(" {")
		w := wrapper{b: b, pos: 16 + len(syntax) + 2, width: t.width(), start: 18, indent: "\n\t\t  ", sep: ", ", first: true}
		for _, e := range n.Enums() {
			w.add(e.Name + "(" + strconv.Itoa(int(e.Value)) + ")")
		}
		b.WriteString("} ")
	}
	if syntax != "" {
		b.WriteByte('\n')
	}
	if h := n.Hint(); h != "" {
		b.WriteString("  DISPLAY-HINT\t\"" + h + "\"\n")
	}
	if u := n.Units(); u != "" {
		b.WriteString("  UNITS\t\t\"" + u + "\"\n")
	}
	if a := n.Access(); a != 0 {
		b.WriteString("  MAX-ACCESS\t" + a.String() + "\n")
	}
	if s := n.Status(); s != 0 && n.Access() != 0 {
		b.WriteString("  STATUS\t" + s.String() + "\n")
	}
	if a := n.Augments(); a != "" {
		b.WriteString("  AUGMENTS\t{ " + a + " }\n")
	}
	list := func(title string, words []string) {
		if len(words) == 0 {
			return
		}
		b.WriteString(title + "{ ")
		w := wrapper{b: b, pos: 18, width: t.width(), start: 18, indent: "\n\t\t  ", sep: ", ", first: true}
		for _, word := range words {
			w.add(word)
		}
		b.WriteString(" }\n")
	}
	if ref := n.detail(detIndexes); ref != 0 {
		var words []string
		for _, x := range n.Indexes() {
			if x.Implied {
				x.Name = "IMPLIED " + x.Name
			}
			words = append(words, x.Name)
		}
		list("  INDEX\t\t", words)
	}
	if typ == TypeTrap {
		list("  VARIABLES\t", n.Objects())
	} else {
		list("  OBJECTS\t", n.Objects())
	}
	if d := n.Description(); d != "" || n.where(placeDesc) != 0 {
		b.WriteString("  DESCRIPTION\t\"" + d + "\"\n")
	}
	if d := n.Default(); d != "" {
		b.WriteString("  DEFVAL\t{ " + d + " }\n")
	}
}
