package mib

import (
	"cmp"
	"encoding/binary"
	"slices"
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
}

func newBuilder() *builder {
	return &builder{
		strings: make([]byte, 1, 1<<16), refs: map[string]uint32{"": 0},
		lists: make([]byte, 4), enumRefs: map[*Enum]uint32{}, listRefs: map[string]uint32{},
		synRefs: map[[synWords]uint32]uint32{},
	}
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
		words = append(words, b.str(s))
	}
	return b.list(len(list), words)
}

func (b *builder) indexes(list []Index) uint32 {
	var words []uint32
	for _, x := range list {
		w := b.str(x.Name)
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
	w[detAugments] = b.str(d.augments)
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
	b := newBuilder()

	// Labels. Nodes of one label share it; no other string is compared with it.
	labels := make([]uint32, len(t.nodes))
	older := make([]bool, len(t.nodes)) // of the nodes of one label, not the newest
	live := 0
	for i := range slices.Backward(t.nodes) {
		x := &t.nodes[i]
		if x.deleted {
			continue
		}
		live++
		if labels[i] == 0 {
			labels[i] = b.add(x.label)
		}
		if x.sameLabel != none {
			labels[x.sameLabel] = labels[i]
			older[x.sameLabel] = true
		}
	}

	// Number the nodes level by level, so that siblings lie side by side.
	order := make([]int32, 1, live+1) // new number to old; 0 is the top
	order[0] = none
	number := make([]uint32, len(t.nodes))
	places := make([]uint32, len(t.nodes)) // in the list of siblings
	twins := map[int32]uint32{}
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
	firstKid := make([]uint32, 1, live+2) // by new number
	firstKid[0] = kids(t.roots[0])
	for i := 1; i < len(order); i++ {
		firstKid = append(firstKid, kids(t.nodes[order[i]].first))
	}
	firstKid = append(firstKid, uint32(len(order)))

	// Two tables need nothing but the numbers.
	var (
		wg    sync.WaitGroup
		where []byte
		table []uint32 // of names
	)
	if !l.cfg.FactsOnly {
		wg.Go(func() {
			where = make([]byte, 4*placeWords, 4*placeWords*len(order))
			for _, old := range order[1:] {
				w := t.nodes[old].d.places()
				for _, v := range &w {
					where = appendWord(where, v)
				}
			}
		})
	}
	wg.Go(func() {
		size := uint32(16)
		for size < uint32(len(t.byLabel)+len(t.byLabel)/3) {
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
		var syn [synWords]uint32
		if d := x.d; d != nil {
			syn = l.syntaxOf(b, d)
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
		w[nodeSyntax] = b.syntax(syn)
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
		modules = appendWord(modules, b.str(m.name))
	}
	for i := range l.tcs {
		tc := &l.tcs[i]
		types = appendWord(types, b.str(tc.name))
		types = appendWord(types, uint32(tc.mod))
		types = appendWord(types, b.syntax(l.tcSyntax(b, tc)))
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

	total := headerLen
	for _, s := range sections {
		total += len(s)
	}
	data := make([]byte, headerLen, total)
	copy(data, magic)
	for i, s := range sections {
		binary.LittleEndian.PutUint32(data[len(magic)+8*i:], uint32(len(data)))
		data = append(data, s...)
		binary.LittleEndian.PutUint32(data[len(magic)+8*i+4:], uint32(len(data)))
	}
	set, err := FromBinary(string(data)) // the only copy
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
func markTwins(t *tree, list []int32, flags map[int32]uint32) {
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

// importModules makes the modules and the types of a set known.
func (l *loader) importModules(s *Set) {
	for _, name := range s.Modules() {
		l.modules[l.addModule(name, nil)].base = true
	}
	for i := range s.count(secTypes, typeWords) {
		syn := s.field(secTypes, i, typeWords, typeSyntax)
		word := func(f uint32) uint32 { return s.field(secSyntaxes, syn, synWords, f) }
		tc := textualConvention{
			name:  s.str(s.field(secTypes, i, typeWords, typeName)),
			mod:   int32(s.field(secTypes, i, typeWords, typeModule)),
			base:  s.str(word(synName)),
			typ:   kindOfType(Type(word(synType))),
			hint:  s.str(word(synHint)),
			enums: s.enums(word(synEnums)),
		}
		at, n := s.list(word(synRanges))
		for j := range n {
			tc.ranges = append(tc.ranges, Range{int64(s.word(at + 8*j)), int64(s.word(at + 8*j + 4))})
		}
		l.addTC(tc)
	}
}

// importNodes puts the nodes of a set into the tree.
func (l *loader) importNodes(s *Set) {
	t := l.tree
	count := s.count(secNodes, nodeWords)
	number := make([]int32, count)
	number[0] = none
	t.nodes = slices.Grow(t.nodes, int(count))
	var files map[uint32]int32
	fileOf := func(f uint32) int32 {
		if f == 0 {
			return 0
		}
		if files == nil {
			files = map[uint32]int32{}
		}
		if i, ok := files[f]; ok {
			return i
		}
		nf := l.addFile(-1, s.fileName(f-1))
		files[f] = nf.index + 1
		return nf.index + 1
	}
	enums := map[uint32][]Enum{}
	for i := uint32(1); i < count-1; i++ {
		n := Node{s, i}
		parent := number[n.get(nodeParent)]
		if n.get(nodeParent) == 0 && n.SubID() <= 2 && n.Name() == rootNames[n.SubID()] {
			for _, r := range t.roots {
				if t.nodes[r].subid == n.SubID() {
					number[i] = r
				}
			}
			continue
		}
		if parent == none {
			continue
		}
		d := l.importDef(n, enums, fileOf)
		j := t.add(parent, n.SubID(), n.Name(), d.mod)
		number[i] = j
		t.nodes[j].d, t.nodes[j].base = d, true
		if m := n.get(nodeModules); m&single == 0 {
			at, k := s.list(m)
			for x := 1; x < k; x++ {
				t.nodes[j].moreMods = append(t.nodes[j].moreMods, int32(s.word(at+4*x)))
			}
		}
		// Twins that are shown last come last, as they were.
		t.insert(parent, j, none)
	}
}

func (l *loader) importDef(n Node, enums map[uint32][]Enum, fileOf func(uint32) int32) *def {
	s := n.s
	p := parser{l: l}
	d := p.newDef()
	d.label, d.subid, d.placed = n.Name(), int64(n.SubID()), true
	m := n.get(nodeModules)
	d.mod = int32(m &^ single)
	if m&single == 0 {
		at, _ := s.list(m)
		d.mod = int32(s.word(at))
	}
	d.typ = kindOfType(n.Type())
	d.tc = int32(n.syntax(synNumber)) - 1
	if ref := n.syntax(synEnums); ref != 0 {
		if _, ok := enums[ref]; !ok {
			enums[ref] = n.Enums()
		}
		d.enums = enums[ref]
	}
	d.ranges = n.Ranges()
	d.hint, d.units, d.augments, d.defval = n.Hint(), n.Units(), n.Augments(), n.Default()
	if ref := n.detail(detIndexes); ref != 0 {
		d.indexes = n.Indexes()
	}
	if n.detail(detObjects) != 0 {
		d.objects = n.Objects()
	}
	d.trap = n.has(flagTrap)
	d.access, d.status = accessKinds[n.Access()], statusKinds[n.Status()]
	d.desc = span{fileOf(n.where(placeDesc)), n.where(placeDesc + 1), n.where(placeDesc+1) + n.where(placeDesc+2)}
	d.ref = span{fileOf(n.where(placeRef)), n.where(placeRef + 1), n.where(placeRef+1) + n.where(placeRef+2)}
	d.file, d.at = fileOf(n.where(placeFile)), n.where(placeAt)
	return d
}

var (
	accessKinds = [...]kind{0, kNotAccessible, kForNotify, kReadOnly, kReadWrite, kReadCreate, kWriteOnly}
	statusKinds = [...]kind{0, kCurrent, kDeprecated, kObsolete, kMandatory, kOptional}
)
