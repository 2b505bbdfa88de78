package snmp

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// maxEngineID is the greatest length of an engine ID (RFC 3411, section 5).
const maxEngineID = 32

// maxMessages is how many messages one call in SNMPv3 sends at most, besides
// those of a discovery: the first, and those that are built anew after a Report
// or an answer that is not authentic.
const maxMessages = 4

// An engine is an authoritative engine. A peer's is made by a discovery, which
// is not authentic, and kept once the engine has proved that it knows the user's
// key.
type engine struct {
	id string

	mu      sync.Mutex
	clock   usm.PeerClock
	maxSize int // the peer's msgMaxSize, 0 if not known
	users   []*usm.LocalUser
}

// localize returns u at this engine.
func (e *engine) localize(u *usm.User) (*usm.LocalUser, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.users {
		if l.User() == u {
			return l, nil
		}
	}
	l, err := u.Localize([]byte(e.id))
	if err != nil {
		return nil, err
	}
	// A Client has a user or a few. With one for each call, the oldest goes.
	if len(e.users) >= 8 {
		e.users = slices.Delete(e.users, 0, 1)
	}
	e.users = append(e.users, l)
	return l, nil
}

// ready reports whether messages at a level can be built.
func (e *engine) ready(level usm.SecurityLevel) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return level == usm.NoAuthNoPriv || e.clock.Synced()
}

// at returns the engine's boots and time.
func (e *engine) at(now time.Time) (boots, t uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock.At(now)
}

// A flight is a discovery that calls wait for.
type flight struct {
	done chan struct{}
	err  error // once done is closed; nil also if the context of its call ended it
}

