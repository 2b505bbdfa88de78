package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pollux-snmp/pollux/internal/ber"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A request is one request at work, and buffers that are used again.
type request struct {
	a      *Agent
	parent context.Context
	msg    []byte
	src    netip.AddrPort
	p      snmp.Parser

	// Who asks, and for what.
	version snmp.Version
	who     []byte // the user of v3
	tree    *tree
	entry   *entry
	view    view

	// What handlers need; see left and context.
	deadline time.Time
	ctx      context.Context
	cancel   context.CancelFunc
	mount    *mount // the one that is asked

	// The answer so far. Index is the binding at work, from 1.
	status snmp.ErrorStatus
	index  int
	drop   bool // no answer

	steps                  int
	name, tmp, jump, start []byte
	cols                   []column
	scoped, rsp            []byte
}

// A column is one of the repeated bindings of a GETBULK.
type column struct {
	name []byte
	end  bool
}

// maxKept is the greatest number of columns that a request keeps buffers for.
const maxKept = 256

// release makes r ready for another request.
func (r *request) release() {
	if r.cancel != nil {
		r.cancel()
	}
	if len(r.cols) > maxKept {
		r.cols = nil
	}
	*r = request{a: r.a, name: r.name, tmp: r.tmp, jump: r.jump, start: r.start, cols: r.cols[:0], scoped: r.scoped, rsp: r.rsp}
	r.a.requests.Put(r)
}

func (r *request) respond(dst []byte) []byte {
	st := &r.a.stats
	st.snmpInPkts.Add(1)
	if err := r.p.Start(r.msg); err != nil {
		if errors.Is(err, snmp.ErrVersion) {
			st.snmpInBadVersions.Add(1)
		} else {
			st.snmpInASNParseErrs.Add(1)
		}
		return nil
	}
	r.version = r.p.Version()
	var out []byte
	if r.version == snmp.V3 {
		out = r.respondV3(dst)
	} else {
		out = r.respondCommunity(dst)
	}
	if out != nil {
		st.snmpOutPkts.Add(1)
	}
	return out
}

// messageOverhead is the most that tags, lengths and version of a message with a
// community take.
const messageOverhead = 4 + 3 + 4

// respondCommunity answers a message of v1 or v2c (RFC 3584, section 5.2).
func (r *request) respondCommunity(dst []byte) []byte {
	community := r.p.RawCommunity()
	c := r.a.community(community, r.src.Addr())
	if c == nil {
		r.a.stats.snmpInBadCommunityNames.Add(1)
		r.a.authFailure(r.src)
		return nil
	}
	model, version := V1Model, int64(0)
	if r.version == snmp.V2c {
		model, version = V2cModel, 1
	}
	t, ok := (*r.a.contexts.Load())[c.Context]
	if !ok {
		r.a.stats.snmpUnknownContexts.Add(1)
		return nil
	}
	r.tree = t
	r.entry = r.a.acl.Load().find(model, c.name, usm.NoAuthNoPriv, c.context)

	start := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	dst = ber.AppendInt(dst, ber.Integer, version)
	dst = ber.AppendBytes(dst, ber.OctetString, community)
	dst = r.appendPDU(dst, r.a.cfg.MaxSize-messageOverhead-len(community))
	if dst == nil {
		return nil
	}
	return ber.End(dst, start)
}

// community returns what a community from addr stands for, or nil.
func (a *Agent) community(name []byte, addr netip.Addr) *community {
	for _, c := range (*a.communities.Load())[string(name)] {
		if !c.Source.IsValid() || c.Source.Contains(addr.Unmap().WithZone("")) {
			return c
		}
	}
	return nil
}

