package snmp

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Walk returns the instances below root in their order, by GetNext in SNMPv1
// and by GetBulk otherwise. The zero OID is the root of all. It ends at the
// first OID outside of root, or where the agent has no more. An error comes
// last and with the zero VarBind; it is below [ErrNotIncreasing] if the agent
// goes backwards. See Parallel, Unordered and Lenient of [Config].
func (c *Client) Walk(ctx context.Context, root OID) iter.Seq2[VarBind, error] {
	return func(yield func(VarBind, error) bool) {
		if c.cfg.Parallel > 1 && !c.cfg.Lenient {
			w := parallelWalk[VarBind]{c: c, end: root.NextSibling(), key: func(vb VarBind) OID { return vb.OID }}
			w.open = func(after OID) func(context.Context) ([]VarBind, error) {
				next := newWalker(c, root, after)
				return w.share(&next.pace, next.next)
			}
			w.run(ctx, walkStart(root), yield)
			return
		}
		w := newWalker(c, root, walkStart(root))
		for {
			vbs, err := w.next(ctx)
			for _, vb := range vbs {
				if !yield(vb, nil) {
					return
				}
			}
			if err != nil {
				yield(VarBind{}, err)
			}
			if err != nil || len(vbs) == 0 {
				return
			}
		}
	}
}

// A walker gets instances below root.
type walker struct {
	c     *Client
	root  OID
	order order
	pace  pace
	ended bool
}

func newWalker(c *Client, root, after OID) *walker {
	return &walker{c: c, root: root, order: order{last: after, lenient: c.cfg.Lenient}, pace: c.newPace()}
}

// next returns the next instances, none after the last. There may be some besides
// an error.
func (w *walker) next(ctx context.Context) ([]VarBind, error) {
	if w.ended {
		return nil, nil
	}
	vbs, err := w.c.step(ctx, &w.pace, []OID{w.order.last})
	if w.c.isEnd(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, vb := range vbs {
		if vb.Value.kind == KindEndOfMIBView || !vb.OID.HasPrefix(w.root) {
			w.ended = true
			return vbs[:i], nil
		}
		if err := w.order.next(vb.OID); err != nil {
			return vbs[:i], err
		}
	}
	return vbs, nil
}

// walkStart returns the OID whose successor is the first below root.
func walkStart(root OID) OID {
	if root.IsZero() {
		return OID{"\x00"} // 0.0, which is no instance
	}
	return root
}

// isEnd reports whether err says that there are no more instances, as SNMPv1
// does.
func (c *Client) isEnd(err error) bool {
	return err != nil && c.cfg.Version == V1 && errors.Is(err, NoSuchName)
}

// An order checks that a walk comes to an end.
type order struct {
	last    OID
	lenient bool
	seen    map[OID]bool // of a lenient walk; at most maxSeen
	mark    OID          // one that was seen, at a distance that doubles
	n       int
}

// maxSeen is how many OIDs a lenient walk remembers, a few megabytes. A loop that
// is longer is found by the mark in it, after three times its length at most.
const maxSeen = 1 << 16

func (o *order) next(oid OID) error {
	bad := false
	if o.lenient {
		if o.n == 0 || len(o.seen) == maxSeen {
			o.seen = make(map[OID]bool)
		}
		bad = o.seen[oid] || oid == o.mark
		o.seen[oid] = true
		if o.n++; o.n&(o.n-1) == 0 {
			o.mark = oid
		}
	} else {
		bad = oid.Compare(o.last) <= 0
	}
	if bad {
		return notIncreasing(oid, o.last)
	}
	o.last = oid
	return nil
}

func notIncreasing(oid, last OID) error {
	return &detail{"walk: " + oid.String() + " after " + last.String(), ErrNotIncreasing}
}

// A pace is how many repetitions the requests of a walk ask for.
type pace struct {
	n, limit int
	auto     bool // n follows the size of answers
	heard    bool // there was an answer
}

const (
	startRepetitions = 20
	maxRepetitions   = 200
	goodSize         = 1400 // octets of an answer that a network carries in one packet
)

func (c *Client) newPace() pace {
	if n := c.cfg.MaxRepetitions; n > 0 {
		return pace{n: n, limit: n}
	}
	return pace{n: startRepetitions, limit: maxRepetitions, auto: true}
}

// adapt takes what an answer of size octets tells, which came after elapsed and
// has rounds of the n that were asked for.
func (p *pace) adapt(size, rounds int, elapsed, timeout time.Duration) {
	asked := p.n
	p.heard = true
	switch {
	case elapsed > timeout/2:
		p.n = max(1, asked/2) // slow: do not come near the timeout
	case elapsed > timeout/4:
	case p.auto && rounds >= asked && size > 0:
		p.n = min(max(asked*goodSize/size, asked/2, 1), 2*asked, p.limit)
	case !p.auto && asked < p.limit && rounds >= asked:
		p.n = min(asked+asked/4+1, p.limit)
	}
}

// step returns instances after each of at, by turns. There is at least one, or
// an error.
func (c *Client) step(ctx context.Context, p *pace, at []OID) ([]VarBind, error) {
	if c.cfg.Version == V1 {
		return c.GetNext(ctx, at...)
	}
	timeout := c.cfg.Timeout
	if timeout == 0 {
		timeout = time.Second
	}
	for {
		start := c.cfg.Now()
		vbs, size, err := c.get(ctx, &PDU{Type: GetBulkRequest, MaxRepetitions: p.n}, at)
		if isTooLarge(err) && p.n == 1 {
			vbs, size, err = c.bulk(ctx, 0, 1, at)
		}
		switch {
		case err == nil && len(vbs) == 0:
			return nil, badAnswer("no bindings", nil)
		case err == nil:
			p.adapt(size, len(vbs)/len(at), c.cfg.Now().Sub(start), timeout)
			return vbs, nil
		case isTooLarge(err) && p.n > 1:
			p.n /= 2
			p.limit = p.n
		case isTimeout(err) && p.heard && p.n > 1 && ctx.Err() == nil:
			p.n = 1 // it has answered before: perhaps this is too much
		default:
			return nil, err
		}
	}
}