// engine returns what the peer is known to be. If that is not known, or is
// stale, one call finds out and all others wait for it.
func (c *Client) engine(ctx context.Context, stale *engine) (*engine, error) {
	for {
		c.peer.mu.Lock()
		e, f := c.usable(stale), c.peer.flight
		if e != nil {
			c.peer.mu.Unlock()
			return e, nil
		}
		if f == nil {
			f = &flight{done: make(chan struct{})}
			c.peer.flight = f
			c.peer.mu.Unlock()
			return c.fly(ctx, f)
		}
		c.peer.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return nil, f.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// usable returns what the peer is known to be, or nil if messages cannot be built
// for it. The caller holds c.peer.mu.
func (c *Client) usable(stale *engine) *engine {
	e := c.peer.engine
	if e == nil || e == stale || c.cfg.EngineID != nil && e.id != string(c.cfg.EngineID) || !e.ready(c.cfg.level()) {
		return nil
	}
	return e
}

// fly makes the discovery of f.
func (c *Client) fly(ctx context.Context, f *flight) (*engine, error) {
	e, err := c.discover(ctx)
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	if err == nil {
		c.peer.engine = e
	} else if ctx.Err() == nil {
		f.err = err
	}
	c.peer.flight = nil
	close(f.done)
	return e, err
}

// discover asks the peer for its engine ID and, if messages will be
// authenticated, for its time (RFC 3414, section 4).
func (c *Client) discover(ctx context.Context) (*engine, error) {
	s := pool.Get().(*scratch)
	defer s.free()
	var err error
	for range maxMessages {
		e := &engine{id: string(c.cfg.EngineID)}
		if e.id == "" {
			if e.id, err = c.discoverID(ctx, s); err != nil {
				return nil, err
			}
		}
		if c.cfg.level() == usm.NoAuthNoPriv {
			return e, nil
		}
		if now := c.cfg.Now(); c.cfg.Clock != (usm.Clock{}) {
			boots, t := c.cfg.Clock.At(now)
			e.clock.Update(boots, t, now) // fails for the last boots alone, which the peer will tell
			if e.clock.Synced() {
				return e, nil
			}
		}
		// With boots and time of 0 the peer answers with a Report.
		var v verdict
		v, err = c.roundTrip(ctx, e, usm.AuthNoPriv, &PDU{Type: GetRequest}, s)
		if e.ready(usm.AuthNoPriv) {
			return e, nil
		}
		if v == failed || v == elsewhere && c.cfg.EngineID != nil {
			break
		}
	}
	return nil, err
}

// discoverID asks the peer for its engine ID.
func (c *Client) discoverID(ctx context.Context, s *scratch) (string, error) {
	p := PDU{Type: GetRequest, RequestID: c.nextID()}
	m := Message{HeaderData: HeaderData{MsgID: p.RequestID, MaxSize: int32(c.cfg.MaxSize), Reportable: true}, PDU: p}
	var err error
	if s.scoped, err = m.AppendScopedPDU(s.scoped[:0]); err != nil {
		return "", err
	}
	if s.req, err = m.Seal(s.req[:0], s.scoped, &usm.SecurityParameters{}, nil); err != nil {
		return "", err
	}
	if err = c.transact(ctx, &p, s); err != nil {
		return "", err
	}
	if err = s.parser.Start(s.buf); err != nil {
		return "", badAnswer("", err)
	}
	sp, err := s.parser.SecurityParameters()
	switch {
	case err != nil:
		return "", badAnswer("", err)
	case s.parser.HeaderData().MsgID != p.RequestID || s.parser.PDU().Type != Report:
		return "", badAnswer("no Report to a discovery", nil)
	case len(sp.EngineID) == 0:
		// A peer that will not tell says why.
		return "", reportError(s.parser.stat())
	}
	return string(sp.EngineID), nil
}

// A verdict is what an answer of SNMPv3 means for its request.
type verdict int

const (
	answered  verdict = iota
	failed            // for good
	again             // build it anew: the clock was set, or the answer was not authentic
	elsewhere         // the peer has another engine ID
)

// exchangeV3 sends p and leaves s.parser at the first binding of the answer.
func (c *Client) exchangeV3(ctx context.Context, p *PDU, s *scratch) error {
	var (
		stale *engine
		err   error
	)
	for range maxMessages {
		e, engineErr := c.engine(ctx, stale)
		if engineErr != nil {
			return engineErr
		}
		var v verdict
		if v, err = c.roundTrip(ctx, e, c.cfg.level(), p, s); v == answered || v == failed {
			return err
		}
		if v == elsewhere {
			if c.cfg.EngineID != nil {
				return err
			}
			stale = e
		}
		if c.cfg.Hooks != nil {
			c.cfg.Hooks.Retry(p.Type, err)
		}
	}
	return err
}

// roundTrip sends p once to e.
func (c *Client) roundTrip(ctx context.Context, e *engine, level usm.SecurityLevel, p *PDU, s *scratch) (verdict, error) {
	l, err := c.seal(e, level, p, s)
	if err != nil {
		return failed, err
	}
	if err = c.transact(ctx, p, s); err != nil {
		return failed, err
	}
	return c.openAnswer(e, l, level, p, s)
}

// seal gives p a request-id, which is the msgID too, and makes its message in
// s.req.
func (c *Client) seal(e *engine, level usm.SecurityLevel, p *PDU, s *scratch) (*usm.LocalUser, error) {
	p.RequestID = c.nextID()
	m := Message{
		HeaderData:      HeaderData{MsgID: p.RequestID, MaxSize: int32(c.cfg.MaxSize), Reportable: true},
		ContextEngineID: c.contextEngineID(e),
		ContextName:     c.cfg.ContextName,
		PDU:             *p,
	}
	switch p.Type {
	case Response, Report, TrapV2:
		m.Reportable = false
	}
	m.setLevel(level)
	l, err := e.localize(c.cfg.User)
	if err != nil {
		return nil, err
	}
	if s.scoped, err = m.AppendScopedPDU(s.scoped[:0]); err != nil {
		return nil, err
	}
	var id, name [maxEngineID]byte
	sp := usm.SecurityParameters{EngineID: append(id[:0], e.id...), UserName: append(name[:0], l.User().Name...)}
	if level > usm.NoAuthNoPriv {
		sp.Boots, sp.Time = e.at(c.cfg.Now())
	}
	if s.req, err = m.Seal(s.req[:0], s.scoped, &sp, l); err != nil {
		return nil, err
	}
	e.mu.Lock()
	limit := e.maxSize
	e.mu.Unlock()
	if limit = min(limit, c.cfg.MaxSize); limit == 0 {
		limit = c.cfg.MaxSize
	}
	if len(s.req) > limit {
		return nil, errTooLarge
	}
	return l, nil
}

func (c *Client) contextEngineID(e *engine) string {
	if c.cfg.ContextEngineID != nil {
		return string(c.cfg.ContextEngineID)
	}
	return e.id
}

// defaultClock is that of programs that do not count their starts: what has been
// its time once is not so again after a restart.
var defaultClock = usm.Clock{Boots: 1, Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}

// sealTrap makes the message of a trap in s.req.
func (c *Client) sealTrap(p *PDU, s *scratch) error {
	if c.cfg.EngineID == nil {
		return &detail{"trap of SNMPv3 without an engine ID: set Config.EngineID to this program's own", ErrBadArgument}
	}
	c.peer.mu.Lock()
	e := c.peer.own
	if e == nil || e.id != string(c.cfg.EngineID) {
		e = &engine{id: string(c.cfg.EngineID)}
		c.peer.own = e
	}
	c.peer.mu.Unlock()
	clock := c.cfg.Clock
	if clock == (usm.Clock{}) {
		clock = defaultClock
	}
	now := c.cfg.Now()
	boots, t := clock.At(now)
	e.mu.Lock()
	e.clock = usm.PeerClock{}
	e.clock.Update(boots, t, now)
	e.mu.Unlock()
	_, err := c.seal(e, c.cfg.level(), p, s)
	return err
}

// openAnswer starts s.parser on s.buf and says whether that is an answer to p,
// which l has sent to e. It learns of the peer what is authentic, and nothing
// else. It does not block.
func (c *Client) openAnswer(e *engine, l *usm.LocalUser, level usm.SecurityLevel, p *PDU, s *scratch) (verdict, error) {
	drop := func(text string, err error) (verdict, error) { return again, c.dropped(badAnswer(text, err)) }
	m := &s.parser
	if err := m.Start(s.buf); err != nil {
		return drop("", err)
	}
	if m.Version() != V3 {
		return drop("version "+m.Version().String(), nil)
	}
	h := m.HeaderData()
	got := h.SecurityLevel()
	sp, err := m.SecurityParameters()
	switch {
	case err != nil:
		return drop("", err)
	case h.SecurityModel != usmModel || got == 0:
		return drop("another security model, or flags that are not valid", nil)
	case h.MsgID != p.RequestID:
		return drop("another msgID", nil)
	}
	ours := string(sp.EngineID) == e.id && string(sp.UserName) == l.User().Name
	var timeErr error
	if got >= usm.AuthNoPriv {
		if !ours {
			return drop("another engine ID or user", nil)
		}
		if err := m.Verify(l, &sp); err != nil {
			return drop("", err)
		}
		now := c.cfg.Now()
		e.mu.Lock()
		timeErr = e.clock.Update(sp.Boots, sp.Time, now)
		e.maxSize = int(h.MaxSize)
		e.mu.Unlock()
		if got == usm.AuthPriv {
			if err := m.Decrypt(l, &sp); err != nil {
				return drop("", err)
			}
		}
	}
	if m.PDU().Type == Report {
		return c.openReport(e, got, timeErr, &sp, m.stat())
	}
	switch {
	case got < level:
		return drop("level "+got.String()+" for "+level.String(), nil)
	case !ours:
		return drop("another engine ID or user", nil)
	case timeErr != nil:
		return drop("", timeErr)
	case string(m.RawContextEngineID()) != c.contextEngineID(e) || string(m.RawContextName()) != c.cfg.ContextName:
		return drop("another context", nil)
	}
	if err := checkPDU(p, s); err != nil {
		return again, c.dropped(err)
	}
	return answered, nil
}

// openReport says what a Report of this reason means. Level is its own, and
// timeErr what the clock thinks of it if it is authentic.
func (c *Client) openReport(e *engine, level usm.SecurityLevel, timeErr error, sp *usm.SecurityParameters, reason error) (verdict, error) {
	err := reportError(reason)
	if c.cfg.Hooks != nil {
		c.cfg.Hooks.Report(err, level >= usm.AuthNoPriv)
	}
	switch {
	case errors.Is(reason, usm.ErrUnknownEngineID):
		return elsewhere, err
	case !errors.Is(reason, usm.ErrNotInTimeWindow):
		return failed, err
	case timeErr == nil:
		// If it is authentic, the clock has learnt. If not, anybody may have
		// said so, and perhaps the next answer is the peer's.
		return again, err
	}
	// The peer's time went back, as it does after a reboot that the peer does
	// not count. The Report answers a message of ours with a msgID that was not
	// used before, and is authentic: it is no replay, and the clock starts
	// afresh.
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock = usm.PeerClock{}
	if e.clock.Update(sp.Boots, sp.Time, c.cfg.Now()) != nil {
		return failed, err
	}
	return again, err
}

// A report is why a peer refused a message.
type report struct{ reason error }

func reportError(reason error) error {
	if reason == nil {
		return &detail{"agent reports something unknown", ErrReport}
	}
	if errors.Is(reason, ErrReport) {
		return reason
	}
	return &report{reason}
}

func (r *report) Error() string   { return "snmp: agent reports: " + r.reason.Error() }
func (r *report) Unwrap() []error { return []error{ErrReport, r.reason} }
