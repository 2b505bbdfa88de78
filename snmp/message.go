package snmp

import (
	"net/netip"
	"strconv"

	"github.com/pollux-snmp/pollux/internal/ber"
)

// A Version is a version of SNMP. The zero Version is none.
type Version uint8

// The versions, each with its own form of messages.
const (
	V1  Version = iota + 1 // RFC 1157
	V2c                    // RFC 1901
	V3                     // RFC 3412
)

// String returns the name that the option -v of Net-SNMP's tools takes: "1",
// "2c" or "3".
func (v Version) String() string {
	switch v {
	case V1, V3:
		return strconv.Itoa(int(v))
	case V2c:
		return "2c"
	}
	return "unknown"
}

// wire is the version's number in messages.
func (v Version) wire() int64 {
	if v == V3 {
		return 3
	}
	return int64(v) - 1
}

// A PDUType says what a PDU asks or tells.
type PDUType uint8

// The types of RFC 3416, section 3, and the trap of RFC 1157, by their tags.
const (
	GetRequest PDUType = iota + 0xa0
	GetNextRequest
	Response
	SetRequest
	TrapV1         // SNMPv1 only
	GetBulkRequest // this one and those that follow: not in SNMPv1
	InformRequest
	TrapV2
	Report
)

var pduTypeNames = [...]string{
	"GetRequest", "GetNextRequest", "Response", "SetRequest", "Trap", "GetBulkRequest", "InformRequest", "SNMPv2-Trap", "Report",
}

// String returns the name that the RFCs use, without "-PDU".
func (t PDUType) String() string {
	if i := int(t) - int(GetRequest); i >= 0 && i < len(pduTypeNames) {
		return pduTypeNames[i]
	}
	return "unknown"
}

// in reports whether version v has PDUs of type t.
func (t PDUType) in(v Version) bool {
	if v == V1 {
		return t >= GetRequest && t <= TrapV1
	}
	return t >= GetRequest && t <= Report && t != TrapV1
}

// A PDU is a protocol data unit. Its type says which of the fields count.
type PDU struct {
	Type      PDUType
	RequestID int32 // not in TrapV1

	// All but TrapV1 and GetBulkRequest. The index counts from 1; 0 is none.
	ErrorStatus ErrorStatus
	ErrorIndex  int

	// GetBulkRequest only. Both are at most 2^31-1; a negative number from a
	// peer is read as 0 (RFC 3416, section 4.2.3).
	NonRepeaters   int
	MaxRepetitions int

	VarBinds []VarBind

	// TrapV1 only (RFC 1157, section 4.1.6).
	Enterprise   OID
	AgentAddr    netip.Addr // IPv4; the zero Addr is sent as 0.0.0.0
	GenericTrap  int        // 0 to 5 are the standard traps, 6 is SpecificTrap
	SpecificTrap int
	Timestamp    uint32 // sysUpTime in hundredths of a second
}

// append appends p as a PDU of version v.
func (p *PDU) append(dst []byte, v Version) ([]byte, error) {
	if !p.Type.in(v) {
		return nil, &detail{"SNMPv" + v.String() + " has no PDU of type " + p.Type.String(), ErrBadArgument}
	}
	start := len(dst)
	dst = ber.Begin(dst, byte(p.Type))
	if p.Type == TrapV1 {
		agent := AddrValue(p.AgentAddr)
		agent.kind = KindIPAddress
		dst = OIDValue(p.Enterprise).AppendBER(dst)
		dst = agent.AppendBER(dst)
		dst = ber.AppendInt(dst, ber.Integer, int64(p.GenericTrap))
		dst = ber.AppendInt(dst, ber.Integer, int64(p.SpecificTrap))
		dst = TimeTicksValue(p.Timestamp).AppendBER(dst)
		if !isInt32(p.GenericTrap) || !isInt32(p.SpecificTrap) {
			return nil, errNumber
		}
	} else {
		a, b := int(p.ErrorStatus), p.ErrorIndex
		if p.Type == GetBulkRequest {
			a, b = p.NonRepeaters, p.MaxRepetitions
		}
		if !isInt32(a) || !isInt32(b) {
			return nil, errNumber
		}
		dst = ber.AppendInt(dst, ber.Integer, int64(p.RequestID))
		dst = ber.AppendInt(dst, ber.Integer, int64(a))
		dst = ber.AppendInt(dst, ber.Integer, int64(b))
	}
	list := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	for i := range p.VarBinds {
		if p.VarBinds[i].OID.IsZero() {
			return nil, &detail{"binding " + strconv.Itoa(i+1) + " has the zero OID", ErrBadArgument}
		}
		dst = p.VarBinds[i].appendBER(dst)
	}
	return ber.End(ber.End(dst, list), start), nil
}

