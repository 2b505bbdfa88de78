package mib

import (
	"strconv"
	"strings"
)

// maxLabelLen is the length at which Net-SNMP cuts labels.
const maxLabelLen = 127

// maxImports is the number of imported names above which Net-SNMP gives up on
// a module's imports.
const maxImports = 512

// A def is one node that a module defines: a label below a parent that is
// known by its label.
type def struct {
	label, parent string
	subid         int64 // noSubID for { parent }
	mod           int32
	typ           kind
	access        kind
	status        kind
	tc            int32 // index of the textual convention, or -1
	enums         []Enum
	ranges        []Range
	hint, units   string
	indexes       []Index
	augments      string
	objects       []string // of a notification
	defval        string
	desc, ref     span
	file          int32  // index of the file plus one, or 0
	at            uint32 // where the definition starts in it
	trap          bool
	placed        bool // it is in the tree
	next          *def // the next one that waits for the same parent
}

const noSubID = -1

// A span is a piece of a file: that of a description, for example.
type span struct {
	file     int32 // index of the file plus one, or 0
	off, end uint32
}

// A parser reads the modules of one file. Where a file breaks the rules it
// does what Net-SNMP does, token by token, so that the names come out the
// same. Net-SNMP gives up on a file at most errors; a tolerant parser goes on
// with the next definition instead.
type parser struct {
	l        *loader
	f        *file
	toks     []token
	pos      int // of the token after tok
	tok      token
	mod      int32
	tolerant bool
	defs     []*def // of the module that is being read
	inModule bool
}

func (p *parser) next() kind {
	p.tok = p.toks[p.pos]
	if p.pos < len(p.toks)-1 {
		p.pos++
	}
	return p.tok.kind
}

// text returns the text of the current token.
func (p *parser) text() string {
	s := p.f.src[p.tok.off:p.tok.end]
	if len(s) > maxLabelLen && p.tok.kind != kQuoted {
		s = s[:maxLabelLen]
	}
	return s
}

// quoted returns the text of the current token, a string.
func (p *parser) quoted() string {
	return strings.ReplaceAll(p.f.src[p.tok.off:p.tok.end], "\r", "")
}

func (p *parser) span() span { return span{p.f.index + 1, p.tok.off, p.tok.end} }

// number returns the value of the current token as strtoul gives it.
func (p *parser) number() int64 { return parseNumber(p.f.src[p.tok.off:p.tok.end]) }

func parseNumber(s string) int64 {
	if len(s) > 3 && s[0] == '\'' {
		base := 16
		if c := s[len(s)-1]; c == 'b' || c == 'B' {
			base = 2
		}
		v, err := strconv.ParseUint(s[1:len(s)-2], base, 64)
		if err != nil {
			return 1<<32 - 1
		}
		return int64(v)
	}
	neg := strings.HasPrefix(s, "-")
	if neg {
		s = s[1:]
	}
	var v uint64
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if v > 1<<59 {
			v = 1<<63 - 1
			break
		}
		v = v*10 + uint64(s[i]-'0')
	}
	if neg {
		return -int64(v)
	}
	return int64(v)
}

// fail reports an error at the current token.
func (p *parser) fail(msg string) { p.l.report(p.f, p.tok, Error, msg) }

func (p *parser) warn(msg string) { p.l.report(p.f, p.tok, Warning, msg) }

// parse reads the file to its end. It returns false if it gave up.
func (p *parser) parse() bool {
	k, last := kLabel, kLabel
	pending := false // k holds a token that was read already
	for k != kEOF {
		if pending {
			pending, last = false, k
		} else {
			k = p.next()
			last = k
		}
		switch k {
		case kEOF:
			continue
		case kEnd:
			if !p.inModule {
				p.fail("END without a module before it")
				if !p.tolerant {
					return false
				}
				continue
			}
			p.endModule()
			continue
		case kImports:
			p.imports()
			continue
		case kExports:
			for k != kSemicolon && k != kEOF {
				k = p.next()
			}
			continue
		case kLabel, kInteger, kInteger32, kUInteger32, kUnsigned32, kCounter, kCounter64, kGauge,
			kIPAddress, kNetworkAddress, kNSAPAddress, kObjectSyntax, kApplicationSyntax, kSimpleSyntax,
			kObjectName, kNotificationName, kOpaque, kTimeTicks:
		default:
			word := p.tok
			k = p.next()
			if k == kMacro {
				p.macro()
			} else {
				p.l.report(p.f, word, Error, "reserved word where a definition should start")
				if p.tolerant {
					p.resync()
				}
			}
			continue
		}
		name, at := p.text(), p.tok
		k = p.next()
		if last == kLabel && k == kLeftBrace { // NAME { oid } DEFINITIONS
			for k != kRightBrace && k != kEOF {
				k = p.next()
			}
			if k == kEOF {
				p.fail("missing \"}\"")
				return p.finish(false)
			}
			k = p.next()
		}
		var d []*def
		ok := true
		switch k {
		case kDefinitions:
			if p.inModule {
				p.fail("a module starts inside of another one; is an END missing?")
				if !p.tolerant {
					return false
				}
				p.endModule()
			}
			p.startModule(name)
			for k != kBegin && k != kEOF {
				k = p.next()
			}
		case kObjectType:
			d, ok = p.objectType(name)
		case kObjectGroup, kObjectIdentity:
			d, ok = p.group(name, kObjects)
		case kNotificationGroup:
			d, ok = p.group(name, kNotifications)
		case kTrapType:
			d, ok = p.trapType(name)
		case kNotificationType:
			d, ok = p.notificationType(name)
		case kCompliance:
			d, ok = p.compliance(name)
		case kCapabilities:
			d, ok = p.capabilities(name)
		case kModuleIdentity:
			d, ok = p.moduleIdentity(name)
		case kMacro:
			p.macro()
		case kObject:
			if p.next() != kIdentifier {
				p.fail("IDENTIFIER should follow OBJECT")
				ok = false
			} else if k = p.next(); k != kEquals {
				p.fail("\"::=\" should follow OBJECT IDENTIFIER")
				ok = false
			} else {
				d, ok = p.objectID(name, nil)
			}
		case kEquals:
			var read bool
			d, read, k = p.assignment(name)
			pending = read
			if !read && !p.tolerant {
				// The parser loses its way here, as the original does: the
				// "::=" is taken for the start of a definition.
				k, pending = kEquals, true
			}
		case kEOF:
		default:
			if p.tolerant && p.definitions(name) {
				break
			}
			p.l.report(p.f, at, Error, "no definition has this form")
			ok = false
		}
		if !ok {
			if !p.tolerant {
				return false
			}
			p.resync()
			k, pending = kLabel, false
			continue
		}
		if len(d) > 0 {
			p.checkLabel(name, at)
			p.defs = append(p.defs, d...)
			if tail := d[len(d)-1]; tail.typ == kEOF {
				tail.typ = k
			}
			for _, x := range d {
				x.at, x.file = at.off, p.f.index+1
			}
		}
	}
	return p.finish(true)
}

