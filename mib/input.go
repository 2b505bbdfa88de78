package mib

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/pollux-snmp/pollux/internal/general"
	"github.com/pollux-snmp/pollux/snmp"
)

// An Input turns text into OIDs and values, as Net-SNMP's programs read their
// arguments. The zero Input reads as they do without options. An Input that is
// not changed may be used from several goroutines.
type Input struct {
	Set     *Set   // the names, or nil for those of the three roots
	Random  bool   // -IR: names are looked up anywhere in the tree only
	Regex   bool   // -Ib: names are regular expressions only
	NoRange bool   // -Ir: values and indexes are not held against their types
	NoHints bool   // -Ih
	UCD     bool   // -Iu: names without a dot in front start below mib-2
	Prefix  string // -IS: put before each name
	Suffix  string // -Is: put behind each name
}

// SetOptions applies the letters of an -I option. Most of them toggle. The
// letters "s" and "S" take the rest. The error wraps [ErrSyntax].
func (in *Input) SetOptions(letters string) error {
	for i := range len(letters) {
		switch letters[i] {
		case 'b':
			in.Regex = !in.Regex
		case 'R':
			in.Random = !in.Random
		case 'r':
			in.NoRange = !in.NoRange
		case 'h':
			in.NoHints = !in.NoHints
		case 'u':
			in.UCD = !in.UCD
		case 's':
			in.Suffix = letters[i+1:]
			return nil
		case 'S':
			in.Prefix = letters[i+1:]
			return nil
		default:
			return &optionError{'I', letters[i]}
		}
	}
	return nil
}

// A NameError says why a text is not an OID.
type NameError struct {
	Text   string // what was to be read
	Detail string // what is wrong with it, as Net-SNMP says it, or ""
	Line   string // all that Net-SNMP's programs print of it
	kind   error
}

func newNameError(text, detail string, kind error) *NameError {
	line := text + ": Unknown Object Identifier"
	if detail != "" {
		line += " (" + detail + ")"
	}
	return &NameError{text, detail, line, kind}
}

