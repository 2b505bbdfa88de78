package snmp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// Config holds the settings of a [Client]. It needs a Community or a User; the
// zero value of every other field is its default.
type Config struct {
	// Version is that of the messages; 0 means V3 if User is set, else V2c.
	Version Version

	// Community is the password of SNMPv1 and SNMPv2c, which need one: there
	// is no default, as agents do not answer a wrong one.
	Community string

	// User is who asks in SNMPv3, and Level the protection of the messages;
	// 0 means the highest that User has. Many Clients can share one User,
	// and should, as its keys are costly to make.
	User  *usm.User
	Level usm.SecurityLevel

	// ContextName is the context of SNMPv3 to ask in. ContextEngineID is its
	// engine; nil means the peer's own.
	ContextName     string
	ContextEngineID usm.EngineID

	// EngineID is the authoritative engine's (securityEngineID): for a
	// request that of the peer, which is discovered if it is nil, and for a
	// trap that of this program, which needs it.
	EngineID usm.EngineID

	// Clock is that engine's boots and time, if known. The zero Clock means
	// for a request to ask the peer, and for a trap 1 and the seconds since
	// the start of 2020 (UTC).
	Clock usm.Clock

	// Now returns the time; nil means time.Now.
	Now func() time.Time

	// Timeout bounds each attempt of a request. 0 means the Conn's own. The
	// context of a call bounds the call.
	Timeout time.Duration

	// Retries is the number of further attempts. 0 means the Conn's own
	// number, negative none.
	Retries int

	// MaxTimeout, if not 0, makes the attempts fit the peer (RFC 6298): each
	// lasts as long as the round-trip times seen so far tell, beginning with
	// Timeout or 1 s, and twice as long as the one before it, between
	// MinTimeout (0 means 200 ms) and MaxTimeout. There are 3 retries if
	// Retries is 0. After three calls in a row without an answer, a call
	// makes one attempt, until there is an answer.
	MaxTimeout, MinTimeout time.Duration

	// MaxInFlight is the greatest number of requests that wait for an answer
	// at a time, those of Clients made by With included; further calls wait
	// for their turn. 0 means any number. StartGet does not count.
	MaxInFlight int

	// MaxSize is the greatest length of a message in octets, to the peer or
	// from it; 0 means 65507, and it is at least 484. A Get that needs more
	// is split.
	MaxSize int

	// MaxRepetitions is how many instances a Walk or Table asks for in one
	// message, and of each column. 0 means 20 at first and then as many as
	// come in about 1400 octets. It asks for fewer when an agent says tooBig
	// or is slow.
	MaxRepetitions int

	// Parallel is how many requests a Walk or Table has in flight; 0 means 1.
	// More than 1 needs an agent whose instances are in order. Unordered lets
	// them return instances and rows as they come.
	Parallel  int
	Unordered bool

	// Lenient lets a Walk go on where OIDs do not increase, up to one that it
	// has seen before. Such a Walk is not parallel.
	Lenient bool

	// Hooks, if not nil, is told what happens, for metrics and traces. Its
	// methods are called from any goroutine and must not block.
	Hooks interface {
		// Request tells that a message of size octets is about to be sent.
		Request(t PDUType, size int)

		// Answer tells how a request has ended, with the size of what came;
		// Drop or Report may follow.
		Answer(t PDUType, size int, latency time.Duration, err error)

		// Retry tells that a request is sent again. Those of the Conn, as
		// long as MaxTimeout is 0, are not among them.
		Retry(t PDUType, why error)

		// Drop tells of a message that was not what was asked for.
		Drop(why error)

		// Report tells of a Report of SNMPv3.
		Report(why error, authentic bool)
	}
}

// maxUDP is the greatest length of a UDP datagram's content.
const maxUDP = 65507