// checkLabel reports what RFC 2578, section 3.1, forbids in a label.
func (p *parser) checkLabel(name string, at token) {
	msg := ""
	switch {
	case strings.Contains(name, "_"):
		msg = "a label must not have an underscore"
	case strings.HasSuffix(name, "-"):
		msg = "a label must not end in a hyphen"
	case strings.Contains(name, "--"):
		msg = "a label must not have two hyphens in a row"
	case len(name) > 64:
		msg = "a label must not be longer than 64 characters"
	case name[0] >= 'A' && name[0] <= 'Z':
		msg = "a label must start with a small letter"
	}
	if msg != "" {
		p.l.report(p.f, at, Warning, msg)
	}
}

func (p *parser) finish(ok bool) bool {
	if p.inModule {
		p.fail("the module's END is missing")
		if p.tolerant {
			p.endModule()
		} else {
			p.defs = nil
		}
	}
	return ok
}

func (p *parser) startModule(name string) {
	p.inModule = true
	p.mod = p.l.moduleID(name)
	if p.mod < 0 {
		p.mod = p.l.addModule(name, p.f)
	}
	p.defs = p.defs[:0:0]
}

func (p *parser) endModule() {
	p.inModule = false
	defs := p.defs
	p.defs = nil
	p.l.linkModule(p.mod, defs, p.tolerant)
}

// resync skips to the start of the next definition. The current token may be
// its name.
func (p *parser) resync() {
	for i := max(p.pos-1, 0); ; i++ {
		t := p.toks[min(i, len(p.toks)-1)]
		if t.kind == kEOF || p.startsAt(i) {
			p.pos = min(i, len(p.toks)-1)
			return
		}
	}
}

// startsAt reports whether a definition may start at the i-th token.
func (p *parser) startsAt(i int) bool {
	at := func(n int) kind { return p.toks[min(i+n, len(p.toks)-1)].kind }
	switch k := at(0); {
	case k == kEnd || k == kImports:
		return true
	case k != kLabel && !k.isType():
		return false
	}
	switch at(2) {
	case kComma, kFrom, kSemicolon, kObjectType, kModuleIdentity: // a list of imports
		return false
	}
	switch at(1) {
	case kDefinitions, kObjectType, kObjectGroup, kObjectIdentity, kNotificationGroup, kTrapType,
		kNotificationType, kCompliance, kCapabilities, kModuleIdentity, kMacro:
		return true
	case kEquals:
		return at(2) != kLeftBrace
	case kObject:
		return at(2) == kIdentifier && at(3) == kEquals
	}
	return false
}

// salvage looks for the value of a definition that is broken: the "::=" before
// the next definition starts. It reports whether there is one.
func (p *parser) salvage() bool {
	for i := p.pos; i < len(p.toks); i++ {
		switch k := p.toks[i].kind; {
		case k == kEquals:
			p.pos = i + 1
			return true
		case k == kEOF || p.startsAt(i):
			return false
		}
	}
	return false
}

// skipToEquals goes on to the next "::=", whatever it belongs to.
func (p *parser) skipToEquals(k kind) {
	if p.tolerant && k != kEquals {
		// Do not eat the next definition.
		p.pos = max(p.pos-1, 0)
		if !p.salvage() {
			p.pos = min(p.pos+1, len(p.toks)-1)
		}
		return
	}
	for k != kEquals && k != kEOF {
		k = p.next()
	}
}

