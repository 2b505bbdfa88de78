package snmp

import (
	"net/netip"
	"strings"

	"github.com/pollux-snmp/pollux/internal/ber"
)

// A Parser reads one message in place and allocates nothing:
//
//	var p snmp.Parser
//	if err := p.Start(msg); err != nil { … }
//	for p.Next() {
//		n, ok := p.Uint64()
//	}
//	if err := p.Err(); err != nil { … }
//
// Methods whose names start with Raw return slices of the message: they are
// valid as long as the message is. A Parser can be started again. Its errors
// wrap [ErrSyntax], tell the offset in the message, what was expected and what
// was found, and hold none of the message's octets.
type Parser struct {
	version   Version
	community []byte
	trailing  int

	header    HeaderData
	params    []byte
	paramsOff int
	encrypted []byte
	engineID  []byte
	context   []byte

	pdu        PDU // without Enterprise and VarBinds
	enterprise []byte
	first      ber.Reader // at the first binding
	list       ber.Reader // at the next binding

	oid     []byte
	minimal bool // oid is in its only form
	raw     []byte
	val     Value // without octets
	err     error
}

// Start reads msg up to its first binding. A message of SNMPv3 that is
// encrypted it reads up to there: see RawEncryptedPDU and StartScopedPDU. The
// error is below [ErrVersion] if only the message's version is wrong.
func (p *Parser) Start(msg []byte) error {
	*p = Parser{}
	r := ber.NewReader(msg)
	p.err = p.start(&r)
	return p.fail("message", p.err)
}

// StartScopedPDU goes on with the context and PDU of an SNMPv3 message that
// was encrypted. Octets behind them are ignored, as block ciphers pad. Offsets
// in errors are those in b from then on.
func (p *Parser) StartScopedPDU(b []byte) error {
	r := ber.NewReader(b)
	p.err = p.startScoped(&r)
	return p.fail("scoped PDU", p.err)
}

// fail makes what precedes the bindings unreadable after an error.
func (p *Parser) fail(what string, err error) error {
	if err == nil {
		return nil
	}
	p.err = wrap(what, err)
	p.first, p.list = ber.Reader{}, ber.Reader{}
	return p.err
}

func (p *Parser) start(r *ber.Reader) error {
	m, err := r.Enter(ber.Sequence)
	if err != nil {
		return err
	}
	p.trailing = r.Len()
	off := m
	version, err := m.Int32()
	if err != nil {
		return err
	}
	switch version {
	case 0, 1:
		p.version = V1 + Version(version)
		if p.community, err = m.Bytes(ber.OctetString); err != nil {
			return err
		}
		err = p.startPDU(&m)
	case 3:
		p.version = V3
		err = p.startV3(&m)
	default:
		return &versionError{off.Error("version 0, 1 or 3", "another")}
	}
	if err != nil {
		return err
	}
	return m.End("the message")
}

func (p *Parser) startV3(m *ber.Reader) error {
	h, err := m.Enter(ber.Sequence)
	if err != nil {
		return err
	}
	at := h
	if p.header.MsgID, err = h.Int32(); err != nil {
		return err
	}
	if p.header.MsgID < 0 {
		return at.Error("a msgID", "a negative number")
	}
	at = h
	if p.header.MaxSize, err = h.Int32(); err != nil {
		return err
	}
	if p.header.MaxSize < minMaxSize {
		return at.Error("a msgMaxSize of at least 484", "a smaller one")
	}
	at = h
	flags, err := h.Bytes(ber.OctetString)
	if err != nil {
		return err
	}
	if len(flags) != 1 {
		return at.Error("msgFlags of one octet", "another length")
	}
	p.header.Flags = flags[0]
	if p.header.SecurityModel, err = h.Int32(); err != nil {
		return err
	}
	if err = h.End("the header data"); err != nil {
		return err
	}
	if p.params, err = m.Bytes(ber.OctetString); err != nil {
		return err
	}
	p.paramsOff = m.Offset() - len(p.params)
	if p.header.Flags&FlagPriv != 0 {
		p.encrypted, err = m.Bytes(ber.OctetString)
		return err
	}
	return p.startScoped(m)
}

func (p *Parser) startScoped(r *ber.Reader) error {
	s, err := r.Enter(ber.Sequence)
	if err != nil {
		return err
	}
	if p.engineID, err = s.Bytes(ber.OctetString); err != nil {
		return err
	}
	if p.context, err = s.Bytes(ber.OctetString); err != nil {
		return err
	}
	if err = p.startPDU(&s); err != nil {
		return err
	}
	return s.End("the scoped PDU")
}

func (p *Parser) startPDU(m *ber.Reader) (err error) {
	p.pdu.Type = PDUType(m.Peek())
	if !p.pdu.Type.in(p.version) {
		at := *m
		tag, _, err := m.Any("a PDU")
		if err == nil {
			err = at.Error("a PDU of version "+p.version.String(), ber.TagName(tag))
		}
		return err
	}
	r, err := m.Enter(byte(p.pdu.Type))
	if err != nil {
		return err
	}
	if p.pdu.Type == TrapV1 {
		err = p.startTrap(&r)
	} else {
		err = p.startIDs(&r)
	}
	if err != nil {
		return err
	}
	if p.first, err = r.Enter(ber.Sequence); err != nil {
		return err
	}
	p.list = p.first
	return r.End("the PDU")
}

