package mib

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/pollux-snmp/pollux/snmp"
)

// A Set is the tree of all nodes that the loaded modules define. It does not
// change, and any number of goroutines may use it.
type Set struct {
	// data holds everything in the form that build makes: a header of offsets,
	// then tables of little-endian words. Nothing is decoded before it is asked
	// for, so that a set from a file or from the program itself costs nothing
	// to have.
	data string

	sec   [sectionCount]section
	mask  uint32 // of the hash table
	diags []Diagnostic
	srcs  []source
}

type section struct{ off, end uint32 }

// The sections of Set.data.
const (
	secStrings = iota // length, octets; a reference is an offset, 0 is ""
	secNodes
	secSyntaxes
	secDetails
	secPlaces
	secLists // count, words; a reference is an index, 0 is empty
	secModules
	secNames // hash table of node numbers
	secTypes
	secFiles
	sectionCount
)

const (
	magic     = "PolluxM\x01"
	headerLen = len(magic) + 8*sectionCount
)

// Words of a record in secNodes.
const (
	nodeName = iota
	nodeParent
	nodeSubID
	nodeKids     // the first child; those of the next node follow
	nodeSameName // the next older node of the same name, or 0
	nodeModules  // list of module numbers, or single | module
	nodeSyntax
	nodeDetail
	nodeFlags // access, status, flags
	nodeOrder // the place in the list of siblings
	nodeWords
)

const single = 1 << 31

// Flags of a node, above access and status.
const (
	flagPick = 1 << 16 << iota // of several nodes of one OID, the one that is shown
	flagTwin                   // there are several nodes of this OID
	flagInet                   // an InetAddress after its InetAddressType
	flagTrap                   // an SMIv1 trap
)

// Words of a record in secSyntaxes.
const (
	synType = iota
	synName
	synNumber // of the textual convention plus one
	synEnums
	synRanges
	synHint
	synWords
)

// Words of a record in secDetails.
const (
	detUnits = iota
	detIndexes
	detAugments
	detObjects
	detDefault
	detWords
)

// Words of a record in secPlaces. There is one for each node, or none at all.
const (
	placeDesc = iota // file plus one, offset, length
	_
	_
	placeRef // file plus one, offset, length
	_
	_
	placeFile // file plus one, offset of the definition
	placeAt
	placeWords
)

// Words of a record in secTypes.
const (
	typeName = iota
	typeModule
	typeSyntax
	typeWords
)

// FromBinary returns the set that [Set.AppendBinary] wrote. It keeps data and
// looks at its header only: whoever keeps data where others can change it must
// see to it that it is whole. The error wraps [ErrSyntax].
func FromBinary(data string) (*Set, error) {
	s := &Set{data: data}
	if len(data) < headerLen || data[:len(magic)] != magic {
		return nil, &loadError{"binary", "not a set of this version", ErrSyntax}
	}
	for i := range s.sec {
		s.sec[i] = section{s.word(len(magic) + 8*i), s.word(len(magic) + 8*i + 4)}
		if s.sec[i].off > s.sec[i].end || int(s.sec[i].end) > len(data) || s.sec[i].off < uint32(headerLen) {
			return nil, &loadError{"binary", "truncated", ErrSyntax}
		}
	}
	n := (s.sec[secNames].end - s.sec[secNames].off) / 4
	if n == 0 || n&(n-1) != 0 || s.count(secNodes, nodeWords) < 2 {
		return nil, &loadError{"binary", "no table of names", ErrSyntax}
	}
	s.mask = n - 1
	return s, nil
}

// AppendBinary appends a form of s that [FromBinary] reads. Descriptions are not
// in it, only the places where they lie, and diagnostics are lost. It is meant
// for caches: it is the same on all machines, but not in all versions.
func (s *Set) AppendBinary(b []byte) ([]byte, error) { return append(b, s.data...), nil }

