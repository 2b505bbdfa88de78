package agent

import (
	"cmp"
	"math"
	"slices"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A SecurityModel is the number of a security model (RFC 3411, section 5).
type SecurityModel int32

// The security models. AnyModel stands for all of them in an Access.
const (
	AnyModel SecurityModel = iota
	V1Model
	V2cModel
	USMModel
)

// A Member puts a security name into a group (vacmSecurityToGroupTable).
type Member struct {
	Model        SecurityModel // not AnyModel
	SecurityName string
	Group        string
}

// An Access says what a group may do (vacmAccessTable).
type Access struct {
	Group   string
	Context string
	Prefix  bool // Context is the start of the name, not all of it
	Model   SecurityModel
	Level   usm.SecurityLevel // the least; 0 is noAuthNoPriv

	// The names of the views that may be read, be set, and be part of
	// notifications; "" is none.
	Read, Write, Notify string
}

// A View is one family of a view: all objects in Subtree are in the view of that
// name, or are not. Where families overlap, the one with the longer Subtree
// counts (vacmViewTreeFamilyTable).
type View struct {
	Name     string
	Subtree  snmp.OID // the zero OID is everything
	Excluded bool

	// Mask makes sub-identifiers of Subtree wildcards. The first octet's
	// highest bit is for the first one; 0 is a wildcard. Bits that are not
	// there are 1.
	Mask string
}

// A Grant is access in one word, in the default context.
type Grant struct {
	Write   bool              // also set, not only read
	Subtree snmp.OID          // what may be accessed; the zero OID is everything
	Level   usm.SecurityLevel // the least; 0 is noAuthNoPriv, but see User
	Context string            // of a v3 request; a community names its own
	Prefix  bool              // Context is the start of the name
}

// An acl answers what a principal may do. It does not change.
type acl struct {
	groups map[groupKey][]*entry
}

type groupKey struct {
	model SecurityModel
	name  string
}

// An entry is an Access with its views; nil is none.
type entry struct {
	*Access
	read, write, notify view
}

// newACL compiles the tables. Entries of a group are in the order in which they
// are preferred (RFC 3415, section 4, vacmAccessTable).
func newACL(members []Member, access []Access, views []View) *acl {
	byName := make(map[string]view)
	for i := range views {
		v := &views[i]
		byName[v.Name] = append(byName[v.Name], newFamily(v))
	}
	delete(byName, "")
	for _, v := range byName {
		v.sort()
	}
	groups := make(map[string][]*entry)
	for i := range access {
		e := &access[i]
		groups[e.Group] = append(groups[e.Group], &entry{e, byName[e.Read], byName[e.Write], byName[e.Notify]})
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b *entry) int {
			return cmp.Or(
				-compareBool(a.Model != AnyModel, b.Model != AnyModel),
				compareBool(a.Prefix, b.Prefix),
				cmp.Compare(len(b.Context), len(a.Context)),
				cmp.Compare(b.Level, a.Level))
		})
	}
	l := &acl{groups: make(map[groupKey][]*entry)}
	for _, m := range members {
		// A group without entries is there, so that the reason is right.
		l.groups[groupKey{m.Model, m.SecurityName}] = groups[m.Group]
	}
	return l
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// find returns the entry that counts, or nil if there is no group for the name
// or no entry for the group.
func (l *acl) find(model SecurityModel, name []byte, level usm.SecurityLevel, context []byte) *entry {
	for _, e := range l.groups[groupKey{model, string(name)}] {
		if (e.Model == AnyModel || e.Model == model) && level >= e.Level &&
			(e.Context == string(context) || e.Prefix && hasPrefix(context, e.Context)) {
			return e
		}
	}
	return nil
}

// A view is its families, the one that counts first.
type view []*family

// sort puts the families that count first.
func (v view) sort() {
	slices.SortFunc(v, func(a, b *family) int {
		return cmp.Or(cmp.Compare(len(b.subs), len(a.subs)), slices.Compare(b.subs, a.subs))
	})
}

// A family is a View, ready to be compared with names.
type family struct {
	*View
	prefix string   // content octets of the subtree
	subs   []uint32 // its sub-identifiers
	wild   bool     // at least one is a wildcard
}

func newFamily(v *View) *family {
	f := &family{View: v, prefix: enc(v.Subtree), subs: slices.Collect(v.Subtree.SubIDs())}
	for i := range f.subs {
		f.wild = f.wild || f.isWild(i)
	}
	return f
}

// isWild reports whether the i-th sub-identifier is a wildcard.
func (f *family) isWild(i int) bool {
	return i/8 < len(f.Mask) && f.Mask[i/8]&(0x80>>(i%8)) == 0
}