func (e *NameError) Error() string {
	s := "mib: " + strconv.Quote(e.Text) + ": unknown object identifier"
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

func (e *NameError) Unwrap() error { return e.kind }

// ModuleOf returns the module in a text such as "IF-MIB::ifDescr.1", or "". A
// program that loads modules by need reads it before it asks for the OID.
func ModuleOf(text string) string {
	if i := labelEnd(text); i > 0 && strings.HasPrefix(text[i:], ":") {
		return text[:i]
	}
	return ""
}

func labelEnd(s string) int {
	i := 0
	for i < len(s) && class[s[i]]&cLabel != 0 {
		i++
	}
	return i
}

// OID reads an OID in any of the forms that Net-SNMP takes: .1.3.6.1,
// 1.3.6.1.2.1.1, IF-MIB::ifDescr.1, ifDescr.1, .iso.org.dod, system.sysDescr.0,
// with indexes as numbers, names of enumerations, addresses and strings in
// quotes. What has no name is tried as a regular expression last. The error is
// a [*NameError] and wraps [ErrNotFound], [ErrRange] or [ErrSyntax].
func (in *Input) OID(text string) (snmp.OID, error) {
	ids, err := in.subIDs(text)
	if err != nil {
		return snmp.OID{}, err
	}
	o, ok := makeOID(ids)
	if !ok {
		return snmp.OID{}, newNameError(text, "not an object identifier of 2 to 128 sub-identifiers", ErrSyntax)
	}
	return o, nil
}

// subIDs is OID for OIDs of any length.
func (in *Input) subIDs(text string) ([]uint32, error) {
	r := nameReader{in: in, s: in.Set}
	if r.s == nil {
		r.s = noNames()
	}
	full := text
	if in.Prefix != "" || in.Suffix != "" {
		full = in.Prefix + text
		if in.Suffix != "" && in.Suffix[0] != '.' {
			full += "."
		}
		full += in.Suffix
	}
	if r.read(full) {
		return r.ids, nil
	}
	return nil, r.error(text)
}

// A nameReader reads one OID.
type nameReader struct {
	in         *Input
	s          *Set
	ids        []uint32
	detail     string
	outOfRange bool
}

// error says why text could not be read.
func (r *nameReader) error(text string) *NameError {
	kind := ErrNotFound
	if r.outOfRange {
		kind = ErrRange
	}
	return newNameError(text, r.detail, kind)
}

func (r *nameReader) read(text string) bool {
	switch {
	case r.in.Random || strings.Contains(text, ":"):
		return r.anywhere(text)
	case r.in.Regex:
		return r.pattern(text)
	}
	return r.fromTop(text) || r.anywhere(text) || r.pattern(text)
}

// fromTop reads a path that starts at the roots.
func (r *nameReader) fromTop(text string) bool {
	if strings.HasPrefix(text, ".") {
		text = text[1:]
	} else if r.in.UCD {
		text = "1.3.6.1.2.1." + text
	}
	r.ids = r.ids[:0]
	return r.below(r.s.top(), text)
}

// anywhere reads MODULE::label or a label, and what follows.
func (r *nameReader) anywhere(text string) bool {
	module := ModuleOf(text)
	if module != "" {
		text = strings.TrimPrefix(text[len(module)+1:], ":")
		if module == "ANY" {
			module = ""
		} else if !r.s.hasModule(module) {
			return false
		}
	} else {
		text = strings.TrimPrefix(text, ".")
	}
	label, rest, more := strings.Cut(text, ".")
	n, ok := r.s.named(label, module)
	if !ok {
		return false
	}
	r.ids = n.appendSubIDs(r.ids[:0])
	return !more || r.below(n, rest)
}

// pattern looks for the label that a regular expression fits best: the one
// where it fits earliest.
func (r *nameReader) pattern(text string) bool {
	if text == "" {
		return false
	}
	re, err := regexp.Compile("(?i)" + text)
	if err != nil {
		return false
	}
	best, _ := bestMatch(re, r.s.rootsInOrder())
	return best.IsValid() && r.anywhere(best.Name())
}

// rootsInOrder returns iso, ccitt and joint-iso-ccitt.
func (s *Set) rootsInOrder() []Node { return s.top().inOrder() }

const noMatch = 1 << 30

func bestMatch(re *regexp.Regexp, list []Node) (best Node, score int) {
	score = noMatch
	for _, n := range list {
		if at := re.FindStringIndex(n.Name()); at != nil && at[0] < score {
			best, score = n, at[0]
		}
		if score == 0 {
			return best, 0
		}
		if n.hasChildren() {
			if b, at := bestMatch(re, n.inOrder()); at < score {
				best, score = b, at
			}
			if score == 0 {
				return best, 0
			}
		}
	}
	return best, score
}

// number reads an unsigned number in the bases of C. It fails if anything else
// is in s.
func cNumber(s string) (uint32, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' || strings.Contains(s, "_") {
		return 0, false
	}
	base := 10
	switch {
	case len(s) > 2 && (s[1] == 'x' || s[1] == 'X') && s[0] == '0':
		base, s = 16, s[2:]
	case s[0] == '0' && len(s) > 1:
		base, s = 8, s[1:]
	}
	v, err := strconv.ParseUint(s, base, 64)
	if err != nil || v > 1<<32-1 {
		return 0, false
	}
	return uint32(v), true
}

func (r *nameReader) add(ids ...uint32) bool {
	if len(r.ids)+len(ids) > maxDepth {
		return false
	}
	r.ids = append(r.ids, ids...)
	return true
}

// below reads the labels and numbers below n, and then an index.
func (r *nameReader) below(n Node, text string) bool {
	more := true
	for more && n.hasChildren() {
		part, rest, m := strings.Cut(text, ".")
		var c Node
		ok := false
		if part != "" && part[0] >= '0' && part[0] <= '9' {
			id, isNum := cNumber(part)
			if !isNum || !r.add(id) {
				return r.unknown(n, part)
			}
			c, ok = n.child(id)
		} else {
			for x := range n.Children() {
				if x.Name() == part {
					c, ok = x, true
					break
				}
			}
			if !ok || !r.add(c.SubID()) {
				return r.unknown(n, part)
			}
			c, _ = n.child(c.SubID())
		}
		text, more = rest, m
		if !ok {
			return r.numbers(n, text, more)
		}
		n = c
	}
	if !more {
		return true
	}
	if n.hasChildren() {
		return r.numbers(n, text, more)
	}
	index := uint32(0)
	if p := n.Parent(); p.IsValid() {
		index = p.indexes()
	}
	return r.index(index, text)
}

