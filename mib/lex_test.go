package mib

import (
	"fmt"
	"strings"
	"testing"
)

var kindNames = map[kind]string{
	kEOF: "eof", kLabel: "label", kNumber: "number", kQuoted: "string", kEquals: "::=", kRange: "..",
	kLeftBrace: "{", kRightBrace: "}", kOctetString: "octets", kBits: "bits", kObjectType: "OBJECT-TYPE",
	kPunct: "?", kComma: ",", kLeftParen: "(", kRightParen: ")",
}

func lexText(l lexer) string {
	var out []string
	for _, t := range l.lex() {
		name, ok := kindNames[t.kind]
		if !ok {
			name = fmt.Sprint(t.kind)
		}
		if t.kind == kLabel || t.kind == kNumber || t.kind == kQuoted {
			name += ":" + l.src[t.off:t.end]
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestLex(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "eof"},
		{"ifDescr OBJECT-TYPE", "label:ifDescr OBJECT-TYPE eof"},
		{"a -- comment -- b", "label:a label:b eof"},
		{"a -- comment\nb", "label:a label:b eof"},
		{"a ---- b", "label:a label:b eof"},
		{"a -----\nb", "label:a number:- label:b eof"}, // an odd hyphen is left over
		{"a --", "label:a eof"},
		{"a--b c", "label:a--b label:c eof"}, // hyphens belong to labels
		{"5--x", "label:5--x eof"},
		{"1..20 -7 0x1f", "number:1 .. number:20 number:-7 label:0x1f eof"},
		{"'0101'B '1F'h 'zz'h 'x'q", "number:'0101'B number:'1F'h label:'zz'h label:'x'q eof"},
		{"'abc", "label:'abc eof"},
		{`"two
lines" x`, "string:two\nlines label:x eof"},
		{`"no end`, "eof"},
		{"OCTET STRING BIT STRING BITS", "octets bits bits eof"},
		{"OCTET\n\tSTRING", "octets eof"},
		{"OCTET (x", "label:OCTET label:x eof"}, // the character after OCTET is lost
		{"a_b", "label:a label:_ label:b eof"},
		{"caf\xe9 x", "label:caf label:\xe9 label:x eof"},
		{"a:b a::b a::=b", "label:a label:: label:b label:a label::: label:b label:a ::= label:b eof"},
		{"a.b", "label:a label:. label:b eof"},
		{"name-", "label:name- eof"},
	} {
		got, want := lexText(lexer{src: tt.in}), tt.want
		if got != want {
			t.Errorf("lex(%q) =\n  %s, want\n  %s", tt.in, got, want)
		}
	}
	if got, want := lexText(lexer{src: "a_b", underscore: true}), "label:a_b eof"; got != want {
		t.Errorf("lex with underscores = %s, want %s", got, want)
	}
	if got, want := lexText(lexer{src: "a -- b -- c\nd", toEOL: true}), "label:a label:d eof"; got != want {
		t.Errorf("lex with comments to the end of line = %s, want %s", got, want)
	}
}

func FuzzLex(f *testing.F) {
	f.Add("a -- b -- \"c\" '01'B ::= { d(1) }")
	f.Add("OCTET \n STRING -----")
	f.Fuzz(func(t *testing.T, src string) {
		toks := (&lexer{src: src}).lex()
		if len(toks) > len(src)+1 {
			t.Fatalf("%d tokens of %d octets", len(toks), len(src))
		}
		end := uint32(0)
		for i, x := range toks {
			if x.off < end || x.end < x.off || int(x.end) > len(src) {
				t.Fatalf("token %d of %q is at %d to %d, after one that ends at %d", i, src, x.off, x.end, end)
			}
			end = x.end
			if (x.kind == kEOF) != (i == len(toks)-1) {
				t.Fatalf("token %d of %d of %q is of kind %d", i, len(toks), src, x.kind)
			}
		}
	})
}
