package mib

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// A builder writes the tables of a Set.
type builder struct {
	strings  []byte
	refs     map[string]uint32
	lists    []byte
	enumRefs map[*Enum]uint32
	listRefs map[string]uint32
	syntaxes []byte
	synRefs  map[[synWords]uint32]uint32
	details  []byte
	tmp      []byte
	tree     *tree
	labels   []uint32 // the label of each node of tree
}

// newBuilder returns a builder whose tables start with those of base, so that
// references into them stay valid.
func newBuilder(base *Set) *builder {
	if base != nil {
		return &builder{
			strings: base.section(secStrings), refs: map[string]uint32{"": 0},
			lists: base.section(secLists), enumRefs: map[*Enum]uint32{}, listRefs: map[string]uint32{},
			syntaxes: base.section(secSyntaxes), synRefs: map[[synWords]uint32]uint32{{}: 0},
			details: base.section(secDetails),
		}
	}
	return &builder{
		strings: make([]byte, 1, 1<<16), refs: map[string]uint32{"": 0},
		lists: make([]byte, 4), enumRefs: map[*Enum]uint32{}, listRefs: map[string]uint32{},
		synRefs: map[[synWords]uint32]uint32{},
	}
}

// treeLen returns the number of nodes of a set, which may be nil.
func treeLen(s *Set) int {
	if s == nil {
		return 0
	}
	return s.Len()
}

// section returns a copy of a section with room for more.
func (s *Set) section(sec int) []byte {
	data := s.data[s.sec[sec].off:s.sec[sec].end]
	return append(make([]byte, 0, len(data)+len(data)/8+1024), data...)
}

func (b *builder) str(s string) uint32 {
	if s == "" {
		return 0
	}
	if ref, ok := b.refs[s]; ok {
		return ref
	}
	ref := b.add(s)
	b.refs[s] = ref
	return ref
}

// label returns the reference of a name that is probably that of a node.
func (b *builder) label(s string) uint32 {
	if s == "" {
		return 0
	}
	if i := b.tree.newest(s); i != none {
		return b.labels[i]
	}
	return b.str(s)
}

// add writes a string that b.refs need not know.
func (b *builder) add(s string) uint32 {
	ref := uint32(len(b.strings))
	b.strings = binary.AppendUvarint(b.strings, uint64(len(s)))
	b.strings = append(b.strings, s...)
	return ref
}

// list writes n and words, unless there is such a list already.
func (b *builder) list(n int, words []uint32) uint32 {
	if n == 0 {
		return 0
	}
	b.tmp = appendWord(b.tmp[:0], uint32(n))
	for _, w := range words {
		b.tmp = appendWord(b.tmp, w)
	}
	if ref, ok := b.listRefs[string(b.tmp)]; ok {
		return ref
	}
	ref := uint32(len(b.lists) / 4)
	b.lists = append(b.lists, b.tmp...)
	b.listRefs[string(b.tmp)] = ref
	return ref
}

func (b *builder) enums(list []Enum) uint32 {
	if len(list) == 0 {
		return 0
	}
	if ref, ok := b.enumRefs[&list[0]]; ok {
		return ref
	}
	words := make([]uint32, 0, 2*len(list))
	for _, e := range list {
		words = append(words, b.str(e.Name), uint32(e.Value))
	}
	ref := b.list(len(list), words)
	b.enumRefs[&list[0]] = ref
	return ref
}

func (b *builder) ranges(list []Range) uint32 {
	var words []uint32
	for _, r := range list {
		words = append(words, uint32(r.Low), uint32(r.High))
	}
	return b.list(len(list), words)
}

func (b *builder) names(list []string) uint32 {
	var words []uint32
	for _, s := range list {
		words = append(words, b.label(s))
	}
	return b.list(len(list), words)
}

func (b *builder) indexes(list []Index) uint32 {
	var words []uint32
	for _, x := range list {
		w := b.label(x.Name)
		if x.Implied {
			w |= single
		}
		words = append(words, w)
	}
	return b.list(len(list), words)
}

func (b *builder) syntax(s [synWords]uint32) uint32 {
	if ref, ok := b.synRefs[s]; ok {
		return ref
	}
	ref := uint32(len(b.syntaxes) / 4 / synWords)
	for _, w := range s {
		b.syntaxes = appendWord(b.syntaxes, w)
	}
	b.synRefs[s] = ref
	return ref
}

func (b *builder) detail(d *def) uint32 {
	var w [detWords]uint32
	w[detUnits] = b.str(d.units)
	w[detIndexes] = b.indexes(d.indexes)
	w[detAugments] = b.label(d.augments)
	w[detObjects] = b.names(d.objects)
	w[detDefault] = b.str(d.defval)
	if w == [detWords]uint32{} {
		return 0
	}
	for _, x := range w {
		b.details = appendWord(b.details, x)
	}
	return uint32(len(b.details) / 4 / detWords)
}

