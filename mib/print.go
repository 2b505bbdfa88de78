package mib

import (
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/pollux-snmp/pollux/snmp"
)

// An OIDFormat is a form in which OIDs are printed.
type OIDFormat uint8

const (
	FormatModule  OIDFormat = iota // IF-MIB::ifDescr.1 (-OS)
	FormatSuffix                   // ifDescr.1 (-Os)
	FormatFull                     // .iso.org.dod.internet.mgmt… (-Of)
	FormatNumeric                  // .1.3.6.1.2.1… (-On)
	FormatUCD                      // interfaces.ifTable.ifEntry.ifDescr.1 (-Ou)
)

// A Printer turns OIDs and values into text, as Net-SNMP's programs do. The
// zero Printer prints as they do without options. Its methods append to a
// buffer of the caller and do not allocate if that is large enough, except for
// -Op. A Printer that is not changed may be used from several goroutines.
type Printer struct {
	Set       *Set      // the names, or nil for those of the three roots
	OIDs      OIDFormat // -OS -Os -Of -On -Ou
	Quick     bool      // -Oq: no types, and a space for " = "
	Equals    bool      // -OQ, with Quick: but " = "
	ValueOnly bool      // -Ov
	NumEnums  bool      // -Oe: numbers of enumerations
	RawTicks  bool      // -Ot: TimeTicks as a number
	RawIndex  bool      // -Ob: indexes as numbers
	Brackets  bool      // -OX: indexes in brackets
	Escape    bool      // -OE: quotes in indexes get a backslash
	HexText   bool      // -OT: text beside hexadecimal octets
	ASCII     bool      // -Oa: octets as text
	Hex       bool      // -Ox: octets in hexadecimal
	NoUnits   bool      // -OU
	PadHex    bool      // -O0: two digits for each octet of a hint
	NoHints   bool      // -Ih
	Precision string    // -Op: what stands between "%" and "f" in C
	HexLen    int       // octets on a line, default 16 (hexOutputLength)
}

// SetOptions applies the letters of an -O option. Most of them toggle. A letter
// "p" takes the rest for a precision. The error wraps [ErrSyntax].
func (p *Printer) SetOptions(letters string) error {
	for i := range len(letters) {
		switch letters[i] {
		case '0':
			p.PadHex = !p.PadHex
		case 'a':
			p.ASCII, p.Hex = true, false
		case 'b':
			p.RawIndex = !p.RawIndex
		case 'e':
			p.NumEnums = !p.NumEnums
		case 'E':
			p.Escape = !p.Escape
		case 'f':
			p.OIDs = FormatFull
		case 'n':
			p.OIDs = FormatNumeric
		case 'p':
			p.Precision = letters[i+1:]
			return nil
		case 'q':
			p.Quick = !p.Quick
			p.Equals = false
		case 'Q':
			p.Quick = !p.Quick
			p.Equals = true
		case 's':
			p.OIDs = FormatSuffix
		case 'S':
			p.OIDs = FormatModule
		case 't':
			p.RawTicks = !p.RawTicks
		case 'T':
			p.HexText = !p.HexText
		case 'u':
			p.OIDs = FormatUCD
		case 'U':
			p.NoUnits = !p.NoUnits
		case 'v':
			p.ValueOnly = !p.ValueOnly
		case 'x':
			p.Hex, p.ASCII = true, false
		case 'X':
			p.Brackets = !p.Brackets
		default:
			return &optionError{'O', letters[i]}
		}
	}
	return nil
}

type optionError struct{ option, letter byte }

func (e *optionError) Error() string {
	return "mib: unknown letter " + strconv.Quote(string(rune(e.letter))) + " in option -" + string(rune(e.option))
}
func (e *optionError) Unwrap() error { return ErrSyntax }

// noNames is the set of the three roots alone.
var noNames = sync.OnceValue(func() *Set {
	s, _ := Load(nil) // reads nothing
	return s
})