func (r *nameReader) unknown(n Node, part string) bool {
	name := "(top)"
	if n.IsValid() {
		name = n.Name()
	}
	r.detail = "Sub-id not found: " + name + " -> " + part
	return false
}

func (r *nameReader) bad(part, index string) bool {
	r.detail = part
	if index != "" {
		r.detail = "Index out of range: " + part + " (" + index + ")"
		r.outOfRange = true
	}
	return false
}

// index reads an index by the syntaxes of its parts.
func (r *nameReader) index(index uint32, text string) bool {
	more := true
	_, count := r.s.list(index)
	for i := 0; i < count && more; i++ {
		x := r.s.index(index, i)
		n, ok := r.s.named(x.Name, "")
		if !ok {
			break
		}
		next := func() (part string) {
			part, text, more = strings.Cut(text, ".")
			return part
		}
		switch n.Type() {
		case TypeInteger, TypeInteger32, TypeUInteger32, TypeUnsigned32, TypeTimeTicks:
			part := next()
			id, ok := cNumber(part)
			if part == "" || part[0] < '0' || part[0] > '9' {
				var v int32
				v, ok = n.enumValue(part)
				id = uint32(v)
			}
			if !ok || !r.inRange(n, int64(id)) || !r.add(id) {
				return r.bad(part, x.Name)
			}
		case TypeIPAddress:
			for j := 0; more && j < 4; j++ {
				part := next()
				id, ok := cNumber(part)
				if !ok || id > 255 && !r.in.NoRange || !r.add(id) {
					return r.bad(part, x.Name)
				}
			}
		case TypeOctetString:
			fixed := n.fixedLen()
			if text != "" && (text[0] == '"' || text[0] == '\'') {
				rest, ok := r.quoted(n, x, fixed, text)
				if !ok {
					return false
				}
				text, more = rest, rest != ""
				if more {
					if text[0] != '.' {
						return r.bad(text, x.Name)
					}
					text = text[1:]
				}
				continue
			}
			left := fixed
			if !x.Implied && fixed < 0 {
				part := next()
				id, ok := cNumber(part)
				if !ok || int64(len(r.ids))+int64(id)+1 >= maxDepth || !r.add(id) {
					return r.bad(part, x.Name)
				}
				left = int(id)
			}
			for ; left != 0 && more; left-- {
				part := next()
				id, ok := cNumber(part)
				if !ok || id > 255 && !r.in.NoRange || !r.add(id) {
					return r.bad(part, x.Name)
				}
			}
		case TypeNetworkAddress:
			part := next()
			id, ok := cNumber(part)
			if !ok || !r.add(id) {
				return r.bad(part, x.Name)
			}
			if id != 1 {
				return !more || r.numbers(n, text, more)
			}
			for j := 0; more && j < 4; j++ {
				part = next()
				id, ok = cNumber(part)
				if !ok || id > 255 && !r.in.NoRange || !r.add(id) {
					return r.bad(part, x.Name)
				}
			}
		default: // an OID, or what cannot be an index
			return r.numbers(n, text, more)
		}
	}
	return r.numbers(Node{}, text, more)
}

func (r *nameReader) inRange(n Node, v int64) bool {
	count := n.rangeCount()
	if r.in.NoRange || count == 0 {
		return true
	}
	if t := n.Type(); t == TypeInteger || t == TypeInteger32 {
		v = int64(int32(v))
	}
	for i := range count {
		if x := n.rangeAt(i); x.Low <= v && v <= x.High {
			return true
		}
	}
	return false
}

