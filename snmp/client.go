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

	// MaxSize is the greatest length of a message in octets, to the peer or
	// from it; 0 means 65507, and it is at least 484. A Get that needs more
	// is split.
	MaxSize int

	// MaxRepetitions is how many bindings a Walk asks for in one message; 0
	// means 20. It asks for fewer when an agent says tooBig.
	MaxRepetitions int
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
	if f.Now == nil {
		f.Now = time.Now
	}
	if f.MaxSize == 0 {
		f.MaxSize = maxUDP
	}
	if f.MaxRepetitions == 0 {
		f.MaxRepetitions = 20
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
	}
	if f.Version == V3 {
		if err := f.User.Check(); err != nil {
			return nil, fmt.Errorf("snmp: %w: %w", ErrBadArgument, err)
		}
		if f.Level == 0 {
			f.Level = f.User.Level()
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

	mu     sync.Mutex
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
	return client, nil
}

// With returns a Client of the same peer with settings that change has changed:
// for calls in another context, with another community, user or level, or with
// another timeout. It shares what c knows of the peer, and costs little. The
// error wraps [ErrBadArgument].
func (c *Client) With(change func(*Config)) (*Client, error) {
	cfg := *c.cfg
	if change(&cfg); cfg.User != c.cfg.User && cfg.Level == c.cfg.Level {
		cfg.Level = 0
	}
	checked, err := cfg.check()
	if err != nil {
		return nil, err
	}
	return &Client{c.conn, checked, c.peer}, nil
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
	return results(p, s)
}
