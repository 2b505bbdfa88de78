package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/snmp"
)

// An Output prints bindings in the form that --output names. It must be closed.
type Output interface {
	Print(vb snmp.VarBind) error
	Flush() error // writes what can be written already
	Close() error
}

// OutputTo returns how the command prints bindings to w.
func (o *Options) OutputTo(w io.Writer, p *mib.Printer) (Output, error) {
	switch o.Output {
	case "text":
		f, ok := w.(*os.File)
		return &textOutput{w: bufio.NewWriter(w), p: p, live: ok && isTerminal(f)}, nil
	case "json":
		return &jsonOutput{w: bufio.NewWriter(w), p: p}, nil
	case "csv":
		c := csv.NewWriter(w)
		c.Write(columns)
		return &csvOutput{c, p}, nil
	case "table":
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		io.WriteString(t, strings.ToUpper(strings.Join(columns, "\t"))+"\n")
		return &tableOutput{t, p}, nil
	}
	return nil, &UsageError{"Unknown form of output: " + o.Output + " (text, json, csv, table)"}
}

var columns = []string{"name", "oid", "type", "value"}

// fields returns what the columns hold: the value alone is without its type,
// as with -Oqv.
func fields(p *mib.Printer, vb snmp.VarBind) []string {
	value := *p
	value.ValueOnly, value.Quick = true, true
	return []string{
		string(p.AppendOID(nil, vb.OID)),
		vb.OID.String(),
		vb.Value.Kind().String(),
		string(value.AppendValue(nil, vb.OID, vb.Value)),
	}
}

// isTerminal reports whether somebody may be reading f as it is written.
func isTerminal(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}

// textOutput prints as Net-SNMP does.
type textOutput struct {
	w    *bufio.Writer
	p    *mib.Printer
	live bool // write each line at once
	buf  []byte
}

func (t *textOutput) Print(vb snmp.VarBind) error {
	t.buf = append(t.p.AppendVarBind(t.buf[:0], vb), '\n')
	_, err := t.w.Write(t.buf)
	if err == nil && t.live {
		err = t.w.Flush()
	}
	return err
}

func (t *textOutput) Flush() error { return t.w.Flush() }
func (t *textOutput) Close() error { return t.w.Flush() }

// jsonOutput prints an array of objects: name, oid, type, value in JSON's own
// types, and text as it is printed elsewhere.
type jsonOutput struct {
	w    *bufio.Writer
	p    *mib.Printer
	more bool
}

func (j *jsonOutput) Print(vb snmp.VarBind) error {
	f := fields(j.p, vb)
	value, err := json.Marshal(vb.Value)
	if err != nil {
		return err
	}
	var typed struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(value, &typed); err != nil {
		return err
	}
	line, err := json.Marshal(struct {
		Name  string          `json:"name"`
		OID   string          `json:"oid"`
		Type  string          `json:"type"`
		Value json.RawMessage `json:"value,omitempty"`
		Text  string          `json:"text"`
	}{f[0], f[1], f[2], typed.Value, f[3]})
	if err != nil {
		return err
	}
	sep := "[\n"
	if j.more {
		sep = ",\n"
	}
	j.more = true
	j.w.WriteString(sep)
	_, err = j.w.Write(line)
	return err
}

func (j *jsonOutput) Flush() error { return j.w.Flush() }

func (j *jsonOutput) Close() error {
	end := "\n]\n"
	if !j.more {
		end = "[]\n"
	}
	j.w.WriteString(end)
	return j.w.Flush()
}

type csvOutput struct {
	w *csv.Writer
	p *mib.Printer
}

func (c *csvOutput) Print(vb snmp.VarBind) error { return c.w.Write(fields(c.p, vb)) }
func (c *csvOutput) Flush() error                { c.w.Flush(); return c.w.Error() }
func (c *csvOutput) Close() error                { return c.Flush() }

type tableOutput struct {
	w *tabwriter.Writer
	p *mib.Printer
}

func (t *tableOutput) Print(vb snmp.VarBind) error {
	f := fields(t.p, vb)
	for i := range f {
		f[i] = strings.NewReplacer("\t", " ", "\n", " ").Replace(f[i])
	}
	_, err := io.WriteString(t.w, strings.Join(f, "\t")+"\n")
	return err
}

func (t *tableOutput) Flush() error { return nil } // columns wait for the widest
func (t *tableOutput) Close() error { return t.w.Flush() }