func (p *parser) newDef() *def {
	if len(p.l.slab) == 0 {
		p.l.slab = make([]def, 256)
	}
	d := &p.l.slab[0]
	p.l.slab = p.l.slab[1:]
	d.mod, d.tc = p.mod, -1
	return d
}

// A subID is one part of { iso org(3) 6 }.
type subID struct {
	label string
	id    int64
}

// oid reads { label label(1) 2 … }.
func (p *parser) oid() (ids []subID, ok bool) {
	ids = p.l.oidBuf[:0]
	if p.next() != kLeftBrace {
		p.fail("\"{\" expected")
		return nil, false
	}
	k := p.next()
	for range 32 {
		id := subID{id: noSubID}
		switch k {
		case kRightBrace:
			if len(ids) == 0 {
				p.fail("empty object identifier")
			}
			return ids, len(ids) > 0
		case kLabel:
			id.label = p.text()
			k = p.next()
			if k != kLeftParen {
				ids = append(ids, id)
				continue
			}
			if p.next() != kNumber {
				p.fail("a number should follow \"(\"")
				return nil, false
			}
			id.id = toSubID(p.number())
			if p.next() != kRightParen {
				p.fail("\")\" expected")
				return nil, false
			}
		case kNumber:
			id.id = toSubID(p.number())
		default:
			p.fail("label or number expected")
			return nil, false
		}
		ids = append(ids, id)
		k = p.next()
	}
	p.fail("object identifier of more than 31 parts")
	return nil, false
}

// toSubID keeps 32 bits; all of them set mean "none", as in the original.
func toSubID(v int64) int64 {
	if uint32(v) == 1<<32-1 {
		return noSubID
	}
	return int64(uint32(v))
}

// objectID reads the value of a definition and returns a def for each
// sub-identifier that it adds. The last one is the definition itself: own, if
// that is not nil.
func (p *parser) objectID(name string, own *def) ([]*def, bool) {
	ids, ok := p.oid()
	if !ok {
		return nil, false
	}
	if ids[0].label == "" {
		if len(ids) == 1 {
			p.fail("a definition of a root")
			return nil, false
		}
		if id := ids[0].id; id >= 0 && id <= 2 {
			ids[0].label = rootNames[id]
		}
	}
	if own == nil {
		own = p.newDef()
	}
	if len(ids) == 1 {
		d := own
		d.label, d.parent, d.subid = name, ids[0].label, ids[0].id
		p.l.one[0] = d
		return p.l.one[:1], true
	}
	out := p.l.one[:0]
	for i := range len(ids) - 1 {
		id, sub := &ids[i], &ids[i+1]
		if id.label == "" || sub.label == "" && sub.id == noSubID {
			continue
		}
		d := own
		if i < len(ids)-2 {
			d = p.newDef()
		}
		d.parent = id.label
		if i == len(ids)-2 {
			d.label = name
		} else {
			if sub.label == "" {
				sub.label = anonPrefix + strconv.Itoa(p.l.anonymous)
				p.l.anonymous++
			}
			d.label = sub.label
		}
		if sub.id != noSubID {
			d.subid = sub.id
		} else {
			p.warn("label without a number inside of an object identifier")
		}
		out = append(out, d)
	}
	p.l.one = out
	if len(out) == 0 {
		p.fail("object identifier without a known root")
		return nil, false
	}
	return out, true
}

// anonPrefix begins the labels of nodes that have only a number.
const anonPrefix = "anonymous#"

// value reads the value of a definition whose other facts d holds.
func (p *parser) value(d *def, name string) ([]*def, bool) { return p.objectID(name, d) }

// enumList reads label(1), … up to "}". The "{" was read already.
func (p *parser) enumList() []Enum {
	list := p.l.enumBuf[:0]
	for {
		switch k := p.next(); k {
		case kEOF:
			p.fail("\"}\" expected after an enumeration")
			return nil
		case kRightBrace:
			p.l.enumBuf = list
			return append([]Enum(nil), list...)
		case kLabel, kDeprecated:
			e := Enum{Name: p.text()}
			if p.next() != kLeftParen {
				p.fail("\"(\" expected after the name of a value")
				return nil
			}
			if p.next() != kNumber {
				p.fail("number expected as a value")
				return nil
			}
			e.Value = int32(p.number())
			if p.next() != kRightParen {
				p.fail("\")\" expected after a value")
				return nil
			}
			list = append(list, e)
		}
	}
}

// rangeList reads what follows a "(" up to the ")": SIZE (1..2) or 1..2 | 7.
func (p *parser) rangeList() []Range {
	var list []Range
	k := p.next()
	size := k == kSize
	if size {
		if p.next() != kLeftParen {
			p.fail("\"(\" expected after SIZE")
		}
		p.next()
	}
	for {
		r := Range{Low: p.number()}
		r.High = r.Low
		k = p.next()
		if k == kRange {
			p.next()
			r.High = p.number()
			k = p.next()
		}
		list = append(list, r)
		if k != kBar {
			break
		}
		p.next()
	}
	if size {
		if k != kRightParen {
			p.fail("\")\" expected after SIZE")
		}
		k = p.next()
	}
	if k != kRightParen {
		p.fail("\")\" expected after a range")
	}
	return list
}