// places returns where the clauses of a definition lie.
func (d *def) places() (w [placeWords]uint32) {
	if d == nil {
		return w
	}
	if d.desc.file > 0 {
		w[placeDesc], w[placeDesc+1], w[placeDesc+2] = uint32(d.desc.file), d.desc.off, d.desc.end-d.desc.off
	}
	if d.ref.file > 0 {
		w[placeRef], w[placeRef+1], w[placeRef+2] = uint32(d.ref.file), d.ref.off, d.ref.end-d.ref.off
	}
	if d.file > 0 {
		w[placeFile], w[placeAt] = uint32(d.file), d.at
	}
	return w
}

// build makes the set of all that was read.
func (l *loader) build() *Set {
	t := l.tree
	b := newBuilder(l.cfg.Base)
	b.strings = slices.Grow(b.strings, 24*(len(t.nodes)-treeLen(l.cfg.Base)))
	b.lists = slices.Grow(b.lists, 4*(len(t.nodes)-treeLen(l.cfg.Base)))
	b.details = slices.Grow(b.details, 8*(len(t.nodes)-treeLen(l.cfg.Base)))

	// Labels. Nodes of one label share it; no other string is compared with it.
	labels := make([]uint32, len(t.nodes))
	older := make([]bool, len(t.nodes)) // of the nodes of one label, not the newest
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range slices.Backward(t.nodes) {
			x := &t.nodes[i]
			if x.deleted {
				continue
			}
			if x.base != 0 && labels[i] == 0 {
				labels[i] = Node{t.base, x.base}.get(nodeName)
			}
			if labels[i] == 0 {
				labels[i] = b.add(x.label)
			}
			if x.sameLabel != none {
				labels[x.sameLabel] = labels[i]
				older[x.sameLabel] = true
			}
		}
	})
	b.tree, b.labels = t, labels

	// Number the nodes level by level, so that siblings lie side by side.
	order := make([]int32, 1, len(t.nodes)+1) // new number to old; 0 is the top
	order[0] = none
	number := make([]uint32, len(t.nodes))
	places := make([]uint32, len(t.nodes)) // in the list of siblings
	twins := make([]uint32, len(t.nodes))  // flags
	kids := func(first int32) (at uint32) {
		at = uint32(len(order))
		sorted := true
		place, last := uint32(0), uint32(0)
		for c := first; c != none; c = t.nodes[c].next {
			id := t.nodes[c].subid
			sorted = sorted && (place == 0 || id > last)
			last = id
			places[c] = place
			place++
			order = append(order, c)
		}
		list := order[at:]
		if !sorted {
			slices.SortStableFunc(list, func(a, b int32) int {
				return cmp.Compare(t.nodes[a].subid, t.nodes[b].subid)
			})
			markTwins(t, list, twins)
		}
		for i, old := range list {
			number[old] = at + uint32(i)
		}
		return at
	}
	firstKid := make([]uint32, 1, len(t.nodes)+2) // by new number
	firstKid[0] = kids(t.roots[0])
	for i := 1; i < len(order); i++ {
		firstKid = append(firstKid, kids(t.nodes[order[i]].first))
	}
	firstKid = append(firstKid, uint32(len(order)))

	wg.Wait()
	live := len(order) - 1

	// Two tables need nothing but the numbers.
	var (
		where []byte
		table []uint32 // of names
	)
	if !l.cfg.FactsOnly {
		wg.Go(func() {
			where = make([]byte, 4*placeWords, 4*placeWords*len(order))
			for _, old := range order[1:] {
				w := l.placesOf(&t.nodes[old])
				for _, v := range &w {
					where = appendWord(where, v)
				}
			}
		})
	}
	wg.Go(func() {
		size := uint32(16)
		for size < uint32(live+live/3) {
			size *= 2
		}
		table = make([]uint32, size)
		for i, old := range order[1:] { // not over the map: the same input makes the same set
			if older[old] {
				continue
			}
			h := hash(t.nodes[old].label)
			for table[h&(size-1)] != 0 {
				h++
			}
			table[h&(size-1)] = uint32(i + 1)
		}
	})

	out := make([]byte, 0, 4*nodeWords*(live+2))
	top := [nodeWords]uint32{nodeKids: firstKid[0], nodeModules: single | 1<<30}
	top[nodeSyntax] = b.syntax([synWords]uint32{})
	for _, w := range top {
		out = appendWord(out, w)
	}
	for i := 1; i < len(order); i++ {
		old := order[i]
		x := &t.nodes[old]
		var w [nodeWords]uint32
		w[nodeName] = labels[old]
		if x.parent != none {
			w[nodeParent] = number[x.parent]
		}
		w[nodeSubID] = x.subid
		w[nodeKids] = firstKid[i]
		if x.sameLabel != none {
			w[nodeSameName] = number[x.sameLabel]
		}
		if len(x.moreMods) > 0 {
			words := []uint32{uint32(x.mod)}
			for _, m := range x.moreMods {
				words = append(words, uint32(m))
			}
			w[nodeModules] = b.list(len(words), words)
		} else {
			w[nodeModules] = single | uint32(x.mod)&^single
		}
		w[nodeOrder] = places[old]
		switch d := x.d; {
		case d == nil && x.base != 0:
			n := Node{t.base, x.base}
			w[nodeSyntax], w[nodeDetail] = n.get(nodeSyntax), n.get(nodeDetail)
			w[nodeFlags] = n.get(nodeFlags) &^ (flagTwin | flagPick)
		case d == nil:
			w[nodeSyntax] = b.syntax([synWords]uint32{})
		default:
			w[nodeSyntax] = b.syntax(l.syntaxOf(b, d))
			w[nodeDetail] = b.detail(d)
			w[nodeFlags] = uint32(accessOf(d.access)) | uint32(statusOf(d.status))<<8
			if d.trap {
				w[nodeFlags] |= flagTrap
			}
			if l.isInet(x) {
				w[nodeFlags] |= flagInet
			}
		}
		w[nodeFlags] |= twins[old]
		for _, v := range &w {
			out = appendWord(out, v)
		}
	}
	// A last record ends the children of the one before.
	for i := range nodeWords {
		w := uint32(0)
		if i == nodeKids {
			w = uint32(len(order))
		}
		out = appendWord(out, w)
	}

	wg.Wait()
	var names, modules, types, files []byte
	for _, i := range table {
		names = appendWord(names, i)
	}
	for _, m := range l.modules {
		name := m.name
		if m.state == unread && !m.base { // a file has it, but nobody asked for it
			name = ""
		}
		modules = appendWord(modules, b.str(name))
	}
	for i := range l.tcs {
		tc := &l.tcs[i]
		types = appendWord(types, b.str(tc.name))
		types = appendWord(types, uint32(tc.mod))
		if tc.syntax != 0 {
			types = appendWord(types, tc.syntax-1)
		} else {
			types = appendWord(types, b.syntax(l.tcSyntax(b, tc)))
		}
	}
	for _, f := range l.files {
		if l.cfg.FactsOnly {
			break
		}
		files = appendWord(files, uint32(f.source))
		files = appendWord(files, b.str(f.name))
	}
	var sections [sectionCount][]byte
	sections[secStrings] = b.strings
	sections[secNodes] = out
	sections[secSyntaxes] = b.syntaxes
	sections[secDetails] = b.details
	sections[secPlaces] = where
	sections[secLists] = b.lists
	sections[secModules] = modules
	sections[secNames] = names
	sections[secTypes] = types
	sections[secFiles] = files

	header := append(make([]byte, 0, headerLen), magic...)
	total := headerLen
	for _, s := range sections {
		header = appendWord(header, uint32(total))
		total += len(s)
		header = appendWord(header, uint32(total))
	}
	var data strings.Builder
	data.Grow(total)
	data.Write(header)
	for _, s := range sections {
		data.Write(s)
	}
	set, err := FromBinary(data.String())
	if err != nil {
		panic("mib: " + err.Error()) // what was just written cannot be wrong
	}
	set.diags = l.diags
	sortDiagnostics(set.diags)
	set.srcs = l.sources
	return set
}

