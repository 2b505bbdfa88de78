package agent

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/pollux-snmp/pollux/internal/ber"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// An engine is the authoritative SNMP engine of an agent (RFC 3411).
type engine struct {
	id    usm.EngineID
	clock usm.Clock
	users atomic.Pointer[map[string]*usm.LocalUser] // of this engine, by name
}

// localEngineID stands for the engine that gets the message (RFC 5343).
var localEngineID = []byte{0x80, 0, 0, 0, 6}

// OIDs of the counters that Reports carry.
var (
	oidUsmStats           = snmp.MustParseOID("1.3.6.1.6.3.15.1.1")
	oidUnknownPDUHandlers = snmp.MustParseOID("1.3.6.1.6.3.11.2.1.3.0")
	oidUnknownContexts    = snmp.MustParseOID("1.3.6.1.6.3.12.1.5.0")
)

// A sender is how the answer to a v3 message is protected.
type sender struct {
	name       []byte
	user       *usm.LocalUser // nil without authentication
	level      usm.SecurityLevel
	boots, now uint32
}

// respondV3 answers a message of v3 (RFC 3412, section 7.2, and RFC 3414,
// section 3.2). It does no more work than one hash before the message is
// authenticated.
func (r *request) respondV3(dst []byte) []byte {
	st, eng := &r.a.stats, &r.a.engine
	h := r.p.HeaderData()
	if SecurityModel(h.SecurityModel) != USMModel {
		st.snmpUnknownSecurityModels.Add(1)
		return nil
	}
	level := usm.NoAuthNoPriv
	switch {
	case h.Auth && h.Priv:
		level = usm.AuthPriv
	case h.Auth:
		level = usm.AuthNoPriv
	case h.Priv:
		st.snmpInvalidMsgs.Add(1)
		return nil
	}
	params, off := r.p.RawSecurityParams()
	sp, err := usm.SecurityParametersFromBER(params)
	if err != nil {
		st.snmpInASNParseErrs.Add(1)
		return nil
	}

	now := r.a.now()
	s := sender{name: sp.UserName, level: usm.NoAuthNoPriv}
	s.boots, s.now = eng.clock.At(now)
	user := (*eng.users.Load())[string(sp.UserName)]
	stat := usm.Stat(0)
	switch {
	case !bytes.Equal(sp.EngineID, eng.id):
		stat = usm.ErrUnknownEngineID
	case user == nil:
		stat = usm.ErrUnknownUserName
	case level > user.User().Level():
		stat = usm.ErrUnsupportedSecurityLevel
	case level == usm.NoAuthNoPriv:
	case user.Verify(r.msg[:len(r.msg)-r.p.TrailingLen()], off+sp.MACOffset, len(sp.MAC)) != nil:
		stat = usm.ErrWrongDigest
	default:
		s.user = user
		if eng.clock.Check(sp.Boots, sp.Time, now) != nil {
			stat = usm.ErrNotInTimeWindow
			s.level = usm.AuthNoPriv
			break
		}
		if level == usm.AuthPriv && !r.decrypt(user, &sp) {
			stat = usm.ErrDecryption
		}
	}
	if stat != 0 {
		if len(sp.EngineID) > 0 && (stat == usm.ErrUnknownUserName || stat == usm.ErrWrongDigest || stat == usm.ErrUnsupportedSecurityLevel) {
			r.a.authFailure(r.src)
		}
		if s.level == usm.NoAuthNoPriv {
			s.user = nil
		}
		return r.report(dst, &s, oidUsmStats, uint32(stat), st.usm[stat].Add(1))
	}
	s.level = level

	// The dispatcher (RFC 3412, section 7.2.2): requests for this engine only.
	typ := r.p.PDU().Type
	if id := r.p.RawContextEngineID(); !bytes.Equal(id, eng.id) && !bytes.Equal(id, localEngineID) || !isRequest(typ) {
		return r.report(dst, &s, oidUnknownPDUHandlers, 0, st.snmpUnknownPDUHandlers.Add(1))
	}
	t, ok := (*r.a.contexts.Load())[string(r.p.RawContextName())]
	if !ok {
		return r.report(dst, &s, oidUnknownContexts, 0, st.snmpUnknownContexts.Add(1))
	}
	r.tree, r.who = t, sp.UserName
	r.entry = r.a.acl.Load().find(USMModel, sp.UserName, level, r.p.RawContextName())

	scoped := r.beginScoped(r.p.RawContextEngineID(), r.p.RawContextName())
	limit := min(int(h.MaxSize), r.a.cfg.MaxSize) - r.overhead(&s, len(scoped))
	if scoped = r.appendPDU(scoped, limit); scoped == nil {
		return nil
	}
	return r.seal(dst, &s, ber.End(scoped, 0))
}

