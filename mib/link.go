package mib

import "slices"

// maxDepth is the greatest number of sub-identifiers of a node.
const maxDepth = 128

var rootNames = [3]string{"ccitt", "iso", "joint-iso-ccitt"}

// A treeNode is a node of the tree while it grows. The order of children, of
// nodes of the same label and of modules is that of Net-SNMP's lists, because
// it decides which of two definitions a name or an OID finds.
type treeNode struct {
	label       string
	d           *def
	subid       uint32
	parent      int32
	first, last int32 // children
	prev, next  int32 // siblings
	sameLabel   int32 // the next older node of this label
	mod         int32
	moreMods    []int32
	depth, kids int32
	index       map[uint32]int32 // the first child of a sub-identifier, if there are many
	base        uint32           // the node of Config.Base that this is, or 0
	deleted     bool
}

const none = -1

// A doubt is a definition that is linked, but that says what another one of its
// module does not.
type doubt struct {
	d   *def
	msg string
}

// A tree is the tree of all nodes.
type tree struct {
	nodes   []treeNode
	byLabel map[string]int32 // the newest node of a label
	roots   [3]int32         // iso, ccitt, joint-iso-ccitt

	// pending holds the definitions that wait for their parent, by the
	// parent's label. The newest comes first.
	pending map[string]*def
	waiting int
	replace bool // Config.Replace
	doubts  []doubt
	base    *Set // Config.Base, whose nodes come first: its node i is nodes[i-1]
}

// newTree returns a tree of the three roots, which belong to no module. It has
// room for size nodes.
func newTree(size int) *tree {
	t := &tree{byLabel: make(map[string]int32, size), nodes: make([]treeNode, 0, size), pending: map[string]*def{}}
	var ids [3]int32
	for _, id := range []uint32{2, 0, 1} {
		n := t.add(none, id, rootNames[id], -1)
		t.nodes[n].depth = 1
		ids[id] = n
	}
	t.roots = [3]int32{ids[1], ids[0], ids[2]}
	t.linkRoots()
	return t
}

func (t *tree) linkRoots() {
	t.nodes[t.roots[0]].prev, t.nodes[t.roots[0]].next = none, t.roots[1]
	t.nodes[t.roots[1]].prev, t.nodes[t.roots[1]].next = t.roots[0], t.roots[2]
	t.nodes[t.roots[2]].prev, t.nodes[t.roots[2]].next = t.roots[1], none
}

// newest returns the newest node of a label, or none.
func (t *tree) newest(label string) int32 {
	if i, ok := t.byLabel[label]; ok {
		return i
	}
	if t.base != nil {
		if n, ok := t.base.named(label, ""); ok {
			return int32(n.i) - 1
		}
	}
	return none
}

// add makes a node that has no siblings yet.
func (t *tree) add(parent int32, subid uint32, label string, mod int32) int32 {
	i := int32(len(t.nodes))
	t.nodes = append(t.nodes, treeNode{
		label: label, subid: subid, parent: parent, mod: mod,
		first: none, last: none, prev: none, next: none, sameLabel: none,
	})
	n := &t.nodes[i]
	if parent != none {
		n.depth = t.nodes[parent].depth + 1
	}
	t.enter(i)
	return i
}

// enter makes a node the newest of its label.
func (t *tree) enter(i int32) {
	n := &t.nodes[i]
	n.sameLabel = t.newest(n.label)
	t.byLabel[n.label] = i
}

// forget takes a node out of the list of its label.
func (t *tree) forget(i int32) {
	n := &t.nodes[i]
	at := t.newest(n.label)
	if at == i {
		t.byLabel[n.label] = n.sameLabel
		return
	}
	for at != none && t.nodes[at].sameLabel != i {
		at = t.nodes[at].sameLabel
	}
	if at != none {
		t.nodes[at].sameLabel = n.sameLabel
	}
}

// find returns the newest node of a label that module mod defines, or any
// module if mod is -1.
func (t *tree) find(label string, mod int32) int32 {
	for i := t.newest(label); i != none; i = t.nodes[i].sameLabel {
		n := &t.nodes[i]
		if mod == -1 || n.mod == mod || slices.Contains(n.moreMods, mod) {
			return i
		}
	}
	return none
}

// manyKids is the number of children from which on a parent has an index.
const manyKids = 32

// child returns the first child of a sub-identifier.
func (t *tree) child(parent int32, subid uint32) int32 {
	p := &t.nodes[parent]
	if p.kids > manyKids {
		if p.index == nil {
			p.index = make(map[uint32]int32, 2*p.kids)
			for i := p.last; i != none; i = t.nodes[i].prev {
				p.index[t.nodes[i].subid] = i
			}
		}
		if i, ok := p.index[subid]; ok {
			return i
		}
		return none
	}
	for i := p.first; i != none; i = t.nodes[i].next {
		if t.nodes[i].subid == subid {
			return i
		}
	}
	return none
}

// insert puts a node among the children of parent: before the node at, or last
// if at is none.
func (t *tree) insert(parent, i, at int32) {
	n, p := &t.nodes[i], &t.nodes[parent]
	n.parent = parent
	n.next = at
	if at == none {
		n.prev = p.last
		p.last = i
	} else {
		n.prev = t.nodes[at].prev
		t.nodes[at].prev = i
	}
	if n.prev == none {
		p.first = i
	} else {
		t.nodes[n.prev].next = i
	}
	p.kids++
	if p.index != nil {
		if old, ok := p.index[n.subid]; !ok || old == at || n.prev == none {
			p.index[n.subid] = i
		}
	}
}

