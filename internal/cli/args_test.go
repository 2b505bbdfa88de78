package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestNormalize(t *testing.T) {
	var o Options
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.Bind(fs)
	o.BindCommandOptions(fs, "")
	tests := []struct{ in, want string }{
		{"-v2c -c public host", "--version=2c --community=public -- host"},
		{"-v 2c -cpublic host .1 -On", "--version=2c --community=public --print=n -- host .1"},
		{"host -dOn .1", "--dump --print=n -- host .1"},
		{"-dc public host", "--dump --community=public -- host"},
		{"host oid i -5", "-- host oid i -5"},
		{"host oid F -1.5 -- -On", "-- host oid F -1.5 -On"},
		{"-D host", "--debug= -- host"},
		{"-Dusm,parse host", "--debug=usm,parse -- host"},
		{"-Lf log -Le host", "--log=f log --log=e -- host"},
		{"-3m 0x01 -3K0x02 host", "--key=m 0x01 --key=K0x02 -- host"},
		{"-CE .1.5 -Cr10 host", "--command-options=E .1.5 --command-options=r10 -- host"},
		{"--output json --community=x host", "--output=json --community=x -- host"},
		{"-w host", "-w -- host"},
		{"-r", "--retries= --"},
	}
	for _, tt := range tests {
		if got := strings.Join(Normalize(fs, strings.Fields(tt.in)), " "); got != tt.want {
			t.Errorf("Normalize(%s)\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

// Whatever the words are, all arguments are kept, and pflag does not panic.
func FuzzNormalize(f *testing.F) {
	f.Add("-v2c -c public host oid i -5")
	f.Add("-Lf -D -3m -CE --output -- -")
	f.Fuzz(func(t *testing.T, line string) {
		var o Options
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		fs.SetOutput(discard{})
		o.Bind(fs)
		args := strings.Fields(line)
		out := Normalize(fs, args)
		fs.Parse(out)
		end := slices.Index(out, "--")
		for _, a := range out[end+1:] {
			if !slices.Contains(args, a) {
				t.Errorf("Normalize(%q) has the argument %q", args, a)
			}
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