// quoted reads a string in quotes as a part of an index. It returns what
// follows.
func (r *nameReader) quoted(n Node, x Index, fixed int, text string) (rest string, ok bool) {
	quote := text[0]
	lengthAt := -1
	switch {
	case !x.Implied && fixed < 0:
		if quote == '\'' {
			r.detail = "'-quote is for fixed length strings"
			return "", false
		}
		lengthAt = len(r.ids)
		if !r.add(0) {
			return "", r.bad(text, x.Name)
		}
	case quote == '"':
		r.detail = `"-quote is for variable length strings`
		return "", false
	}
	var b []byte
	i := 1
	for ; i < len(text) && text[i] != quote; i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b = append(b, text[i])
	}
	if i >= len(text) {
		return "", r.bad(text[1:], x.Name)
	}
	if kind := len(r.ids) - 2; n.has(flagInet) && lengthAt > 0 && kind >= 0 {
		// The form in which addresses are printed. The original takes it for a
		// string of text, so that it cannot read what it prints.
		if out, ok := parseInet(r.ids[kind], string(b)); ok {
			b = out
		}
	} else if hint := n.Hint(); hint != "" && !r.in.NoHints {
		if out, ok := parseHinted(hint, string(b)); ok {
			b = out
		}
	}
	for _, c := range b {
		if !r.add(uint32(c)) {
			return "", r.bad(string(b), x.Name)
		}
	}
	switch {
	case fixed >= 0:
		ok = len(b) == fixed || r.in.NoRange
	default:
		ok = n.rangeCount() > 0 && r.inRange(n, int64(len(b))) || r.in.NoRange
	}
	if !ok {
		return "", r.bad(string(b), x.Name)
	}
	if lengthAt >= 0 {
		r.ids[lengthAt] = uint32(len(b))
	}
	return text[i+1:], true
}

// parseInet reads an InetAddress (RFC 4001) as appendInet prints it, or as
// people write it.
func parseInet(kind uint32, text string) ([]byte, bool) {
	text, zone, hasZone := strings.Cut(text, "%")
	if hasZone != (kind == 3 || kind == 4) {
		return nil, false
	}
	var b []byte
	if part := strings.Split(text, ":"); len(part) == 16 {
		for _, x := range part {
			v, err := strconv.ParseUint(x, 16, 8)
			if err != nil {
				return nil, false
			}
			b = append(b, byte(v))
		}
	} else {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, false
		}
		b = a.AsSlice()
	}
	if kind != 1 && kind != 3 && len(b) == 4 || kind != 2 && kind != 4 && len(b) == 16 {
		return nil, false
	}
	if hasZone {
		z, err := strconv.ParseUint(zone, 10, 32)
		if err != nil {
			return nil, false
		}
		b = append(b, byte(z>>24), byte(z>>16), byte(z>>8), byte(z))
	}
	return b, true
}

// numbers reads the end of an OID: numbers and strings.
func (r *nameReader) numbers(n Node, text string, more bool) bool {
	for more {
		if text != "" && (text[0] == '"' || text[0] == '\'') {
			end := strings.IndexByte(text[1:], text[0])
			if end < 0 {
				return r.lost(n, text)
			}
			s := text[1 : end+1]
			if text[0] == '"' && !r.add(uint32(len(s))) {
				return r.lost(n, text)
			}
			for i := range len(s) {
				if !r.add(uint32(s[i])) {
					return r.lost(n, text)
				}
			}
			text = text[end+2:]
			if more = text != ""; more {
				if text[0] != '.' {
					return r.lost(n, text)
				}
				text = text[1:]
			}
			continue
		}
		var part string
		part, text, more = strings.Cut(text, ".")
		id, ok := cNumber(part)
		if !ok || !r.add(id) {
			return r.lost(n, part)
		}
	}
	return true
}

func (r *nameReader) lost(n Node, part string) bool {
	if n.IsValid() {
		return r.unknown(n, part)
	}
	return r.bad(part, "")
}

// A ValueError says why a text is not a value of an object.
type ValueError struct {
	Text   string // what was to be read
	Detail string // what is wrong with it, as Net-SNMP says it
	kind   error
}

func (e *ValueError) Error() string {
	s := "mib: value " + strconv.Quote(e.Text)
	if e.Detail != "" && e.Detail != e.Text {
		return s + ": " + e.Detail
	}
	if e.kind == ErrRange {
		return s + ": not one of the object's values"
	}
	return s + ": not of its type"
}

func (e *ValueError) Unwrap() error { return e.kind }

// IsType reports whether the letter of the type was wrong, or the text: they are
// different messages of Net-SNMP's.
func (e *ValueError) IsType() bool { return e.kind == errType }

// errType means that the letter does not fit the object. It is an ErrSyntax.
var errType = general.Kind("wrong type", ErrSyntax)