// remove takes a node out of its siblings.
func (t *tree) remove(i int32) {
	n := &t.nodes[i]
	if n.parent == none {
		return
	}
	p := &t.nodes[n.parent]
	if n.prev == none {
		p.first = n.next
	} else {
		t.nodes[n.prev].next = n.next
	}
	if n.next == none {
		p.last = n.prev
	} else {
		t.nodes[n.next].prev = n.prev
	}
	p.kids--
	if p.index != nil && p.index[n.subid] == i {
		if n.next != none && t.nodes[n.next].subid == n.subid {
			p.index[n.subid] = n.next
		} else {
			delete(p.index, n.subid)
		}
	}
	n.prev, n.next = none, none
}

// drop deletes a node that has no children any more.
func (t *tree) drop(i int32) {
	t.remove(i)
	t.forget(i)
	t.nodes[i].deleted = true
}

func isAnon(label string) bool {
	return len(label) > len(anonPrefix) && label[:len(anonPrefix)] == anonPrefix
}

// wait makes the definitions wait for their parents.
func (t *tree) wait(defs []*def) {
	clear(t.pending)
	for _, d := range defs {
		d.next = t.pending[d.parent]
		t.pending[d.parent] = d
	}
	t.waiting = len(defs)
}

// attach puts all definitions that wait for the label of node i below it, and
// those that wait for them. Where several nodes have one OID, the oldest of
// them gets the children.
func (t *tree) attach(i int32) {
	if t.waiting == 0 {
		return
	}
	d := t.pending[t.nodes[i].label]
	if d == nil || t.nodes[i].depth >= maxDepth {
		return
	}
	t.pending[t.nodes[i].label] = nil
	oldest := i
	for n := t.nodes[oldest].next; n != none && t.nodes[n].subid == t.nodes[i].subid; n = t.nodes[n].next {
		oldest = n
	}
	for d != nil {
		next := d.next
		d.next, d.placed = nil, true
		t.waiting--
		t.place(oldest, d)
		d = next
	}
}

// place puts one definition below parent.
func (t *tree) place(parent int32, d *def) {
	var twin, before int32 // a node of the same OID; the place in the list
	alias := d.subid == noSubID
	if alias {
		// name ::= { parent } is a second name of the parent.
		d.subid = int64(t.nodes[parent].subid)
		twin = parent
		parent = t.nodes[parent].parent
		if parent == none {
			return
		}
		before = t.nodes[parent].first
	} else {
		twin = t.child(parent, uint32(d.subid))
		before = twin
	}
	if twin != none && t.nodes[twin].label == d.label {
		n := &t.nodes[twin]
		// A module of Config.Base that is read again does not say more than once
		// what it says.
		again := n.base != 0 && (n.d == nil || n.d.mod != d.mod)
		if n.mod == d.mod && d.file != 0 && !again {
			t.doubts = append(t.doubts, doubt{d, "the module defines this twice"})
		}
		if n.base == 0 || n.mod != d.mod && !slices.Contains(n.moreMods, d.mod) {
			n.moreMods = append(n.moreMods, d.mod)
		}
		if n.d == nil && n.base != 0 || t.replace {
			n.d = d
		}
		t.attach(twin)
		return
	}
	if twin != none && t.nodes[twin].mod == d.mod && !isAnon(d.label) && !isAnon(t.nodes[twin].label) && !alias && d.file != 0 {
		t.doubts = append(t.doubts, doubt{d, "the module gives the same object identifier to " + t.nodes[twin].label})
	}
	i := t.add(parent, uint32(d.subid), d.label, d.mod)
	t.nodes[i].d = d
	t.insert(parent, i, before)
	t.attach(i)
	if twin == none {
		return
	}
	switch {
	case isAnon(d.label):
		t.merge(i, twin)
		t.drop(i)
	case isAnon(t.nodes[twin].label):
		// The number gets its name: the older node stays, with what is known
		// of the newer one.
		t.merge(twin, i)
		t.forget(twin)
		old, n := &t.nodes[twin], &t.nodes[i]
		old.label, old.mod, old.d, old.base = n.label, n.mod, n.d, 0
		old.first, old.last, old.kids, old.index = n.first, n.last, n.kids, n.index
		n.first, n.last, n.kids, n.index = none, none, 0, nil
		for c := old.first; c != none; c = t.nodes[c].next {
			t.nodes[c].parent = twin
		}
		t.enter(twin)
		t.drop(i)
	}
}

// merge moves the children of the node from, which has no name, to the node to.
func (t *tree) merge(from, to int32) {
	for c := t.nodes[from].first; c != none; {
		next := t.nodes[c].next
		twin := t.child(to, t.nodes[c].subid)
		t.remove(c)
		switch {
		case twin == none:
			t.insert(to, c, t.nodes[to].first)
		case isAnon(t.nodes[c].label):
			t.merge(c, twin)
			t.nodes[c].parent = none
			t.drop(c)
		case isAnon(t.nodes[twin].label):
			t.merge(twin, c)
			t.drop(twin)
			t.insert(to, c, t.nodes[to].first)
		case t.nodes[twin].label == t.nodes[c].label:
			t.insert(to, c, t.nodes[to].first) // the original keeps both
		default:
			for g := t.nodes[c].first; g != none; {
				next := t.nodes[g].next
				t.remove(g)
				t.insert(twin, g, none)
				g = next
			}
			t.nodes[c].parent = none
			t.drop(c)
		}
		c = next
	}
}
