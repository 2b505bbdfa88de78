package agent

import (
	"slices"
	"sort"
)

// leafLen is the greatest number of rows in a leaf.
const leafLen = 128

// rows are the rows of a table in the order of their indexes: a slice of leaves
// of up to leafLen rows each. Finding a row takes two binary searches; adding
// one moves a leaf, and now and then the slice of leaves.
type rows[R any] struct {
	leaves [][]row[R] // none is empty
	count  int
}

// A row is what rows hold: 32 octets and the key. What data points to is not
// changed, but replaced.
type row[R any] struct {
	key    string // content octets of the index
	data   *R
	status RowStatus
}

// newRows returns rows of a slice in order, in full leaves.
func newRows[R any](all []row[R]) rows[R] {
	s := rows[R]{count: len(all)}
	for leaf := range slices.Chunk(all, leafLen) {
		s.leaves = append(s.leaves, leaf[:len(leaf):len(leaf)])
	}
	return s
}

// A place is where a row is: a leaf, and a position in it.
type place struct{ leaf, i int }

// seek returns the place of the first row that is not before key, and whether it
// is of that key. The place of no row is (len(leaves), 0).
func seek[R any, K octets](s *rows[R], key K) (place, bool) {
	leaf := sort.Search(len(s.leaves), func(i int) bool {
		l := s.leaves[i]
		return compare(l[len(l)-1].key, key) >= 0
	})
	if leaf == len(s.leaves) {
		return place{leaf, 0}, false
	}
	l := s.leaves[leaf]
	i := sort.Search(len(l), func(i int) bool { return compare(l[i].key, key) >= 0 })
	return place{leaf, i}, equal(l[i].key, key)
}

// at returns the row in a place, or nil behind the last.
func (s *rows[R]) at(p place) *row[R] {
	if p.leaf == len(s.leaves) {
		return nil
	}
	return &s.leaves[p.leaf][p.i]
}

// after returns the place after p.
func (s *rows[R]) after(p place) place {
	if p.i++; p.i == len(s.leaves[p.leaf]) {
		p = place{p.leaf + 1, 0}
	}
	return p
}

// put adds a row, or replaces the one of its key.
func (s *rows[R]) put(r row[R]) {
	p, found := seek(s, r.key)
	if found {
		s.leaves[p.leaf][p.i] = r
		return
	}
	s.count++
	if p.leaf == len(s.leaves) { // behind all: rows that come in order fill leaves
		if n := len(s.leaves); n > 0 && len(s.leaves[n-1]) < leafLen {
			s.leaves[n-1] = append(s.leaves[n-1], r)
		} else {
			s.leaves = append(s.leaves, []row[R]{r})
		}
		return
	}
	l := s.leaves[p.leaf]
	if len(l) == leafLen {
		half := slices.Clone(l[leafLen/2:])
		clear(l[leafLen/2:])
		s.leaves[p.leaf] = l[:leafLen/2]
		s.leaves = slices.Insert(s.leaves, p.leaf+1, half)
		if p.i > leafLen/2 {
			p = place{p.leaf + 1, p.i - leafLen/2}
		}
	}
	s.leaves[p.leaf] = slices.Insert(s.leaves[p.leaf], p.i, r)
}

// remove takes the row of a key away, if there is one.
func (s *rows[R]) remove(key string) {
	p, found := seek(s, key)
	if !found {
		return
	}
	s.count--
	l := slices.Delete(s.leaves[p.leaf], p.i, p.i+1)
	if s.leaves[p.leaf] = l; len(l) == 0 {
		s.leaves = slices.Delete(s.leaves, p.leaf, p.leaf+1)
	}
}
