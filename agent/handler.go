package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// A Handler has the objects of the subtree below root, where it was put with
// [Agent.Handle]. Its methods run concurrently, on goroutines of their own. The
// context ends when the time of the request has passed: see Config.Timeout. Any
// error makes the answer a genErr, unless it is or wraps an [snmp.ErrorStatus].
type Handler interface {
	// Get returns the value of the instance oid, which is root or lies below
	// it. If there is no such instance, it returns Null, and if there is no
	// such object, the exception noSuchObject.
	Get(ctx context.Context, root, oid snmp.OID) (snmp.Value, error)

	// Next returns the first instance after oid, in the order of OIDs, and its
	// value. Oid is root or lies below it. Next returns the zero VarBind after
	// the last instance.
	Next(ctx context.Context, root, oid snmp.OID) (snmp.VarBind, error)
}

// A Setter is a Handler whose objects can be set.
type Setter interface {
	Handler

	// Test tells whether all of vbs, which are the bindings of one request
	// at or below root, can be set together (RFC 3416,
	// section 4.2.5). It changes nothing that anybody can see. If it returns
	// no error, then Cleanup of the Change is called later, whatever happens.
	//
	// An error that is or wraps an [*snmp.ResponseError] says which binding
	// is at fault, by its Index in vbs from 1. With a plain
	// [snmp.ErrorStatus] it is the first.
	Test(ctx context.Context, root snmp.OID, vbs []snmp.VarBind) (Change, error)
}

// A Change is what a Setter has agreed to do. Its functions may be nil.
type Change struct {
	// Commit makes the change. It is called once all handlers of the request
	// have agreed. If it fails, which makes the answer a commitFailed, it
	// must leave everything as it was.
	Commit func(ctx context.Context) error

	// Undo takes the change back, because the Commit of another handler has
	// failed. Handlers are undone in reverse order.
	Undo func(ctx context.Context) error

	// Cleanup ends the change, made or not, and frees what Test has taken.
	Cleanup func()
}

// bindingError returns the error of the i-th of a handler's bindings, from 0.
func bindingError(i int, s snmp.ErrorStatus) error {
	return &snmp.ResponseError{Status: s, Index: i + 1}
}

// statusOf returns the status that err stands for.
func statusOf(err error) snmp.ErrorStatus {
	var s snmp.ErrorStatus
	if errors.As(err, &s) && s != snmp.NoError {
		return s
	}
	return snmp.GenErr
}

// indexOf returns which of n bindings err is about, from 0.
func indexOf(err error, n int) int {
	var e *snmp.ResponseError
	if errors.As(err, &e) && e.Index >= 1 && e.Index <= n {
		return e.Index - 1
	}
	return 0
}

// maxRunning is the greatest number of calls of one handler that run at once,
// those that hang included. What comes on top fails at once.
const maxRunning = 64

// A call is one call of code that is not ours, on a goroutine of its own.
type call struct {
	// What to do: one of these.
	read func() snmp.Value
	get  Handler
	next Handler
	do   func(ctx context.Context) error

	ctx context.Context
	oid snmp.OID

	// What came of it.
	vb  snmp.VarBind
	err error

	m     *mount
	run   func() // c.main, made once
	done  chan struct{}
	timer *time.Timer
}

func newCall() *call {
	c := &call{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	c.timer.Stop()
	c.run = c.main
	return c
}

func (c *call) main() {
	defer func() {
		if v := recover(); v != nil {
			c.err = fmt.Errorf("agent: handler of %v panicked: %v", c.m.oid, v)
		}
		c.m.running.Add(-1)
		c.done <- struct{}{}
	}()
	switch {
	case c.read != nil:
		c.vb.Value = c.read()
	case c.get != nil:
		c.vb.Value, c.err = c.get.Get(c.ctx, c.m.oid, c.oid)
	case c.next != nil:
		c.vb, c.err = c.next.Next(c.ctx, c.m.oid, c.oid)
	default:
		c.err = c.do(c.ctx)
	}
}

var (
	errBusy = errors.New("agent: too many calls of the handler have not returned")
	errTime = errors.New("agent: handler has not returned in time")
)

// call runs c for m until the request's deadline, and returns what came of it.
// It owns c.
func (r *request) call(m *mount, c *call) (snmp.VarBind, error) {
	left := r.left()
	if left <= 0 {
		return snmp.VarBind{}, errTime
	}
	if m.running.Add(1) > maxRunning {
		m.running.Add(-1)
		return snmp.VarBind{}, errBusy
	}
	c.m = m
	c.timer.Reset(left)
	go c.run()
	select {
	case <-c.done:
	case <-c.timer.C:
		return snmp.VarBind{}, errTime // and c belongs to its goroutine
	}
	c.timer.Stop()
	vb, err := c.vb, c.err
	*c = call{run: c.run, done: c.done, timer: c.timer}
	r.a.calls.Put(c)
	return vb, err
}

// left returns how long the request may still take.
func (r *request) left() time.Duration {
	if r.deadline.IsZero() {
		r.deadline = time.Now().Add(r.a.cfg.Timeout)
	}
	return time.Until(r.deadline)
}

// context returns the context for handlers.
func (r *request) context() context.Context {
	if r.ctx == nil {
		r.left()
		parent := r.parent
		if r.who != nil {
			parent = context.WithValue(parent, whoKey{}, string(r.who))
		}
		r.ctx, r.cancel = context.WithDeadline(parent, r.deadline)
	}
	return r.ctx
}

// whoKey is the key of the name of the v3 user who asks, in a context.
type whoKey struct{}

// fail makes the answer an error.
func (r *request) fail(err error) {
	r.status = statusOf(err)
	if r.status == snmp.GenErr && r.a.cfg.OnError != nil {
		r.a.cfg.OnError(err)
	}
}

// foreign is the source of a Handler from outside of this package.
type foreign struct{ h Handler }

func (f *foreign) get(r *request, name []byte) snmp.Value {
	c := r.a.calls.Get().(*call)
	c.get, c.ctx, c.oid = f.h, r.context(), toOID(name)
	vb, err := r.call(r.mount, c)
	if err != nil {
		r.fail(err)
	}
	return vb.Value
}

func (f *foreign) next(r *request, dst, name []byte) ([]byte, snmp.Value) {
	m, at := r.mount, toOID(name)
	for {
		c := r.a.calls.Get().(*call)
		c.next, c.ctx, c.oid = f.h, r.context(), at
		vb, err := r.call(m, c)
		switch {
		case err != nil:
			r.fail(err)
			return nil, snmp.Value{}
		case vb.OID.IsZero():
			return nil, snmp.Value{}
		case vb.OID.Compare(at) <= 0 || !vb.OID.HasPrefix(m.oid):
			r.fail(fmt.Errorf("agent: handler of %v: %v does not come next after %v", m.oid, vb.OID, at))
			return nil, snmp.Value{}
		case hasValue(vb.Value):
			return vb.OID.AppendBER(dst), vb.Value
		}
		at = vb.OID
	}
}
