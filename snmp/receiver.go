package snmp

import (
	"context"
	"iter"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// A Receiver takes notifications: traps and informs of all versions. Its fields
// are set before it is used, and the zero value takes those of SNMPv1 and SNMPv2c
// with any community. Give what comes to Respond, from any number of goroutines,
// and read Notifications in another one: whoever is slow there delays no
// acknowledgement.
type Receiver struct {
	// Community reports whether to take a notification of SNMPv1 or SNMPv2c;
	// nil means all.
	Community func(community string, src netip.AddrPort) bool

	// User returns the user with a name at an engine, the same pointer each
	// time, or nil if there is none, and the least level of its messages; 0
	// means the user's highest. The engine is the sender's for a trap, and
	// EngineID for an inform. No user of SNMPv3 is known if User is nil.
	User func(engineID usm.EngineID, name string) (u *usm.User, least usm.SecurityLevel)

	// EngineID is the engine ID of this program, and Clock its boots and
	// time, which informs of SNMPv3 need. The zero Clock is the one of
	// [Config].
	EngineID usm.EngineID
	Clock    usm.Clock

	// QueueLen is how many notifications wait for Notifications; 0 means
	// 1024. What comes when it is full is dropped, and not acknowledged, so
	// that the sender of an inform tries again.
	QueueLen int

	// Now returns the time; nil means time.Now.
	Now func() time.Time

	// What became of messages, each counted once.
	Queued    atomic.Uint64 // given to Notifications
	Overflow  atomic.Uint64 // dropped, as the queue was full
	Refused   atomic.Uint64 // no notification, or of nobody who may send one
	Forged    atomic.Uint64 // not authentic, or cannot be decrypted
	Replayed  atomic.Uint64 // authentic, but seen before or of another time
	Malformed atomic.Uint64 // no message

	stats [usm.ErrDecryption + 1]atomic.Uint32 // for Reports
	users usm.Cache
	once  sync.Once
	queue chan received

	mu     sync.Mutex
	clocks map[engineAt]*usm.PeerClock
	seen   map[digest]struct{} // the digests in ring
	ring   []digest
	oldest int // in ring
}

// A received is a notification in the queue.
type received struct {
	src netip.AddrPort
	m   *Message
}

// An engineAt is an engine of SNMPv3 at an address: devices with one engine ID
// have clocks of their own. Of one that is new at its address any time is
// believed, as RFC 3414 has it for every engine that is new.
type engineAt struct {
	addr     netip.Addr
	engineID string
}

// A digest is the start of an authentication code.
type digest [12]byte

const (
	defaultQueueLen = 1024
	maxClocks       = 4096 // engines that a Receiver knows the time of
	maxDigests      = 4096 // messages that it recognises
)

// start makes the queue.
func (r *Receiver) start() {
	r.once.Do(func() {
		n := r.QueueLen
		if n <= 0 {
			n = defaultQueueLen
		}
		r.queue = make(chan received, n)
	})
}

// Notifications returns the notifications, each with its source, as they come
// until ctx ends; it may be called several times for as many goroutines to work.
// Of SNMPv3 they are authentic as far as their HeaderData tells, and decrypted;
// [Message.UserName] tells who sent them. A trap of SNMPv1 is as it came, and
// PDU.ToV2(Community) is its other form.
func (r *Receiver) Notifications(ctx context.Context) iter.Seq2[netip.AddrPort, *Message] {
	r.start()
	return func(yield func(netip.AddrPort, *Message) bool) {
		for {
			select {
			case n := <-r.queue:
				if !yield(n.src, n.m) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// Respond takes the message req, which came from src to local, and appends what
// is to be sent back to dst: the acknowledgement of an inform, a Report, or
// nothing. It changes req where that is encrypted, keeps nothing of it, and does
// not block. Before a message is authenticated it costs its sender a few
// microseconds of ours, and no memory.
func (r *Receiver) Respond(ctx context.Context, dst, req []byte, src, local netip.AddrPort) []byte {
	r.start()
	s := pool.Get().(*scratch)
	defer s.free()
	p := &s.parser
	if p.Start(req) != nil {
		r.Malformed.Add(1)
		return dst
	}
	if p.Version() == V3 {
		return r.respondV3(dst, s, src)
	}
	if t := p.PDU().Type; t != TrapV1 && t != TrapV2 && t != InformRequest {
		r.Refused.Add(1)
		return dst
	}
	m, err := p.Message()
	switch {
	case err != nil:
		r.Malformed.Add(1)
	case r.Community != nil && !r.Community(m.Community, src):
		r.Refused.Add(1)
	case r.put(src, &m) && m.PDU.Type == InformRequest:
		answer := m
		answer.PDU.Type = Response
		out, err := answer.Append(dst)
		if err == nil {
			return out
		}
	}
	return dst
}

// put puts m into the queue, unless that is full.
func (r *Receiver) put(src netip.AddrPort, m *Message) bool {
	select {
	case r.queue <- received{src, m}:
		r.Queued.Add(1)
		return true
	default:
		r.Overflow.Add(1)
		return false
	}
}

func (r *Receiver) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// respondV3 goes on with a message of SNMPv3, which s.parser has started.
func (r *Receiver) respondV3(dst []byte, s *scratch, src netip.AddrPort) []byte {
	p := &s.parser
	h := p.HeaderData()
	level := h.SecurityLevel()
	sp, err := p.SecurityParameters()
	if err != nil || h.SecurityModel != usmModel || level == 0 {
		r.Malformed.Add(1)
		return dst
	}
	own := len(r.EngineID) > 0 && string(sp.EngineID) == string(r.EngineID)
	if !own && h.Reportable {
		// Who expects Reports sends an inform, or asks for the engine ID.
		r.Refused.Add(1)
		return r.report(dst, s, &sp, usm.ErrUnknownEngineID, nil)
	}
	var user *usm.User
	var least usm.SecurityLevel
	if r.User != nil {
		user, least = r.User(sp.EngineID, string(sp.UserName))
	}
	if user == nil {
		r.Refused.Add(1)
		return r.report(dst, s, &sp, usm.ErrUnknownUserName, nil)
	}
	if least == 0 {
		least = user.Level()
	}
	if level > user.Level() {
		r.Refused.Add(1)
		return r.report(dst, s, &sp, usm.ErrUnsupportedSecurityLevel, nil)
	}
	l, err := r.users.Localize(user, sp.EngineID)
	if err != nil {
		r.Refused.Add(1)
		return dst
	}
	if level >= usm.AuthNoPriv {
		if p.Verify(l, &sp) != nil {
			r.Forged.Add(1)
			return r.report(dst, s, &sp, usm.ErrWrongDigest, nil)
		}
		r.users.Keep(l)
		if r.late(own, src, &sp) {
			r.Replayed.Add(1)
			return r.report(dst, s, &sp, usm.ErrNotInTimeWindow, l)
		}
	}
	if level < least { // which a synchronisation may be
		r.Refused.Add(1)
		return r.report(dst, s, &sp, usm.ErrUnsupportedSecurityLevel, nil)
	}
	again := level >= usm.AuthNoPriv && r.known(&sp)
	if again && !own {
		r.Replayed.Add(1)
		return dst
	}
	if level == usm.AuthPriv && p.Decrypt(l, &sp) != nil {
		r.Forged.Add(1)
		return r.report(dst, s, &sp, usm.ErrDecryption, nil)
	}
	t := p.PDU().Type
	if own && t != InformRequest || !own && t != TrapV2 {
		r.Refused.Add(1)
		return dst
	}
	m, err := p.Message()
	switch {
	case err != nil:
		r.Malformed.Add(1)
		return dst
	case again:
		r.Replayed.Add(1) // an inform whose acknowledgement was lost gets another
	case !r.put(src, &m):
		r.forget(&sp)
		return dst
	}
	if !own {
		return dst
	}
	answer := m
	answer.PDU.Type = Response
	return r.seal(dst, s, &sp, &answer, level, l)
}

// late reports whether an authentic message is not of this time: of ours, if
// this engine is the authority, or of its sender's (RFC 3414, section 3.2, 7).
func (r *Receiver) late(own bool, src netip.AddrPort, sp *usm.SecurityParameters) bool {
	now := r.now()
	if own {
		return r.clock().Check(sp.Boots, sp.Time, now) != nil
	}
	key := engineAt{src.Addr(), string(sp.EngineID)}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clocks[key]
	if c == nil {
		if r.clocks == nil {
			r.clocks = make(map[engineAt]*usm.PeerClock)
		}
		for old := range r.clocks {
			if len(r.clocks) < maxClocks {
				break
			}
			delete(r.clocks, old)
		}
		c = new(usm.PeerClock)
		r.clocks[key] = c
	}
	return c.Update(sp.Boots, sp.Time, now) != nil
}

func (r *Receiver) clock() usm.Clock {
	if r.Clock == (usm.Clock{}) {
		return defaultClock
	}
	return r.Clock
}

// known reports whether a message with this authentication code was here before,
// and remembers it.
func (r *Receiver) known(sp *usm.SecurityParameters) bool {
	d := digest(sp.MAC) // no code is shorter
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[d]; ok {
		return true
	}
	if r.seen == nil {
		r.seen = make(map[digest]struct{})
	}
	r.seen[d] = struct{}{}
	if len(r.ring) < maxDigests {
		r.ring = append(r.ring, d)
		return false
	}
	delete(r.seen, r.ring[r.oldest])
	r.ring[r.oldest] = d
	r.oldest = (r.oldest + 1) % maxDigests
	return false
}

// forget lets a message come again that found no room.
func (r *Receiver) forget(sp *usm.SecurityParameters) {
	if len(sp.MAC) < len(digest{}) {
		return
	}
	r.mu.Lock()
	delete(r.seen, digest(sp.MAC))
	r.mu.Unlock()
}

// report counts s, and appends a Report of it if the message that s.parser holds
// may be answered with one. It is signed by l, if not nil.
func (r *Receiver) report(dst []byte, s *scratch, sp *usm.SecurityParameters, stat usm.Stat, l *usm.LocalUser) []byte {
	n := r.stats[stat].Add(1)
	if !s.parser.HeaderData().Reportable || len(r.EngineID) == 0 {
		return dst
	}
	m := Message{HeaderData: HeaderData{MsgID: s.parser.HeaderData().MsgID}, ContextEngineID: string(r.EngineID),
		PDU: PDU{Type: Report, RequestID: s.parser.PDU().RequestID, VarBinds: []VarBind{{oidUSMStats.Append(uint32(stat), 0), Counter32Value(n)}}}}
	level := usm.NoAuthNoPriv
	if l != nil {
		level = usm.AuthNoPriv
	}
	return r.seal(dst, s, sp, &m, level, l)
}

// seal appends m as a message of this engine to the sender of sp.
func (r *Receiver) seal(dst []byte, s *scratch, sp *usm.SecurityParameters, m *Message, level usm.SecurityLevel, l *usm.LocalUser) []byte {
	var err error
	if s.scoped, err = m.AppendScopedPDU(s.scoped[:0]); err != nil {
		return dst
	}
	h := HeaderData{MsgID: m.MsgID}
	h.setLevel(level)
	own := usm.SecurityParameters{EngineID: r.EngineID, UserName: sp.UserName}
	own.Boots, own.Time = r.clock().At(r.now())
	out, err := h.Seal(dst, s.scoped, &own, l)
	if err != nil {
		return dst
	}
	return out
}

// UserName returns the name of the user in the security parameters of a message
// of SNMPv3, or "". Whether it is authentic the HeaderData tells, if the message
// was verified.
func (m *Message) UserName() string {
	sp, err := usm.SecurityParametersFromBER([]byte(m.SecurityParams))
	if err != nil {
		return ""
	}
	return string(sp.UserName)
}