// assignment reads what follows NAME ::=. It returns the token that it read
// after it, or read = false if it lost its way.
func (p *parser) assignment(name string) (d []*def, read bool, k kind) {
	switch k = p.next(); k {
	case kSequence, kChoice:
		p.l.addStruct(p.mod, name)
		for level := 0; ; {
			switch p.next() {
			case kEOF:
				p.fail("\"}\" expected")
				return nil, false, kEOF
			case kLeftBrace:
				level++
			case kRightBrace:
				if level--; level == 0 {
					return nil, true, p.next()
				}
			}
		}
	case kLeftBrace:
		p.pos--
		ds, ok := p.objectID(name, nil)
		if !ok {
			return nil, false, kEquals
		}
		d = append(d, ds...)
		return d, true, p.next()
	case kLeftBracket: // [APPLICATION 0] IMPLICIT …
		for k != kEOF && k != kRightBracket {
			k = p.next()
		}
		if k == kEOF {
			p.fail("\"]\" expected")
			return nil, false, kEOF
		}
		if k = p.next(); k == kImplicit {
			k = p.next()
		}
		return p.taggedType(k)
	}
	tc := textualConvention{name: name, mod: p.mod}
	if k == kConvention {
		for k != kWordSyntax && k != kEOF {
			switch k {
			case kDisplayHint:
				if k = p.next(); k != kQuoted {
					p.fail("a string should follow DISPLAY-HINT")
				} else {
					tc.hint = p.quoted()
				}
			default:
				k = p.next()
			}
			if p.tolerant && k == kLabel && p.startsAt(p.pos-1) {
				p.fail("SYNTAX is missing in a textual convention")
				return nil, true, k
			}
		}
		k = p.next()
	}
	at := p.tok
	if k == kObject {
		if k = p.next(); k != kIdentifier {
			p.fail("IDENTIFIER should follow OBJECT")
			return nil, p.lost(), kEquals
		}
		k = kObjID
	}
	if k == kLabel {
		tc.base = p.text()
		k = p.l.typeOf(p.mod, tc.base)
		if k == kLabel && p.tolerant {
			k = p.l.typeOf(-1, tc.base) // a missing import
		}
	}
	if !k.isType() {
		p.l.report(p.f, at, Error, "the type is not known; is it imported?")
		if !p.tolerant {
			return nil, false, kEquals
		}
	}
	tc.typ = k
	k = p.next()
	switch k {
	case kLeftParen:
		tc.ranges = p.rangeList()
		k = p.next()
	case kLeftBrace:
		tc.enums = p.enumList()
		k = p.next()
	}
	if tc.typ.isType() {
		p.l.addTC(tc)
	}
	return nil, true, k
}

// lost reports whether the parser may go on as if nothing was wrong.
func (p *parser) lost() bool {
	if p.tolerant {
		p.resync()
		p.next()
		return true
	}
	return false
}

// taggedType reads the rest of [APPLICATION 0] IMPLICIT type.
func (p *parser) taggedType(typ kind) (d []*def, read bool, k kind) {
	k = p.next()
	if k != kLeftParen || typ != kOctetString && typ != kInteger {
		return nil, true, k
	}
	if typ == kOctetString {
		if k = p.next(); k != kSize {
			p.fail("SIZE expected")
			return nil, true, k
		}
		if k = p.next(); k != kLeftParen {
			p.fail("\"(\" expected after SIZE")
			return nil, true, k
		}
	}
	for k = kBar; k == kBar; {
		if p.next() != kNumber {
			p.fail("number expected")
		}
		if k = p.next(); k == kRange {
			if p.next() != kNumber {
				p.fail("number expected")
			}
			k = p.next()
		}
	}
	if k != kRightParen {
		p.fail("\")\" expected")
		return nil, true, k
	}
	k = p.next()
	if typ == kOctetString {
		if k != kRightParen {
			p.fail("\")\" expected after SIZE")
			return nil, true, k
		}
		k = p.next()
	}
	return nil, true, k
}

// broken ends an OBJECT-TYPE or the like that breaks the rules.
func (p *parser) broken(d *def, name, msg string) ([]*def, bool) {
	p.fail(msg)
	if p.tolerant && p.tok.kind != kEOF {
		p.pos = max(p.pos-1, 0)
		if p.salvage() {
			return p.value(d, name)
		}
	}
	return nil, false
}