func (f *family) match(name []byte) bool {
	if !f.wild {
		return hasPrefix(name, f.prefix)
	}
	r := subReader[[]byte]{b: name}
	for i, want := range f.subs {
		if sub, ok := r.next(); !ok || sub != want && !f.isWild(i) {
			return false
		}
	}
	return true
}

// find returns the position of the family that counts for name, or -1.
func (v view) find(name []byte) int {
	for i, f := range v {
		if f.match(name) {
			return i
		}
	}
	return -1
}

// has reports whether name is in the view.
func (v view) has(name []byte) bool {
	i := v.find(name)
	return i >= 0 && !v[i].Excluded
}

// skip appends to dst the first name after name that could be in the view, which
// name is not, or returns nil if there is none. So a walk costs no more for what
// it may not see.
func (v view) skip(dst, name []byte) []byte {
	var own, best, try [128]uint32
	o := subIDs(own[:0], name)
	var least []uint32
	found := false
	consider := func(c []uint32, ok bool) {
		if ok && (!found || slices.Compare(c, least) < 0) {
			least, found = append(best[:0], c...), true
		}
	}
	// Below the family that excludes it, only families that count more can
	// include anything, and behind it, all can: but then the end of this one
	// comes first.
	n := v.find(name)
	if n < 0 {
		n = len(v)
	} else {
		consider(after(append(try[:0], o[:len(v[n].subs)]...)))
	}
	for _, f := range v[:n] {
		if !f.Excluded {
			consider(f.nextMatch(try[:0], o))
		}
	}
	if !found {
		return nil
	}
	return appendSubIDs(dst, least)
}

// nextMatch appends to dst the first name after o that f matches; o it does not.
func (f *family) nextMatch(dst, o []uint32) ([]uint32, bool) {
	k := 0
	for k < len(o) && k < len(f.subs) && (f.isWild(k) || o[k] == f.subs[k]) {
		k++
	}
	if k >= len(f.subs) {
		return nil, false
	}
	dst = append(dst, o[:k]...)
	if k < len(o) && o[k] > f.subs[k] {
		// What o begins with is behind: make a wildcard before it greater.
		for k--; k >= 0 && !(f.isWild(k) && o[k] < math.MaxUint32); k-- {
		}
		if k < 0 {
			return nil, false
		}
		dst = append(dst[:k], o[k]+1)
		k++
	}
	for ; k < len(f.subs); k++ {
		if f.isWild(k) {
			dst = append(dst, 0)
		} else {
			dst = append(dst, f.subs[k])
		}
	}
	return dst, true
}

// after makes o the first name that is behind all that begins with o.
func after(o []uint32) ([]uint32, bool) {
	for n := len(o); n > 0; n-- {
		if o[n-1] < math.MaxUint32 {
			o[n-1]++
			return o[:n], true
		}
	}
	return nil, false
}

func subIDs(dst []uint32, name []byte) []uint32 {
	r := subReader[[]byte]{b: name}
	for len(dst) < cap(dst) {
		sub, ok := r.next()
		if !ok {
			break
		}
		dst = append(dst, sub)
	}
	return dst
}

// appendSubIDs appends the content octets of a name, or returns nil if no name
// begins so.
func appendSubIDs(dst []byte, subs []uint32) []byte {
	var second uint32
	if len(subs) > 1 {
		second = subs[1]
	}
	switch {
	case subs[0] > 2:
		return nil
	case subs[0] < 2 && second > 39:
		return appendSubIDs(dst, []uint32{subs[0] + 1})
	}
	first := uint64(subs[0])*40 + uint64(second)
	if first > math.MaxUint32 {
		dst = append(dst, byte(first>>28)|0x80)
		dst = append(dst, byte(first>>21)|0x80, byte(first>>14)|0x80, byte(first>>7)|0x80, byte(first)&0x7f)
	} else {
		dst = appendSubID(dst, uint32(first))
	}
	for _, sub := range subs[min(2, len(subs)):] {
		dst = appendSubID(dst, sub)
	}
	return dst
}

// tables are the rows that access is decided by.
type tables struct {
	members []Member
	access  []Access
	views   []View
}

// grant adds what g gives to a security name. ID is for the names of the rows.
func (t *tables) grant(g *Grant, model SecurityModel, name, id string, level usm.SecurityLevel) {
	t.views = append(t.views, View{Name: id, Subtree: g.Subtree})
	e := Access{Group: id, Context: g.Context, Prefix: g.Prefix, Model: model, Level: max(level, usm.NoAuthNoPriv), Read: id, Notify: id}
	if g.Write {
		e.Write = id
	}
	t.members = append(t.members, Member{model, name, id})
	t.access = append(t.access, e)
}