func (l *loader) syntaxOf(b *builder, d *def) (w [synWords]uint32) {
	w[synType] = uint32(typeOfKind(d.typ))
	w[synEnums] = b.enums(d.enums)
	w[synRanges] = b.ranges(d.ranges)
	w[synHint] = b.str(d.hint)
	if d.tc >= 0 {
		w[synName] = b.str(l.tcs[d.tc].name)
		w[synNumber] = uint32(d.tc) + 1
	}
	return w
}

func (l *loader) tcSyntax(b *builder, tc *textualConvention) (w [synWords]uint32) {
	w[synType] = uint32(typeOfKind(tc.typ))
	w[synName] = b.str(tc.base)
	w[synEnums] = b.enums(tc.enums)
	w[synRanges] = b.ranges(tc.ranges)
	w[synHint] = b.str(tc.hint)
	return w
}

// isInet reports whether a node is an InetAddress whose type lies next to it,
// which Net-SNMP takes for the address's own type when it prints an index.
func (l *loader) isInet(x *treeNode) bool {
	if x.d.tc < 0 || l.tcs[x.d.tc].name != "InetAddress" || x.next == none {
		return false
	}
	next := l.tree.nodes[x.next].d
	return next != nil && next.tc >= 0 && l.tcs[next.tc].name == "InetAddressType"
}

