package cli

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A Session is a client with all that a command needs beside it. It must be
// closed.
type Session struct {
	*snmp.Client
	Version snmp.Version
	Target  string // the agent, as the user wrote it
	Reader  *mib.Input
	Printer *mib.Printer
	Out     Output

	manager        *role.Manager
	stdout, stderr io.Writer
}

// Dial opens the session with target that the options describe, and prints to
// stdout. Port is the target's if it names none.
func (o *Options) Dial(ctx context.Context, target string, port uint16, stdout, stderr io.Writer) (*Session, error) {
	cfg, err := o.ClientConfig()
	if err != nil {
		return nil, err
	}
	set, err := o.Names()
	switch {
	case errors.Is(err, mib.ErrNotFound) && set != nil:
		fmt.Fprintln(stderr, err) // the other names will do
	case err != nil:
		return nil, err
	}
	s := &Session{Version: cfg.Version, Target: target, stdout: stdout, stderr: stderr}
	if s.Reader, err = o.Reader(set); err != nil {
		return nil, err
	}
	if s.Printer, err = o.Printer(set); err != nil {
		return nil, err
	}
	if s.Out, err = o.OutputTo(stdout, s.Printer); err != nil {
		return nil, err
	}
	addr, err := pollux.Resolve(ctx, target, port)
	if err != nil {
		return nil, err
	}
	if s.manager, err = role.Dial(ctx, addr, pollux.RoleConfig()); err != nil {
		return nil, err
	}
	var conn snmp.Conn = s.manager.To(role.Addr{})
	if o.Dump {
		conn = &dumpConn{conn, stderr, addr, s.manager.LocalAddr()}
	}
	if s.Client, err = snmp.NewClient(conn, cfg); err != nil {
		s.manager.Close()
		return nil, err
	}
	return s, nil
}

// Stats returns what the session's socket has counted.
func (s *Session) Stats() role.Stats { return s.manager.Stats() }

// LocalAddr returns the address that messages leave from.
func (s *Session) LocalAddr() role.Addr { return s.manager.LocalAddr() }

// Close ends the output and closes the socket.
func (s *Session) Close() error {
	err := s.Out.Close()
	s.manager.Close()
	return err
}

// roots are the names of one sub-identifier, which is too short for an OID in
// a message. Net-SNMP sends each as the OID with this number below 0, which
// for a walk comes before all that agents have.
var roots = map[string]snmp.OID{
	"0": snmp.MustParseOID("0.0"), "ccitt": snmp.MustParseOID("0.0"),
	"1": snmp.MustParseOID("0.1"), "iso": snmp.MustParseOID("0.1"),
	"2": snmp.MustParseOID("0.2"), "joint-iso-ccitt": snmp.MustParseOID("0.2"),
}

// OID reads the name of an object.
func (s *Session) OID(name string) (snmp.OID, error) {
	if root, ok := roots[strings.TrimPrefix(name, ".")]; ok {
		return root, nil
	}
	return s.Reader.OID(name)
}

// Subtree reads the name of a subtree, and returns the OID that stands for it
// and the first OID after it, which is zero if there is none.
func (s *Session) Subtree(name string) (root, end snmp.OID, err error) {
	root, err = s.OID(name)
	if err != nil {
		return root, end, err
	}
	if _, short := roots[strings.TrimPrefix(name, ".")]; !short {
		return root, root.NextSibling(), nil
	}
	switch root {
	case roots["0"]:
		end = snmp.MustParseOID("1.0")
	case roots["1"]:
		end = snmp.MustParseOID("2.0")
	}
	return root, end, nil
}

// OIDs reads names of objects.
func (s *Session) OIDs(names []string) ([]snmp.OID, error) {
	var oids []snmp.OID
	for _, name := range names {
		oid, err := s.OID(name)
		if err != nil {
			return nil, err
		}
		oids = append(oids, oid)
	}
	return oids, nil
}

// Say prints a line that is no binding: after what has been printed as text,
// but to stderr if the output has another form.
func (s *Session) Say(format string, args ...any) {
	s.Out.Flush()
	w := s.stdout
	if _, ok := s.Out.(*textOutput); !ok {
		w = s.stderr
	}
	fmt.Fprintf(w, format, args...)
}

// PrintAll prints bindings.
func (s *Session) PrintAll(vbs []snmp.VarBind) error {
	for _, vb := range vbs {
		if err := s.Out.Print(vb); err != nil {
			return err
		}
	}
	return nil
}

// ClientConfig returns what the options say of the client.
func (o *Options) ClientConfig() (*snmp.Config, error) {
	version, err := o.SNMPVersion()
	if err != nil {
		return nil, err
	}
	cfg := &snmp.Config{Version: version, Timeout: o.attempt(), Retries: o.retries()}
	if version == snmp.V3 {
		return cfg, o.secure(cfg)
	}
	if o.Community == "" {
		return nil, &UsageError{"No community name specified."}
	}
	cfg.Community = o.Community
	return cfg, nil
}