var errHeader = &detail{"SNMPv3 message with a negative msgID or a msgMaxSize below 484", ErrBadArgument}

var errNumber = &detail{"PDU with a number of more than 32 bits", ErrBadArgument}

func isInt32(n int) bool { return int64(n) == int64(int32(n)) }

// HeaderData is the header of an SNMPv3 message (RFC 3412, section 6).
type HeaderData struct {
	MsgID         int32 // 0 to 2^31-1; pairs an answer with its request
	MaxSize       int32 // octets that the sender can receive; 484 or more, 0 means 65507
	Auth          bool  // the message is authenticated
	Priv          bool  // the PDU is encrypted; not valid without Auth
	Reportable    bool  // the peer may answer with a Report
	SecurityModel int32 // 3 is the User-based Security Model
}

// Bits of msgFlags.
const (
	flagAuth = 1 << iota
	flagPriv
	flagReportable
)

func (h *HeaderData) flags() (f byte) {
	if h.Auth {
		f |= flagAuth
	}
	if h.Priv {
		f |= flagPriv
	}
	if h.Reportable {
		f |= flagReportable
	}
	return f
}

const (
	minMaxSize     = 484
	defaultMaxSize = 65507 // the most that fits in a UDP datagram
)

// Append appends an SNMPv3 message to dst: a frame around params, the
// msgSecurityParameters, and data, which is what [Message.AppendScopedPDU]
// appends or, if h has Priv set, that encrypted. It returns the extended dst
// and where in it params start, so that authentication parameters in there can
// be set when the whole message stands.
func (h *HeaderData) Append(dst, params, data []byte) (msg []byte, paramsOff int) {
	start := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	dst = appendHeaderData(dst, h, params)
	paramsEnd := len(dst)
	if h.Priv {
		dst = ber.AppendBytes(dst, ber.OctetString, data)
	} else {
		dst = append(dst, data...)
	}
	end := len(dst)
	dst = ber.End(dst, start)
	return dst, paramsEnd + len(dst) - end - len(params)
}

// appendHeaderData appends all that stands before msgData.
func appendHeaderData[T string | []byte](dst []byte, h *HeaderData, params T) []byte {
	dst = ber.AppendInt(dst, ber.Integer, V3.wire())
	start := len(dst)
	dst = ber.Begin(dst, ber.Sequence)
	dst = ber.AppendInt(dst, ber.Integer, int64(h.MsgID))
	size := h.MaxSize
	if size == 0 {
		size = defaultMaxSize
	}
	dst = ber.AppendInt(dst, ber.Integer, int64(size))
	dst = append(dst, ber.OctetString, 1, h.flags())
	dst = ber.AppendInt(dst, ber.Integer, int64(h.SecurityModel))
	return ber.AppendBytes(ber.End(dst, start), ber.OctetString, params)
}

// A Message is a whole message of any version, as a copy: it holds no part of
// the octets that it was made from. [Parser] is the way without copies.
type Message struct {
	Version   Version
	Community string // SNMPv1 and SNMPv2c

	// SNMPv3. A message with Priv has EncryptedPDU instead of the context
	// and the PDU.
	HeaderData
	SecurityParams  string // msgSecurityParameters
	EncryptedPDU    string
	ContextEngineID string
	ContextName     string

	PDU PDU
}