// objectType reads an OBJECT-TYPE after its name.
func (p *parser) objectType(name string) ([]*def, bool) {
	d := p.newDef()
	if p.next() != kWordSyntax {
		return p.broken(d, name, "SYNTAX should follow OBJECT-TYPE")
	}
	k := p.next()
	if k == kObject {
		if p.next() != kIdentifier {
			return p.broken(d, name, "IDENTIFIER should follow OBJECT")
		}
		k = kObjID
	}
	if k == kLabel {
		at := p.tok
		typeName := p.text()
		k = p.l.apply(d, p.mod, typeName, p.tolerant)
		if k == kLabel {
			p.l.unknown = append(p.l.unknown, unknownType{d, typeName, p.f, at})
		}
	}
	d.typ = k
	at := p.tok
	n := p.next()
	switch k {
	case kSequence:
		if n == kOf {
			p.next()
			n = p.next()
		}
	case kInteger, kInteger32, kUInteger32, kUnsigned32, kCounter, kGauge, kBits, kLabel:
		switch n {
		case kLeftBrace:
			d.enums = p.enumList()
			n = p.next()
		case kLeftParen:
			d.ranges = p.rangeList()
			n = p.next()
		}
	case kOctetString, kOpaque:
		if n != kLeftParen {
			break
		}
		if p.next() != kSize || p.next() != kLeftParen {
			return p.broken(d, name, "SIZE ( … ) should follow the type")
		}
		d.ranges = p.rangeList()
		if p.next() != kRightParen {
			return p.broken(d, name, "\")\" expected after SIZE")
		}
		n = p.next()
	case kObjID, kNetworkAddress, kIPAddress, kTimeTicks, kNull, kNSAPAddress, kCounter64:
		if p.tolerant && n == kLeftParen {
			p.warn("a type that takes no range has one")
			d.ranges = p.rangeList()
			n = p.next()
		}
	default:
		if p.tok.kind != kEOF || p.toks[p.pos-1] == at {
			p.pos--
		}
		p.tok = at
		return p.broken(d, name, "type expected after SYNTAX")
	}
	if n == kUnits {
		if p.next() != kQuoted {
			return p.broken(d, name, "a string should follow UNITS")
		}
		d.units = p.quoted()
		n = p.next()
	}
	switch {
	case n == kAccess:
		switch k = p.next(); k {
		case kReadOnly, kReadWrite, kWriteOnly, kNotAccessible, kReadCreate, kForNotify:
			d.access = k
		default:
			return p.broken(d, name, "no such access")
		}
	case p.tolerant && p.text() == "PIB-ACCESS": // RFC 3159
		p.next()
	case p.tolerant && n == kStatus: // tables and rows in PIBs have no access
		p.pos--
	default:
		return p.broken(d, name, "MAX-ACCESS or ACCESS expected")
	}
	if p.next() != kStatus {
		return p.broken(d, name, "STATUS expected")
	}
	switch k = p.next(); k {
	case kMandatory, kCurrent, kOptional, kObsolete, kDeprecated:
		d.status = k
	default:
		return p.broken(d, name, "no such status")
	}
	for k = p.next(); k != kEquals; k = p.next() {
		switch k {
		case kEOF:
			return p.broken(d, name, "the file ends inside of an OBJECT-TYPE")
		case kDescription:
			if p.next() != kQuoted {
				return p.broken(d, name, "a string should follow DESCRIPTION")
			}
			d.desc = p.span()
		case kReference:
			if p.next() != kQuoted {
				return p.broken(d, name, "a string should follow REFERENCE")
			}
			d.ref = p.span()
		case kIndex:
			if d.augments != "" {
				return p.broken(d, name, "a row has both INDEX and AUGMENTS")
			}
			if d.indexes = p.indexList(); len(d.indexes) == 0 {
				return p.broken(d, name, "names expected in INDEX")
			}
		case kAugments:
			if len(d.indexes) > 0 {
				return p.broken(d, name, "a row has both INDEX and AUGMENTS")
			}
			list := p.indexList()
			if len(list) == 0 {
				return p.broken(d, name, "a name expected in AUGMENTS")
			}
			d.augments = list[0].Name
		case kDefVal:
			if p.next() != kLeftBrace {
				return p.broken(d, name, "\"{\" expected after DEFVAL")
			}
			if !p.defVal(d) {
				return p.broken(d, name, "\"}\" expected after DEFVAL")
			}
		case kNumEntries:
			if !p.skipBraces() {
				return p.broken(d, name, "{ … } should follow NUM-ENTRIES")
			}
		default:
			if p.tolerant && p.extraClause(d) {
				continue
			}
			return p.broken(d, name, "OBJECT-TYPE has no such clause")
		}
	}
	return p.value(d, name)
}

// extraClause skips a clause of RFC 3159 that the SMI does not have.
func (p *parser) extraClause(d *def) bool {
	switch p.text() {
	case "PIB-INDEX":
		d.indexes = p.indexList()
	case "EXTENDS":
		if list := p.indexList(); len(list) > 0 {
			d.augments = list[0].Name
		}
	case "UNIQUENESS", "INSTALL-ERRORS", "PIB-REFERENCES", "PIB-TAG":
		return p.skipBraces()
	default:
		return false
	}
	return true
}

// definitions starts the module of a PIB (RFC 3159).
func (p *parser) definitions(name string) bool {
	if p.tok.kind != kLabel || p.text() != "PIB-DEFINITIONS" || p.inModule {
		return false
	}
	p.startModule(name)
	for k := p.next(); k != kBegin && k != kEOF; {
		k = p.next()
	}
	return true
}

// defVal reads the rest of DEFVAL { … }, with its tokens apart by one space.
func (p *parser) defVal(d *def) bool {
	b := p.l.textBuf[:0]
	for level := 1; ; {
		k := p.next()
		switch k {
		case kEOF:
			return false
		case kLeftBrace:
			level++
		case kRightBrace:
			level--
		}
		if level == 0 {
			break
		}
		if len(b) < 512 {
			t := p.text()
			switch {
			case k == kQuoted:
				b = append(b, '\\', '"')
				b = append(b, t...)
				b = append(b, '\\', '"')
			case k == kNumber && t[0] == '\'':
				b = strconv.AppendInt(b, p.number(), 10)
			default:
				b = append(b, t...)
			}
			b = append(b, ' ')
		}
	}
	p.l.textBuf = b
	d.defval = strings.TrimSuffix(string(b[:min(len(b), 511)]), " ")
	return true
}