func (p *Printer) set() *Set {
	if p.Set != nil {
		return p.Set
	}
	return noNames()
}

// AppendOID appends an OID.
func (p *Printer) AppendOID(dst []byte, o snmp.OID) []byte {
	var buf [maxDepth]uint32
	dst, _ = p.appendIDs(dst, appendSubIDs(buf[:0], o), 0)
	return dst
}

// AppendVarBind appends an OID, " = " and the value, without an end of line.
func (p *Printer) AppendVarBind(dst []byte, vb snmp.VarBind) []byte {
	var buf [maxDepth]uint32
	ids := appendSubIDs(buf[:0], vb.OID)
	var n Node
	if p.ValueOnly {
		n, _ = p.set().find(ids)
	} else {
		dst, n = p.appendIDs(dst, ids, 0)
		if p.Quick && !p.Equals {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, " = "...)
		}
	}
	return p.appendValue(dst, n, vb.Value)
}

// AppendValue appends a value of the object whose instance o is.
func (p *Printer) AppendValue(dst []byte, o snmp.OID, v snmp.Value) []byte {
	var buf [maxDepth]uint32
	n, _ := p.set().find(appendSubIDs(buf[:0], o))
	return p.appendValue(dst, n, v)
}

// maxOIDNesting bounds OIDs in the indexes of OIDs.
const maxOIDNesting = 12

// appendIDs appends an OID and returns the deepest node on the way to it.
func (p *Printer) appendIDs(dst []byte, ids []uint32, nesting int) ([]byte, Node) {
	s := p.set()
	var pathBuf [maxDepth]uint32
	path := pathBuf[:0]
	at := s.top()
	known := 0
	index := uint32(0) // the list of the index that applies
	for _, id := range ids {
		c, ok := at.child(id)
		if !ok || known == maxDepth {
			break
		}
		at = c
		path = append(path, c.i)
		known++
		if ref := c.detail(detIndexes); ref != 0 {
			index = ref
		} else if a := c.Augments(); a != "" {
			if row, ok := s.named(a, ""); ok {
				index = row.detail(detIndexes)
			}
		}
	}
	rest := ids[known:]
	if p.OIDs == FormatNumeric || known == 0 {
		for _, id := range ids {
			dst = append(dst, '.')
			dst = strconv.AppendUint(dst, uint64(id), 10)
		}
		return dst, at
	}
	from := 0
	switch p.OIDs {
	case FormatModule, FormatSuffix:
		from = known - 1
		if len(rest) == 0 {
			for from > 0 && (Node{s, path[from]}).isAnon() {
				from--
			}
		}
		if p.OIDs == FormatModule {
			if m := at.Module(); m != "" {
				dst = append(dst, m...)
				dst = append(dst, "::"...)
			}
		}
	case FormatUCD:
		if from = ucdPrefix(s, path, ids); from == 0 {
			dst = append(dst, '.')
		}
	default:
		dst = append(dst, '.')
	}
	for i := from; i < known; i++ {
		if i > from {
			dst = append(dst, '.')
		}
		if n := (Node{s, path[i]}); n.isAnon() {
			dst = strconv.AppendUint(dst, uint64(ids[i]), 10)
		} else {
			dst = append(dst, n.Name()...)
		}
	}
	if len(rest) == 0 {
		return dst, at
	}
	dst = append(dst, '.')
	if index != 0 && at.hasChildren() {
		dst = strconv.AppendUint(dst, uint64(rest[0]), 10)
		dst = append(dst, '.')
		rest = rest[1:]
	}
	if p.RawIndex {
		return appendRest(dst, rest), at
	}
	return p.appendIndex(dst, s, index, ids, rest, nesting), at
}

// ucdPrefixes are the beginnings that FormatUCD leaves out.
var ucdPrefixes = [...]string{"mgmt.mib-2", "experimental", "private", "snmpParties", "snmpSecrets"}

