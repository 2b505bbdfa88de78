package pollux_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pollux-snmp/pollux"

// imports is the policy on imports: which of our packages, and which modules
// of others, a package may reach, directly or not. It states what the design
// promises: the protocol knows no sockets, the transport knows no SNMP, and
// what the program needs stays out of the libraries. If this test fails,
// change the code that fails it, not the table.
var imports = map[string]struct {
	ours   []string
	others []string
	not    []string // of the standard library
}{
	"internal/general": {not: []string{"net"}},
	"internal/ber":     {ours: []string{"internal/general"}, not: []string{"net"}},
	"usm":              {ours: []string{"internal/general", "internal/ber"}, not: []string{"net"}},
	"snmp":             {ours: []string{"internal/general", "internal/ber", "usm"}, not: []string{"net"}},
	"mib":              {ours: []string{"internal/general", "internal/ber", "usm", "snmp"}, not: []string{"net"}},
	"mib/builtin":      {ours: []string{"internal/general", "internal/ber", "usm", "snmp", "mib"}, not: []string{"net"}},
	"agent":            {ours: []string{"internal/general", "internal/ber", "usm", "snmp"}, not: []string{"net"}},
	"agent/host": {ours: []string{"internal/general", "internal/ber", "usm", "snmp", "agent"},
		others: []string{"golang.org/x/sys", "github.com/shirou/gopsutil"}},
	"role":          {ours: []string{"internal/general"}, others: []string{"golang.org/x/net", "golang.org/x/sys"}},
	"role/roletest": {ours: []string{"internal/general", "role"}, others: []string{"golang.org/x/net", "golang.org/x/sys"}},
	"sim":           {ours: []string{"internal/general", "internal/ber", "usm", "snmp"}, others: []string{}},
	".": {ours: []string{"internal/general", "internal/ber", "usm", "snmp", "agent", "mib", "mib/builtin", "sim", "role"},
		others: []string{"golang.org/x/net", "golang.org/x/sys"}},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		pkg := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		if pkg == "" {
			pkg = "."
		}
		policy, ok := imports[pkg]
		if !ok {
			if !strings.HasPrefix(pkg, "cmd/") && !strings.HasPrefix(pkg, "internal/") {
				t.Errorf("%s has no row in the table of imports", pkg)
			}
			continue
		}
		deps, err := exec.Command("go", "list", "-f", `{{range .Deps}}{{.}} {{end}}`, path).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", path, err)
		}
		for dep := range strings.FieldsSeq(string(deps)) {
			switch ours, isOurs := strings.CutPrefix(dep, module+"/"); {
			case isOurs && !slices.Contains(policy.ours, ours):
				t.Errorf("%s depends on %s", pkg, ours)
			case isOurs:
			case slices.Contains(policy.not, dep):
				t.Errorf("%s depends on %s", pkg, dep)
			case strings.Contains(strings.Split(dep, "/")[0], ".") && !allowed(dep, policy.others):
				t.Errorf("%s depends on %s", pkg, dep)
			}
		}
	}
}

func allowed(dep string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool {
		return dep == m || strings.HasPrefix(dep, m+"/")
	})
}
