package mib

import "strconv"

// maxHintWidth bounds the numbers in a hint.
const maxHintWidth = 1 << 16

// A hintPart is one specification of a DISPLAY-HINT for octets (RFC 2579,
// section 3.1): "1x:" for example.
type hintPart struct {
	repeat           bool // an octet of the value says how often
	width            int
	code             byte
	separator, after byte // 0 for none
}

// nextHint reads the specification at the start of a hint.
func nextHint(hint string) (h hintPart, rest string) {
	i := 0
	if hint[i] == '*' {
		h.repeat = true
		i++
	}
	for i < len(hint) && hint[i] >= '0' && hint[i] <= '9' {
		h.width = min(h.width*10+int(hint[i]-'0'), maxHintWidth)
		i++
	}
	if i < len(hint) {
		h.code = hint[i]
		i++
	}
	mark := func() byte {
		if i == len(hint) {
			return 0
		}
		c := hint[i]
		if c == '*' || c >= '0' && c <= '9' || h.width == 0 && (c == 'x' || c == 'd' || c == 'o') {
			return 0
		}
		i++
		return c
	}
	h.separator = mark()
	h.after = mark()
	h.width = max(h.width, 1)
	return h, hint[i:]
}

// appendHinted appends octets by a hint. It reports false if the hint is not
// one; then dst may have grown.
func (p *Printer) appendHinted(dst []byte, hint, s string) ([]byte, bool) {
	h := hintPart{width: 1, code: 'd'}
	for s != "" {
		repeat := 1
		if hint != "" {
			h, hint = nextHint(hint)
			if h.repeat {
				repeat = int(s[0])
				s = s[1:]
			}
		}
		for ; repeat > 0 && s != ""; repeat-- {
			piece := s[:min(h.width, len(s))]
			switch h.code {
			case 'a', 't':
				s = s[len(piece):]
				if hasNUL(piece) {
					dst = appendASCII(dst, piece)
				} else {
					dst = append(dst, piece...)
				}
			case 'x', 'd', 'o':
				s = s[len(piece):]
				var v uint64
				for i := range len(piece) {
					v = v<<8 | uint64(piece[i])
				}
				if missing := h.width - len(piece); missing > 0 {
					v <<= 8 * uint(min(missing, 8)) // as if zeros followed
				}
				switch h.code {
				case 'x':
					if v < 16 && h.width == 1 && (p.PadHex || h.separator == 0 && hint == "") {
						dst = append(dst, '0')
					}
					dst = strconv.AppendUint(dst, v, 16)
				case 'd':
					dst = strconv.AppendInt(dst, int64(v), 10)
				case 'o':
					dst = strconv.AppendUint(dst, v, 8)
				}
			default:
				return dst, false
			}
			if s != "" && h.separator != 0 {
				dst = append(dst, h.separator)
			}
		}
		if h.after != 0 && s != "" {
			dst = append(dst, h.after)
		}
	}
	return dst, true
}

func hasNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

// appendHintedInt appends a number by a hint for integers: "d-2" puts a decimal
// point, "x", "o" and "b" are bases.
func appendHintedInt(dst []byte, v int64, signed bool, hint string) []byte {
	start := len(dst)
	switch hint[0] {
	case 'x':
		return strconv.AppendUint(dst, uint64(v), 16)
	case 'o':
		return strconv.AppendUint(dst, uint64(v), 8)
	case 'b':
		for bit := 31; bit >= 0; bit-- {
			dst = append(dst, byte('0'+v>>bit&1))
		}
		return dst
	case 'd':
	default:
		return strconv.AppendInt(dst, v, 10)
	}
	shift := 0
	if len(hint) > 2 && hint[1] == '-' {
		shift, _ = strconv.Atoi(hint[2:])
	}
	if v < 0 {
		dst = append(dst, '-')
		start++
		v = -v
	}
	dst = strconv.AppendUint(dst, uint64(v), 10)
	if shift <= 0 || shift > 70 {
		return dst
	}
	for len(dst)-start < shift {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	dst = append(dst, 0)
	point := len(dst) - 1 - shift
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// parseHinted turns text into octets by a hint, the inverse of appendHinted. It
// reports false if the text does not have that form.
func parseHinted(hint, text string) ([]byte, bool) {
	var out []byte
	var h hintPart
	for text != "" {
		if hint != "" {
			if c := hint[0]; c != '*' && (c < '0' || c > '9') {
				return nil, false
			}
			h, hint = nextHint(hint)
		} else if h.code == 0 {
			return nil, false
		}
		at := len(out)
		if h.repeat {
			out = append(out, 0)
		}
		for n := 1; ; n++ {
			before := len(text)
			switch h.code {
			case 'x', 'd', 'o':
				base := map[byte]int{'x': 16, 'd': 10, 'o': 8}[h.code]
				i := 0
				for i < len(text) && isDigit(text[i], base) {
					i++
				}
				v, err := strconv.ParseUint(text[:i], base, 64)
				if err != nil || h.width > 64 {
					return nil, false
				}
				text = text[i:]
				for j := h.width - 1; j >= 0; j-- {
					if j >= 8 {
						out = append(out, 0)
					} else {
						out = append(out, byte(v>>(8*j)))
					}
				}
			case 'a', 't':
				n := min(h.width, len(text))
				out = append(out, text[:n]...)
				text = text[n:]
			default:
				return nil, false
			}
			if h.separator != 0 && text != "" {
				if text[0] == h.after && h.repeat {
					// the end of what is repeated
				} else if text[0] != h.separator {
					return nil, false
				} else {
					text = text[1:]
				}
			}
			done := false
			if h.after != 0 && text != "" && text[0] == h.after {
				text = text[1:]
				done = true
			}
			if h.repeat {
				out[at] = byte(n)
			}
			if done || !h.repeat || text == "" || len(text) == before || n == 255 {
				break
			}
		}
	}
	return out, true
}

func isDigit(c byte, base int) bool {
	switch base {
	case 8:
		return '0' <= c && c <= '7'
	case 10:
		return '0' <= c && c <= '9'
	}
	return class[c]&cHex != 0
}
