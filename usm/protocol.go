package usm

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"
)

// An AuthProtocol is an authentication protocol. The zero value is none.
type AuthProtocol uint8

// The authentication protocols of RFC 3414 and RFC 7860.
const (
	NoAuth AuthProtocol = iota
	MD5                 // HMAC-MD5-96
	SHA                 // HMAC-SHA-96
	SHA224              // HMAC-128-SHA-224
	SHA256              // HMAC-192-SHA-256
	SHA384              // HMAC-256-SHA-384
	SHA512              // HMAC-384-SHA-512
)

// A PrivProtocol is a privacy protocol. The zero value is none.
type PrivProtocol uint8

// The privacy protocols: DES of RFC 3414, AES-128 of RFC 3826, AES-192 and
// AES-256 with the key extension of draft-blumenthal-aes-usm-04, and 3DES,
// AES192C and AES256C with that of draft-reeder-snmpv3-usm-3desede-00, which
// Cisco's devices use.
const (
	NoPriv PrivProtocol = iota
	DES
	TripleDES
	AES128
	AES192
	AES256
	AES192C
	AES256C
)

type authInfo struct {
	name   string
	oid    string
	new    func() hash.Hash
	keyLen int
	macLen int
}

var authInfos = [...]authInfo{
	NoAuth: {"NOAUTH", "1.3.6.1.6.3.10.1.1.1", nil, 0, 0},
	MD5:    {"MD5", "1.3.6.1.6.3.10.1.1.2", md5.New, md5.Size, 12},
	SHA:    {"SHA", "1.3.6.1.6.3.10.1.1.3", sha1.New, sha1.Size, 12},
	SHA224: {"SHA-224", "1.3.6.1.6.3.10.1.1.4", sha256.New224, sha256.Size224, 16},
	SHA256: {"SHA-256", "1.3.6.1.6.3.10.1.1.5", sha256.New, sha256.Size, 24},
	SHA384: {"SHA-384", "1.3.6.1.6.3.10.1.1.6", sha512.New384, sha512.Size384, 32},
	SHA512: {"SHA-512", "1.3.6.1.6.3.10.1.1.7", sha512.New, sha512.Size, 48},
}

type privInfo struct {
	name   string
	oid    string
	keyLen int
	block  int  // length that a ciphertext is a multiple of
	reeder bool // the key is extended as Reeder has it
}

var privInfos = [...]privInfo{
	NoPriv:    {"NOPRIV", "1.3.6.1.6.3.10.1.2.1", 0, 1, false},
	DES:       {"DES", "1.3.6.1.6.3.10.1.2.2", 16, 8, false},
	TripleDES: {"3DES", "1.3.6.1.6.3.10.1.2.3", 32, 8, true},
	AES128:    {"AES", "1.3.6.1.6.3.10.1.2.4", 16, 1, false},
	AES192:    {"AES-192", "1.3.6.1.4.1.14832.1.3", 24, 1, false},
	AES256:    {"AES-256", "1.3.6.1.4.1.14832.1.4", 32, 1, false},
	AES192C:   {"AES-192-C", "1.3.6.1.4.1.9.12.6.1.1", 24, 1, true},
	AES256C:   {"AES-256-C", "1.3.6.1.4.1.9.12.6.1.2", 32, 1, true},
}

// info returns the facts of p; an unknown number is as good as none.
func (p AuthProtocol) info() *authInfo {
	if int(p) < len(authInfos) {
		return &authInfos[p]
	}
	return &authInfos[NoAuth]
}

func (p PrivProtocol) info() *privInfo {
	if int(p) < len(privInfos) {
		return &privInfos[p]
	}
	return &privInfos[NoPriv]
}

// plain drops what the spellings of one protocol's name differ in.
func plain(s string) string { return strings.ReplaceAll(strings.ToUpper(s), "-", "") }

