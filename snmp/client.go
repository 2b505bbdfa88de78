package snmp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Config holds the settings of a [Client]. The zero Config is valid.
type Config struct {
	// Version is V1 or V2c; 0 means V2c.
	Version Version

	// Community is the password of SNMPv1 and SNMPv2c; "" means "public".
	Community string

	// Timeout bounds each attempt of a request. 0 means the Conn's own. The
	// context of a call bounds the call.
	Timeout time.Duration

	// Retries is the number of further attempts. 0 means the Conn's own
	// number, negative none.
	Retries int

	// MaxRepetitions is how many bindings a Walk asks for in one message; 0
	// means 20. It asks for fewer when an agent says tooBig.
	MaxRepetitions int
}

// A Client asks one peer. Its methods can be called from any number of
// goroutines, and what they return is copies. Their errors are those of the
// Conn, a [*ResponseError], or below [ErrBadArgument] or [ErrBadAnswer].
type Client struct {
	conn   Conn
	cfg    Config
	lastID atomic.Uint32
}

// NewClient returns a Client that asks over c, which it does not close. A nil
// cfg means the defaults. The error wraps [ErrBadArgument].
func NewClient(c Conn, cfg *Config) (*Client, error) {
	client := &Client{conn: c}
	if cfg != nil {
		client.cfg = *cfg
	}
	f := &client.cfg
	if f.Version == 0 {
		f.Version = V2c
	}
	if f.Community == "" {
		f.Community = "public"
	}
	if f.MaxRepetitions == 0 {
		f.MaxRepetitions = 20
	}
	switch {
	case f.Version != V1 && f.Version != V2c:
		return nil, &detail{"client of version " + f.Version.String(), ErrBadArgument}
	case f.MaxRepetitions < 0 || f.MaxRepetitions > math.MaxInt32:
		return nil, &detail{"client with max-repetitions " + strconv.Itoa(f.MaxRepetitions), ErrBadArgument}
	}
	client.lastID.Store(rand.Uint32())
	return client, nil
}

// Get returns the values of the instances oids, in their order. One that does
// not exist is an exception in SNMPv2c, and fails the call as [NoSuchName] in
// SNMPv1.
func (c *Client) Get(ctx context.Context, oids ...OID) ([]VarBind, error) {
	return c.get(ctx, &PDU{Type: GetRequest}, oids)
}

// GetNext returns for each OID the instance after it, in their order. After the
// last one there is endOfMibView in SNMPv2c, and NoSuchName in SNMPv1.
func (c *Client) GetNext(ctx context.Context, oids ...OID) ([]VarBind, error) {
	return c.get(ctx, &PDU{Type: GetNextRequest}, oids)
}

// GetBulk returns the instance after each of the first nonRepeaters oids, and
// then rounds of the instances after each of the others, up to maxRepetitions
// rounds (RFC 3416, section 4.2.3). The agent may send fewer. SNMPv1 does not
// have it.
func (c *Client) GetBulk(ctx context.Context, nonRepeaters, maxRepetitions int, oids ...OID) ([]VarBind, error) {
	if nonRepeaters < 0 || maxRepetitions < 0 {
		return nil, &detail{"GetBulk with a negative number of repetitions", ErrBadArgument}
	}
	return c.get(ctx, &PDU{Type: GetBulkRequest, NonRepeaters: nonRepeaters, MaxRepetitions: maxRepetitions}, oids)
}

// Set sets all of vbs or none.
func (c *Client) Set(ctx context.Context, vbs ...VarBind) error {
	s := pool.Get().(*scratch)
	defer s.free()
	s.vbs = append(s.vbs, vbs...)
	_, err := c.ask(ctx, &PDU{Type: SetRequest, VarBinds: s.vbs}, s)
	return err
}

// Do sends p as it is, but with a request-id of its own, and returns the
// answer's PDU. An error-status in it is no error here, and its bindings are
// not compared with those of p. A trap has no answer: its PDU is the zero PDU.
func (c *Client) Do(ctx context.Context, p PDU) (PDU, error) {
	s := pool.Get().(*scratch)
	defer s.free()
	switch p.Type {
	case Response, Report:
		return PDU{}, &detail{"request that is a " + p.Type.String(), ErrBadArgument}
	case TrapV1, TrapV2:
		if err := c.encode(&p, s); err != nil {
			return PDU{}, err
		}
		return PDU{}, c.conn.Send(ctx, s.req)
	}
	if err := c.exchange(ctx, &p, s); err != nil {
		return PDU{}, err
	}
	rsp := s.parser.PDU()
	var err error
	if rsp.VarBinds, err = s.parser.VarBinds(); err != nil {
		return PDU{}, badAnswer("", err)
	}
	return rsp, nil
}

