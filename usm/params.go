package usm

import "fmt"

const (
	maxUserNameLen = 32 // RFC 3414, section 2.4
	maxMACLen      = 48 // RFC 7860, section 4
	saltLen        = 8  // RFC 3414, section 8.1.1.1 and RFC 3826, section 3.1.2.1

	tagInteger     = 0x02
	tagOctetString = 0x04
	tagSequence    = 0x30
)

// SecurityParameters are the msgSecurityParameters of a message: the content of
// its OCTET STRING (UsmSecurityParameters, RFC 3414, section 2.4).
type SecurityParameters struct {
	EngineID EngineID // of the authoritative engine; empty in a discovery
	Boots    uint32
	Time     uint32 // seconds
	UserName []byte
	MAC      []byte // msgAuthenticationParameters
	Salt     []byte // msgPrivacyParameters

	// MACOffset is where MAC began in the octets that were parsed.
	// AppendBER does not read it.
	MACOffset int
}

// SecurityParametersFromBER parses b, which must hold the parameters and nothing
// else. The slices of the result alias b. It takes long forms of lengths and
// padded integers, as Net-SNMP does, and an engine ID of any length up to 32
// octets, as what does not match is for the caller to report. The error says
// where it stopped, and wraps [ErrSyntax]. No more than about 200 octets are
// read, whatever b holds.
func SecurityParametersFromBER(b []byte) (SecurityParameters, error) {
	var p SecurityParameters
	r := reader{b: b}
	if n := r.header(tagSequence, "security parameters", len(b)); r.err == nil && n != len(b)-r.off {
		r.fail("the end of the security parameters", fmt.Sprintf("%d more octets", len(b)-r.off-n))
	}
	p.EngineID = r.octets("engine ID", maxEngineIDLen)
	p.Boots = r.integer("engine boots")
	p.Time = r.integer("engine time")
	p.UserName = r.octets("user name", maxUserNameLen)
	p.MAC = r.octets("authentication parameters", maxMACLen)
	p.MACOffset = r.off - len(p.MAC)
	p.Salt = r.octets("privacy parameters", saltLen)
	if r.err == nil && r.off != len(b) {
		r.fail("the end of the security parameters", fmt.Sprintf("%d more octets", len(b)-r.off))
	}
	if r.err != nil {
		return SecurityParameters{}, r.err
	}
	return p, nil
}

// AppendBER appends p to dst. MacOff is where in the result p.MAC begins:
// append with as many zero octets as [LocalUser.MACLen] says, and sign when the
// message is complete.
func (p *SecurityParameters) AppendBER(dst []byte) (b []byte, macOff int) {
	n := octetsLen(p.EngineID) + integerLen(p.Boots) + integerLen(p.Time) +
		octetsLen(p.UserName) + octetsLen(p.MAC) + octetsLen(p.Salt)
	dst = appendHeader(dst, tagSequence, n)
	dst = appendOctets(dst, p.EngineID)
	dst = appendInteger(dst, p.Boots)
	dst = appendInteger(dst, p.Time)
	dst = appendOctets(dst, p.UserName)
	dst = appendOctets(dst, p.MAC)
	macOff = len(dst) - len(p.MAC)
	return appendOctets(dst, p.Salt), macOff
}

// A reader reads BER from b at off. After the first error it reads nothing.
type reader struct {
	b   []byte
	off int
	err error
}

func (r *reader) fail(want, got string) {
	r.err = &failure{fmt.Sprintf("security parameters, octet %d: want %s, got %s", r.off, want, got), ErrSyntax}
}

// header reads a tag and a length of at most limit and returns the length,
// which is within b.
func (r *reader) header(tag byte, what string, limit int) int {
	if r.err != nil {
		return 0
	}
	rest := r.b[r.off:]
	if len(rest) < 2 {
		r.fail(what, "the end")
		return 0
	}
	if rest[0] != tag {
		r.fail(fmt.Sprintf("%s (tag %02x)", what, tag), fmt.Sprintf("tag %02x", rest[0]))
		return 0
	}
	n, size := int(rest[1]), 2
	if n >= 0x80 {
		size += n & 0x7f
		// Up to four octets of length, as Net-SNMP has it. The indefinite
		// form (0x80) is not BER for SNMP (RFC 3417, section 8).
		if n == 0x80 || n-0x80 > 4 || len(rest) < size {
			r.fail("the length of "+what, fmt.Sprintf("%02x", n))
			return 0
		}
		var v uint32
		for _, c := range rest[2:size] {
			v = v<<8 | uint32(c)
		}
		n = int(min(v, 1<<30)) // more than any message; fits 32 bits
	}
	switch {
	case n > limit:
		r.fail(fmt.Sprintf("%s of at most %d octets", what, limit), fmt.Sprint(n))
		return 0
	case n > len(rest)-size:
		r.fail(fmt.Sprintf("%s of %d octets", what, n), fmt.Sprintf("%d before the end", len(rest)-size))
		return 0
	}
	r.off += size
	return n
}

func (r *reader) octets(what string, limit int) []byte {
	n := r.header(tagOctetString, what, limit)
	r.off += n
	return r.b[r.off-n : r.off : r.off]
}

func (r *reader) integer(what string) uint32 {
	// Padding is accepted up to a size that no sender reaches.
	n := r.header(tagInteger, what, 16)
	if r.err != nil {
		return 0
	}
	var v uint64
	content := r.b[r.off : r.off+n]
	for _, c := range content {
		if v = v<<8 | uint64(c); v > maxTime {
			break
		}
	}
	if n == 0 || v > maxTime || content[0] >= 0x80 {
		r.fail(what+" from 0 to 2147483647", fmt.Sprintf("%x", content))
		return 0
	}
	r.off += n
	return uint32(v)
}

func headerLen(n int) int {
	size := 2
	if n >= 0x80 {
		for ; n > 0; n >>= 8 {
			size++
		}
	}
	return size
}

func octetsLen(b []byte) int { return headerLen(len(b)) + len(b) }

func integerLen(v uint32) int {
	n := 3
	for v >= 0x80 {
		v >>= 8
		n++
	}
	return n
}

func appendHeader(dst []byte, tag byte, n int) []byte {
	dst = append(dst, tag)
	size := headerLen(n) - 2
	if size == 0 {
		return append(dst, byte(n))
	}
	dst = append(dst, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

func appendOctets(dst, b []byte) []byte {
	return append(appendHeader(dst, tagOctetString, len(b)), b...)
}

func appendInteger(dst []byte, v uint32) []byte {
	n := integerLen(v) - 2
	dst = append(dst, tagInteger, byte(n))
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(uint64(v)>>(8*i)))
	}
	return dst
}
