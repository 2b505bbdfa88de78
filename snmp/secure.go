package snmp

import (
	"fmt"

	"github.com/pollux-snmp/pollux/usm"
)

// usmModel is the User-based Security Model's number (RFC 3411, section 5).
const usmModel = 3

// SecurityLevel returns the level that the flags of h claim, and 0 if they are
// not valid: privacy without authentication (RFC 3412, section 7.2, 5).
func (h *HeaderData) SecurityLevel() usm.SecurityLevel {
	switch {
	case h.Auth && h.Priv:
		return usm.AuthPriv
	case h.Auth:
		return usm.AuthNoPriv
	case h.Priv:
		return 0
	}
	return usm.NoAuthNoPriv
}

// setLevel sets the flags to a level.
func (h *HeaderData) setLevel(l usm.SecurityLevel) {
	h.Auth, h.Priv = l >= usm.AuthNoPriv, l >= usm.AuthPriv
}

// Seal appends a message of the User-based Security Model to dst: scoped, which
// is what [Message.AppendScopedPDU] appends, encrypted if h has Priv, in the
// frame of h and sp, signed if h has Auth. It uses l alone for this, which may
// be nil without Auth. Of sp it reads the engine ID, boots, time and user name;
// the rest it makes itself.
//
// It encrypts scoped where it stands. It allocates nothing if dst and scoped
// have room, the latter for padding of up to 7 octets. The error is one of
// package usm, or below [ErrBadArgument], and then dst is returned as it was.
func (h *HeaderData) Seal(dst, scoped []byte, sp *usm.SecurityParameters, l *usm.LocalUser) ([]byte, error) {
	var (
		frame  = *h
		params = usm.SecurityParameters{EngineID: sp.EngineID, Boots: sp.Boots, Time: sp.Time, UserName: sp.UserName}
		salt   [8]byte
		buf    [192]byte // more than parameters take
	)
	frame.SecurityModel = usmModel
	switch {
	case h.SecurityLevel() == 0:
		return dst, &detail{"message with privacy but without authentication", ErrBadArgument}
	case h.MsgID < 0 || h.MaxSize != 0 && h.MaxSize < minMaxSize:
		return dst, errHeader
	case h.Auth && (l == nil || l.MACLen() == 0):
		return dst, usm.ErrUnsupportedSecurityLevel
	case h.Auth:
		params.MAC = noMAC[:l.MACLen()]
	}
	if h.Priv {
		var err error
		salt = l.NextSalt(sp.Boots)
		params.Salt = salt[:]
		if scoped, err = l.Encrypt(scoped[:0], scoped, sp.Boots, sp.Time, salt); err != nil {
			return dst, err
		}
	}
	b, macOff := params.AppendBER(buf[:0])
	msg, off := frame.Append(dst, b, scoped)
	if h.Auth {
		if err := l.Sign(msg[len(dst):], off-len(dst)+macOff); err != nil {
			return dst, err
		}
	}
	return msg, nil
}

// noMAC is what a message has in the place of its authentication code until it
// is signed.
var noMAC [64]byte

// SecurityParameters returns the security parameters of a message of SNMPv3,
// which alias it. The error wraps [usm.ErrSyntax].
func (p *Parser) SecurityParameters() (usm.SecurityParameters, error) {
	return usm.SecurityParametersFromBER(p.v3.params)
}

// Verify checks that l signed the message, whose security parameters are sp.
// Check the time in sp after it, and then Decrypt. The error is that of
// [usm.LocalUser.Verify].
func (p *Parser) Verify(l *usm.LocalUser, sp *usm.SecurityParameters) error {
	return l.Verify(p.v3.msg, p.v3.paramsOff+sp.MACOffset, len(sp.MAC))
}

// Decrypt decrypts the PDU of a message with Priv and goes on with it, as
// StartScopedPDU does. It works in the message itself, which changes. The error
// is below [usm.ErrDecryption] also if what comes out is no PDU, as with a wrong
// key.
func (p *Parser) Decrypt(l *usm.LocalUser, sp *usm.SecurityParameters) error {
	enc := p.v3.encrypted
	plain, err := l.Decrypt(enc[:0], enc, sp.Boots, sp.Time, sp.Salt)
	if err != nil {
		return p.fail("message", err)
	}
	if err = p.StartScopedPDU(plain); err != nil {
		// With a wrong key, the text would tell of octets that nobody sent.
		p.err = &decryptError{err}
		return p.err
	}
	p.v3.encrypted = nil
	return nil
}

// A decryptError is a PDU that cannot be read once it is decrypted.
type decryptError struct{ err error }

func (e *decryptError) Error() string   { return fmt.Sprint(usm.ErrDecryption, " (", e.err, ")") }
func (e *decryptError) Unwrap() []error { return []error{usm.ErrDecryption, e.err} }

// stat returns the reason that a Report gives, whose first binding is next. It
// is a [usm.Stat] or, for the counters of RFC 3412 and RFC 3413, another error;
// and nil if the Report is none that is known.
func (p *Parser) stat() error {
	p.Rewind()
	if !p.Next() {
		return nil
	}
	o := p.OID()
	if s, ok := usmStat(o); ok {
		return s
	}
	for _, r := range reports {
		if o == r.oid {
			return r.err
		}
	}
	return nil
}

var (
	oidUSMStats = MustParseOID("1.3.6.1.6.3.15.1.1")

	// reports are the counters that are not usmStats.
	reports = [...]struct {
		oid OID
		err error
	}{
		{MustParseOID("1.3.6.1.6.3.11.2.1.1.0"), reportKind("unknown security model")},
		{MustParseOID("1.3.6.1.6.3.11.2.1.2.0"), reportKind("invalid message")},
		{MustParseOID("1.3.6.1.6.3.11.2.1.3.0"), reportKind("unknown PDU handler: no such context engine, or no such PDU type there")},
		{MustParseOID("1.3.6.1.6.3.12.1.4.0"), reportKind("unavailable context")},
		{MustParseOID("1.3.6.1.6.3.12.1.5.0"), reportKind("unknown context")},
	}
)

func reportKind(text string) error { return &detail{"agent reports: " + text, ErrReport} }

// usmStat returns the Stat whose counter is o, with or without the instance.
func usmStat(o OID) (usm.Stat, bool) {
	if !o.HasPrefix(oidUSMStats) || len(o.enc) == len(oidUSMStats.enc) {
		return 0, false
	}
	rest := o.enc[len(oidUSMStats.enc):]
	if n := rest[0]; n <= byte(usm.ErrDecryption) && n > 0 && (rest[1:] == "" || rest[1:] == "\x00") {
		return usm.Stat(n), true
	}
	return 0, false
}