func (p *parser) skipBraces() bool {
	if p.next() != kLeftBrace {
		return false
	}
	for level := 1; ; {
		switch p.next() {
		case kLeftBrace:
			level++
		case kRightBrace:
			if level--; level == 0 {
				return true
			}
		case kEOF:
			return false
		}
	}
}

// indexList reads { name, IMPLIED name }.
func (p *parser) indexList() []Index {
	if p.next() != kLeftBrace {
		return nil
	}
	var list []Index
	implied := false
	for k := p.next(); k != kRightBrace && k != kEOF; k = p.next() {
		switch {
		case k == kLabel || k.isType():
			list = append(list, Index{Name: p.text(), Implied: implied})
			implied = false
		case k == kImplied:
			implied = true
		}
	}
	return list
}

func (p *parser) nameList() []string {
	var list []string
	for _, x := range p.indexList() {
		list = append(list, x.Name)
	}
	return list
}

// labels reads label, label up to the "}" and the token after it.
func (p *parser) labels() (k kind, ok bool) {
	for k = kComma; k == kComma; {
		if k = p.next(); k != kLabel {
			p.fail("name expected in a list")
			return k, false
		}
		k = p.next()
	}
	if k != kRightBrace {
		p.fail("\"}\" expected after a list")
		return k, false
	}
	return p.next(), true
}

// group reads OBJECT-GROUP, NOTIFICATION-GROUP and OBJECT-IDENTITY.
func (p *parser) group(name string, list kind) ([]*def, bool) {
	d := p.newDef()
	k := p.next()
	ok := true
	if k == list {
		if k = p.next(); k != kLeftBrace {
			p.fail("\"{\" expected")
			ok = false
		} else {
			k, ok = p.labels()
		}
	}
	switch {
	case !ok:
	case k != kStatus:
		p.fail("STATUS expected")
	default:
		switch k = p.next(); k {
		case kCurrent, kDeprecated, kObsolete:
			d.status = k
			if k = p.next(); k != kDescription {
				p.fail("DESCRIPTION expected")
				break
			}
			if k = p.next(); k != kQuoted {
				return p.broken(d, name, "a string should follow DESCRIPTION")
			}
			d.desc = p.span()
			if k = p.next(); k == kReference {
				if p.next() != kQuoted {
					return p.broken(d, name, "a string should follow REFERENCE")
				}
				d.ref = p.span()
				k = p.next()
			}
			if k != kEquals {
				p.fail("\"::=\" expected")
			}
		default:
			p.fail("no such status")
		}
	}
	p.skipToEquals(k)
	return p.value(d, name)
}

// notificationType reads a NOTIFICATION-TYPE after its name.
func (p *parser) notificationType(name string) ([]*def, bool) {
	d := p.newDef()
	k := p.next()
	for ; k != kEquals && k != kEOF; k = p.next() {
		switch k {
		case kDescription:
			if p.next() != kQuoted {
				return p.broken(d, name, "a string should follow DESCRIPTION")
			}
			d.desc = p.span()
		case kReference:
			if p.next() != kQuoted {
				return p.broken(d, name, "a string should follow REFERENCE")
			}
			d.ref = p.span()
		case kObjects:
			if d.objects = p.nameList(); len(d.objects) == 0 {
				return p.broken(d, name, "names expected in OBJECTS")
			}
		case kCurrent, kDeprecated, kObsolete:
			d.status = k
		default:
			if p.tolerant && p.startsAt(p.pos-1) {
				p.fail("a NOTIFICATION-TYPE has no value")
				p.pos--
				return nil, true
			}
		}
	}
	return p.value(d, name)
}

// trapType reads a TRAP-TYPE after its name. Its OID is that of the enterprise,
// then 0, then its number (RFC 3584, section 3.1); the node between has the
// enterprise's name and a "#".
func (p *parser) trapType(name string) ([]*def, bool) {
	d := p.newDef()
	k := p.next()
	for ; k != kEquals && k != kEOF; k = p.next() {
		switch k {
		case kDescription:
			if p.next() != kQuoted {
				return p.broken(d, name, "a string should follow DESCRIPTION")
			}
			d.desc = p.span()
		case kReference:
			if p.next() != kQuoted {
				return p.broken(d, name, "a string should follow REFERENCE")
			}
			d.ref = p.span()
		case kEnterprise:
			switch k = p.next(); k {
			case kLeftBrace:
				if p.next() != kLabel {
					p.fail("name expected after ENTERPRISE")
					return nil, false
				}
				d.parent = p.text()
				p.next()
			case kLabel:
				d.parent = p.text()
			default:
				p.fail("name expected after ENTERPRISE")
				return nil, false
			}
		case kVariables:
			if d.objects = p.nameList(); len(d.objects) == 0 {
				p.fail("names expected in VARIABLES")
				return nil, false
			}
		default:
			if p.tolerant && p.startsAt(p.pos-1) {
				p.fail("a TRAP-TYPE has no value")
				p.pos--
				return nil, true
			}
		}
	}
	if p.next() != kNumber {
		p.fail("number expected as the value of a TRAP-TYPE")
		return nil, false
	}
	d.label, d.trap = name, true
	d.subid = int64(uint32(p.number()))
	if d.parent == "" {
		p.fail("a TRAP-TYPE has no ENTERPRISE")
		return nil, false
	}
	zero := p.newDef()
	zero.parent = d.parent
	zero.label = d.parent + "#"
	d.parent = zero.label
	p.l.one = append(p.l.one[:0], d, zero)
	return p.l.one, true
}