// ucdPrefix returns how many labels FormatUCD leaves out.
func ucdPrefix(s *Set, path, ids []uint32) int {
	name := func(i int) string { return Node{s, path[i]}.Name() }
	if len(path) < 5 || name(0) != "iso" || name(1) != "org" || name(2) != "dod" || name(3) != "internet" {
		return 0
	}
	for _, prefix := range ucdPrefixes {
		first, second, two := strings.Cut(prefix, ".")
		n := 5
		if name(4) != first {
			continue
		}
		if two {
			if len(path) < 6 || name(5) != second {
				continue
			}
			n = 6
		}
		if len(ids) > n {
			if n < len(path) {
				return n
			}
			return len(path)
		}
	}
	return 0
}

// appendRest ends an OID with numbers. What dst holds may end in a dot.
func appendRest(dst []byte, rest []uint32) []byte {
	if dst[len(dst)-1] != '.' {
		dst = append(dst, '.')
	}
	for _, id := range rest {
		dst = strconv.AppendUint(dst, uint64(id), 10)
		dst = append(dst, '.')
	}
	return dst[:len(dst)-1]
}

// appendIndex appends rest, the end of ids, by the syntaxes of an index.
func (p *Printer) appendIndex(dst []byte, s *Set, index uint32, ids, rest []uint32, nesting int) []byte {
	_, count := s.list(index)
	for i := 0; i < count && len(rest) > 0; i++ {
		x := s.index(index, i)
		n, ok := s.named(x.Name, "")
		if !ok {
			break
		}
		if p.Brackets {
			if dst[len(dst)-1] == '.' {
				dst = dst[:len(dst)-1]
			}
			dst = append(dst, '[')
		}
		used := 0
		switch n.Type() {
		case TypeOctetString:
			fixed := n.fixedLen()
			switch {
			case p.Brackets && n.Hint() != "":
				skip := 0
				switch {
				case x.Implied:
					used = len(rest)
				case fixed >= 0:
					used = fixed
				default:
					skip = 1
					used = int(rest[0]) + 1
				}
				if used > len(rest) {
					return appendRest(dst, rest)
				}
				var buf [maxDepth]byte
				octets := buf[:0]
				for _, id := range rest[skip:used] {
					octets = append(octets, byte(id))
				}
				dst = p.appendOctets(dst, Node{}, n.Hint(), "", string(octets))
			case x.Implied:
				used = len(rest)
				dst = p.appendQuoted(dst, rest, '\'')
			case fixed >= 0:
				if used = fixed; used > len(rest) {
					return appendRest(dst, rest)
				}
				dst = p.appendQuoted(dst, rest[:used], '\'')
			default:
				if uint64(rest[0])+1 > uint64(len(rest)) {
					return appendRest(dst, rest)
				}
				used = int(rest[0]) + 1
				if used == 1 {
					if p.Escape {
						dst = append(dst, `\"\"`...)
					} else {
						dst = append(dst, `""`...)
					}
					break
				}
				if n.has(flagInet) && len(rest) < len(ids) {
					kind := ids[len(ids)-len(rest)-1]
					if out, ok := appendInet(dst, kind, rest[1:used]); ok {
						dst = out
						break
					}
				}
				dst = p.appendQuoted(dst, rest[1:used], '"')
			}
		case TypeInteger32, TypeUInteger32, TypeUnsigned32, TypeGauge32, TypeInteger:
			used = 1
			if name := n.enumName(int32(rest[0])); name != "" {
				dst = append(dst, name...)
			} else {
				dst = strconv.AppendUint(dst, uint64(rest[0]), 10)
			}
		case TypeTimeTicks:
			used = 1
			if p.Brackets {
				dst = p.appendTime(dst, uint64(rest[0]))
			} else {
				dst = strconv.AppendUint(dst, uint64(rest[0]), 10)
			}
		case TypeOID:
			used = len(rest)
			skip := 0
			if !x.Implied {
				if uint64(rest[0])+1 > uint64(len(rest)) {
					return appendRest(dst, rest)
				}
				used = int(rest[0]) + 1
				skip = 1
			}
			if !p.Brackets {
				dst = appendRest(dst, rest[:used])
				break
			}
			if nesting >= maxOIDNesting {
				return appendRest(dst, rest)
			}
			dst, _ = p.appendIDs(dst, rest[skip:used], nesting+1)
		case TypeIPAddress:
			if used = 4; len(rest) < used {
				return appendRest(dst, rest)
			}
			dst = appendDotted(dst, rest[:4])
		case TypeNetworkAddress:
			dst = strconv.AppendUint(dst, uint64(rest[0]), 10)
			dst = append(dst, '.')
			if rest[0] != 1 || len(rest) < 5 {
				return appendRest(dst, rest[1:])
			}
			used = 5
			dst = appendDotted(dst, rest[1:5])
		default:
			return appendRest(dst, rest)
		}
		rest = rest[used:]
		if p.Brackets {
			dst = append(dst, ']')
		} else {
			dst = append(dst, '.')
		}
	}
	return appendRest(dst, rest)
}