// check returns f with its defaults.
func (f Config) check() (*Config, error) {
	switch {
	case f.Version != 0:
	case f.User != nil:
		f.Version = V3
	default:
		f.Version = V2c
	}
	if len(f.EngineID) == 0 {
		f.EngineID = nil
	}
	if len(f.ContextEngineID) == 0 {
		f.ContextEngineID = nil
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	if f.MaxSize == 0 {
		f.MaxSize = maxUDP
	}
	if f.MinTimeout == 0 {
		f.MinTimeout = min(200*time.Millisecond, f.MaxTimeout)
	}
	bad := func(text string) (*Config, error) {
		return nil, &detail{"client " + text, ErrBadArgument}
	}
	switch {
	case f.Version > V3:
		return bad("of version " + f.Version.String())
	case f.Version == V3 && f.User == nil:
		return bad("of SNMPv3 without a user: set Config.User")
	case f.Version != V3 && f.Community == "":
		return bad("of SNMPv" + f.Version.String() + " without a community: set Config.Community")
	case f.MaxSize < minMaxSize || f.MaxSize > math.MaxInt32:
		return bad("with a message size of " + strconv.Itoa(f.MaxSize))
	case f.MaxRepetitions < 0 || f.MaxRepetitions > math.MaxInt32:
		return bad("with max-repetitions " + strconv.Itoa(f.MaxRepetitions))
	case f.MaxTimeout < 0 || f.MinTimeout < 0 || f.MinTimeout > f.MaxTimeout:
		return bad("with timeouts from " + f.MinTimeout.String() + " to " + f.MaxTimeout.String())
	case f.MaxInFlight < 0 || f.Parallel < 0:
		return bad("with a negative number of requests")
	}
	if f.Version == V3 {
		if err := f.User.Check(); err != nil {
			return nil, fmt.Errorf("snmp: %w: %w", ErrBadArgument, err)
		}
		switch {
		case f.Level > f.User.Level():
			return bad("at " + f.Level.String() + " with a user for " + f.User.Level().String())
		case len(f.EngineID) > maxEngineID || len(f.ContextEngineID) > maxEngineID:
			return bad("with an engine ID of more than 32 octets")
		}
	}
	return &f, nil
}

// level returns the security level of messages.
func (f *Config) level() usm.SecurityLevel {
	if f.Level == 0 {
		return f.User.Level()
	}
	return f.Level
}

// A Client asks one peer. Its methods can be called from any number of
// goroutines, and what they return is copies. Their errors are those of the
// Conn, a [*ResponseError], or below [ErrBadArgument], [ErrBadAnswer] or, in
// SNMPv3, [ErrReport].
type Client struct {
	conn Conn
	cfg  *Config // never changed
	peer *peer   // shared by the Clients that With makes
}

// A peer is what Clients learn of the one that they ask.
type peer struct {
	lastID atomic.Uint32
	slots  chan struct{} // one for each request that may be in flight; nil if any number

	mu     sync.Mutex
	pulse  pulse
	engine *engine // SNMPv3: what the peer is known to be; nil if not known
	own    *engine // SNMPv3: this program as the sender of traps
	flight *flight // SNMPv3: who is finding out; nil if nobody is
}

// NewClient returns a Client that asks over c, which it does not close. It
// copies cfg. The error wraps [ErrBadArgument].
func NewClient(c Conn, cfg *Config) (*Client, error) {
	if cfg == nil {
		cfg = new(Config)
	}
	checked, err := cfg.check()
	if err != nil {
		return nil, err
	}
	client := &Client{c, checked, new(peer)}
	client.peer.lastID.Store(rand.Uint32())
	if n := checked.MaxInFlight; n > 0 {
		client.peer.slots = make(chan struct{}, n)
	}
	return client, nil
}

// With returns a Client of the same peer with settings that change has changed:
// for calls in another context, with another community, user or level, or with
// another timeout. It shares what c knows of the peer, and costs little. The
// error wraps [ErrBadArgument].
func (c *Client) With(change func(*Config)) (*Client, error) {
	cfg := *c.cfg
	change(&cfg)
	checked, err := cfg.check()
	if err != nil {
		return nil, err
	}
	return &Client{c.conn, checked, c.peer}, nil
}

// Get returns the values of the instances oids, in their order. One that does
// not exist is an exception in SNMPv2c and v3, and fails the call as
// [NoSuchName] in SNMPv1.
func (c *Client) Get(ctx context.Context, oids ...OID) ([]VarBind, error) {
	return c.split(ctx, GetRequest, oids)
}

// GetNext returns for each OID the instance after it, in their order. After the
// last one there is endOfMibView in SNMPv2c and v3, and NoSuchName in SNMPv1.
func (c *Client) GetNext(ctx context.Context, oids ...OID) ([]VarBind, error) {
	return c.split(ctx, GetNextRequest, oids)
}

// split asks for oids, in several requests if one is too large or its answer
// would be.
func (c *Client) split(ctx context.Context, t PDUType, oids []OID) ([]VarBind, error) {
	vbs, _, err := c.get(ctx, &PDU{Type: t}, oids)
	if len(oids) < 2 || !isTooLarge(err) {
		return vbs, err
	}
	half := len(oids) / 2
	if vbs, err = c.split(ctx, t, oids[:half]); err != nil {
		return nil, err
	}
	more, err := c.split(ctx, t, oids[half:])
	if err != nil {
		return nil, shift(err, half)
	}
	return append(vbs, more...), nil
}

// isTooLarge reports whether fewer bindings could help.
func isTooLarge(err error) bool { return err != nil && (errors.Is(err, TooBig) || err == errTooLarge) }

// GetBulk returns the instance after each of the first nonRepeaters oids, and
// then rounds of the instances after each of the others, up to maxRepetitions
// rounds (RFC 3416, section 4.2.3). There may be fewer. SNMPv1 does not have it.
func (c *Client) GetBulk(ctx context.Context, nonRepeaters, maxRepetitions int, oids ...OID) ([]VarBind, error) {
	vbs, _, err := c.bulk(ctx, nonRepeaters, maxRepetitions, oids)
	return vbs, err
}

// bulk is GetBulk, and returns the length of the answer too, or the sum of
// those.
func (c *Client) bulk(ctx context.Context, nonRepeaters, maxRepetitions int, oids []OID) (vbs []VarBind, size int, err error) {
	if nonRepeaters < 0 || maxRepetitions < 0 {
		return nil, 0, &detail{"GetBulk with a negative number of repetitions", ErrBadArgument}
	}
	vbs, size, err = c.get(ctx, &PDU{Type: GetBulkRequest, NonRepeaters: nonRepeaters, MaxRepetitions: maxRepetitions}, oids)
	if !isTooLarge(err) {
		return vbs, size, err
	}
	n, half := min(nonRepeaters, len(oids)), (len(oids)+1)/2
	switch {
	case maxRepetitions > 1 && err != errTooLarge && n < len(oids):
		return c.bulk(ctx, nonRepeaters, maxRepetitions/2, oids)
	case len(oids) < 2:
		return nil, 0, err
	case n > 0:
		// The non-repeaters are a GetNext.
		if vbs, err = c.GetNext(ctx, oids[:n]...); err != nil || n == len(oids) {
			return vbs, 0, err
		}
		more, size, err := c.bulk(ctx, 0, maxRepetitions, oids[n:])
		if err != nil {
			return nil, 0, shift(err, n)
		}
		return append(vbs, more...), size, nil
	}
	a, sizeA, err := c.bulk(ctx, 0, maxRepetitions, oids[:half])
	if err != nil {
		return nil, 0, err
	}
	b, sizeB, err := c.bulk(ctx, 0, maxRepetitions, oids[half:])
	if err != nil {
		return nil, 0, shift(err, half)
	}
	// Whole rounds of both.
	vbs = nil
	for rest := len(oids) - half; len(a) >= half && len(b) >= rest; a, b = a[half:], b[rest:] {
		vbs = append(append(vbs, a[:half]...), b[:rest]...)
	}
	return vbs, sizeA + sizeB, nil
}

// shift adds n to the index of a ResponseError, which counts in a part of what
// was asked for.
func shift(err error, n int) error {
	var re *ResponseError
	if errors.As(err, &re) && re.Index > 0 {
		re.Index += n
	}
	return err
}

// Set sets all of vbs or none.
func (c *Client) Set(ctx context.Context, vbs ...VarBind) error {
	s := pool.Get().(*scratch)
	defer s.free()
	s.vbs = append(s.vbs, vbs...)
	_, _, err := c.ask(ctx, &PDU{Type: SetRequest, VarBinds: s.vbs}, s)
	return err
}

// Trap sends a notification, of which it learns nothing more. Uptime is how long
// the sender runs, and trap says what happened. In SNMPv1 the message is a
// TrapV1 made of them; for one with other fields, see Do. In SNMPv3 it is from
// Config.EngineID.
func (c *Client) Trap(ctx context.Context, uptime time.Duration, trap OID, vbs ...VarBind) error {
	p := notification(TrapV2, uptime, trap, vbs)
	if c.cfg.Version == V1 {
		var err error
		if p, err = p.ToV1(); err != nil {
			return err
		}
	}
	_, err := c.Do(ctx, p)
	return err
}

// Inform is Trap, and waits until the peer acknowledges it. SNMPv1 does not have
// it. In SNMPv3 it is a request like others.
func (c *Client) Inform(ctx context.Context, uptime time.Duration, trap OID, vbs ...VarBind) error {
	s := pool.Get().(*scratch)
	defer s.free()
	p := notification(InformRequest, uptime, trap, vbs)
	_, _, err := c.ask(ctx, &p, s)
	return err
}

func notification(t PDUType, uptime time.Duration, trap OID, vbs []VarBind) PDU {
	all := make([]VarBind, 0, len(vbs)+2)
	all = append(all, VarBind{oidSysUpTime, TimeTicksValue(uint32(uptime / (10 * time.Millisecond)))}, VarBind{oidSnmpTrapOID, OIDValue(trap)})
	return PDU{Type: t, VarBinds: append(all, vbs...)}
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
		if err := c.encodeTrap(&p, s); err != nil {
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

// get asks for oids and returns the length of the answer, too.
func (c *Client) get(ctx context.Context, p *PDU, oids []OID) ([]VarBind, int, error) {
	s := pool.Get().(*scratch)
	defer s.free()
	for _, o := range oids {
		s.vbs = append(s.vbs, VarBind{OID: o})
	}
	p.VarBinds = s.vbs
	return c.ask(ctx, p, s)
}

// ask exchanges p and checks that the answer is one to it.
func (c *Client) ask(ctx context.Context, p *PDU, s *scratch) ([]VarBind, int, error) {
	if len(p.VarBinds) == 0 {
		return nil, 0, errNothing(p.Type)
	}
	if err := c.exchange(ctx, p, s); err != nil {
		return nil, 0, err
	}
	vbs, err := results(p, s)
	return vbs, len(s.buf), err
}

func errNothing(t PDUType) error { return &detail{t.String() + " of nothing", ErrBadArgument} }