// moduleIdentity reads a MODULE-IDENTITY after its name.
func (p *parser) moduleIdentity(name string) ([]*def, bool) {
	d := p.newDef()
	var k kind
	expect := func(want kind, msg string) bool {
		if k = p.next(); k != want {
			p.fail(msg)
			return false
		}
		return true
	}
	switch {
	case !expect(kLastUpdated, "LAST-UPDATED expected"),
		!expect(kQuoted, "a string should follow LAST-UPDATED"),
		!expect(kOrganization, "ORGANIZATION expected"),
		!expect(kQuoted, "a string should follow ORGANIZATION"),
		!expect(kContactInfo, "CONTACT-INFO expected"),
		!expect(kQuoted, "a string should follow CONTACT-INFO"),
		!expect(kDescription, "DESCRIPTION expected"),
		!expect(kQuoted, "a string should follow DESCRIPTION"):
	default:
		d.desc = p.span()
		k = p.next()
		for k == kRevision {
			if !expect(kQuoted, "a string should follow REVISION") ||
				!expect(kDescription, "DESCRIPTION expected after REVISION") ||
				!expect(kQuoted, "a string should follow DESCRIPTION") {
				break
			}
			k = p.next()
		}
		if k != kEquals {
			p.fail("\"::=\" expected")
		}
	}
	p.skipToEquals(k)
	return p.value(d, name)
}

// macro skips a MACRO, up to its END.
func (p *parser) macro() {
	start := p.pos
	for _, want := range []kind{kEquals, kBegin, kEnd} {
		k := p.next()
		for k != want && k != kEOF {
			k = p.next()
		}
		if k != want {
			p.fail("a MACRO has no END")
			if p.tolerant {
				p.pos = start
				p.resync()
			}
			return
		}
	}
}

// syntaxClause reads a type in a compliance statement and the token after it.
// ok is false where the original would not go on.
func (p *parser) syntaxClause() kind {
	k := p.next()
	n := p.next()
	switch k {
	case kInteger, kInteger32, kUInteger32, kUnsigned32, kCounter, kGauge, kBits, kLabel:
		switch n {
		case kLeftBrace:
			p.enumList()
			n = p.next()
		case kLeftParen:
			p.rangeList()
			n = p.next()
		}
	case kOctetString, kOpaque:
		if n != kLeftParen {
			break
		}
		if n = p.next(); n == kSize {
			if n = p.next(); n == kLeftParen {
				p.rangeList()
				if n = p.next(); n == kRightParen {
					return p.next()
				}
			}
		}
		p.fail("SIZE ( … ) should follow the type")
	case kObjID, kNetworkAddress, kIPAddress, kTimeTicks, kNull, kNSAPAddress, kCounter64:
	default:
		p.fail("type expected after SYNTAX")
	}
	return n
}

// compliance reads a MODULE-COMPLIANCE after its name. Modules that it names
// are read, as an import would.
func (p *parser) compliance(name string) ([]*def, bool) {
	d := p.newDef()
	k := p.complianceBody(d)
	p.skipToEquals(k)
	return p.value(d, name)
}

func (p *parser) complianceBody(d *def) (k kind) {
	if k = p.next(); k != kStatus {
		p.fail("STATUS expected")
		return k
	}
	switch k = p.next(); k {
	case kCurrent, kDeprecated, kObsolete:
		d.status = k
	default:
		p.fail("no such status")
		return k
	}
	if k = p.next(); k != kDescription {
		p.fail("DESCRIPTION expected")
		return k
	}
	if k = p.next(); k != kQuoted {
		p.fail("a string should follow DESCRIPTION")
		return k
	}
	d.desc = p.span()
	if k = p.next(); k == kReference {
		if k = p.next(); k != kQuoted {
			p.fail("a string should follow REFERENCE")
			return k
		}
		d.ref = p.span()
		k = p.next()
	}
	if k != kModule {
		p.fail("MODULE expected")
		return k
	}
	for k == kModule {
		k = p.next()
		if k == kLabel && p.text() != p.l.moduleName(p.mod) {
			if p.l.readModule(p.text()) == moduleNotFound {
				p.fail("there is no such module")
				return k
			}
			k = p.next()
		}
		if k == kMandatoryGroups {
			if k = p.next(); k != kLeftBrace {
				p.fail("\"{\" expected")
				return k
			}
			var ok bool
			if k, ok = p.labels(); !ok {
				return k
			}
		}
		for k == kGroup || k == kObject {
			object := k == kObject
			if k = p.next(); k != kLabel {
				p.fail("name expected")
				return k
			}
			k = p.next()
			if object {
				if k == kWordSyntax {
					k = p.syntaxClause()
				}
				if k == kWriteSyntax {
					k = p.syntaxClause()
				}
				if k == kMinAccess {
					switch k = p.next(); k {
					case kNotAccessible, kForNotify, kReadOnly, kWriteOnly, kReadCreate, kReadWrite:
					default:
						p.fail("no such access")
						return k
					}
					k = p.next()
				}
			}
			if k != kDescription {
				p.fail("DESCRIPTION expected")
				return k
			}
			if k = p.next(); k != kQuoted {
				p.fail("a string should follow DESCRIPTION")
				return k
			}
			k = p.next()
		}
	}
	return k
}

