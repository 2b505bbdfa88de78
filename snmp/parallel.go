package snmp

import (
	"context"
	"math"
	"sync"
)

// A parallelWalk is a walk with several requests in flight. The instances below
// its root are divided into spans, each walked by one worker. A worker without a
// span takes the upper part of one that has proved to be large. Where to divide
// it nobody knows at first: the number behind the common start of what it holds
// is doubled, which passes from column to column and then from row to row, until
// the upper part turns out to be empty and its end is known; and from then on
// the middle is taken. As all spans together are the whole, and each is walked
// in strict order, nothing is missed or found twice, wherever it is divided.
type parallelWalk struct {
	c    *Client
	root OID

	mu       sync.Mutex
	changed  sync.Cond
	head     *span // in the order of their OIDs
	buffered int   // instances that the caller has not taken
	stopped  bool
}

// maxBuffered is how many instances wait for the caller before only the span
// that the caller waits for is walked on.
const maxBuffered = 1 << 14

// A span holds the instances after an OID, up to and including another.
type span struct {
	last  OID // of the instances that came, or where the span starts
	upto  OID // zero is the end of root
	rows  []VarBind
	fresh bool // has grown since it was divided
	done  bool
	err   error
	next  *span
}

// walkParallel is Walk with Config.Parallel requests.
func (c *Client) walkParallel(ctx context.Context, root OID, yield func(VarBind, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	w := &parallelWalk{c: c, root: root, head: &span{last: walkStart(root)}}
	w.changed.L = &w.mu
	var workers sync.WaitGroup
	first := w.head
	for range c.cfg.Parallel {
		sp := first
		first = nil
		workers.Go(func() { w.work(ctx, sp) })
	}
	defer func() {
		w.mu.Lock()
		w.stopped = true
		w.changed.Broadcast()
		w.mu.Unlock()
		cancel()
		workers.Wait()
	}()
	for {
		rows, err, more := w.take()
		for _, vb := range rows {
			if !yield(vb, nil) {
				return
			}
		}
		if err != nil {
			yield(VarBind{}, err)
			return
		}
		if !more {
			return
		}
	}
}

// take waits for instances that can be returned. More is false after the last.
func (w *parallelWalk) take() (rows []VarBind, err error, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for w.head.done && len(w.head.rows) == 0 {
			if w.head.err != nil {
				return nil, w.head.err, true
			}
			if w.head.next == nil {
				return nil, nil, false
			}
			w.head = w.head.next
			w.changed.Broadcast()
		}
		sp := w.head
		if w.c.cfg.Unordered {
			for len(sp.rows) == 0 && sp.err == nil && sp.next != nil {
				sp = sp.next
			}
		}
		if len(sp.rows) > 0 {
			rows, sp.rows = sp.rows, nil
			w.buffered -= len(rows)
			w.changed.Broadcast()
			return rows, nil, true
		}
		if sp.err != nil {
			return nil, sp.err, true
		}
		w.changed.Wait()
	}
}

// work walks sp, and then one span after another that it takes from others.
func (w *parallelWalk) work(ctx context.Context, sp *span) {
	pace := w.c.newPace()
	for {
		w.mu.Lock()
		for {
			if w.stopped {
				w.mu.Unlock()
				return
			}
			if w.complete() {
				w.mu.Unlock()
				return
			}
			if sp == nil || sp.done {
				sp = w.divide()
			}
			if sp != nil && (w.buffered < maxBuffered || sp == w.head && len(sp.rows) == 0) {
				break
			}
			w.changed.Wait()
		}
		last := sp.last
		w.mu.Unlock()
		vbs, err := w.c.step(ctx, &pace, []OID{last})
		w.mu.Lock()
		w.add(sp, vbs, err)
		w.changed.Broadcast()
		w.mu.Unlock()
	}
}

// complete reports whether all spans are.
func (w *parallelWalk) complete() bool {
	for sp := w.head; sp != nil; sp = sp.next {
		if !sp.done {
			return false
		}
	}
	return true
}

// add takes what came for sp.
func (w *parallelWalk) add(sp *span, vbs []VarBind, err error) {
	if err != nil {
		sp.done = true
		if !w.c.isEnd(err) {
			sp.err = err
		}
		return
	}
	for _, vb := range vbs {
		switch {
		case vb.Value.kind == KindEndOfMIBView || !vb.OID.HasPrefix(w.root) || !sp.upto.IsZero() && vb.OID.Compare(sp.upto) > 0:
			sp.done = true
			return
		case vb.OID.Compare(sp.last) <= 0:
			sp.done, sp.err = true, notIncreasing(vb.OID, sp.last)
			return
		}
		sp.last, sp.fresh = vb.OID, true
		sp.rows = append(sp.rows, vb)
		w.buffered++
	}
}

// divide takes the upper part of a span that has grown since it was last
// divided, so that there are never more requests for nothing than for
// something. It returns nil if there is none.
func (w *parallelWalk) divide() *span {
	for sp := w.head; sp != nil; sp = sp.next {
		if sp.done || !sp.fresh {
			continue
		}
		sp.fresh = false
		end := sp.upto
		if end.IsZero() {
			end = w.root.NextSibling()
		}
		if at := between(sp.last, end); !at.IsZero() {
			upper := &span{last: at, upto: sp.upto, next: sp.next}
			sp.upto, sp.next = at, upper
			return upper
		}
	}
	return nil
}

// between returns an OID to divide what lies between two, or the zero OID if
// there is none. The zero end is that of all OIDs.
func between(last, end OID) OID {
	var buf [2 * (maxSubIDs + 1)]uint32
	a, b := buf[:0:maxSubIDs+1], buf[maxSubIDs+1:][:0]
	for sub := range last.SubIDs() {
		a = append(a, sub)
	}
	for sub := range end.SubIDs() {
		b = append(b, sub)
	}
	k := 0
	for k < len(a) && k < len(b) && a[k] == b[k] {
		k++
	}
	a = append(a, 0) // what an OID that ends has behind it
	if k < len(b) && k < len(a) && k > 1 && b[k]-a[k] >= 2 {
		return divided(last, end, append(a[:k], a[k]+(b[k]-a[k])/2))
	}
	for k++; k < len(a); k++ {
		if k < 2 {
			continue
		}
		// The end is not known here: try twice the number.
		n := a[k]
		step := max(1, min(n, (math.MaxUint32-n)/2))
		if n <= math.MaxUint32-step {
			return divided(last, end, append(a[:k], n+step))
		}
	}
	return OID{}
}

func divided(last, end OID, subs []uint32) OID {
	at := OID{}.Append(subs...)
	if at.IsZero() || at.Compare(last) <= 0 || !end.IsZero() && at.Compare(end) >= 0 {
		return OID{}
	}
	return at
}
