package mib

import "strings"

// A kind is what a token is to the parser. Reserved words have kinds of their
// own; the kinds from kSyntax on name base types.
type kind uint8

const (
	kEOF kind = iota
	kLabel
	kNumber
	kQuoted
	kPunct // a character that no definition has a use for
	kEquals
	kLeftBrace
	kRightBrace
	kLeftParen
	kRightParen
	kLeftBracket
	kRightBracket
	kSemicolon
	kComma
	kBar
	kRange

	kWordSyntax
	kSequence
	kOf
	kObjectType
	kAccess
	kReadOnly
	kReadWrite
	kWriteOnly
	kNotAccessible
	kReadCreate
	kForNotify
	kNotImplemented
	kStatus
	kMandatory
	kOptional
	kObsolete
	kDeprecated
	kCurrent
	kDescription
	kReference
	kIndex
	kAugments
	kImplied
	kDefVal
	kUnits
	kNumEntries
	kSize
	kObjectGroup
	kObjectIdentity
	kNotificationType
	kNotificationGroup
	kCompliance
	kCapabilities
	kModuleIdentity
	kTrapType
	kMacro
	kConvention
	kLastUpdated
	kOrganization
	kContactInfo
	kRevision
	kDefinitions
	kBegin
	kEnd
	kImports
	kExports
	kFrom
	kEnterprise
	kVariables
	kDisplayHint
	kSupports
	kIncludes
	kVariation
	kObjects
	kNotifications
	kModule
	kMinAccess
	kProductRelease
	kWriteSyntax
	kCreationRequires
	kMandatoryGroups
	kGroup
	kObject
	kIdentifier
	kChoice
	kImplicit

	kSyntax // the kinds above this one are types
	kObjID
	kOctetString
	kInteger
	kNetworkAddress
	kIPAddress
	kCounter
	kGauge
	kTimeTicks
	kOpaque
	kNull
	kBits
	kNSAPAddress
	kCounter64
	kUInteger32
	kUnsigned32
	kInteger32
	kApplicationSyntax
	kObjectSyntax
	kSimpleSyntax
	kObjectName
	kNotificationName
)

// isType reports whether k names a base type.
func (k kind) isType() bool { return k > kSyntax }

// A token is a piece of a file. The text of a quoted string lies between the
// quotes.
type token struct {
	off, end uint32
	kind     kind
}

// Classes of characters.
const (
	cSpace = 1 << iota
	cLabel // letters, digits and the hyphen
	cAlnum
	cDigit
	cHex
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\n\v\f\r" {
		t[c] |= cSpace
	}
	for c := range 256 {
		switch {
		case '0' <= c && c <= '9':
			t[c] |= cLabel | cAlnum | cDigit | cHex
		case 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F':
			t[c] |= cLabel | cAlnum | cHex
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			t[c] |= cLabel | cAlnum
		case c == '-':
			t[c] |= cLabel
		}
	}
	return t
}()

// A lexer cuts the text of a file into tokens as Net-SNMP does, because names
// must come out the same: a comment ends with its line or with the next "--",
// a label may hold "--", a string has no escapes, and octets above ASCII mean
// nothing outside of strings and comments.
type lexer struct {
	src string
	pos int

	room []token // for the result, or nil

	underscore bool // '_' is a part of labels
	toEOL      bool // "--" does not end a comment
}

// lex returns the tokens of src. The last one is of kind kEOF.
func (l *lexer) lex() []token {
	toks := l.room[:0]
	if toks == nil {
		toks = make([]token, 0, len(l.src)/20+16)
	}
	for {
		t := l.next()
		toks = append(toks, t)
		if t.kind == kEOF {
			return toks
		}
	}
}

func (l *lexer) labelChar(c byte) bool {
	return class[c]&cLabel != 0 || c == '_' && l.underscore
}

