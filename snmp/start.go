package snmp

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// A started is a Get that nobody waits for.
type started struct {
	scratch
	c       *Client
	p       PDU
	engine  *engine // SNMPv3
	user    *usm.LocalUser
	done    func([]VarBind, error)
	begin   time.Time // if hooks or the pulse need it
	timeout time.Duration
	ended   func(rsp []byte, err error) // the method end
}

var startedPool sync.Pool // of *started

func newStarted() *started {
	if a, ok := startedPool.Get().(*started); ok {
		return a
	}
	a := new(started)
	a.ended = a.end
	return a
}

func (a *started) free() {
	clear(a.vbs)
	a.req, a.buf, a.scoped, a.vbs, a.parser = a.req[:0], a.buf[:0], a.scoped[:0], a.vbs[:0], Parser{}
	a.c, a.p, a.engine, a.user, a.done = nil, PDU{}, nil, nil, nil
	if cap(a.req)+cap(a.buf)+cap(a.scoped) <= maxScratch && cap(a.vbs) <= maxScratch/48 {
		startedPool.Put(a)
	}
}

// StartGet is [Client.Get] without the wait: done is called once with what Get
// would return, unless StartGet returns an error. Done may call StartGet, but
// must not block: it runs on a goroutine of the Conn, if that is able to exchange
// without blocking (see [Conn]), and else on one of its own. Oids that do not
// fit in one message are not split.
func (c *Client) StartGet(done func([]VarBind, error), oids ...OID) error {
	if len(oids) == 0 {
		return errNothing(GetRequest)
	}
	conn, ok := c.conn.(starter)
	var e *engine
	if c.cfg.Version == V3 {
		e = c.known()
	}
	if !ok || c.cfg.Version == V3 && e == nil {
		own := slices.Clone(oids)
		go c.getFor(done, own)
		return nil
	}
	a := newStarted()
	a.c, a.engine, a.done = c, e, done
	for _, o := range oids {
		a.vbs = append(a.vbs, VarBind{OID: o})
	}
	a.p = PDU{Type: GetRequest, VarBinds: a.vbs}
	var err error
	if e != nil {
		a.user, err = c.seal(e, c.cfg.level(), &a.p, &a.scratch)
	} else {
		err = c.encode(&a.p, &a.scratch)
	}
	if err != nil {
		a.free()
		return err
	}
	a.timeout = c.cfg.Timeout
	retries := c.cfg.Retries
	if c.cfg.MaxTimeout > 0 {
		c.peer.mu.Lock()
		a.timeout = c.peer.pulse.timeout(c.cfg)
		if c.peer.pulse.silent >= maxSilent {
			retries = -1
		}
		c.peer.mu.Unlock()
	}
	if c.cfg.MaxTimeout > 0 || c.cfg.Hooks != nil {
		a.begin = c.cfg.Now()
		if c.cfg.Hooks != nil {
			c.cfg.Hooks.Request(a.p.Type, len(a.req))
		}
	}
	if err = conn.Start(uint32(a.p.RequestID), a.req, a.buf, a.timeout, retries, a.ended); err != nil {
		a.free()
	}
	return err
}

// getFor is Get with the result given to done.
func (c *Client) getFor(done func([]VarBind, error), oids []OID) {
	vbs, _, err := c.get(context.Background(), &PDU{Type: GetRequest}, oids)
	done(vbs, err)
}

// known returns the peer's engine if messages can be built for it at once.
func (c *Client) known() *engine {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	return c.usable(nil)
}

// end takes the answer.
func (a *started) end(rsp []byte, err error) {
	c, done := a.c, a.done
	if rsp != nil {
		a.buf = rsp
	}
	if c.cfg.Hooks != nil || c.cfg.MaxTimeout > 0 {
		a.observe(err)
	}
	var vbs []VarBind
	if err == nil {
		var v verdict
		if a.engine != nil {
			v, err = c.openAnswer(a.engine, a.user, c.cfg.level(), &a.p, &a.scratch)
		} else {
			err = c.dropped(c.checkAnswer(&a.p, &a.scratch))
		}
		if v == again || v == elsewhere {
			// What is to be done now may take several messages.
			oids := make([]OID, len(a.vbs))
			for i := range oids {
				oids[i] = a.vbs[i].OID
			}
			a.free()
			go c.getFor(done, oids)
			return
		}
	}
	if err == nil {
		vbs, err = results(&a.p, &a.scratch)
	}
	a.free()
	done(vbs, err)
}

// observe tells the hooks and the pulse of the answer, or of none.
func (a *started) observe(err error) {
	c := a.c
	elapsed := c.cfg.Now().Sub(a.begin)
	if h := c.cfg.Hooks; h != nil {
		h.Answer(a.p.Type, len(a.buf), elapsed, err)
	}
	if c.cfg.MaxTimeout == 0 {
		return
	}
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	switch pl := &c.peer.pulse; {
	case err == nil && elapsed < a.timeout:
		pl.answered(elapsed)
	case err == nil:
		pl.answered(0)
	case isTimeout(err):
		pl.silent = min(pl.silent+1, maxSilent)
		if pl.timeout(c.cfg) <= a.timeout {
			pl.backoff = min(pl.backoff+1, maxBackoff)
		}
	}
}
