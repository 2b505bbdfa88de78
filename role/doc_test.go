package role_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"testing"
)

// The package's documentation names a test for each row of its origin: all of
// them must be there.
func TestDocNamesTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[string]bool)
	for _, dir := range []string{".", ".."} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !regexp.MustCompile(`_test\.go$`).MatchString(e.Name()) {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					tests[fn.Name.Name] = true
				}
			}
		}
	}
	names := regexp.MustCompile(`\b(Test|Example_)\w+`).FindAllString(string(doc), -1)
	if len(names) < 50 {
		t.Errorf("the documentation names %d tests, want all of its table", len(names))
	}
	for _, name := range names {
		if !tests[name] {
			t.Errorf("doc.go names %s, which does not exist", name)
		}
	}
}