func (s *Set) word(at int) uint32 {
	b := s.data[at : at+4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// field returns a word of a record.
func (s *Set) field(sec int, record, words, field uint32) uint32 {
	return s.word(int(s.sec[sec].off + 4*(record*words+field)))
}

func (s *Set) count(sec int, words uint32) uint32 {
	return (s.sec[sec].end - s.sec[sec].off) / 4 / words
}

// str returns the string of a reference.
func (s *Set) str(ref uint32) string {
	if ref == 0 {
		return ""
	}
	at := int(s.sec[secStrings].off + ref)
	n := int(s.data[at])
	at++
	if n >= 0x80 {
		var shift uint
		n, at = 0, at-1
		for {
			c := s.data[at]
			at++
			n |= int(c&0x7f) << shift
			shift += 7
			if c < 0x80 {
				break
			}
		}
	}
	return s.data[at : at+n]
}

// list returns the place and the length of a list.
func (s *Set) list(ref uint32) (at, n int) {
	if ref == 0 {
		return 0, 0
	}
	at = int(s.sec[secLists].off + 4*ref)
	return at + 4, int(s.word(at))
}

// Len returns the number of nodes.
func (s *Set) Len() int { return int(s.count(secNodes, nodeWords)) - 2 }

// Modules returns the names of all modules that were read, in the order in which
// they came.
func (s *Set) Modules() []string {
	var names []string
	for i := range s.count(secModules, 1) {
		if name := s.moduleName(i); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s *Set) moduleName(id uint32) string {
	if id >= s.count(secModules, 1) {
		return ""
	}
	return s.str(s.field(secModules, id, 1, 0))
}

func (s *Set) hasModule(name string) bool {
	for i := range s.count(secModules, 1) {
		if s.moduleName(i) == name {
			return true
		}
	}
	return false
}

// Diagnostics returns the problems that were met in the modules, by file and
// line. The slice belongs to s.
func (s *Set) Diagnostics() []Diagnostic { return s.diags }

// A Node is a node of a [Set]: an object, a notification, or merely a name of
// an OID. Its methods read the set and do not allocate unless they return a
// slice. The zero Node is not valid.
type Node struct {
	s *Set
	i uint32
}

// IsValid reports whether n is a node.
func (n Node) IsValid() bool { return n.i != 0 }

func (n Node) get(field uint32) uint32 { return n.s.field(secNodes, n.i, nodeWords, field) }

func (n Node) syntax(field uint32) uint32 {
	return n.s.field(secSyntaxes, n.get(nodeSyntax), synWords, field)
}

func (n Node) detail(field uint32) uint32 {
	d := n.get(nodeDetail)
	if d == 0 {
		return 0
	}
	return n.s.field(secDetails, d-1, detWords, field)
}

func (n Node) where(field uint32) uint32 {
	if n.s.sec[secPlaces].off == n.s.sec[secPlaces].end {
		return 0
	}
	return n.s.field(secPlaces, n.i, placeWords, field)
}

// Name returns the label of n, such as "ifDescr". A node that has only a number
// has a label that starts with "anonymous#".
func (n Node) Name() string { return n.s.str(n.get(nodeName)) }

// SubID returns the last sub-identifier of n's OID.
func (n Node) SubID() uint32 { return n.get(nodeSubID) }

// Parent returns the node above n, not valid for a root.
func (n Node) Parent() Node { return Node{n.s, n.get(nodeParent)} }

// Children returns the nodes right below n by ascending sub-identifier.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		first, end := n.kids()
		for i := first; i < end; i++ {
			if !yield(Node{n.s, i}) {
				return
			}
		}
	}
}

// inOrder returns the children in the order in which Net-SNMP lists them.
func (n Node) inOrder() []Node {
	kids := slices.Collect(n.Children())
	slices.SortFunc(kids, func(a, b Node) int { return cmp.Compare(a.get(nodeOrder), b.get(nodeOrder)) })
	return kids
}

// kids returns the number of the first child and of the node after the last.
func (n Node) kids() (first, end uint32) {
	return n.get(nodeKids), n.s.field(secNodes, n.i+1, nodeWords, nodeKids)
}

func (n Node) hasChildren() bool {
	first, end := n.kids()
	return first < end
}

// isAnon reports whether n has only a number.
func (n Node) isAnon() bool { return isAnon(n.Name()) }

// Module returns the name of the module that defines n: of several, the first
// that was read.
func (n Node) Module() string {
	m := n.get(nodeModules)
	if m&single != 0 {
		return n.s.moduleName(m &^ single)
	}
	if at, count := n.s.list(m); count > 0 {
		return n.s.moduleName(n.s.word(at))
	}
	return ""
}

// Modules returns the names of all modules that define n.
func (n Node) Modules() []string {
	m := n.get(nodeModules)
	if m&single != 0 {
		return []string{n.s.moduleName(m &^ single)}
	}
	at, count := n.s.list(m)
	names := make([]string, count)
	for i := range names {
		names[i] = n.s.moduleName(n.s.word(at + 4*i))
	}
	return names
}

// inModule reports whether the module defines n.
func (n Node) inModule(name string) bool {
	m := n.get(nodeModules)
	if m&single != 0 {
		return n.s.moduleName(m&^single) == name
	}
	at, count := n.s.list(m)
	for i := range count {
		if n.s.moduleName(n.s.word(at+4*i)) == name {
			return true
		}
	}
	return false
}

// appendSubIDs appends the sub-identifiers of n to ids.
func (n Node) appendSubIDs(ids []uint32) []uint32 {
	start := len(ids)
	for ; n.i != 0; n = n.Parent() {
		ids = append(ids, n.SubID())
	}
	slices.Reverse(ids[start:])
	return ids
}

// OID returns the OID of n. It is the zero OID for a root, whose OID has one
// sub-identifier only.
func (n Node) OID() snmp.OID {
	var buf [maxDepth]uint32
	o, _ := makeOID(n.appendSubIDs(buf[:0]))
	return o
}

// Type returns what n is: the base type of an object, or the macro that defines
// it.
func (n Node) Type() Type { return Type(n.syntax(synType)) }

// TypeName returns the name of the textual convention or the like that is the
// type of n, or "" if it is a base type.
func (n Node) TypeName() string { return n.s.str(n.syntax(synName)) }

// Access returns the access of an object.
func (n Node) Access() Access { return Access(n.get(nodeFlags)) }

// Status returns the status of n, or 0 if it has none.
func (n Node) Status() Status { return Status(n.get(nodeFlags) >> 8) }

func (n Node) has(flag uint32) bool { return n.get(nodeFlags)&flag != 0 }

// Hint returns the DISPLAY-HINT of the type of n.
func (n Node) Hint() string { return n.s.str(n.syntax(synHint)) }

// Units returns the units of an object.
func (n Node) Units() string { return n.s.str(n.detail(detUnits)) }

// Default returns the text of a DEFVAL.
func (n Node) Default() string { return n.s.str(n.detail(detDefault)) }

// Augments returns the name of the row that n augments.
func (n Node) Augments() string { return n.s.str(n.detail(detAugments)) }

// An Enum is a named number or a named bit.
type Enum struct {
	Name  string
	Value int32
}

// Enums returns the named values of an object, or the named bits.
func (n Node) Enums() []Enum { return n.s.enums(n.syntax(synEnums)) }

func (s *Set) enums(ref uint32) []Enum {
	at, count := s.list(ref)
	if count == 0 {
		return nil
	}
	list := make([]Enum, count)
	for i := range list {
		list[i] = Enum{s.str(s.word(at + 8*i)), int32(s.word(at + 8*i + 4))}
	}
	return list
}

func (n Node) hasEnums() bool { return n.syntax(synEnums) != 0 }

// enumName returns the name of a value, or "".
func (n Node) enumName(v int32) string {
	at, count := n.s.list(n.syntax(synEnums))
	for i := range count {
		if int32(n.s.word(at+8*i+4)) == v {
			return n.s.str(n.s.word(at + 8*i))
		}
	}
	return ""
}

// enumValue returns the value of a name.
func (n Node) enumValue(name string) (int32, bool) {
	at, count := n.s.list(n.syntax(synEnums))
	for i := range count {
		if n.s.str(n.s.word(at+8*i)) == name {
			return int32(n.s.word(at + 8*i + 4)), true
		}
	}
	return 0, false
}

// A Range is a range of numbers or of lengths, both ends included.
type Range struct{ Low, High int64 }

// Ranges returns the values that an object may have, or for a string the
// lengths. Nil means all that its type can hold.
func (n Node) Ranges() []Range {
	var list []Range
	for i := range n.rangeCount() {
		list = append(list, n.rangeAt(i))
	}
	return list
}

func (n Node) rangeCount() int {
	_, count := n.s.list(n.syntax(synRanges))
	return count
}

func (n Node) rangeAt(i int) Range {
	at, _ := n.s.list(n.syntax(synRanges))
	low, high := n.s.word(at+8*i), n.s.word(at+8*i+4)
	switch n.Type() {
	case TypeInteger, TypeInteger32:
		return Range{int64(int32(low)), int64(int32(high))}
	}
	return Range{int64(low), int64(high)}
}

// fixedLen returns the only length that a string may have, or -1.
func (n Node) fixedLen() int {
	if n.rangeCount() == 1 {
		if r := n.rangeAt(0); r.Low == r.High {
			return int(r.Low)
		}
	}
	return -1
}

// An Index is a part of a row's index.
type Index struct {
	Name    string
	Implied bool // the last part, and its length is not in the OID
}

// Indexes returns the index of a row: its own, or that of the row it augments.
func (n Node) Indexes() []Index {
	ref := n.indexes()
	_, count := n.s.list(ref)
	list := make([]Index, count)
	for i := range list {
		list[i] = n.s.index(ref, i)
	}
	return list
}

// indexes returns the list of a row's index, or of the row's that it augments.
func (n Node) indexes() uint32 {
	if ref := n.detail(detIndexes); ref != 0 {
		return ref
	}
	if a := n.Augments(); a != "" {
		if row, ok := n.s.named(a, ""); ok {
			return row.detail(detIndexes)
		}
	}
	return 0
}

func (s *Set) index(ref uint32, i int) Index {
	at, _ := s.list(ref)
	w := s.word(at + 4*i)
	return Index{s.str(w &^ single), w&single != 0}
}

// Objects returns the names of the objects that a notification carries.
func (n Node) Objects() []string {
	at, count := n.s.list(n.detail(detObjects))
	list := make([]string, count)
	for i := range list {
		list[i] = n.s.str(n.s.word(at + 4*i))
	}
	return list
}

// Description returns the text of the DESCRIPTION clause. It is read from the
// module's file when it is asked for: the text is empty if there is none, and
// if the file has gone or changed its length.
func (n Node) Description() string { return n.s.text(n, placeDesc) }

// Reference returns the text of the REFERENCE clause, as Description does.
func (n Node) Reference() string { return n.s.text(n, placeRef) }

// Position returns the name of the file and the line where n is defined, or ""
// if that is not known. The file is read for the line, which is 0 if it has gone.
func (n Node) Position() (file string, line int) {
	f := n.where(placeFile)
	if f == 0 {
		return "", 0
	}
	file = n.s.fileName(f - 1)
	if r, err := n.s.open(f - 1); err == nil {
		defer r.Close()
		if head, err := io.ReadAll(io.LimitReader(r, int64(n.where(placeAt)))); err == nil {
			line = bytes.Count(head, []byte("\n")) + 1
		}
	}
	return file, line
}

func (s *Set) fileName(f uint32) string {
	name := s.str(s.field(secFiles, f, 2, 1))
	if src := s.field(secFiles, f, 2, 0); int(src) < len(s.srcs) {
		return s.srcs[src].prefix + name
	}
	return name
}

// text reads a piece of a file.
func (s *Set) text(n Node, field uint32) string {
	f := n.where(field)
	if f == 0 {
		return ""
	}
	off, length := n.where(field+1), n.where(field+2)
	r, err := s.open(f - 1)
	if err != nil {
		return ""
	}
	defer r.Close()
	buf := make([]byte, length)
	if ra, ok := r.(io.ReaderAt); ok {
		_, err = ra.ReadAt(buf, int64(off))
	} else if _, err = io.CopyN(io.Discard, r, int64(off)); err == nil {
		_, err = io.ReadFull(r, buf)
	}
	if err != nil && err != io.EOF {
		return ""
	}
	return string(bytes.ReplaceAll(buf, []byte("\r"), nil))
}

func (s *Set) open(f uint32) (fs.File, error) {
	name := s.str(s.field(secFiles, f, 2, 1))
	if src := s.field(secFiles, f, 2, 0); int(src) < len(s.srcs) {
		return s.srcs[src].fsys.Open(name)
	}
	return os.Open(name)
}

// hash is FNV-1a.
func hash(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// named returns the node of a label that a module defines, or any module if
// module is "".
func (s *Set) named(label, module string) (Node, bool) {
	for h := hash(label); ; h++ {
		i := s.word(int(s.sec[secNames].off + 4*(h&s.mask)))
		if i == 0 {
			return Node{}, false
		}
		n := Node{s, i}
		if n.Name() != label {
			continue
		}
		for module != "" && !n.inModule(module) {
			if n.i = n.get(nodeSameName); n.i == 0 {
				return Node{}, false
			}
		}
		return n, true
	}
}

// Node returns the node of a name: a label such as "ifDescr", or a module and
// a label such as "IF-MIB::ifDescr". If several nodes have the label, it is the
// one that was read last. It does not allocate.
func (s *Set) Node(name string) (n Node, ok bool) {
	module, label, found := strings.Cut(name, "::")
	if !found {
		module, label = "", name
	}
	return s.named(label, module)
}

// top stands above the roots.
func (s *Set) top() Node { return Node{s, 0} }

// child returns the child of n that is shown for a sub-identifier.
func (n Node) child(subid uint32) (Node, bool) {
	i := childOf(n.s.nodes(), n.i, subid)
	return Node{n.s, i}, i != 0
}

func (s *Set) nodes() string { return s.data[s.sec[secNodes].off:s.sec[secNodes].end] }

// childOf is child on the table of nodes alone. It returns 0 for none.
func childOf(nodes string, i, subid uint32) uint32 {
	word := func(i, field uint32) uint32 {
		at := 4 * (i*nodeWords + field)
		b := nodes[at : at+4]
		return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	}
	lo, end := word(i, nodeKids), word(i+1, nodeKids)
	hi := end
	if at := subid - 1; at < end-lo { // most tables count from 1 without holes
		switch id := word(lo+at, nodeSubID); {
		case id == subid && word(lo+at, nodeFlags)&flagTwin == 0:
			return lo + at
		case id > subid:
			hi = lo + at
		}
	}
	for lo < hi {
		mid := (lo + hi) / 2
		if word(mid, nodeSubID) < subid {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for ; lo < end && word(lo, nodeSubID) == subid; lo++ {
		if f := word(lo, nodeFlags); f&flagTwin == 0 || f&flagPick != 0 {
			return lo
		}
	}
	return 0
}

// Find returns the node that lies deepest on the way to o, and the number of
// sub-identifiers of o that lie below it. If nothing is known of o, n is not
// valid. It does not allocate.
func (s *Set) Find(o snmp.OID) (n Node, below int) {
	nodes := s.nodes()
	at := uint32(0)
	for id := range o.SubIDs() {
		if below == 0 {
			if c := childOf(nodes, at, id); c != 0 {
				at = c
				continue
			}
		}
		below++
	}
	return Node{s, at}, below
}

func (s *Set) find(ids []uint32) (n Node, below int) {
	at := s.top()
	for i, id := range ids {
		c, ok := at.child(id)
		if !ok {
			return at, len(ids) - i
		}
		at = c
	}
	return at, 0
}

// Nodes returns all nodes, from the roots down, children by ascending
// sub-identifier.
func (s *Set) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) { walk(s.top(), yield) }
}

func walk(n Node, yield func(Node) bool) bool {
	for c := range n.Children() {
		if !yield(c) || !walk(c, yield) {
			return false
		}
	}
	return true
}

// appendSubIDs appends the sub-identifiers of o to ids.
func appendSubIDs(ids []uint32, o snmp.OID) []uint32 {
	var buf [640]byte
	var sub uint64
	first := true
	for _, c := range o.AppendBER(buf[:0]) {
		sub = sub<<7 | uint64(c&0x7f)
		if c >= 0x80 {
			continue
		}
		if first {
			arc := min(sub/40, 2)
			ids = append(ids, uint32(arc))
			sub -= arc * 40
			first = false
		}
		ids = append(ids, uint32(sub))
		sub = 0
	}
	return ids
}

// makeOID returns the OID of sub-identifiers. It fails if there are fewer than
// two or more than 128, or if they do not make an OID.
func makeOID(ids []uint32) (snmp.OID, bool) {
	if len(ids) < 2 || len(ids) > maxDepth || ids[0] > 2 || ids[0] < 2 && ids[1] >= 40 {
		return snmp.OID{}, false
	}
	var buf [640]byte
	b := appendBase128(buf[:0], uint64(ids[0])*40+uint64(ids[1]))
	for _, id := range ids[2:] {
		b = appendBase128(b, uint64(id))
	}
	o, err := snmp.OIDFromBER(b)
	return o, err == nil
}

func appendBase128(b []byte, v uint64) []byte {
	for shift := 35; shift > 0; shift -= 7 {
		if v>>shift != 0 {
			b = append(b, byte(v>>shift)|0x80)
		}
	}
	return append(b, byte(v)&0x7f)
}

func appendWord(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