// assignTypes are the letters that "=" stands for.
var assignTypes = [...]byte{
	TypeInteger: 'i', TypeInteger32: 'i', TypeGauge32: 'u', TypeUnsigned32: 'u', TypeUInteger32: '3',
	TypeCounter32: 'c', TypeCounter64: 'C', TypeTimeTicks: 't', TypeOctetString: 's', TypeBits: 'b',
	TypeIPAddress: 'a', TypeOID: 'o',
}

// Value reads a value for the object whose instance o is. The letter says of
// which type, as snmpset takes it: i INTEGER, u Unsigned32, c Counter32, C
// Counter64, t TimeTicks, a IpAddress, o OID, s string (in the form of the
// object's hint, if it has one), x octets in hexadecimal, d octets in decimal, b
// bits by number or name, n Null, U and I 64 bits in an Opaque, F and D floats
// in an Opaque, = the type of the object. The value must be one that the object
// may have, unless in.NoRange is set. The error is a [*ValueError] and wraps
// [ErrSyntax] or [ErrRange].
func (in *Input) Value(o snmp.OID, letter byte, text string) (snmp.Value, error) {
	s := in.Set
	if s == nil {
		s = noNames()
	}
	n, _ := s.Find(o)
	typ := TypeOther
	if n.IsValid() {
		typ = n.Type()
	}
	check := !in.NoRange && typ != TypeOther && typ.isSyntax()
	if letter == '=' && int(typ) < len(assignTypes) && assignTypes[typ] != 0 {
		letter = assignTypes[typ]
	}
	bad := func() (snmp.Value, error) { return snmp.Value{}, &ValueError{text, text, ErrSyntax} }
	mismatch := func(name string) (snmp.Value, error) {
		of := typ.String()
		switch typ {
		case TypeTimeTicks:
			of = "Timeticks"
		case TypeNull:
			of = "Null"
		case TypeUInteger32:
			of = "UInteger"
		}
		return snmp.Value{}, &ValueError{text, "Type of attribute is " + of + ", not " + name, errType}
	}
	unsigned := func() (uint32, bool) {
		v, err := strconv.ParseUint(text, 10, 32)
		return uint32(v), err == nil
	}
	switch letter {
	case 'i':
		if check && typ != TypeInteger && typ != TypeInteger32 {
			return mismatch("INTEGER")
		}
		if text == "" {
			return bad()
		}
		v, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			name, ok := int32(0), false
			if n.IsValid() {
				name, ok = n.enumValue(text)
			}
			if !ok {
				return snmp.Value{}, &ValueError{text, text, ErrRange}
			}
			v = int64(name)
		}
		if msg := in.outside(n, v, text); msg != "" {
			return snmp.Value{}, &ValueError{text, msg, ErrRange}
		}
		return snmp.IntegerValue(int32(v)), nil
	case 'u', '3':
		if check && typ != TypeGauge32 && typ != TypeUnsigned32 && letter == 'u' {
			return mismatch("Unsigned32")
		}
		if check && typ != TypeUInteger32 && letter == '3' {
			return mismatch("UInteger32")
		}
		v, ok := unsigned()
		if !ok {
			return bad()
		}
		return snmp.Gauge32Value(v), nil
	case 'c':
		if check && typ != TypeCounter32 {
			return mismatch("Counter32")
		}
		v, ok := unsigned()
		if !ok {
			return bad()
		}
		return snmp.Counter32Value(v), nil
	case 'C', 'U':
		if check && typ != TypeCounter64 && letter == 'C' {
			return mismatch("Counter64")
		}
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return bad()
		}
		if letter == 'U' {
			return snmp.OpaqueValue(v), nil
		}
		return snmp.Counter64Value(v), nil
	case 't':
		if check && typ != TypeTimeTicks {
			return mismatch("Timeticks")
		}
		v, ok := unsigned()
		if !ok {
			return bad()
		}
		return snmp.TimeTicksValue(v), nil
	case 'a':
		if check && typ != TypeIPAddress {
			return mismatch("IpAddress")
		}
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			return bad()
		}
		return snmp.AddrValue(a), nil
	case 'o':
		if check && typ != TypeOID {
			return mismatch("OBJECT IDENTIFIER")
		}
		v, err := in.OID(text)
		if err != nil {
			return snmp.Value{}, err
		}
		return snmp.OIDValue(v), nil
	case 's', 'x', 'd':
		if check && typ != TypeOctetString && typ != TypeBits {
			return mismatch("OCTET STRING")
		}
		b, msg := []byte(text), "Bad string length"
		ok := true
		switch {
		case letter == 's' && n.IsValid() && n.Hint() != "" && !in.NoHints:
			if out, fits := parseHinted(n.Hint(), text); fits {
				b, msg = out, "Value does not match DISPLAY-HINT"
			}
		case letter == 'x':
			b, ok = hexOctets(text)
		case letter == 'd':
			b, ok = decimalOctets(text)
		}
		if !ok {
			return bad()
		}
		if msg := in.outside(n, int64(len(b)), msg); msg != "" {
			return snmp.Value{}, &ValueError{text, msg, ErrRange}
		}
		return snmp.OctetsValue(b), nil
	case 'b':
		if check && (typ != TypeBits || !n.hasEnums()) {
			return mismatch("BITS")
		}
		return in.bits(n, text)
	case 'n':
		return snmp.Value{}, nil
	case 'I':
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return bad()
		}
		return snmp.OpaqueValue(v), nil
	case 'F':
		v, err := strconv.ParseFloat(text, 32)
		if err != nil {
			return bad()
		}
		return snmp.OpaqueValue(float32(v)), nil
	case 'D':
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad()
		}
		return snmp.OpaqueValue(v), nil
	}
	return snmp.Value{}, &ValueError{text, `"` + string(rune(letter)) + `"`, errType}
}

