package snmp

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
)

// A parallelWalk is a walk with several requests in flight, for instances or for
// rows. What is below its root is divided into spans, each walked by one worker.
// A worker without a span takes the upper part of one that has proved to be
// large. Where to divide it nobody knows at first: the number behind the common
// start of what it holds is doubled, which passes from column to column and then
// from row to row, until the upper part turns out to be empty and its end is
// known; and from then on the middle is taken. As all spans together are the
// whole, and each is walked in strict order, nothing is missed or found twice,
// wherever it is divided.
type parallelWalk[T any] struct {
	c   *Client
	end OID // what comes after root

	// open returns what gets the items of a span, in strict order: some, or
	// last of all none. The function is used by one goroutine at a time.
	open func(after OID) func(ctx context.Context) ([]T, error)
	key  func(T) OID // where an item stands

	reps atomic.Int64 // repetitions that have proved good; 0 at first

	mu       sync.Mutex
	changed  sync.Cond
	head     *span[T] // in the order of their OIDs
	buffered int      // items that the caller has not taken
	stopped  bool
}

// maxBuffered is how many items wait for the caller before only the span that
// the caller waits for is walked on.
const maxBuffered = 1 << 14

// A span holds the items after an OID, up to and including another.
type span[T any] struct {
	next  func(ctx context.Context) ([]T, error)
	last  OID // of the items that came, or where the span starts
	upto  OID // zero is the end of root
	items []T
	fresh bool // has grown since it was divided
	done  bool
	err   error
	after *span[T]
}

// run walks what is after start with Config.Parallel requests.
func (w *parallelWalk[T]) run(ctx context.Context, start OID, yield func(T, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	w.changed.L = &w.mu
	w.head = &span[T]{next: w.open(start), last: start}
	var workers sync.WaitGroup
	first := w.head
	for range w.c.cfg.Parallel {
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
		items, err, more := w.take()
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		if !more {
			return
		}
	}
}

// take waits for items that can be returned. More is false after the last.
func (w *parallelWalk[T]) take() (items []T, err error, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for w.head.done && len(w.head.items) == 0 {
			if w.head.err != nil {
				return nil, w.head.err, true
			}
			if w.head.after == nil {
				return nil, nil, false
			}
			w.head = w.head.after
			w.changed.Broadcast()
		}
		sp := w.head
		if w.c.cfg.Unordered {
			for len(sp.items) == 0 && sp.err == nil && sp.after != nil {
				sp = sp.after
			}
		}
		if len(sp.items) > 0 {
			items, sp.items = sp.items, nil
			w.buffered -= len(items)
			w.changed.Broadcast()
			return items, nil, true
		}
		if sp.err != nil {
			return nil, sp.err, true
		}
		w.changed.Wait()
	}
}

// work walks sp, and then one span after another that it takes from others.
func (w *parallelWalk[T]) work(ctx context.Context, sp *span[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.stopped && !w.complete() {
		if sp == nil || sp.done {
			sp = w.divide()
		}
		if sp == nil || w.buffered >= maxBuffered && !(sp == w.head && len(sp.items) == 0) {
			w.changed.Wait()
			continue
		}
		w.mu.Unlock()
		items, err := sp.next(ctx)
		w.mu.Lock()
		w.add(sp, items, err)
		w.changed.Broadcast()
	}
}

// share makes the repetitions of p those of spans to come, before and after f
// gets items with them.
func (w *parallelWalk[T]) share(p *pace, f func(context.Context) ([]T, error)) func(context.Context) ([]T, error) {
	if n := w.reps.Load(); n > 0 {
		p.n = int(n)
	}
	return func(ctx context.Context) ([]T, error) {
		items, err := f(ctx)
		w.reps.Store(int64(p.n))
		return items, err
	}
}

// complete reports whether all spans are.
func (w *parallelWalk[T]) complete() bool {
	for sp := w.head; sp != nil; sp = sp.after {
		if !sp.done {
			return false
		}
	}
	return true
}

// add takes what came for sp.
func (w *parallelWalk[T]) add(sp *span[T], items []T, err error) {
	for _, item := range items {
		o := w.key(item)
		if !sp.upto.IsZero() && o.Compare(sp.upto) > 0 {
			sp.done = true
			return
		}
		sp.last, sp.fresh = o, true
		sp.items = append(sp.items, item)
		w.buffered++
	}
	if err != nil || len(items) == 0 {
		sp.done, sp.err = true, err
	}
}

// divide takes the upper part of a span that has grown since it was last
// divided, so that there are never more requests for nothing than for
// something. It returns nil if there is none.
func (w *parallelWalk[T]) divide() *span[T] {
	for sp := w.head; sp != nil; sp = sp.after {
		if sp.done || !sp.fresh {
			continue
		}
		sp.fresh = false
		end := sp.upto
		if end.IsZero() {
			end = w.end
		}
		if at := between(sp.last, end); !at.IsZero() {
			upper := &span[T]{next: w.open(at), last: at, upto: sp.upto, after: sp.after}
			sp.upto, sp.after = at, upper
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