// next returns the next token.
func (l *lexer) next() token {
	src := l.src
	i := l.pos
	for {
		for i < len(src) && class[src[i]]&cSpace != 0 {
			i++
		}
		if i+1 >= len(src) || src[i] != '-' || src[i+1] != '-' {
			break
		}
		i = l.comment(i + 2)
	}
	if i >= len(src) {
		l.pos = len(src)
		return token{uint32(len(src)), uint32(len(src)), kEOF}
	}
	start := i
	c := src[i]
	i++
	k := kPunct
	switch c {
	case '"':
		n := strings.IndexByte(src[i:], '"')
		if n < 0 { // the rest of the file is lost
			l.pos = len(src)
			return token{uint32(start), uint32(len(src)), kEOF}
		}
		l.pos = i + n + 1
		return token{uint32(i), uint32(i + n), kQuoted}
	case '\'':
		return l.binary(start)
	case '(':
		k = kLeftParen
	case ')':
		k = kRightParen
	case '{':
		k = kLeftBrace
	case '}':
		k = kRightBrace
	case '[':
		k = kLeftBracket
	case ']':
		k = kRightBracket
	case ';':
		k = kSemicolon
	case ',':
		k = kComma
	case '|':
		k = kBar
	case '.':
		k = kLabel
		if i < len(src) && src[i] == '.' {
			i++
			k = kRange
		}
	case ':':
		k = kLabel
		if i < len(src) && src[i] == ':' {
			i++
			if i < len(src) && src[i] == '=' {
				i++
				k = kEquals
			}
		}
	default:
		k = kLabel
		if l.labelChar(c) {
			return l.word(start)
		}
	}
	l.pos = i
	return token{uint32(start), uint32(i), k}
}

// comment returns the position after the comment whose text starts at i.
func (l *lexer) comment(i int) int {
	src := l.src
	if i >= len(src) {
		return i
	}
	eol := strings.IndexByte(src[i:], '\n')
	if eol < 0 {
		eol = len(src) - i
	} else {
		eol++
	}
	if !l.toEOL {
		if n := strings.Index(src[i:i+eol], "--"); n >= 0 {
			return i + n + 2
		}
	}
	return i + eol
}

// binary reads '0101'B and '1F'H, which are numbers, and what looks like them.
func (l *lexer) binary(start int) token {
	src := l.src
	i := start + 1
	digits, hex := true, true
	for i < len(src) && src[i] != '\'' {
		digits = digits && (src[i] == '0' || src[i] == '1')
		hex = hex && class[src[i]]&cHex != 0
		i++
	}
	if i >= len(src) {
		l.pos = len(src)
		return token{uint32(start), uint32(len(src)), kLabel}
	}
	i++
	if i >= len(src) {
		l.pos = len(src)
		return token{uint32(start), uint32(len(src)), kEOF}
	}
	k := kLabel
	switch src[i] {
	case 'b', 'B':
		if digits {
			k = kNumber
		}
	case 'h', 'H':
		if hex {
			k = kNumber
		}
	}
	i++ // whatever it is, it belongs to the token
	l.pos = i
	return token{uint32(start), uint32(i), k}
}

// word reads a label, a number or a reserved word.
func (l *lexer) word(start int) token {
	src := l.src
	i := start + 1
	for i < len(src) && l.labelChar(src[i]) {
		i++
	}
	word := src[start:i]
	if k, ok := reserved(word); ok {
		if k != kEOF {
			l.pos = i
			return token{uint32(start), uint32(i), k}
		}
		// OCTET and BIT make one word with the next.
		for i < len(src) && class[src[i]]&cSpace != 0 {
			i++
		}
		if i >= len(src) {
			l.pos = i
			return token{uint32(start), uint32(i), kEOF}
		}
		from, end := i, i
		for i < len(src) && l.labelChar(src[i]) && (i > from || class[src[i]]&cAlnum != 0) {
			i++
		}
		k = kLabel
		switch {
		case i == from:
			end = start + len(word)
			i++ // the character is lost
		case src[from:i] == "STRING" && word == "OCTET":
			k = kOctetString
		case src[from:i] == "STRING":
			k = kBits
		}
		if end == from {
			end = i
		}
		l.pos = i
		return token{uint32(start), uint32(end), k}
	}
	l.pos = i
	k := kLabel
	if c := word[0]; c == '-' || class[c]&cDigit != 0 {
		k = kNumber
		for j := 1; j < len(word); j++ {
			if class[word[j]]&cDigit == 0 {
				k = kLabel
				break
			}
		}
	}
	return token{uint32(start), uint32(i), k}
}

// reserved returns the kind of a reserved word; kEOF stands for the first half
// of a type's name of two words.
func reserved(word string) (kind, bool) {
	if len(word) < 2 || len(word) > 21 {
		return 0, false
	}
	for h := slot(word); ; h++ {
		e := &wordTable[h%wordSlots]
		if e.word == word {
			return e.kind, true
		}
		if e.word == "" {
			return 0, false
		}
	}
}