// markTwins finds the nodes of one OID in a sorted list of siblings, and which of
// them is shown: the last of those that follow the first one without a gap.
func markTwins(t *tree, list []int32, flags []uint32) {
	for i := 0; i < len(list); {
		id := t.nodes[list[i]].subid
		j := i + 1
		for j < len(list) && t.nodes[list[j]].subid == id {
			j++
		}
		if j > i+1 {
			for _, n := range list[i:j] {
				flags[n] = flagTwin
			}
			pick := list[i]
			for n := t.nodes[pick].next; n != none && t.nodes[n].subid == id; n = t.nodes[n].next {
				pick = n
			}
			flags[pick] |= flagPick
		}
		i = j
	}
}

// placesOf returns where the clauses of a node lie.
func (l *loader) placesOf(x *treeNode) (w [placeWords]uint32) {
	if x.d == nil && x.base != 0 {
		for i := range w {
			w[i] = Node{l.tree.base, x.base}.where(uint32(i))
		}
		return w
	}
	return x.d.places()
}

// importModules makes the modules, the files and the types of a set known.
// They keep their numbers.
func (l *loader) importModules(s *Set) {
	for id := range s.count(secModules, 1) {
		l.modules[l.addModule(s.moduleName(id), nil)].base = true
	}
	delete(l.byName, "")
	for i := range s.count(secFiles, 2) {
		l.addFile(-1, s.fileName(i))
	}
	for i := range s.count(secTypes, typeWords) {
		syn := s.field(secTypes, i, typeWords, typeSyntax)
		word := func(f uint32) uint32 { return s.field(secSyntaxes, syn, synWords, f) }
		l.addTC(textualConvention{
			name:   s.str(s.field(secTypes, i, typeWords, typeName)),
			mod:    int32(s.field(secTypes, i, typeWords, typeModule)),
			base:   s.str(word(synName)),
			typ:    kindOfType(Type(word(synType))),
			hint:   s.str(word(synHint)),
			syntax: syn + 1,
		})
	}
}

// limits returns the enumeration and the ranges of a syntax.
func (s *Set) limits(syntax uint32) (enums []Enum, ranges []Range) {
	at, n := s.list(s.field(secSyntaxes, syntax, synWords, synRanges))
	for i := range n {
		ranges = append(ranges, Range{int64(s.word(at + 8*i)), int64(s.word(at + 8*i + 4))})
	}
	return s.enums(s.field(secSyntaxes, syntax, synWords, synEnums)), ranges
}

// treeOf returns the tree of a set. Nothing is looked at but the links between
// its nodes: all else stays in the set until it is needed.
func treeOf(s *Set) *tree {
	t := &tree{byLabel: map[string]int32{}, pending: map[string]*def{}, base: s}
	t.nodes = make([]treeNode, s.Len(), s.Len()+1024)
	at := func(i uint32) int32 { return int32(i) - 1 }
	for i := range t.nodes {
		n := Node{s, uint32(i) + 1}
		x := &t.nodes[i]
		x.label, x.subid, x.base = n.Name(), n.SubID(), n.i
		x.parent, x.sameLabel = at(n.get(nodeParent)), at(n.get(nodeSameName))
		x.first, x.last, x.prev, x.next = none, none, none, none
		x.depth = 1
		if x.parent != none {
			x.depth = t.nodes[x.parent].depth + 1
		}
		if first, end := n.kids(); first < end {
			x.first, x.last, x.kids = at(first), at(end-1), int32(end-first)
		}
		m := n.get(nodeModules)
		if m&single != 0 {
			if x.mod = int32(m &^ single); int(x.mod) >= int(s.count(secModules, 1)) {
				x.mod = -1
			}
			continue
		}
		list, count := s.list(m)
		x.mod = int32(s.word(list))
		for j := 1; j < count; j++ {
			x.moreMods = append(x.moreMods, int32(s.word(list+4*j)))
		}
	}
	// Siblings lie side by side, and keep that order.
	link := func(first, last int32) {
		for i := first; i < last; i++ {
			t.nodes[i].next, t.nodes[i+1].prev = i+1, i
		}
	}
	for i := range t.nodes {
		if x := &t.nodes[i]; x.kids > 1 {
			link(x.first, x.last)
		}
	}
	for i, id := range []uint32{1, 0, 2} { // iso first, as in newTree
		n, _ := s.top().child(id)
		t.roots[i] = at(n.i)
	}
	t.linkRoots()
	return t
}