// decrypt goes on with the decrypted scoped PDU. What is no scoped PDU comes of a
// wrong key, which nothing else shows.
func (r *request) decrypt(user *usm.LocalUser, sp *usm.SecurityParameters) bool {
	plain, err := user.Decrypt(r.scoped[:0], r.p.RawEncryptedPDU(), sp.Boots, sp.Time, sp.Salt)
	if err != nil {
		return false
	}
	r.scoped = plain
	err = r.p.StartScopedPDU(plain)
	return err == nil || errors.Is(err, snmp.ErrVersion)
}

func isRequest(t snmp.PDUType) bool {
	switch t {
	case snmp.GetRequest, snmp.GetNextRequest, snmp.GetBulkRequest, snmp.SetRequest:
		return true
	}
	return false
}

// report appends a Report of a counter, whose OID has sub behind it unless that
// is 0, or returns nil if the message must not be answered with one (RFC 3412,
// section 7.1, 3).
func (r *request) report(dst []byte, s *sender, oid snmp.OID, sub, count uint32) []byte {
	typ := r.p.PDU().Type // 0 if it is encrypted still
	if !r.p.HeaderData().Reportable || typ != 0 && !isRequest(typ) && typ != snmp.InformRequest {
		return nil
	}
	r.name = oid.AppendBER(r.name[:0])
	if sub != 0 {
		r.name = append(r.name, byte(sub), 0)
	}
	scoped := r.beginScoped(r.a.engine.id, nil)
	start := len(scoped)
	scoped = ber.Begin(scoped, byte(snmp.Report))
	scoped = ber.AppendInt(scoped, ber.Integer, int64(r.p.PDU().RequestID))
	scoped = append(scoped, ber.Integer, 1, 0, ber.Integer, 1, 0)
	list := len(scoped)
	scoped = ber.Begin(scoped, ber.Sequence)
	scoped = appendBinding(scoped, r.name, snmp.Counter32Value(count))
	scoped = ber.End(ber.End(scoped, list), start)
	return r.seal(dst, s, ber.End(scoped, 0))
}

// beginScoped begins a scoped PDU.
func (r *request) beginScoped(engineID, context []byte) []byte {
	b := ber.Begin(r.rsp[:0], ber.Sequence)
	b = ber.AppendBytes(b, ber.OctetString, engineID)
	return ber.AppendBytes(b, ber.OctetString, context)
}

// maxPadding is more than what encryption appends.
const maxPadding = 8

// overhead returns the most that a message takes besides a PDU. Before is the
// length of what the scoped PDU has before it.
func (r *request) overhead(s *sender, before int) int {
	const (
		header  = 4 + 3 + 2 + 6 + 6 + 3 + 3 // up to the security parameters
		params  = 4 + 2 + 2 + 6 + 6 + 2 + 2 + 2
		padding = 4 + maxPadding
		salt    = 8
	)
	n := header + params + len(r.a.engine.id) + len(s.name) + before + 2 + padding
	if s.user != nil {
		n += s.user.MACLen() + salt
	}
	return n
}

// seal appends the message around a scoped PDU, encrypted and signed as s says.
func (r *request) seal(dst []byte, s *sender, scoped []byte) []byte {
	scoped = slices.Grow(scoped, maxPadding)
	r.rsp = scoped
	h := snmp.HeaderData{MsgID: r.p.HeaderData().MsgID, MaxSize: int32(r.a.cfg.MaxSize), Auth: s.level >= usm.AuthNoPriv, Priv: s.level == usm.AuthPriv}
	sp := usm.SecurityParameters{EngineID: r.a.engine.id, Boots: s.boots, Time: s.now, UserName: s.name}
	msg, err := h.Seal(dst, scoped, &sp, s.user)
	if err != nil {
		return nil
	}
	return msg
}