func appendDotted(dst []byte, ids []uint32) []byte {
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendUint(dst, uint64(id), 10)
	}
	return dst
}

// appendQuoted appends the characters of a string in an index.
func (p *Printer) appendQuoted(dst []byte, ids []uint32, quote byte) []byte {
	if len(ids) == 0 {
		return dst
	}
	mark := func() {
		if p.Escape {
			dst = append(dst, '\\')
		}
		dst = append(dst, quote)
	}
	mark()
	for _, id := range ids {
		if id < 0x20 || id > 0x7e {
			id = '.'
		}
		dst = append(dst, byte(id))
	}
	mark()
	return dst
}

// appendInet appends an InetAddress (RFC 4001) in an index.
func appendInet(dst []byte, kind uint32, ids []uint32) ([]byte, bool) {
	lens := [...]int{1: 4, 2: 16, 3: 8, 4: 20}
	if kind < 1 || kind > 4 || len(ids) != lens[kind] {
		return dst, false
	}
	for _, id := range ids {
		if id > 255 {
			return dst, false
		}
	}
	dst = append(dst, '"')
	addr := ids[:lens[(kind-1)%2+1]]
	if len(addr) == 4 {
		dst = appendDotted(dst, addr)
	} else {
		for i, id := range addr {
			if i > 0 {
				dst = append(dst, ':')
			}
			dst = appendHexByte(dst, byte(id), "0123456789abcdef")
		}
	}
	if z := ids[len(addr):]; len(z) == 4 {
		dst = append(dst, '%')
		dst = strconv.AppendUint(dst, uint64(z[0]<<24|z[1]<<16|z[2]<<8|z[3]), 10)
	}
	return append(dst, '"'), true
}

func appendHexByte(dst []byte, b byte, digits string) []byte {
	return append(dst, digits[b>>4], digits[b&15])
}

// appendValue appends a value of the object n.
func (p *Printer) appendValue(dst []byte, n Node, v snmp.Value) []byte {
	switch v.Kind() {
	case snmp.KindNoSuchObject:
		return append(dst, "No Such Object available on this agent at this OID"...)
	case snmp.KindNoSuchInstance:
		return append(dst, "No Such Instance currently exists at this OID"...)
	case snmp.KindEndOfMIBView:
		return append(dst, "No more variables left in this MIB View (It is past the end of the MIB tree)"...)
	}
	if !n.IsValid() {
		return p.appendByKind(dst, Node{}, "", "", v)
	}
	units, hint := "", ""
	if !p.NoUnits {
		units = n.Units()
	}
	if !p.NoHints {
		hint = n.Hint()
	}
	if want, ok := p.fits(n.Type(), v.Kind()); !ok {
		if !p.Equals {
			dst = append(dst, "Wrong Type (should be "...)
			dst = append(dst, want...)
			dst = append(dst, "): "...)
		}
		return p.appendByKind(dst, Node{}, "", "", v)
	}
	octets, _ := v.Octets()
	switch n.Type() {
	case TypeBits:
		return p.appendBits(dst, n, octets)
	case TypeNetworkAddress:
		if !p.Quick {
			dst = append(dst, "Network Address: "...)
		}
		if a, ok := v.Addr(); ok {
			for i, b := range a.As4() {
				if i > 0 {
					dst = append(dst, ':')
				}
				dst = appendHexByte(dst, b, upperHex)
			}
		}
		return dst
	}
	return p.appendByKind(dst, n, hint, units, v)
}

