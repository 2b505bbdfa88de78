package agent

import (
	"slices"
	"sort"
	"sync/atomic"

	"github.com/pollux-snmp/pollux/snmp"
)

// A source is what the tree asks: a handler of this package, which answers on
// the spot and without allocating, or a *foreign one. Names are content octets,
// at or below the root, and valid during the call. What goes wrong they tell
// with r.fail.
type source interface {
	// get returns the value of an instance; a Null is noSuchInstance.
	get(r *request, name []byte) snmp.Value

	// next appends to dst the name of the first instance after name that has a
	// value. It returns nil after the last one.
	next(r *request, dst, name []byte) ([]byte, snmp.Value)
}

// A mount is a handler and its place.
type mount struct {
	oid     snmp.OID
	root    string // content octets of oid
	handler Handler
	src     source
	running atomic.Int32 // calls of the handler, those that hang included
}

// A segment is an interval of names that one mount answers for: mounts may lie
// within others, so one may have several. An empty end is the end of all names.
type segment struct {
	start, end string
	m          *mount
}

// A tree is the handlers of one context. It does not change.
type tree struct {
	mounts []*mount
	segs   []segment
}

// with returns a tree that also has m, or lacks what is at m's root if m has no
// handler.
func (t *tree) with(m *mount) *tree {
	n := &tree{}
	for _, old := range t.mounts {
		if old.root != m.root {
			n.mounts = append(n.mounts, old)
		}
	}
	if m.handler != nil {
		n.mounts = append(n.mounts, m)
	}
	slices.SortFunc(n.mounts, func(a, b *mount) int { return compare(a.root, b.root) })
	n.cut()
	return n
}

// cut makes the segments.
func (t *tree) cut() {
	var (
		open   []*mount
		cursor string
	)
	upTo := func(end string) {
		if end == "" || compare(cursor, end) < 0 {
			t.segs = append(t.segs, segment{cursor, end, open[len(open)-1]})
		}
		cursor = end
	}
	closeTop := func() {
		upTo(enc(open[len(open)-1].oid.NextSibling()))
		open = open[:len(open)-1]
	}
	for _, m := range t.mounts {
		for len(open) > 0 && !hasPrefix(m.root, open[len(open)-1].root) {
			closeTop()
		}
		if len(open) > 0 {
			upTo(m.root)
		}
		cursor = m.root
		open = append(open, m)
	}
	for len(open) > 0 {
		closeTop()
	}
}

// find returns the position of the first segment that does not end before name.
func (t *tree) find(name []byte) int {
	return sort.Search(len(t.segs), func(i int) bool {
		end := t.segs[i].end
		return end == "" || compare(end, name) > 0
	})
}

// at returns the mount that answers for name, or nil.
func (t *tree) at(name []byte) *mount {
	if i := t.find(name); i < len(t.segs) && compare(t.segs[i].start, name) <= 0 {
		return t.segs[i].m
	}
	return nil
}

// get returns the value of an instance, or an exception.
func (t *tree) get(r *request, name []byte) snmp.Value {
	m := t.at(name)
	if m == nil {
		return snmp.KindNoSuchObject.Value()
	}
	r.mount = m
	v := m.src.get(r, name)
	if v.Kind() == snmp.KindNull || v.Kind() == snmp.KindEndOfMIBView {
		return snmp.KindNoSuchInstance.Value()
	}
	return v
}

// next appends to dst the name of the first instance after name, or at it if
// here is set. It returns nil after the last one.
func (t *tree) next(r *request, dst, name []byte, here bool) ([]byte, snmp.Value) {
	for i := t.find(name); i < len(t.segs); i++ {
		seg := &t.segs[i]
		r.mount = seg.m
		if compare(seg.start, name) > 0 {
			name, here = append(r.start[:0], seg.start...), true
			r.start = name
		}
		if here {
			v := seg.m.src.get(r, name)
			if r.status != snmp.NoError {
				return nil, snmp.Value{}
			}
			if hasValue(v) {
				return append(dst, name...), v
			}
			here = false
		}
		found, v := seg.m.src.next(r, dst, name)
		if r.status != snmp.NoError {
			return nil, snmp.Value{}
		}
		if found != nil && (seg.end == "" || compare(found[len(dst):], seg.end) < 0) {
			return found, v
		}
	}
	return nil, snmp.Value{}
}

// hasValue reports whether v is a value and no exception.
func hasValue(v snmp.Value) bool {
	return v.Kind() != snmp.KindNull && !v.Kind().IsException()
}
