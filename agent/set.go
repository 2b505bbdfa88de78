package agent

import (
	"context"
	"slices"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// A part is the bindings of a SET that one Setter gets.
type part struct {
	m      *mount
	index  []int // of the bindings in the request, from 1
	vbs    []snmp.VarBind
	change Change
}

// set does a SET (RFC 3416, section 4.2.5): all handlers test, then all commit.
// If one fails, those before it undo, the last one first.
func (r *request) set() {
	vbs, err := r.p.VarBinds()
	if err != nil {
		r.drop = true
		return
	}
	r.a.stats.snmpInTotalSetVars.Add(uint32(len(vbs)))
	parts := r.split(vbs)
	if r.status != snmp.NoError || len(parts) == 0 {
		return
	}

	// One at a time, as if all variables were set at once.
	wait := time.NewTimer(r.left())
	defer wait.Stop()
	select {
	case r.a.setting <- struct{}{}:
		defer func() { <-r.a.setting }()
	case <-wait.C:
		r.index = 0
		r.fail(errTime)
		return
	}
	r.test(parts)
	if r.status == snmp.NoError {
		r.commit(parts)
	}
	r.extend()
	for _, p := range slices.Backward(parts) {
		if p.change.Cleanup != nil {
			r.do(p.m, func(context.Context) error { p.change.Cleanup(); return nil })
		}
	}
}

// extend gives handlers time again: what was begun must be ended.
func (r *request) extend() {
	if r.cancel != nil {
		r.cancel()
	}
	r.deadline, r.ctx, r.cancel = time.Time{}, nil, nil
}

// do calls f, which is a handler's.
func (r *request) do(m *mount, f func(ctx context.Context) error) error {
	c := r.a.calls.Get().(*call)
	c.do, c.ctx = f, r.context()
	_, err := r.call(m, c)
	return err
}

// split makes the parts, and refuses what has no Setter or may not be set.
func (r *request) split(vbs []snmp.VarBind) []*part {
	var (
		parts   []*part
		byMount = make(map[*mount]*part)
	)
	for i, vb := range vbs {
		r.index = i + 1
		r.name = vb.OID.AppendBER(r.name[:0])
		if !r.view.has(r.name) {
			r.status = snmp.NoAccess
			return nil
		}
		m := r.tree.at(r.name)
		if m == nil {
			r.status = snmp.NotWritable
			return nil
		}
		if _, ok := m.handler.(Setter); !ok {
			r.status = snmp.NotWritable
			return nil
		}
		p := byMount[m]
		if p == nil {
			p = &part{m: m}
			parts, byMount[m] = append(parts, p), p
		}
		p.index = append(p.index, i+1)
		p.vbs = append(p.vbs, vb)
	}
	return parts
}

// test asks all parts, and reports the fault that comes first in the request.
func (r *request) test(parts []*part) {
	for _, p := range parts {
		if r.status != snmp.NoError && p.index[0] > r.index {
			continue
		}
		var change Change
		err := r.do(p.m, func(ctx context.Context) (err error) {
			change, err = p.m.handler.(Setter).Test(ctx, p.m.oid, p.vbs)
			return err
		})
		if err == nil {
			p.change = change
			continue
		}
		if i := p.index[indexOf(err, len(p.index))]; r.status == snmp.NoError || i < r.index {
			r.index = i
			r.fail(err)
		}
	}
}

func (r *request) commit(parts []*part) {
	for i, p := range parts {
		if p.change.Commit == nil {
			continue
		}
		err := r.do(p.m, p.change.Commit)
		if err == nil {
			continue
		}
		r.fail(err) // tells OnError
		r.status, r.index = snmp.CommitFailed, p.index[indexOf(err, len(p.index))]
		r.extend()
		for _, p := range slices.Backward(parts[:i]) {
			if p.change.Undo == nil && p.change.Commit == nil {
				continue
			}
			if p.change.Undo == nil || r.do(p.m, p.change.Undo) != nil {
				r.status, r.index = snmp.UndoFailed, 0
			}
		}
		return
	}
}
