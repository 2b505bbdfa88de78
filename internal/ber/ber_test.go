package ber

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string // content of the OCTET STRING that should be there
		err  string // or the error's text
	}{
		{name: "short", in: "\x04\x02ab", want: "ab"},
		{name: "empty", in: "\x04\x00", want: ""},
		{name: "long form", in: "\x04\x81\x02ab", want: "ab"},
		{name: "overlong form", in: "\x04\x84\x00\x00\x00\x02ab", want: "ab"},
		{name: "longest form", in: "\x04\x88\x00\x00\x00\x00\x00\x00\x00\x02ab", want: "ab"},

		{name: "nothing", in: "", err: "offset 0: expected an OCTET STRING, found the end"},
		{name: "only a tag", in: "\x04", err: "offset 0: expected an OCTET STRING, found the end within a tag and length"},
		{name: "cut length", in: "\x04\x82\x00", err: "offset 0: expected an OCTET STRING, found the end within a tag and length"},
		{name: "cut content", in: "\x04\x03ab", err: "offset 0: expected an OCTET STRING, found a length of 3 with 2 octets left"},
		{name: "other tag", in: "\x02\x01a", err: "offset 0: expected an OCTET STRING, found an INTEGER"},
		{name: "other tag, cut", in: "\x02\x05a", err: "offset 0: expected an OCTET STRING, found an INTEGER"},
		{name: "unknown tag", in: "\x63\x01a", err: "offset 0: expected an OCTET STRING, found an unknown tag"},
		{name: "indefinite", in: "\x04\x80ab\x00\x00", err: "offset 0: expected an OCTET STRING, found an indefinite length"},
		{name: "nine octets of length", in: "\x04\x89\x00\x00\x00\x00\x00\x00\x00\x00\x02ab", err: "offset 0: expected an OCTET STRING, found a length that is too great"},
		{name: "2^31", in: "\x04\x84\x80\x00\x00\x00ab", err: "offset 0: expected an OCTET STRING, found a length that is too great"},
		{name: "2^64-1", in: "\x04\x88\xff\xff\xff\xff\xff\xff\xff\xffab", err: "offset 0: expected an OCTET STRING, found a length that is too great"},
		{name: "reserved", in: "\x04\xffab", err: "offset 0: expected an OCTET STRING, found a length that is too great"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader([]byte(tt.in))
			got, err := r.Bytes(OctetString)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || !errors.Is(err, ErrSyntax) {
					t.Fatalf("Bytes() error = %v, want %s", err, tt.err)
				}
				if r.Offset() != 0 {
					t.Errorf("Offset() = %d after an error, want 0", r.Offset())
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("Bytes() = %q, %v; want %q", got, err, tt.want)
			}
			if err := r.End("it"); err != nil {
				t.Errorf("End() = %v", err)
			}
		})
	}
}

func TestNestedOffsets(t *testing.T) {
	r := NewReader([]byte("\x30\x81\x08\x02\x01\x05\x30\x03\x04\x01a"))
	seq, err := r.Enter(Sequence)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := seq.Int32(); v != 5 || err != nil {
		t.Fatalf("Int32() = %d, %v; want 5", v, err)
	}
	inner, err := seq.Enter(Sequence)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = inner.Int32(); err == nil || err.Error() != "offset 8: expected an INTEGER, found an OCTET STRING" {
		t.Errorf("Int32() error = %v", err)
	}
	if err = inner.End("it"); err == nil || err.Error() != "offset 8: expected the end of it, found 3 more octets" {
		t.Errorf("End() = %v", err)
	}
}