// fits reports whether a value of kind k may be that of an object of type t,
// and what should be there instead.
func (p *Printer) fits(t Type, k snmp.Kind) (want string, ok bool) {
	switch t {
	case TypeOID:
		return "OBJECT IDENTIFIER", k == snmp.KindOID
	case TypeOctetString:
		return "OCTET STRING", k == snmp.KindOctetString
	case TypeInteger, TypeInteger32:
		return "INTEGER", k == snmp.KindInteger
	case TypeNetworkAddress:
		return "NetworkAddress", k == snmp.KindIPAddress
	case TypeIPAddress:
		return "IpAddress", k == snmp.KindIPAddress
	case TypeCounter32:
		return "Counter32", k == snmp.KindCounter32
	case TypeGauge32, TypeUnsigned32:
		return "Gauge32 or Unsigned32", k == snmp.KindGauge32
	case TypeTimeTicks:
		return "Timeticks", k == snmp.KindTimeTicks
	case TypeOpaque:
		switch k {
		case snmp.KindOpaque, snmp.KindFloat, snmp.KindDouble, snmp.KindInt64, snmp.KindUint64:
			return "", true
		}
		return "Opaque", false
	case TypeNull:
		return "NULL", k == snmp.KindNull
	case TypeBits:
		return "BITS", k == snmp.KindOctetString
	case TypeNSAPAddress:
		return "NsapAddress", false // no message carries one
	case TypeCounter64:
		switch k {
		case snmp.KindCounter64, snmp.KindInt64, snmp.KindUint64:
			return "", true
		}
		return "Counter64", false
	case TypeUInteger32:
		return "UInteger32", false // no message carries one
	}
	return "", true
}

// appendByKind appends a value by its own kind. N gives the enumeration.
func (p *Printer) appendByKind(dst []byte, n Node, hint, units string, v snmp.Value) []byte {
	prefix := func(s string) {
		if !p.Quick {
			dst = append(dst, s...)
		}
	}
	switch k := v.Kind(); k {
	case snmp.KindInteger:
		prefix("INTEGER: ")
		num, _ := v.Int64()
		name := ""
		if n.IsValid() && !p.NumEnums {
			name = n.enumName(int32(num))
		}
		switch {
		case name == "" && hint != "":
			dst = appendHintedInt(dst, num, true, hint)
		case name == "":
			dst = strconv.AppendInt(dst, num, 10)
		case p.Quick:
			dst = append(dst, name...)
		default:
			dst = append(dst, name...)
			dst = append(dst, '(')
			dst = strconv.AppendInt(dst, num, 10)
			dst = append(dst, ')')
		}
	case snmp.KindOctetString:
		octets, _ := v.Octets()
		return p.appendOctets(dst, n, hint, units, octets)
	case snmp.KindOID:
		prefix("OID: ")
		o, _ := v.OID()
		dst = p.AppendOID(dst, o)
	case snmp.KindIPAddress:
		prefix("IpAddress: ")
		a, _ := v.Addr()
		return a.AppendTo(dst)
	case snmp.KindCounter32, snmp.KindGauge32:
		num, _ := v.Uint64()
		if k == snmp.KindCounter32 {
			prefix("Counter32: ")
			hint = ""
		} else {
			prefix("Gauge32: ")
		}
		if hint != "" {
			dst = appendHintedInt(dst, int64(num), false, hint)
		} else {
			dst = strconv.AppendUint(dst, num, 10)
		}
	case snmp.KindTimeTicks:
		num, _ := v.Uint64()
		if p.RawTicks {
			return strconv.AppendUint(dst, num, 10)
		}
		if !p.Quick {
			dst = append(dst, "Timeticks: ("...)
			dst = strconv.AppendUint(dst, num, 10)
			dst = append(dst, ") "...)
		}
		dst = p.appendTime(dst, num)
	case snmp.KindOpaque:
		prefix("OPAQUE: ")
		octets, _ := v.Octets()
		dst = p.appendHex(dst, octets)
	case snmp.KindCounter64:
		prefix("Counter64: ")
		num, _ := v.Uint64()
		dst = strconv.AppendUint(dst, num, 10)
	case snmp.KindUint64:
		prefix("Opaque: UInt64: ")
		num, _ := v.Uint64()
		dst = strconv.AppendUint(dst, num, 10)
	case snmp.KindInt64:
		prefix("Opaque: Int64: ")
		num, _ := v.Int64()
		dst = strconv.AppendInt(dst, num, 10)
	case snmp.KindFloat, snmp.KindDouble:
		prefix("Opaque: Float: ")
		f, _ := v.Float64()
		dst = appendFloat(dst, f, p.Precision)
	case snmp.KindNull:
		return append(dst, "NULL"...)
	default:
		return append(dst, "Variable has bad type"...)
	}
	return appendUnits(dst, units)
}