// Walk returns the instances below root in their order, by GetNext in SNMPv1
// and by GetBulk in SNMPv2c. The zero OID is the root of all. It ends at the
// first OID outside of root, or where the agent has no more. An error comes
// last and with the zero VarBind; it is below [ErrNotIncreasing] if the agent
// goes backwards.
func (c *Client) Walk(ctx context.Context, root OID) iter.Seq2[VarBind, error] {
	return func(yield func(VarBind, error) bool) {
		last, repetitions := root, c.cfg.MaxRepetitions
		if root.IsZero() {
			last = OID{"\x00"} // 0.0, which is no instance
		}
		for {
			vbs, err := c.walkStep(ctx, last, repetitions)
			switch {
			case errors.Is(err, TooBig) && repetitions > 1 && c.cfg.Version != V1:
				repetitions /= 2
				continue
			case errors.Is(err, NoSuchName) && c.cfg.Version == V1:
				return
			case err == nil && len(vbs) == 0:
				err = badAnswer("no bindings", nil)
			}
			if err != nil {
				yield(VarBind{}, err)
				return
			}
			for _, vb := range vbs {
				if vb.Value.kind == KindEndOfMIBView || !vb.OID.HasPrefix(root) {
					return
				}
				if vb.OID.Compare(last) <= 0 {
					yield(VarBind{}, &detail{"walk: " + vb.OID.String() + " after " + last.String(), ErrNotIncreasing})
					return
				}
				if !yield(vb, nil) {
					return
				}
				last = vb.OID
			}
		}
	}
}

func (c *Client) walkStep(ctx context.Context, last OID, repetitions int) ([]VarBind, error) {
	if c.cfg.Version == V1 {
		return c.GetNext(ctx, last)
	}
	return c.GetBulk(ctx, 0, repetitions, last)
}

// A scratch holds what one request needs and returns nothing of.
type scratch struct {
	req, buf []byte
	vbs      []VarBind
	parser   Parser
}

var pool = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is the greatest capacity that a scratch keeps, in octets.
const maxScratch = 64 << 10

func (s *scratch) free() {
	clear(s.vbs)
	s.req, s.buf, s.vbs, s.parser = s.req[:0], s.buf[:0], s.vbs[:0], Parser{}
	if cap(s.req) <= maxScratch && cap(s.buf) <= maxScratch && cap(s.vbs) <= maxScratch/48 {
		pool.Put(s)
	}
}

func (c *Client) get(ctx context.Context, p *PDU, oids []OID) ([]VarBind, error) {
	s := pool.Get().(*scratch)
	defer s.free()
	for _, o := range oids {
		s.vbs = append(s.vbs, VarBind{OID: o})
	}
	p.VarBinds = s.vbs
	return c.ask(ctx, p, s)
}

// ask exchanges p and checks that the answer is one to it.
func (c *Client) ask(ctx context.Context, p *PDU, s *scratch) ([]VarBind, error) {
	if len(p.VarBinds) == 0 {
		return nil, &detail{p.Type.String() + " of nothing", ErrBadArgument}
	}
	if err := c.exchange(ctx, p, s); err != nil {
		return nil, err
	}
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
	n, max := len(vbs), len(p.VarBinds)
	if p.Type == GetBulkRequest {
		single := min(p.NonRepeaters, max)
		if rounds := max - single; rounds > 0 && p.MaxRepetitions <= (math.MaxInt32-single)/rounds {
			max = single + rounds*p.MaxRepetitions
		} else if rounds > 0 {
			max = math.MaxInt32
		}
	}
	if n > max || n < max && p.Type != GetBulkRequest {
		return nil, badAnswer(strconv.Itoa(n)+" bindings for "+strconv.Itoa(max), nil)
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

// encode gives p a request-id and appends its message to s.req.
func (c *Client) encode(p *PDU, s *scratch) (err error) {
	p.RequestID = c.nextID()
	m := Message{Version: c.cfg.Version, Community: c.cfg.Community, PDU: *p}
	s.req, err = m.Append(s.req)
	return err
}

// exchange sends p and leaves s.parser at the first binding of the answer.
func (c *Client) exchange(ctx context.Context, p *PDU, s *scratch) (err error) {
	if err = c.encode(p, s); err != nil {
		return err
	}
	s.buf, err = c.conn.Exchange(ctx, uint32(p.RequestID), s.req, s.buf, c.cfg.Timeout, c.cfg.Retries)
	if err != nil {
		return err
	}
	if err = s.parser.Start(s.buf); err != nil {
		return badAnswer("", err)
	}
	rsp := s.parser.PDU()
	switch {
	case s.parser.Version() != c.cfg.Version:
		return badAnswer("version "+s.parser.Version().String(), nil)
	case string(s.parser.RawCommunity()) != c.cfg.Community:
		return badAnswer("another community", nil)
	case rsp.Type != Response:
		return badAnswer("a PDU of type "+rsp.Type.String(), nil)
	case rsp.RequestID != p.RequestID:
		return badAnswer("another request-id", nil)
	}
	return nil
}

// nextID returns a request-id. It is never 0, which some agents answer
// everything with, nor negative, which others get wrong.
func (c *Client) nextID() int32 {
	for {
		if id := int32(c.lastID.Add(1) & math.MaxInt32); id != 0 {
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