func TestIntegers(t *testing.T) {
	tests := []struct {
		in       string
		i32      int64 // math.MaxInt64 where it must fail, in all columns
		u32, u64 uint64
	}{
		{"", math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{"\x00", 0, 0, 0},
		{"\x7f", 127, 127, 127},
		{"\x80", -128, 1<<32 - 128, 1<<64 - 128},
		{"\x00\x80", 128, 128, 128},
		{"\x00\x00\x00\x00\x05", 5, 5, 5},
		{"\xff\xff\xff\xff\xff\xfe", -2, 1<<32 - 2, 1<<64 - 2},
		{"\x7f\xff\xff\xff", math.MaxInt32, math.MaxInt32, math.MaxInt32},
		{"\x80\x00\x00\x00", math.MinInt32, 1 << 31, 1<<64 - 1<<31},
		{"\x00\xff\xff\xff\xff", -1, math.MaxUint32, math.MaxUint32},
		{"\xff\x7f\xff\xff\xff", math.MaxInt64, math.MaxInt64, 1<<64 - 1<<31 - 1},
		{"\x01\x00\x00\x00\x00", math.MaxInt64, math.MaxInt64, 1 << 32},
		{"\x00\xff\xff\xff\xff\xff\xff\xff\xff", math.MaxInt64, math.MaxInt64, math.MaxUint64},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00", math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{strings.Repeat("\x00", 100) + "\x05", 5, 5, 5},
		{strings.Repeat("\xff", 100), -1, math.MaxUint32, math.MaxUint64},
	}
	for _, tt := range tests {
		const fail = math.MaxInt64
		if v, ok := Int32([]byte(tt.in)); ok != (tt.i32 != fail) || ok && int64(v) != tt.i32 {
			t.Errorf("Int32(%x) = %d, %v; want %d", tt.in, v, ok, tt.i32)
		}
		if v, ok := Uint32([]byte(tt.in)); ok != (tt.u32 != fail) || ok && uint64(v) != tt.u32 {
			t.Errorf("Uint32(%x) = %d, %v; want %d", tt.in, v, ok, tt.u32)
		}
		if v, ok := Uint64([]byte(tt.in)); ok != (tt.u64 != fail) || ok && v != tt.u64 {
			t.Errorf("Uint64(%x) = %d, %v; want %d", tt.in, v, ok, tt.u64)
		}
	}
}

func TestAppendInt(t *testing.T) {
	for _, tt := range []struct {
		v    int64
		want string
	}{
		{0, "\x02\x01\x00"}, {127, "\x02\x01\x7f"}, {128, "\x02\x02\x00\x80"}, {-1, "\x02\x01\xff"}, {-128, "\x02\x01\x80"},
		{-129, "\x02\x02\xff\x7f"}, {1 << 31, "\x02\x05\x00\x80\x00\x00\x00"}, {math.MinInt64, "\x02\x08\x80\x00\x00\x00\x00\x00\x00\x00"},
	} {
		if got := AppendInt(nil, Integer, tt.v); string(got) != tt.want {
			t.Errorf("AppendInt(%d) = %x, want %x", tt.v, got, tt.want)
		}
	}
	want := "\x46\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"
	if got := AppendUint(nil, 0x46, math.MaxUint64); string(got) != want {
		t.Errorf("AppendUint(2^64-1) = %x, want %x", got, want)
	}
}

func TestBeginEnd(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24} {
		content := bytes.Repeat([]byte{0xab}, n)
		got := append(Begin([]byte("xy"), Sequence), content...)
		got = End(got, 2)
		if want := AppendBytes([]byte("xy"), Sequence, content); !bytes.Equal(got, want) {
			t.Errorf("Begin and End around %d octets: other octets than AppendBytes", n)
		}
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		in   string
		want int
		err  string
	}{
		{in: ""},
		{in: "\x30"},
		{in: "\x30\x82"},
		{in: "\x30\x82\x01"},
		{in: "\x30\x05", want: 7},
		{in: "\x30\x05abcdefghij", want: 7},
		{in: "\x30\x82\x01\x00", want: 260},
		{in: "\x30\x84\x7f\xff\xff\x00", want: 0x7fffff00 + 6},
		{in: "\x04", err: "offset 0: expected a SEQUENCE, found an OCTET STRING"},
		{in: "\x30\x80", err: "offset 0: expected a SEQUENCE, found an indefinite length"},
		{in: "\x30\x89", err: "offset 0: expected a SEQUENCE, found a length that is too great"},
		{in: "\x30\x84\xff\xff\xff\xff", err: "offset 0: expected a SEQUENCE, found a length that is too great"},
	}
	for _, tt := range tests {
		got, err := Split([]byte(tt.in), Sequence)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("Split(%x) = %d, %v; want %d, %s", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestAllocs(t *testing.T) {
	buf := make([]byte, 0, 2048)
	content := make([]byte, 300)
	var sum int
	got := testing.AllocsPerRun(100, func() {
		b := Begin(buf, Sequence)
		b = AppendInt(b, Integer, 5)
		b = AppendBytes(b, OctetString, content)
		b = End(b, 0)
		r := NewReader(b)
		seq, _ := r.Enter(Sequence)
		seq.Int32()
		c, _ := seq.Bytes(OctetString)
		sum += len(c)
	})
	if got != 0 || sum == 0 {
		t.Errorf("append and read: %v allocs, want 0", got)
	}
}

// FuzzReader checks that reading stops, stays within the octets given, and
// fails with ErrSyntax only; and that Split agrees with Header.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x30\x03\x02\x01\x05"))
	f.Add([]byte("\x04\x84\x00\x00\x00\x02ab"))
	f.Add([]byte("\x30\x80"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Split(b, Sequence)
		if err != nil && !errors.Is(err, ErrSyntax) || n < 0 {
			t.Fatalf("Split(%x) = %d, %v", b, n, err)
		}
		r := NewReader(b)
		for r.Len() > 0 {
			before := r.Offset()
			tag, c, err := r.Any("anything")
			if err != nil {
				if !errors.Is(err, ErrSyntax) {
					t.Fatalf("Any() error = %v, want ErrSyntax", err)
				}
				break
			}
			if r.Offset() < before+2+len(c) {
				t.Fatalf("Any() read %d octets for a content of %d", r.Offset()-before, len(c))
			}
			if before == 0 && tag == Sequence && n != r.Offset() {
				t.Fatalf("Split(%x) = %d, Any read %d", b, n, r.Offset())
			}
			if v, ok := Int64(c); ok {
				again := NewReader(AppendInt(nil, Integer, v))
				c2, _ := again.Bytes(Integer)
				if w, ok := Int64(c2); !ok || w != v || len(c2) > len(c) {
					t.Fatalf("integer %x = %d becomes %x = %d", c, v, c2, w)
				}
			}
			if v, ok := Uint64(c); ok {
				again := NewReader(AppendUint(nil, Integer, v))
				c2, _ := again.Bytes(Integer)
				if w, ok := Uint64(c2); !ok || w != v {
					t.Fatalf("unsigned integer %x = %d becomes %x = %d", c, v, c2, w)
				}
			}
		}
	})
}