// ParseAuthProtocol returns the protocol that s names: Net-SNMP's names, in
// upper or lower case, with or without hyphens ("MD5", "SHA", "SHA1",
// "sha-256", "SHA256", "NOAUTH"), or the dotted OID. The error wraps
// [ErrSyntax].
func ParseAuthProtocol(s string) (AuthProtocol, error) {
	name := plain(s)
	switch name {
	case "SHA1":
		return SHA, nil
	case "NONE":
		return NoAuth, nil
	}
	for p := range authInfos {
		if in := &authInfos[p]; name == plain(in.name) || strings.TrimPrefix(s, ".") == in.oid {
			return AuthProtocol(p), nil
		}
	}
	return 0, &failure{fmt.Sprintf("authentication protocol %.40q is none of MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512", s), ErrSyntax}
}

// String returns Net-SNMP's name, such as "SHA-256", or "NOAUTH".
func (p AuthProtocol) String() string { return p.info().name }

// OID returns the dotted OID, as usmUserAuthProtocol has it.
func (p AuthProtocol) OID() string { return p.info().oid }

// KeyLen returns the length of a key in octets, 0 without authentication.
func (p AuthProtocol) KeyLen() int { return p.info().keyLen }

// MACLen returns the length of a message's authentication code in octets, 0
// without authentication.
func (p AuthProtocol) MACLen() int { return p.info().macLen }

// ParsePrivProtocol returns the protocol that s names: Net-SNMP's names, in
// upper or lower case, with or without hyphens ("DES", "3DES", "AES", "AES128",
// "AES-192", "AES-256-C", "NOPRIV"), or the dotted OID. The error wraps
// [ErrSyntax].
func ParsePrivProtocol(s string) (PrivProtocol, error) {
	name := plain(s)
	switch name {
	case "AES128":
		return AES128, nil
	case "3DESEDE":
		return TripleDES, nil
	case "NONE":
		return NoPriv, nil
	}
	for p := range privInfos {
		if in := &privInfos[p]; name == plain(in.name) || strings.TrimPrefix(s, ".") == in.oid {
			return PrivProtocol(p), nil
		}
	}
	return 0, &failure{fmt.Sprintf("privacy protocol %.40q is none of DES, 3DES, AES, AES-192, AES-256, AES-192-C, AES-256-C", s), ErrSyntax}
}

// String returns Net-SNMP's name, such as "AES-192-C", or "NOPRIV".
func (p PrivProtocol) String() string { return p.info().name }

// OID returns the dotted OID, as usmUserPrivProtocol has it.
func (p PrivProtocol) OID() string { return p.info().oid }

// KeyLen returns the length of a localised key in octets, with what it holds
// besides the cipher's own key; 0 without privacy.
func (p PrivProtocol) KeyLen() int { return p.info().keyLen }

// CiphertextLen returns the length of what n octets are encrypted to.
func (p PrivProtocol) CiphertextLen(n int) int {
	block := p.info().block
	return (n + block - 1) / block * block
}

// A SecurityLevel says what protects a message. Its numbers are those of
// SnmpSecurityLevel (RFC 3411, section 5), and they are in order. Zero is not a
// level.
type SecurityLevel uint8

// The three levels.
const (
	NoAuthNoPriv SecurityLevel = 1 + iota
	AuthNoPriv
	AuthPriv
)

var levels = [...]struct{ short, long string }{
	NoAuthNoPriv: {"nanp", "noAuthNoPriv"},
	AuthNoPriv:   {"anp", "authNoPriv"},
	AuthPriv:     {"ap", "authPriv"},
}

// ParseSecurityLevel returns the level that s names, in upper or lower case:
// "noAuthNoPriv", "authNoPriv", "authPriv", "nanp", "anp" or "ap". The error
// wraps [ErrSyntax].
func ParseSecurityLevel(s string) (SecurityLevel, error) {
	for l := NoAuthNoPriv; l <= AuthPriv; l++ {
		if strings.EqualFold(s, levels[l].short) || strings.EqualFold(s, levels[l].long) {
			return l, nil
		}
	}
	return 0, &failure{fmt.Sprintf("security level %.40q is none of noAuthNoPriv, authNoPriv, authPriv", s), ErrSyntax}
}

// String returns the level's long name, such as "authPriv".
func (l SecurityLevel) String() string {
	if l >= NoAuthNoPriv && l <= AuthPriv {
		return levels[l].long
	}
	return fmt.Sprintf("SecurityLevel(%d)", uint8(l))
}