// capabilities reads an AGENT-CAPABILITIES after its name.
func (p *parser) capabilities(name string) ([]*def, bool) {
	d := p.newDef()
	k := p.capabilitiesBody(d)
	p.skipToEquals(k)
	return p.value(d, name)
}

func (p *parser) capabilitiesBody(d *def) (k kind) {
	expect := func(want kind, msg string) bool {
		if k = p.next(); k != want {
			p.fail(msg)
			return false
		}
		return true
	}
	if !expect(kProductRelease, "PRODUCT-RELEASE expected") ||
		!expect(kQuoted, "a string should follow PRODUCT-RELEASE") ||
		!expect(kStatus, "STATUS expected") {
		return k
	}
	if k = p.next(); k != kCurrent && k != kObsolete {
		p.fail("the status should be current or obsolete")
		return k
	}
	d.status = k
	if !expect(kDescription, "DESCRIPTION expected") ||
		!expect(kQuoted, "a string should follow DESCRIPTION") {
		return k
	}
	d.desc = p.span()
	if k = p.next(); k == kReference {
		if !expect(kQuoted, "a string should follow REFERENCE") {
			return k
		}
		d.ref = p.span()
		k = p.next()
	}
	var ok bool
	for k == kSupports {
		if !expect(kLabel, "module's name expected") {
			return k
		}
		if p.l.readModule(p.text()) == moduleNotFound {
			p.fail("there is no such module")
			return k
		}
		if !expect(kIncludes, "INCLUDES expected") || !expect(kLeftBrace, "\"{\" expected") {
			return k
		}
		if k, ok = p.labels(); !ok {
			return k
		}
		for k == kVariation {
			if !expect(kLabel, "object's name expected") {
				return k
			}
			k = p.next()
			if k == kWordSyntax {
				k = p.syntaxClause()
			}
			if k == kWriteSyntax {
				k = p.syntaxClause()
			}
			if k == kAccess {
				switch k = p.next(); k {
				case kForNotify, kReadOnly, kReadWrite, kReadCreate, kWriteOnly, kNotImplemented:
				default:
					p.fail("no such access")
					return k
				}
				k = p.next()
			}
			if k == kCreationRequires {
				if !expect(kLeftBrace, "\"{\" expected") {
					return k
				}
				if k, ok = p.labels(); !ok {
					return k
				}
			}
			if k == kDefVal {
				if !expect(kLeftBrace, "\"{\" expected after DEFVAL") {
					return k
				}
				for level := 1; level > 0; {
					switch k = p.next(); k {
					case kLeftBrace:
						level++
					case kRightBrace:
						level--
					case kEOF:
						p.fail("\"}\" expected after DEFVAL")
						return k
					}
				}
				k = p.next()
			}
			if k != kDescription {
				p.fail("DESCRIPTION expected")
				return k
			}
			if !expect(kQuoted, "a string should follow DESCRIPTION") {
				return k
			}
			k = p.next()
		}
	}
	if k != kEquals {
		p.fail("\"::=\" expected")
	}
	return k
}

// imports reads IMPORTS up to its ";" and the modules that it names.
func (p *parser) imports() {
	var list []importedName
	i := 0 // the first name of the module that comes next
	k := p.next()
	for ; k != kSemicolon && k != kEOF; k = p.next() {
		if p.tolerant && k == kEnd {
			p.fail("IMPORTS has no \";\"")
			p.pos--
			break
		}
		switch k {
		case kLabel:
			if len(list) == maxImports && !p.tolerant {
				p.fail("too many imported names")
				for k != kSemicolon && k != kEOF {
					k = p.next()
				}
				return
			}
			if p.tolerant && p.startsAt(p.pos-1) {
				p.fail("IMPORTS has no \";\"")
				p.pos--
				goto done
			}
			list = append(list, importedName{label: p.text(), tok: p.tok})
		case kFrom:
			p.next()
			if i == len(list) { // only macros
				continue
			}
			from := p.text()
			id := p.l.moduleID(from)
			first := i
			for ; i < len(list); i++ {
				list[i].mod = id
			}
			if p.l.readModule(from) != moduleNotFound {
				if p.tolerant && id < 0 {
					id = p.l.moduleID(from)
					for j := first; j < i; j++ {
						list[j].mod = id
					}
				}
				continue
			}
			found := false
			for j := first; j < i; j++ {
				if p.l.replaceImport(from, &list[j]) {
					found = true
				}
			}
			if !found {
				p.warn("there is no such module")
			}
		}
	}
done:
	for ; i < len(list); i++ {
		list[i].mod = -1
	}
	if len(list) > 0 {
		p.l.setImports(p.mod, list, p.f)
	}
}