func (p *Parser) startIDs(r *ber.Reader) (err error) {
	if p.pdu.RequestID, err = r.Int32(); err != nil {
		return err
	}
	a, err := r.Int32()
	if err != nil {
		return err
	}
	b, err := r.Int32()
	if p.pdu.Type == GetBulkRequest {
		p.pdu.NonRepeaters, p.pdu.MaxRepetitions = clampCount(a), clampCount(b)
	} else {
		p.pdu.ErrorStatus, p.pdu.ErrorIndex = ErrorStatus(a), int(b)
	}
	return err
}

func (p *Parser) startTrap(r *ber.Reader) error {
	_, enterprise, err := value(r, ber.OID)
	if err != nil {
		return err
	}
	p.enterprise = enterprise
	agent, _, err := value(r, kinds[KindIPAddress].tag)
	if err != nil {
		return err
	}
	generic, err := r.Int32()
	if err != nil {
		return err
	}
	specific, err := r.Int32()
	if err != nil {
		return err
	}
	uptime, _, err := value(r, kinds[KindTimeTicks].tag)
	p.pdu.AgentAddr, _ = agent.Addr()
	p.pdu.GenericTrap, p.pdu.SpecificTrap = int(generic), int(specific)
	p.pdu.Timestamp = uint32(uptime.num)
	return err
}

// value reads a value, which must have the tag want unless that is 0. Its
// octets are in c.
func value(r *ber.Reader, want byte) (v Value, c []byte, err error) {
	off := r.Offset()
	if want != 0 && r.Peek() != want {
		_, err = r.Bytes(want)
		return Value{}, nil, err
	}
	tag, c, err := r.Any("a value")
	if err != nil {
		return Value{}, nil, err
	}
	v, fault := decodeValue(tag, c)
	if fault != "" {
		return Value{}, nil, &ber.Error{Off: off, Want: fault, Found: ber.TagName(tag)}
	}
	return v, c, nil
}

// Version returns the message's version.
func (p *Parser) Version() Version { return p.version }

// RawCommunity returns the community of SNMPv1 and SNMPv2c.
func (p *Parser) RawCommunity() []byte { return p.community }

// HeaderData returns the header of SNMPv3. Nothing in it is checked but the
// limits of its numbers.
func (p *Parser) HeaderData() HeaderData { return p.header }

// RawSecurityParams returns the msgSecurityParameters of SNMPv3 and where in
// the message they start.
func (p *Parser) RawSecurityParams() (params []byte, off int) { return p.params, p.paramsOff }

// RawEncryptedPDU returns the encrypted octets of a message with FlagPriv, and
// nil for other messages.
func (p *Parser) RawEncryptedPDU() []byte { return p.encrypted }

// RawContextEngineID returns the contextEngineID of SNMPv3.
func (p *Parser) RawContextEngineID() []byte { return p.engineID }

// RawContextName returns the contextName of SNMPv3.
func (p *Parser) RawContextName() []byte { return p.context }

// PDU returns the PDU without its Enterprise and its VarBinds; for those see
// RawEnterprise and Next.
func (p *Parser) PDU() PDU { return p.pdu }

// RawEnterprise returns the content octets of the enterprise of a trap of
// SNMPv1; make an OID of it with [OIDFromBER].
func (p *Parser) RawEnterprise() []byte { return p.enterprise }

// TrailingLen returns the number of octets behind the message.
func (p *Parser) TrailingLen() int { return p.trailing }

// Err returns the error that made Start, StartScopedPDU or Next fail.
func (p *Parser) Err() error { return p.err }

// Rewind goes back to before the first binding.
func (p *Parser) Rewind() {
	p.list = p.first
	p.oid, p.raw, p.val = nil, nil, Value{}
}

// Next goes to the next binding. It reports false after the last one, or if
// there is an error.
func (p *Parser) Next() bool {
	if p.err != nil || p.list.Len() == 0 {
		return false
	}
	if err := p.next(); err != nil {
		p.fail("message", err)
		return false
	}
	return true
}

func (p *Parser) next() error {
	b, err := p.list.Enter(ber.Sequence)
	if err != nil {
		return err
	}
	off := b.Offset()
	if p.oid, err = b.Bytes(ber.OID); err != nil {
		return err
	}
	var fault string
	if p.minimal, fault = checkOID(p.oid); fault != "" {
		return &ber.Error{Off: off, Want: wantOID, Found: fault}
	}
	if p.val, p.raw, err = value(&b, 0); err != nil {
		return err
	}
	return b.End("the binding")
}

// RawOID returns the content octets of the binding's OID. They may be longer
// than needed, if the peer sent them so; [Parser.OID] returns the only form.
func (p *Parser) RawOID() []byte { return p.oid }