// MessageFromBER decodes a message and copies it. For a few small allocations
// it makes many values: strings of up to 128 octets share one. It ignores
// octets after the message. The error wraps [ErrSyntax].
func MessageFromBER(b []byte) (Message, error) {
	var p Parser
	if err := p.Start(b); err != nil {
		return Message{}, err
	}
	return p.Message()
}

// Append appends m to dst. The error wraps [ErrBadArgument] if m is not a
// message that the version has, and then dst is returned as it was.
func (m *Message) Append(dst []byte) ([]byte, error) {
	var (
		out = ber.Begin(dst, ber.Sequence)
		err error
	)
	switch m.Version {
	case V1, V2c:
		out = ber.AppendInt(out, ber.Integer, m.Version.wire())
		out = ber.AppendBytes(out, ber.OctetString, m.Community)
		out, err = m.PDU.append(out, m.Version)
	case V3:
		if m.MsgID < 0 || m.MaxSize != 0 && m.MaxSize < minMaxSize {
			return dst, errHeader
		}
		out = appendHeaderData(out, &m.HeaderData, m.SecurityParams)
		if m.Priv {
			out = ber.AppendBytes(out, ber.OctetString, m.EncryptedPDU)
		} else {
			out, err = m.AppendScopedPDU(out)
		}
	default:
		return dst, &detail{"message without a version", ErrBadArgument}
	}
	if err != nil {
		return dst, err
	}
	return ber.End(out, len(dst)), nil
}

// AppendScopedPDU appends the context and the PDU of an SNMPv3 message to dst,
// which is what gets encrypted. The error is that of Append.
func (m *Message) AppendScopedPDU(dst []byte) ([]byte, error) {
	out := ber.Begin(dst, ber.Sequence)
	out = ber.AppendBytes(out, ber.OctetString, m.ContextEngineID)
	out = ber.AppendBytes(out, ber.OctetString, m.ContextName)
	out, err := m.PDU.append(out, V3)
	if err != nil {
		return dst, err
	}
	return ber.End(out, len(dst)), nil
}

// Key returns what pairs an answer with its request: the request-id of SNMPv1
// and SNMPv2c, the msgID of SNMPv3. It reports false if there is none, as in a
// trap of SNMPv1 or in octets that are no message. It reads no further than the
// key, so the start of a message will do, such as an ICMP error quotes.
func Key(msg []byte) (key uint32, ok bool) {
	tag, off, _, ok := ber.Header(msg, 0)
	if !ok || tag != ber.Sequence {
		return 0, false
	}
	version, off, ok := keyInt(msg, off)
	if !ok {
		return 0, false
	}
	switch version {
	case 0, 1:
		tag, start, n, ok := ber.Header(msg, off)
		if !ok || tag != ber.OctetString || n > len(msg)-start {
			return 0, false
		}
		tag, off, _, ok = ber.Header(msg, start+n)
		if !ok || !PDUType(tag).in(V2c) { // which has no TrapV1
			return 0, false
		}
	case 3:
		tag, off, _, ok = ber.Header(msg, off)
		if !ok || tag != ber.Sequence {
			return 0, false
		}
	default:
		return 0, false
	}
	id, _, ok := keyInt(msg, off)
	return uint32(id), ok
}

// keyInt reads the INTEGER at msg[off:] and returns where it ends.
func keyInt(msg []byte, off int) (v int32, end int, ok bool) {
	tag, start, n, ok := ber.Header(msg, off)
	if !ok || tag != ber.Integer || n > len(msg)-start {
		return 0, 0, false
	}
	v, ok = ber.Int32(msg[start : start+n])
	return v, start + n, ok
}

// Split finds the end of the first message in data, which came over a stream
// (RFC 3430, section 2.1). It returns the message's length, which may be more
// than there is in data, or 0 if more octets are needed to tell. The error
// wraps [ErrSyntax]: data is not the start of a message, and nothing after it
// in the stream can be trusted.
func Split(data []byte) (n int, err error) {
	n, err = ber.Split(data, ber.Sequence)
	return n, wrap("stream", err)
}