func appendUnits(dst []byte, units string) []byte {
	if units == "" {
		return dst
	}
	dst = append(dst, ' ')
	return append(dst, units...)
}

// appendTime appends hundredths of a second as days, hours and so on.
func (p *Printer) appendTime(dst []byte, ticks uint64) []byte {
	if p.RawTicks {
		return strconv.AppendUint(dst, ticks, 10)
	}
	two := func(n uint64, sep byte) {
		dst = append(dst, sep, byte('0'+n/10), byte('0'+n%10))
	}
	days, rest := ticks/8640000, ticks%8640000
	switch {
	case p.Quick:
		dst = strconv.AppendUint(dst, days, 10)
		dst = append(dst, ':')
	case days == 1:
		dst = append(dst, "1 day, "...)
	case days > 1:
		dst = strconv.AppendUint(dst, days, 10)
		dst = append(dst, " days, "...)
	}
	dst = strconv.AppendUint(dst, rest/360000, 10)
	two(rest/6000%60, ':')
	two(rest/100%60, ':')
	two(rest%100, '.')
	return dst
}

const upperHex = "0123456789ABCDEF"

func isPrint(c byte) bool { return 0x20 <= c && c < 0x7f }

func isSpace(c byte) bool { return c == ' ' || 9 <= c && c <= 13 }

// appendHex appends octets in hexadecimal, in lines.
func (p *Printer) appendHex(dst []byte, s string) []byte {
	lineLen := p.HexLen
	if lineLen <= 0 {
		lineLen = 16
	}
	for {
		line := s[:min(lineLen, len(s))]
		s = s[len(line):]
		for i := range len(line) {
			dst = appendHexByte(dst, line[i], upperHex)
			dst = append(dst, ' ')
		}
		if p.HexText && line != "" {
			dst = append(dst, "  ["...)
			for i := range len(line) {
				c := line[i]
				if !isPrint(c) && !isSpace(c) {
					c = '.'
				}
				dst = append(dst, c)
			}
			dst = append(dst, ']')
		}
		if s == "" {
			return dst
		}
		dst = append(dst, '\n')
	}
}

func appendASCII(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '\\' || c == '"':
			dst = append(dst, '\\', c)
		case isPrint(c) || isSpace(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '.')
		}
	}
	return dst
}

