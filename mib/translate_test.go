package mib

import (
	"slices"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/snmp"
)

// A node without a label is printed with the nodes above it up to one that has
// a label, but only if the OID ends there.
func TestNodesWithoutLabels(t *testing.T) {
	s := acmeSet(t)
	for _, tt := range []struct{ opts, oid, want string }{
		{"S", "1.3.6.1.4.1.99999.0", "ACME-MIB::acme.0"},
		{"s", "1.3.6.1.4.1.99999.0", "acme.0"},
		{"f", "1.3.6.1.4.1.99999.0", ".iso.org.dod.internet.private.enterprises.acme.0"},
		{"u", "1.3.6.1.4.1.99999.0", "enterprises.acme.0"},
		{"S", "1.3.6.1.4.1.99999.0.7", "ACME-MIB::0.7"},
		{"s", "1.3.6.1.4.1.99999.0.7", "0.7"},
	} {
		p := Printer{Set: s}
		if err := p.SetOptions(tt.opts); err != nil {
			t.Fatal(err)
		}
		if got := string(p.AppendOID(nil, snmp.MustParseOID(tt.oid))); got != tt.want {
			t.Errorf("-O%s: AppendOID(%s) = %s, want %s", tt.opts, tt.oid, got, tt.want)
		}
	}
}

// -TB prints the labels that begin with what fits, and then the best of those
// that come after, in the order of the module from its end.
func TestMatches(t *testing.T) {
	for _, tt := range []struct{ pattern, want string }{
		{"^ACMEM", "acmeMoreTable acmeMoreEntry acmeMore acmeMac"},
		{"moreentry", "acmeMoreEntry"},                                               // not at the start, and the only one
		{"lags|acmelevel", "acmeLevel"},                                              // acmeFlags comes before
		{"acmemoretable|evel|moreent", "acmeMoreTable acmeMoreEntry"},                // acmeLevel is less good
		{"acmetable|lags", "acmeTable acmeFlags"},                                    // after the last that begins so
		{"acmeplain|moretable", "acmePlain acmeMoreTable"}, {"[(", ""}, {"rien", ""}, // none
	} {
		var b strings.Builder
		tr := Translation{Printer: Printer{Set: acmeSet(t), OIDs: FormatSuffix}, Reports: "B"}
		err := tr.Write(&b, tt.pattern)
		if got := strings.Join(strings.Fields(b.String()), " "); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Write(%q) = %v and %q, want %q", tt.pattern, err, got, tt.want)
		}
	}
}

// Modules that a file has, but nobody asked for, are none of the set.
func TestModulesRead(t *testing.T) {
	s := load(t, Config{Modules: []string{"SNMPv2-TC"}}, "smi", smi, "tc", tc, "acme", acme)
	if got := s.Modules(); slices.Contains(got, "ACME-MIB") || !slices.Contains(got, "SNMPv2-TC") {
		t.Errorf("Modules() = %v, want SNMPv2-TC without ACME-MIB", got)
	}
	// Nor does a set on top of it take them for known.
	s = load(t, Config{Modules: []string{"ACME-MIB"}, Base: s}, "smi", smi, "tc", tc, "acme", acme)
	if _, ok := s.Node("ACME-MIB::acmeLevel"); !ok || !slices.Contains(s.Modules(), "ACME-MIB") {
		t.Errorf("ACME-MIB on top of SNMPv2-TC: Modules() = %v, acmeLevel is there: %v", s.Modules(), ok)
	}
}