// OID returns a copy of the binding's OID.
func (p *Parser) OID() OID {
	var c *copier
	return c.oid(p.oid, p.minimal)
}

// Kind returns the kind of the binding's value.
func (p *Parser) Kind() Kind { return p.val.kind }

// Int64 is [Value.Int64] of the binding's value.
func (p *Parser) Int64() (n int64, ok bool) { return p.val.Int64() }

// Uint64 is [Value.Uint64] of the binding's value.
func (p *Parser) Uint64() (n uint64, ok bool) { return p.val.Uint64() }

// Float64 is [Value.Float64] of the binding's value.
func (p *Parser) Float64() (f float64, ok bool) { return p.val.Float64() }

// Addr is [Value.Addr] of the binding's value.
func (p *Parser) Addr() (a netip.Addr, ok bool) { return p.val.Addr() }

// RawOctets returns the octets of the binding's value, if it is an OctetString,
// an Opaque or an OID. An OID may be longer than needed, as with RawOID.
func (p *Parser) RawOctets() (b []byte, ok bool) {
	switch p.val.kind {
	case KindOctetString, KindOpaque, KindOID:
		return p.raw, true
	}
	return nil, false
}

// Value returns a copy of the binding's value. It allocates for those kinds
// only that RawOctets is for.
func (p *Parser) Value() Value { return p.copyValue(nil) }

// VarBind returns a copy of the binding.
func (p *Parser) VarBind() VarBind { return VarBind{p.OID(), p.Value()} }

// copyValue copies the value's octets with c.
func (p *Parser) copyValue(c *copier) Value {
	v := p.val
	switch v.kind {
	case KindOctetString, KindOpaque:
		v.str = c.octets(p.raw)
	case KindOID:
		v.str = c.oid(p.raw, false).enc
	}
	return v
}

// VarBinds returns copies of all bindings of the message, wherever Next is. It
// allocates the slice, one string that all short ones share, and each string
// of more than 128 octets.
func (p *Parser) VarBinds() ([]VarBind, error) {
	var c copier
	n, size := p.size()
	c.buf.Grow(size)
	return p.copyVarBinds(n, &c)
}

// Message returns a copy of the whole message; see [MessageFromBER].
func (p *Parser) Message() (Message, error) {
	var (
		c       copier
		n, size = p.size()
	)
	for _, s := range [...][]byte{p.community, p.params, p.encrypted, p.engineID, p.context, p.enterprise} {
		size += min(len(s), maxShared)
	}
	c.buf.Grow(size)
	m := Message{
		Version:         p.version,
		Community:       c.octets(p.community),
		HeaderData:      p.header,
		SecurityParams:  c.octets(p.params),
		EncryptedPDU:    c.octets(p.encrypted),
		ContextEngineID: c.octets(p.engineID),
		ContextName:     c.octets(p.context),
		PDU:             p.pdu,
	}
	if p.pdu.Type == TrapV1 {
		m.PDU.Enterprise = c.oid(p.enterprise, false)
	}
	var err error
	if m.PDU.VarBinds, err = p.copyVarBinds(n, &c); err != nil {
		return Message{}, err
	}
	return m, nil
}

// size skips over all bindings and returns their number and a bound of the
// octets that their copies share. What is allocated so follows from octets that
// are there, at most 7 times as many.
func (p *Parser) size() (n, octets int) {
	list := p.first
	for list.Len() > 0 {
		c, err := list.Bytes(ber.Sequence)
		if err != nil {
			break
		}
		n++
		octets += min(len(c), 2*maxShared)
	}
	return n, octets
}

// copyVarBinds copies the bindings, of which there are n unless some are not
// valid.
func (p *Parser) copyVarBinds(n int, c *copier) ([]VarBind, error) {
	var vbs []VarBind
	if n > 0 {
		vbs = make([]VarBind, 0, n)
	}
	for p.Rewind(); p.Next(); {
		vbs = append(vbs, VarBind{c.oid(p.oid, p.minimal), p.copyValue(c)})
	}
	if p.err != nil {
		return nil, p.err
	}
	return vbs, nil
}

// A copier makes strings of slices. Short ones share one allocation, which
// lives as long as any of them; long ones do not take part, so that one kept
// OID does not keep a message. A nil copier allocates for each.
type copier struct {
	buf strings.Builder // with room for all that it will get
}

// maxShared is the greatest length of a string that shares its allocation.
const maxShared = 128

func (c *copier) octets(b []byte) string {
	if c == nil || len(b) > maxShared {
		return string(b)
	}
	start := c.buf.Len()
	c.buf.Write(b)
	return c.buf.String()[start:]
}

// oid copies the content octets of an OID, which checkOID has passed.
func (c *copier) oid(b []byte, minimal bool) OID {
	if minimal {
		return OID{c.octets(b)}
	}
	var buf [maxShared]byte
	return OID{c.octets(appendMinimalOID(buf[:0], b))}
}