// wordTable is words as a hash table for the lexer, which asks it for each word
// of a file: it is twice as fast as the map.
var wordTable = func() (t [wordSlots]struct {
	word string
	kind kind
}) {
	for w, k := range words {
		h := slot(w)
		for t[h%wordSlots].word != "" {
			h++
		}
		t[h%wordSlots].word, t[h%wordSlots].kind = w, k
	}
	return t
}()

const wordSlots = 1024

func slot(w string) uint {
	return uint(len(w))*131 + uint(w[0])*31 + uint(w[len(w)-1])*7 + uint(w[len(w)/2])*3
}

var words = map[string]kind{
	"obsolete": kObsolete, "Opaque": kOpaque, "optional": kOptional,
	"LAST-UPDATED": kLastUpdated, "ORGANIZATION": kOrganization, "CONTACT-INFO": kContactInfo,
	"MODULE-IDENTITY": kModuleIdentity, "MODULE-COMPLIANCE": kCompliance,
	"DEFINITIONS": kDefinitions, "END": kEnd, "AUGMENTS": kAugments,
	"not-accessible": kNotAccessible, "write-only": kWriteOnly, "NsapAddress": kNSAPAddress,
	"UNITS": kUnits, "REFERENCE": kReference, "NUM-ENTRIES": kNumEntries,
	"BITSTRING": kBits, "BIT": kEOF, "BITS": kBits, "Counter64": kCounter64,
	"TimeTicks": kTimeTicks, "NOTIFICATION-TYPE": kNotificationType,
	"OBJECT-GROUP": kObjectGroup, "OBJECT-IDENTITY": kObjectIdentity,
	"IDENTIFIER": kIdentifier, "OBJECT": kObject, "NetworkAddress": kNetworkAddress,
	"Gauge": kGauge, "Gauge32": kGauge, "Unsigned32": kUnsigned32,
	"read-write": kReadWrite, "read-create": kReadCreate,
	"OCTETSTRING": kOctetString, "OCTET": kEOF, "OF": kOf, "SEQUENCE": kSequence,
	"NULL": kNull, "IpAddress": kIPAddress, "UInteger32": kUInteger32,
	"INTEGER": kInteger, "Integer32": kInteger32, "Counter": kCounter, "Counter32": kCounter,
	"read-only": kReadOnly, "DESCRIPTION": kDescription, "INDEX": kIndex, "DEFVAL": kDefVal,
	"deprecated": kDeprecated, "SIZE": kSize, "MAX-ACCESS": kAccess, "ACCESS": kAccess,
	"mandatory": kMandatory, "current": kCurrent, "STATUS": kStatus, "SYNTAX": kWordSyntax,
	"OBJECT-TYPE": kObjectType, "TRAP-TYPE": kTrapType, "ENTERPRISE": kEnterprise,
	"BEGIN": kBegin, "IMPORTS": kImports, "EXPORTS": kExports,
	"accessible-for-notify": kForNotify, "TEXTUAL-CONVENTION": kConvention,
	"NOTIFICATION-GROUP": kNotificationGroup, "DISPLAY-HINT": kDisplayHint, "FROM": kFrom,
	"AGENT-CAPABILITIES": kCapabilities, "MACRO": kMacro, "IMPLIED": kImplied,
	"SUPPORTS": kSupports, "INCLUDES": kIncludes, "VARIATION": kVariation, "REVISION": kRevision,
	"not-implemented": kNotImplemented, "OBJECTS": kObjects, "NOTIFICATIONS": kNotifications,
	"MODULE": kModule, "MIN-ACCESS": kMinAccess, "PRODUCT-RELEASE": kProductRelease,
	"WRITE-SYNTAX": kWriteSyntax, "CREATION-REQUIRES": kCreationRequires,
	"MANDATORY-GROUPS": kMandatoryGroups, "GROUP": kGroup, "CHOICE": kChoice,
	"IMPLICIT": kImplicit, "ObjectSyntax": kObjectSyntax, "SimpleSyntax": kSimpleSyntax,
	"ApplicationSyntax": kApplicationSyntax, "ObjectName": kObjectName,
	"NotificationName": kNotificationName, "VARIABLES": kVariables,
}