// appendPDU does what the PDU of the request asks, and appends a Response of at
// most limit octets. It returns nil if there is to be no answer.
func (r *request) appendPDU(dst []byte, limit int) []byte {
	pdu := r.p.PDU()
	st := &r.a.stats
	switch pdu.Type {
	case snmp.GetRequest:
		st.snmpInGetRequests.Add(1)
	case snmp.GetNextRequest, snmp.GetBulkRequest:
		st.snmpInGetNexts.Add(1)
	case snmp.SetRequest:
		st.snmpInSetRequests.Add(1)
	default: // notifications and answers are not for a command responder
		return nil
	}
	out := r.try(dst, &pdu, limit)
	if r.drop {
		st.snmpInASNParseErrs.Add(1)
		return nil
	}
	if r.status == snmp.NoError && len(out)-len(dst) > limit {
		r.status = snmp.TooBig
	}
	if r.status == snmp.NoError {
		st.snmpOutGetResponses.Add(1)
		return out
	}
	if r.status == snmp.TooBig {
		r.index = 0
	}
	if r.version == snmp.V1 {
		r.status = r.status.V1()
	}
	out = r.appendError(dst, &pdu, r.version == snmp.V1 || r.status != snmp.TooBig)
	if len(out)-len(dst) > limit {
		// Not even the error fits (RFC 3416, section 4.2.1).
		r.status, r.index = snmp.TooBig, 0
		if out = r.appendError(dst, &pdu, r.version == snmp.V1); len(out)-len(dst) > limit {
			st.snmpSilentDrops.Add(1)
			return nil
		}
	}
	st.snmpOutGetResponses.Add(1)
	switch r.status {
	case snmp.TooBig:
		st.snmpOutTooBigs.Add(1)
	case snmp.NoSuchName:
		st.snmpOutNoSuchNames.Add(1)
	case snmp.BadValue:
		st.snmpOutBadValues.Add(1)
	case snmp.GenErr:
		st.snmpOutGenErrs.Add(1)
	}
	return out
}

// pduOverhead is the most that the header of a Response takes.
const pduOverhead = 4 + 6 + 3 + 3 + 4

// try appends a Response without an error, or sets r.status and r.index. A
// handler that panics costs its request a genErr.
func (r *request) try(dst []byte, pdu *snmp.PDU, limit int) (out []byte) {
	defer func() {
		if v := recover(); v != nil {
			r.fail(fmt.Errorf("agent: handler of %v panicked: %v", r.mount.oid, v))
		}
	}()
	if r.entry != nil {
		r.view = r.entry.read
		if pdu.Type == snmp.SetRequest {
			r.view = r.entry.write
		}
	}
	if r.view == nil {
		r.status = snmp.AuthorizationError // RFC 3413, section 3.2
		if r.version != snmp.V3 {
			r.a.stats.snmpInBadCommunityUses.Add(1)
		}
		return nil
	}
	start := len(dst)
	dst = beginPDU(dst, pdu.RequestID, snmp.NoError, 0)
	list := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	end := start + limit
	switch pdu.Type {
	case snmp.GetRequest:
		dst = r.appendGet(dst, end)
	case snmp.GetNextRequest:
		dst = r.appendGetNext(dst, end)
	case snmp.GetBulkRequest:
		dst = r.appendGetBulk(dst, pdu, end-pduOverhead)
	default:
		if r.set(); r.status == snmp.NoError {
			dst = r.appendEcho(dst)
		}
	}
	if r.p.Err() != nil {
		r.drop = true
	}
	if r.drop || r.status != snmp.NoError {
		return nil
	}
	return ber.End(ber.End(dst, list), start)
}

// beginPDU appends a Response up to its bindings.
func beginPDU(dst []byte, id int32, status snmp.ErrorStatus, index int) []byte {
	dst = ber.Begin(dst, byte(snmp.Response))
	dst = ber.AppendInt(dst, ber.Integer, int64(id))
	dst = ber.AppendInt(dst, ber.Integer, int64(status))
	return ber.AppendInt(dst, ber.Integer, int64(index))
}

// appendError appends a Response with the error, with the bindings of the
// request or without.
func (r *request) appendError(dst []byte, pdu *snmp.PDU, echo bool) []byte {
	start := len(dst)
	dst = beginPDU(dst, pdu.RequestID, r.status, r.index)
	list := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	if echo {
		dst = r.appendEcho(dst)
	}
	return ber.End(ber.End(dst, list), start)
}

// appendEcho appends the bindings of the request.
func (r *request) appendEcho(dst []byte) []byte {
	for r.p.Rewind(); r.p.Next(); {
		start := len(dst)
		dst = ber.Begin(dst, ber.Sequence)
		r.tmp = appendName(r.tmp[:0], r.p.RawOID())
		dst = ber.AppendBytes(dst, ber.OID, r.tmp)
		b, _ := r.p.RawOctets()
		switch r.p.Kind() {
		case snmp.KindOctetString:
			dst = ber.AppendBytes(dst, ber.OctetString, b)
		case snmp.KindOpaque:
			dst = ber.AppendBytes(dst, tagOpaque, b)
		case snmp.KindOID:
			r.tmp = appendName(r.tmp[:0], b)
			dst = ber.AppendBytes(dst, ber.OID, r.tmp)
		default:
			dst = r.p.Value().AppendBER(dst)
		}
		dst = ber.End(dst, start)
	}
	return dst
}

const tagOpaque = 0x44

func appendBinding(dst, name []byte, v snmp.Value) []byte {
	start := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	dst = ber.AppendBytes(dst, ber.OID, name)
	return ber.End(v.AppendBER(dst), start)
}