// appendOctets appends a string.
func (p *Printer) appendOctets(dst []byte, n Node, hint, units, s string) []byte {
	if hint != "" {
		start := len(dst)
		if !p.Quick {
			dst = append(dst, "STRING: "...)
		}
		out, ok := p.appendHinted(dst, hint, s)
		if ok {
			return appendUnits(out, units)
		}
		dst = append(dst[:start], "(Bad hint ignored: "...)
		dst = append(dst, hint...)
		dst = append(dst, ") "...)
		units = ""
	}
	hex := p.Hex
	if !p.ASCII && !p.Hex {
		for i := range len(s) {
			if !isPrint(s[i]) && !isSpace(s[i]) {
				hex = true
				break
			}
		}
	}
	switch {
	case s == "":
		return append(dst, `""`...)
	case hex && p.Quick:
		dst = append(dst, '"')
		dst = p.appendHex(dst, s)
		dst = append(dst, '"')
	case hex:
		dst = append(dst, "Hex-STRING: "...)
		dst = p.appendHex(dst, s)
	default:
		if !p.Quick {
			dst = append(dst, "STRING: "...)
		}
		dst = append(dst, '"')
		dst = appendASCII(dst, s)
		dst = append(dst, '"')
	}
	return appendUnits(dst, units)
}

// appendBits appends the names of the bits that are set.
func (p *Printer) appendBits(dst []byte, n Node, s string) []byte {
	if p.Quick {
		dst = append(dst, '"')
		dst = p.appendHex(dst, s)
		return append(dst, '"')
	}
	dst = append(dst, "BITS: "...)
	dst = p.appendHex(dst, s)
	// The original searches on from the last name that it found, so that names
	// out of order are not found.
	at, count := n.s.list(n.syntax(synEnums))
	i := 0
	for bit := range 8 * len(s) {
		if s[bit/8]&(0x80>>(bit%8)) == 0 {
			continue
		}
		for i < count && int(int32(n.s.word(at+8*i+4))) != bit {
			i++
		}
		if i < count && !p.NumEnums {
			dst = append(dst, n.s.str(n.s.word(at+8*i))...)
			dst = append(dst, '(')
			dst = strconv.AppendInt(dst, int64(bit), 10)
			dst = append(dst, ") "...)
		} else {
			dst = strconv.AppendInt(dst, int64(bit), 10)
			dst = append(dst, ' ')
		}
	}
	return dst
}

// appendFloat appends a number as C's "%f" does, with a precision such as "5.2"
// between its letters.
func appendFloat(dst []byte, f float64, precision string) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	start := len(dst)
	flags := strings.TrimRight(precision[:len(precision)-len(strings.TrimLeft(precision, "-+ 0#"))], "")
	widthText, precText, hasPrec := strings.Cut(precision[len(flags):], ".")
	width, _ := strconv.Atoi(widthText)
	prec := 6
	if hasPrec {
		prec, _ = strconv.Atoi(precText)
	}
	width, prec = min(max(width, 0), 127), min(max(prec, 0), 127)
	if !math.Signbit(f) {
		switch {
		case strings.Contains(flags, "+"):
			dst = append(dst, '+')
		case strings.Contains(flags, " "):
			dst = append(dst, ' ')
		}
	}
	dst = strconv.AppendFloat(dst, f, 'f', prec, 64)
	pad := width - (len(dst) - start)
	if pad <= 0 {
		return dst
	}
	text := string(dst[start:])
	dst = dst[:start]
	switch {
	case strings.Contains(flags, "-"):
		dst = append(dst, text...)
		for range pad {
			dst = append(dst, ' ')
		}
	case strings.Contains(flags, "0"):
		if c := text[0]; c == '-' || c == '+' || c == ' ' {
			dst = append(dst, c)
			text = text[1:]
		}
		for range pad {
			dst = append(dst, '0')
		}
		dst = append(dst, text...)
	default:
		for range pad {
			dst = append(dst, ' ')
		}
		dst = append(dst, text...)
	}
	return dst
}
