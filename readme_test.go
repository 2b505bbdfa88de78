package pollux_test

import (
	"os"
	"strings"
	"testing"
)

// Each piece of Go in the README stands in an example that the tests run.
func TestReadmeExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	flat := func(s string) string {
		lines := strings.Split(strings.TrimSpace(s), "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		return strings.Join(lines, "\n")
	}
	pieces := strings.Split(string(readme), "```go\n")[1:]
	if len(pieces) == 0 {
		t.Error("the README has no Go in it")
	}
	for _, piece := range pieces {
		code, _, ok := strings.Cut(piece, "```")
		if !ok || !strings.Contains(flat(string(examples)), flat(code)) {
			t.Errorf("this is in no example:\n%s", code)
		}
	}
}