// nextBinding goes to the next binding of the request and reads its name.
func (r *request) nextBinding() bool {
	if !r.p.Next() {
		return false
	}
	r.a.stats.snmpInTotalReqVars.Add(1)
	r.index++
	r.name = appendName(r.name[:0], r.p.RawOID())
	return true
}

// appendGet appends the bindings that answer a GET (RFC 3416, section 4.2.1).
func (r *request) appendGet(dst []byte, end int) []byte {
	for r.nextBinding() {
		v := snmp.KindNoSuchObject.Value()
		if r.view.has(r.name) {
			if v = r.tree.get(r, r.name); r.status != snmp.NoError {
				return nil
			}
		}
		if r.version == snmp.V1 && (!hasValue(v) || v.Kind() == snmp.KindCounter64) {
			r.status = snmp.NoSuchName
			return nil
		}
		if dst = appendBinding(dst, r.name, v); len(dst) > end {
			r.status = snmp.TooBig
			return nil
		}
	}
	return dst
}

// appendGetNext appends the bindings that answer a GETNEXT (RFC 3416, section
// 4.2.2).
func (r *request) appendGetNext(dst []byte, end int) []byte {
	for r.nextBinding() {
		v, ok := r.advance(&r.name)
		switch {
		case r.status != snmp.NoError:
			return nil
		case !ok && r.version == snmp.V1:
			r.status = snmp.NoSuchName
			return nil
		case !ok:
			v = snmp.KindEndOfMIBView.Value()
		}
		if dst = appendBinding(dst, r.name, v); len(dst) > end {
			r.status = snmp.TooBig
			return nil
		}
	}
	return dst
}

// appendGetBulk appends the bindings that answer a GETBULK, up to end (RFC 3416,
// section 4.2.3).
func (r *request) appendGetBulk(dst []byte, pdu *snmp.PDU, end int) []byte {
	full := false
	add := func(name []byte, v snmp.Value, ok bool) {
		if !ok {
			v = snmp.KindEndOfMIBView.Value()
		}
		before := len(dst)
		if dst = appendBinding(dst, name, v); len(dst) > end {
			dst, full = dst[:before], true
		}
	}
	for r.nextBinding() {
		if r.index > pdu.NonRepeaters {
			r.addColumn()
			continue
		}
		v, ok := r.advance(&r.name)
		if r.status != snmp.NoError {
			return nil
		}
		if add(r.name, v, ok); full {
			return dst
		}
	}
	if r.p.Err() != nil || len(r.cols) == 0 {
		return dst
	}
	first := r.index - len(r.cols)
	rows := min(pdu.MaxRepetitions, max(1, (r.a.cfg.MaxBulk-first)/len(r.cols)))
	for range rows {
		more := false
		for i := range r.cols {
			c := &r.cols[i]
			r.index = first + i + 1
			var v snmp.Value
			if !c.end {
				var ok bool
				if v, ok = r.advance(&c.name); r.status != snmp.NoError {
					return nil
				}
				c.end = !ok
			}
			more = more || !c.end
			if add(c.name, v, !c.end); full {
				return dst
			}
		}
		if !more {
			break
		}
	}
	return dst
}

// addColumn makes a column that starts at r.name.
func (r *request) addColumn() {
	if len(r.cols) < cap(r.cols) {
		r.cols = r.cols[:len(r.cols)+1]
	} else {
		r.cols = append(r.cols, column{})
	}
	c := &r.cols[len(r.cols)-1]
	c.name, c.end = append(c.name[:0], r.name...), false
}

// advance replaces name by that of the first instance after it that may be seen.
// It reports false, and leaves name, if there is none.
func (r *request) advance(name *[]byte) (snmp.Value, bool) {
	at, here := *name, false
	for {
		found, v := r.tree.next(r, r.tmp[:0], at, here)
		if found == nil || r.status != snmp.NoError {
			return snmp.Value{}, false
		}
		r.tmp = found
		if r.view.has(found) {
			if r.version != snmp.V1 || v.Kind() != snmp.KindCounter64 {
				*name, r.tmp = r.tmp, *name
				return v, true
			}
			// A v1 request does not see it (RFC 3584, section 4.2.2.1).
			r.jump, r.tmp = r.tmp, r.jump
			at, here = r.jump, false
		} else {
			next := r.view.skip(r.jump[:0], found)
			if next == nil {
				return snmp.Value{}, false
			}
			r.jump = next
			at, here = next, true
		}
		if r.steps++; r.steps%256 == 0 && r.left() <= 0 {
			r.fail(errTime)
			return snmp.Value{}, false
		}
	}
}
