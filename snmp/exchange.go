package snmp

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
)

// A scratch holds what one request needs and returns nothing of.
type scratch struct {
	req, buf, scoped []byte
	vbs              []VarBind
	parser           Parser
}

var pool = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is the greatest capacity that a scratch keeps, in octets.
const maxScratch = 64 << 10

func (s *scratch) free() {
	clear(s.vbs)
	s.req, s.buf, s.scoped, s.vbs, s.parser = s.req[:0], s.buf[:0], s.scoped[:0], s.vbs[:0], Parser{}
	if cap(s.req)+cap(s.buf)+cap(s.scoped) <= maxScratch && cap(s.vbs) <= maxScratch/48 {
		pool.Put(s)
	}
}

// errTooLarge means that a request does not fit in a message.
var errTooLarge = &detail{"request is larger than a message may be", ErrBadArgument}

// encode gives p a request-id and makes its message, of SNMPv1 or SNMPv2c, in
// s.req.
func (c *Client) encode(p *PDU, s *scratch) (err error) {
	p.RequestID = c.nextID()
	m := Message{Version: c.cfg.Version, Community: c.cfg.Community, PDU: *p}
	s.req, err = m.Append(s.req[:0])
	if err == nil && len(s.req) > c.cfg.MaxSize {
		return errTooLarge
	}
	return err
}

// encodeTrap is encode for what is not answered, in all versions.
func (c *Client) encodeTrap(p *PDU, s *scratch) error {
	if c.cfg.Version == V3 {
		return c.sealTrap(p, s)
	}
	return c.encode(p, s)
}

// exchange sends p and leaves s.parser at the first binding of the answer.
func (c *Client) exchange(ctx context.Context, p *PDU, s *scratch) error {
	if c.cfg.Version == V3 {
		return c.exchangeV3(ctx, p, s)
	}
	if err := c.encode(p, s); err != nil {
		return err
	}
	if err := c.transact(ctx, p, s); err != nil {
		return err
	}
	return c.dropped(c.checkAnswer(p, s))
}

// dropped tells the hooks of an answer that err says is none.
func (c *Client) dropped(err error) error {
	if err != nil && c.cfg.Hooks != nil {
		c.cfg.Hooks.Drop(err)
	}
	return err
}

// checkAnswer starts s.parser on s.buf and checks that it is an answer to p, in
// SNMPv1 or SNMPv2c.
func (c *Client) checkAnswer(p *PDU, s *scratch) error {
	if err := s.parser.Start(s.buf); err != nil {
		return badAnswer("", err)
	}
	switch {
	case s.parser.Version() != c.cfg.Version:
		return badAnswer("version "+s.parser.Version().String(), nil)
	case string(s.parser.RawCommunity()) != c.cfg.Community:
		return badAnswer("another community", nil)
	}
	return checkPDU(p, s)
}

// checkPDU checks that s.parser holds a Response to p.
func checkPDU(p *PDU, s *scratch) error {
	switch rsp := s.parser.PDU(); {
	case rsp.Type != Response:
		return badAnswer("a PDU of type "+rsp.Type.String(), nil)
	case rsp.RequestID != p.RequestID:
		return badAnswer("another request-id", nil)
	}
	return nil
}

// results returns the bindings of the answer to p that s.parser holds.
func results(p *PDU, s *scratch) ([]VarBind, error) {
	if rsp := s.parser.PDU(); rsp.ErrorStatus != NoError {
		e := &ResponseError{Status: rsp.ErrorStatus, Index: rsp.ErrorIndex}
		if i := rsp.ErrorIndex; i >= 1 && i <= len(p.VarBinds) {
			e.OID = p.VarBinds[i-1].OID
		}
		return nil, e
	}
	vbs, err := s.parser.VarBinds()
	if err != nil {
		return nil, badAnswer("", err)
	}
	n, limit := len(vbs), len(p.VarBinds)
	if p.Type == GetBulkRequest {
		single := min(p.NonRepeaters, limit)
		if rounds := limit - single; rounds > 0 && p.MaxRepetitions <= (math.MaxInt32-single)/rounds {
			limit = single + rounds*p.MaxRepetitions
		} else if rounds > 0 {
			limit = math.MaxInt32
		}
	}
	if n > limit || n < limit && p.Type != GetBulkRequest {
		return nil, badAnswer(strconv.Itoa(n)+" bindings for "+strconv.Itoa(limit), nil)
	}
	if p.Type == GetRequest || p.Type == SetRequest {
		for i := range vbs {
			if vbs[i].OID != p.VarBinds[i].OID {
				return nil, badAnswer("binding "+strconv.Itoa(i+1)+" has another OID than the request", nil)
			}
		}
	}
	return vbs, nil
}

// nextID returns a request-id. It is never 0, which some agents answer
// everything with, nor negative, which others get wrong.
func (c *Client) nextID() int32 {
	for {
		if id := int32(c.peer.lastID.Add(1) & math.MaxInt32); id != 0 {
			return id
		}
	}
}

// badAnswer returns an error below [ErrBadAnswer] and err.
func badAnswer(text string, err error) error {
	if err != nil {
		return fmt.Errorf("snmp: %w: %w", ErrBadAnswer, err)
	}
	return &detail{"bad answer: " + text, ErrBadAnswer}
}
