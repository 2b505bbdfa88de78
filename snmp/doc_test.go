package snmp

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tests that the page of RFCs names exist.
func TestRFCPage(t *testing.T) {
	page, err := os.ReadFile("../doc/rfc.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[string]string) // of each package, as one text
	n := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		pkg := ""
		for _, word := range regexp.MustCompile("`[a-z/]+`|(Test|Fuzz)[A-Za-z0-9]+").FindAllString(cells[3], -1) {
			if word[0] == '`' {
				pkg = strings.Trim(word, "`")
				continue
			}
			if tests[pkg] == "" {
				files, _ := filepath.Glob("../" + pkg + "/*_test.go")
				for _, file := range files {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					tests[pkg] += string(text)
				}
			}
			n++
			if !strings.Contains(tests[pkg], "\nfunc "+word+"(") {
				t.Errorf("%s: package %q has no %s", strings.TrimSpace(cells[2]), pkg, word)
			}
		}
	}
	if n < 50 {
		t.Errorf("%d tests are named", n)
	}
}