// secure fills in what the options say of SNMPv3.
func (o *Options) secure(cfg *snmp.Config) error {
	if o.User == "" {
		return &UsageError{"No user (security name) specified."}
	}
	u := &usm.User{Name: o.User}
	var err error
	if o.AuthProto != "" || o.AuthPass != "" {
		if u.Auth, err = usm.ParseAuthProtocol(cmp.Or(o.AuthProto, "MD5")); err != nil {
			return &UsageError{"Invalid authentication protocol specified after -a flag: " + o.AuthProto}
		}
	}
	if o.PrivProto != "" || o.PrivPass != "" {
		if u.Priv, err = usm.ParsePrivProtocol(cmp.Or(o.PrivProto, "DES")); err != nil {
			return &UsageError{"Invalid privacy protocol specified after -x flag: " + o.PrivProto}
		}
	}
	for _, pass := range []struct {
		text string
		key  *usm.Key
	}{{o.AuthPass, &u.AuthKey}, {o.PrivPass, &u.PrivKey}} {
		switch {
		case pass.text == "":
		case len(pass.text) < 8:
			return &UsageError{"Error: passphrase chosen is below the length requirements of the USM (min=8)."}
		default:
			*pass.key = usm.PassPhrase(pass.text)
		}
	}
	if err := o.keys(u); err != nil {
		return err
	}
	if o.Level != "" {
		if cfg.Level, err = usm.ParseSecurityLevel(o.Level); err != nil {
			return &UsageError{"Invalid security level specified after -l flag: " + o.Level}
		}
		// What the level does not need is not used, as in Net-SNMP.
		if cfg.Level < usm.AuthPriv {
			u.Priv, u.PrivKey = usm.NoPriv, usm.Key{}
		}
		if cfg.Level < usm.AuthNoPriv {
			u.Auth, u.AuthKey = usm.NoAuth, usm.Key{}
		}
	}
	for _, id := range []struct {
		flag, text string
		to         *usm.EngineID
	}{{"-e", o.EngineID, &cfg.EngineID}, {"-E", o.ContextEngID, &cfg.ContextEngineID}} {
		if id.text == "" {
			continue
		}
		if *id.to, err = usm.ParseEngineID(id.text); err != nil {
			return &UsageError{"Bad engine ID value after " + id.flag + " flag."}
		}
	}
	if o.BootsTime != "" {
		boots, seconds, ok := strings.Cut(o.BootsTime, ",")
		b, err1 := strconv.ParseUint(boots, 10, 31)
		t, err2 := strconv.ParseUint(seconds, 10, 31)
		if !ok || err1 != nil || err2 != nil {
			return &UsageError{"Need engine boots and time after -Z flag, as BOOTS,TIME."}
		}
		cfg.Clock = usm.Clock{Boots: uint32(b), Start: time.Now().Add(-time.Duration(t) * time.Second)}
	}
	cfg.User, cfg.ContextName = u, o.Context
	return nil
}

// keys applies -3m, -3M, -3k and -3K.
func (o *Options) keys(u *usm.User) error {
	for _, k := range o.Keys {
		text := strings.TrimSpace(k[min(1, len(k)):])
		b, err := hex.DecodeString(strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X"))
		if err != nil || len(b) == 0 {
			return &UsageError{"Bad key value after -3 flag: it takes hexadecimal digits."}
		}
		switch k[0] {
		case 'm':
			u.AuthKey = usm.MasterKey(b)
		case 'M':
			u.PrivKey = usm.MasterKey(b)
		case 'k':
			u.AuthKey = usm.LocalizedKey(b)
		case 'K':
			u.PrivKey = usm.LocalizedKey(b)
		default:
			return &UsageError{"Unknown flag passed to -3: " + k[:1]}
		}
	}
	return nil
}

// A dumpConn prints the messages of a Conn in hexadecimal, as -d does.
type dumpConn struct {
	snmp.Conn
	w           io.Writer
	peer, local role.Addr
}

func (d *dumpConn) Send(ctx context.Context, msg []byte) error {
	d.dump("Sending %d bytes to %s", msg)
	return d.Conn.Send(ctx, msg)
}

func (d *dumpConn) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	d.dump("Sending %d bytes to %s", req)
	rsp, err := d.Conn.Exchange(ctx, key, req, buf, timeout, retries)
	if err == nil {
		d.dump("Received %d byte packet from %s", rsp)
	}
	return rsp, err
}

func (d *dumpConn) dump(title string, msg []byte) {
	bracket := func(ap netip.AddrPort) string { return fmt.Sprintf("[%v]:%d", ap.Addr(), ap.Port()) }
	path := strings.ToUpper(d.peer.Network()) + ": "
	if ap := d.peer.AddrPort(); ap.IsValid() {
		path += bracket(ap) + "->" + bracket(d.local.AddrPort())
	} else {
		path += d.peer.Name()
	}
	fmt.Fprintf(d.w, "\n"+title+"\n", len(msg), path)
	for off := 0; off < len(msg); off += 16 {
		line := msg[off:min(off+16, len(msg))]
		hex, text := "", ""
		for i, c := range line {
			hex += fmt.Sprintf("%02X ", c)
			if i%4 == 3 {
				hex += " "
			}
			if c < ' ' || c > '~' {
				c = '.'
			}
			text += string(rune(c))
		}
		fmt.Fprintf(d.w, "%04d: %-52s  %s\n", off, hex, text)
	}
	fmt.Fprintln(d.w)
}

// Interactive reports whether standard error is a terminal, where progress may
// be shown.
func Interactive() bool { return isTerminal(os.Stderr) }
