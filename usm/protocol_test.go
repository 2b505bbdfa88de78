package usm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/internal/general"
)

func TestParseProtocols(t *testing.T) {
	auth := map[string]AuthProtocol{
		"MD5": MD5, "md5": MD5, "SHA": SHA, "sha1": SHA, "SHA-1": SHA, "SHA-224": SHA224, "sha256": SHA256, "SHA-256": SHA256,
		"Sha-384": SHA384, "SHA512": SHA512, "NOAUTH": NoAuth, "none": NoAuth, ".1.3.6.1.6.3.10.1.1.3": SHA, "1.3.6.1.6.3.10.1.1.7": SHA512,
	}
	for in, want := range auth {
		if got, err := ParseAuthProtocol(in); got != want || err != nil {
			t.Errorf("ParseAuthProtocol(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	priv := map[string]PrivProtocol{
		"DES": DES, "des": DES, "3DES": TripleDES, "AES": AES128, "aes128": AES128, "AES-128": AES128, "AES192": AES192, "aes-256": AES256,
		"AES-192-C": AES192C, "aes256c": AES256C, "NOPRIV": NoPriv, ".1.3.6.1.4.1.14832.1.4": AES256, "1.3.6.1.6.3.10.1.2.2": DES,
	}
	for in, want := range priv {
		if got, err := ParsePrivProtocol(in); got != want || err != nil {
			t.Errorf("ParsePrivProtocol(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]SecurityLevel{"nanp": NoAuthNoPriv, "ANP": AuthNoPriv, "ap": AuthPriv, "authPriv": AuthPriv, "authnopriv": AuthNoPriv, "NOAUTHNOPRIV": NoAuthNoPriv} {
		if got, err := ParseSecurityLevel(in); got != want || err != nil {
			t.Errorf("ParseSecurityLevel(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", "SHA2", "AES-512", "DESX", "auth", "1.3.6.1", strings.Repeat("A", 1000)} {
		_, err1 := ParseAuthProtocol(in)
		_, err2 := ParsePrivProtocol(in)
		_, err3 := ParseSecurityLevel(in)
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, ErrSyntax) || len(err.Error()) > 200 {
				t.Errorf("parsing %q: error = %v, want a short ErrSyntax", in, err)
			}
		}
	}
}

// The numbers of RFC 3414, RFC 3826, RFC 7860 and the drafts; Net-SNMP stores
// users with them.
func TestProtocolNames(t *testing.T) {
	for p, want := range map[interface{ OID() string }]string{
		MD5: "1.3.6.1.6.3.10.1.1.2", SHA: "1.3.6.1.6.3.10.1.1.3", SHA224: "1.3.6.1.6.3.10.1.1.4", SHA256: "1.3.6.1.6.3.10.1.1.5",
		SHA384: "1.3.6.1.6.3.10.1.1.6", SHA512: "1.3.6.1.6.3.10.1.1.7", NoAuth: "1.3.6.1.6.3.10.1.1.1",
		NoPriv: "1.3.6.1.6.3.10.1.2.1", DES: "1.3.6.1.6.3.10.1.2.2", TripleDES: "1.3.6.1.6.3.10.1.2.3", AES128: "1.3.6.1.6.3.10.1.2.4",
		AES192: "1.3.6.1.4.1.14832.1.3", AES256: "1.3.6.1.4.1.14832.1.4", AES192C: "1.3.6.1.4.1.9.12.6.1.1", AES256C: "1.3.6.1.4.1.9.12.6.1.2",
	} {
		if got := p.OID(); got != want {
			t.Errorf("%v: OID() = %q, want %q", p, got, want)
		}
	}
	for p := range authInfos {
		p := AuthProtocol(p)
		for _, s := range []string{p.String(), p.OID()} {
			if got, err := ParseAuthProtocol(s); got != p || err != nil {
				t.Errorf("ParseAuthProtocol(%q) = %v, %v, want %v", s, got, err, p)
			}
		}
	}
	for p := range privInfos {
		p := PrivProtocol(p)
		for _, s := range []string{p.String(), p.OID()} {
			if got, err := ParsePrivProtocol(s); got != p || err != nil {
				t.Errorf("ParsePrivProtocol(%q) = %v, %v, want %v", s, got, err, p)
			}
		}
	}
	if got := fmt.Sprint(AuthProtocol(99), PrivProtocol(99), SecurityLevel(0), SecurityLevel(99), AuthPriv); got != "NOAUTH NOPRIV SecurityLevel(0) SecurityLevel(99) authPriv" {
		t.Errorf("names out of range = %q", got)
	}
	for _, tt := range []struct {
		p       PrivProtocol
		n, want int
	}{{NoPriv, 5, 5}, {DES, 0, 0}, {DES, 1, 8}, {DES, 8, 8}, {TripleDES, 9, 16}, {AES128, 9, 9}} {
		if got := tt.p.CiphertextLen(tt.n); got != tt.want {
			t.Errorf("%v.CiphertextLen(%d) = %d, want %d", tt.p, tt.n, got, tt.want)
		}
	}
}

// The numbers are those of usmStats, RFC 3414, section 5.
func TestStats(t *testing.T) {
	want := map[Stat]string{
		ErrUnsupportedSecurityLevel: "1.3.6.1.6.3.15.1.1.1.0",
		ErrNotInTimeWindow:          "1.3.6.1.6.3.15.1.1.2.0",
		ErrUnknownUserName:          "1.3.6.1.6.3.15.1.1.3.0",
		ErrUnknownEngineID:          "1.3.6.1.6.3.15.1.1.4.0",
		ErrWrongDigest:              "1.3.6.1.6.3.15.1.1.5.0",
		ErrDecryption:               "1.3.6.1.6.3.15.1.1.6.0",
	}
	for s, oid := range want {
		if got := s.OID(); got != oid {
			t.Errorf("%v: OID() = %q, want %q", s, got, oid)
		}
		for _, in := range []string{oid, "." + oid, strings.TrimSuffix(oid, ".0")} {
			if got, ok := StatFromOID(in); got != s || !ok {
				t.Errorf("StatFromOID(%q) = %v, %v, want %v", in, got, ok, s)
			}
		}
		err := fmt.Errorf("wrapped: %w", s)
		if !errors.Is(err, s) || !errors.Is(err, ErrUSM) || !errors.Is(err, general.Err) || errors.Is(err, ErrSyntax) {
			t.Errorf("%v is not itself, below ErrUSM and below the root alone", s)
		}
	}
	for _, in := range []string{"", "1.3.6.1.6.3.15.1.1.7.0", "1.3.6.1.6.3.15.1.1.0.0", "1.3.6.1.6.3.15.1.1.1.1", "..3"} {
		if got, ok := StatFromOID(in); ok {
			t.Errorf("StatFromOID(%q) = %v, want none", in, got)
		}
	}
}

func TestEngineID(t *testing.T) {
	for _, in := range []string{"8000000001", "0x8000000001", "0X8000000001", "80:00:00:00:01", "80 00 00 00 01"} {
		if id, err := ParseEngineID(in); err != nil || id.String() != "0x8000000001" {
			t.Errorf("ParseEngineID(%q) = %v, %v, want 0x8000000001", in, id, err)
		}
	}
	for in, want := range map[string]string{
		"": "5 to 32", "0x": "5 to 32", "80000000": "5 to 32", "0000000000": "not all 00", "ffffffffff": "not all ff", "800000000": "two for each",
		"bob": "hexadecimal", strings.Repeat("80", 33): "longer", strings.Repeat("80 ", 1e5): "longer",
	} {
		if id, err := ParseEngineID(in); !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("ParseEngineID(%.50q) = %v, %v, want ErrSyntax with %q", in, id, err, want)
		}
	}
	a, b := NewEngineID(), NewEngineID()
	if !a.Valid() || a.String() == b.String() || a[0] != 0x80 || a[4] != 5 {
		t.Errorf("NewEngineID() = %v, then %v, want two valid IDs of format 5", a, b)
	}
}