// outside returns what to say of a number that is not in the ranges of an
// object, or "".
func (in *Input) outside(n Node, v int64, msg string) string {
	if in.NoRange || !n.IsValid() || n.rangeCount() == 0 {
		return ""
	}
	if t := n.Type(); t == TypeOther || !t.isSyntax() {
		return ""
	}
	b := append([]byte(msg), " :: {"...)
	for i := range n.rangeCount() {
		r := n.rangeAt(i)
		if r.Low <= v && v <= r.High {
			return ""
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '(')
		b = strconv.AppendInt(b, int64(int32(r.Low)), 10)
		if r.Low != r.High {
			b = append(b, ".."...)
			b = strconv.AppendInt(b, int64(int32(r.High)), 10)
		}
		b = append(b, ')')
	}
	return string(append(b, '}'))
}

// bits reads numbers and names of bits, apart by spaces, tabs or commas.
func (in *Input) bits(n Node, text string) (snmp.Value, error) {
	size := 0
	if n.IsValid() {
		at, count := n.s.list(n.syntax(synEnums))
		for i := range count {
			if v := int(int32(n.s.word(at + 8*i + 4))); v >= 0 && v < 65536 {
				size = max(size, v/8+1)
			}
		}
	}
	b := make([]byte, size)
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		bit, ok := cNumber(word)
		if !ok && n.IsValid() {
			var v int32
			v, ok = n.enumValue(word)
			bit = uint32(v)
		}
		if !ok || bit > 65535 {
			return snmp.Value{}, &ValueError{text, word, ErrRange}
		}
		for int(bit/8) >= len(b) {
			b = append(b, 0)
		}
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return snmp.OctetsValue(b), nil
}

// hexOctets reads pairs of digits, with anything that is no letter or digit
// between them.
func hexOctets(text string) ([]byte, bool) {
	if len(text) >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		text = text[2:]
	}
	var b []byte
	for i := 0; i < len(text); {
		switch {
		case class[text[i]]&cHex != 0:
			if i+1 >= len(text) || class[text[i+1]]&cHex == 0 {
				return nil, false
			}
			v, _ := strconv.ParseUint(text[i:i+2], 16, 8)
			b = append(b, byte(v))
			i += 2
		case class[text[i]]&cAlnum != 0:
			return nil, false
		default:
			i++
		}
	}
	return b, true
}

// decimalOctets reads numbers up to 255, apart by spaces or dots.
func decimalOctets(text string) ([]byte, bool) {
	var b []byte
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < '0' || r > '9' }) {
		v, err := strconv.ParseUint(word, 10, 8)
		if err != nil {
			return nil, false
		}
		b = append(b, byte(v))
	}
	for i := range len(text) {
		if class[text[i]]&cAlnum != 0 && class[text[i]]&cDigit == 0 {
			return nil, false
		}
	}
	return b, true
}
