package netsnmp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/mib"
	"github.com/pollux-snmp/pollux/mib/builtin"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A Config is what the directives say.
type Config struct {
	// Agent has Communities, Users, Members, Access, Views, EngineID and AuthTraps,
	// and System with what the directives do not say left as it was.
	Agent agent.Config

	Addresses     []string // agentAddress
	PersistentDir string   // "" if no directive names it

	// Skipped has a line for each directive that was left out.
	Skipped []string
}

// Map makes a Config of directives. System is what is true without them, and
// lookup returns the addresses of a host by its name. The error joins one for
// each mistake, with its file and line; it wraps ErrConfig.
func Map(all []Directive, system agent.System, lookup func(host string) ([]netip.Addr, error)) (*Config, error) {
	m := &mapper{lookup: lookup, names: mib.Input{Set: builtin.Set(), Random: true}, groups: make(map[string]string), granted: make(map[agent.Access]int)}
	m.c.Agent.System = system
	var errs []error
	for i := range all {
		d := &all[i]
		name := strings.ToLower(d.Name)
		f := directives[name]
		switch {
		case d.Section == "snmp" && name != "persistentdir":
			// For clients, which a daemon is not.
		case f == nil && notServed[name]:
			m.skip(d, "not served yet")
		case f == nil:
			m.skip(d, "unknown directive")
		case d.Open && !strings.HasPrefix(name, "sys"):
			errs = append(errs, d.wrong("a quote without an end"))
		default:
			if err := f(m, d); err != nil {
				errs = append(errs, d.wrong("%w", err))
			}
		}
	}
	return &m.c, errors.Join(errs...)
}

// notServed are directives of snmpd that a file may well have.
var notServed = set("trapsink trap2sink informsink trapsess trapcommunity v1trapaddress extend extend-sh extendfix exec sh execfix " +
	"pass pass_persist pass_persist_timeout proxy override table add_row com2secunix authcommunity authuser authgroup authaccess setaccess " +
	"master agentxsocket agentxperms agentxtimeout agentxretries agentxpingiterval smuxpeer smuxsocket agentuser agentgroup agentcaps " +
	"monitor defaultmonitors linkupdownnotifications notificationevent setevent agentsecname iquerysecname iqueryversion repeat cron at " +
	"disk includealldisks load swap proc procfix file logmatch ignoredisk skipnfsinhostresources interface interface_fadeout " +
	"interface_replace_old engineidtype engineidnic usmuser psyscontact psyslocation psysname notificationfilter snmpnotifytable " +
	"maxgetbulkrepeats maxgetbulkresponses sourcefiltertype sourcefilteraddress leave_pidfile quit dontlogtcpwrappersconnects " +
	"perl disableperl perlinitfile dlmod injecthandler dlpath tsmuseprefix certsecname servercert localcert peercert trustcert " +
	"includesearch storagetype doDebugging debugtokens logoption clientaddr realstorageunits scriptcachetime")

func set(names string) map[string]bool {
	m := make(map[string]bool)
	for name := range strings.FieldsSeq(strings.ToLower(names)) {
		m[name] = true
	}
	return m
}

// directives are those that are served, by their names in lower case.
var directives = map[string]func(m *mapper, d *Directive) error{
	"sysdescr":    func(m *mapper, d *Directive) error { return sysText(&m.c.Agent.System.Descr, d) },
	"syscontact":  func(m *mapper, d *Directive) error { return sysText(&m.c.Agent.System.Contact, d) },
	"sysname":     func(m *mapper, d *Directive) error { return sysText(&m.c.Agent.System.Name, d) },
	"syslocation": func(m *mapper, d *Directive) error { return sysText(&m.c.Agent.System.Location, d) },
	"sysobjectid": func(m *mapper, d *Directive) (err error) {
		if len(d.Args) != 1 {
			return errors.New("want one OID")
		}
		m.c.Agent.System.ObjectID, err = m.oid(d.Args[0])
		return err
	},
	"sysservices": func(m *mapper, d *Directive) error {
		n, err := number(d, 127)
		m.c.Agent.System.Services = int32(n)
		return err
	},
	"authtrapenable": func(m *mapper, d *Directive) error {
		n, err := number(d, 2)
		if err == nil && n == 0 {
			err = errors.New("want 1 (enabled) or 2 (disabled)")
		}
		m.c.Agent.AuthTraps = n == 1
		return err
	},
	"agentaddress": func(m *mapper, d *Directive) error {
		if len(d.Args) == 0 {
			return errors.New("want addresses")
		}
		m.c.Addresses = append(m.c.Addresses, Addresses(strings.Join(d.Args, ","))...)
		return nil
	},
	"persistentdir": func(m *mapper, d *Directive) error {
		if len(d.Args) != 1 || d.Args[0] == "" {
			return errors.New("want one directory")
		}
		m.c.PersistentDir = d.Args[0]
		return nil
	},
	"engineid": func(m *mapper, d *Directive) error {
		// Format 4, text, below Net-SNMP's enterprise (RFC 3411, section 5).
		id := append(usm.EngineID{0x80, 0, 0x1f, 0x88, 4}, strings.Join(d.Args, " ")...)
		if len(id) == 5 || !id.Valid() {
			return errors.New("want a text of 1 to 27 octets")
		}
		m.c.Agent.EngineID = id
		return nil
	},
	"exactengineid": func(m *mapper, d *Directive) (err error) {
		m.c.Agent.EngineID, err = usm.ParseEngineID(strings.Join(d.Args, ""))
		return err
	},
	"rocommunity":  func(m *mapper, d *Directive) error { return m.community(d, false, false) },
	"rwcommunity":  func(m *mapper, d *Directive) error { return m.community(d, true, false) },
	"rocommunity6": func(m *mapper, d *Directive) error { return m.community(d, false, true) },
	"rwcommunity6": func(m *mapper, d *Directive) error { return m.community(d, true, true) },
	"rouser":       func(m *mapper, d *Directive) error { return m.user(d, false) },
	"rwuser":       func(m *mapper, d *Directive) error { return m.user(d, true) },
	"com2sec":      func(m *mapper, d *Directive) error { return m.com2sec(d, false) },
	"com2sec6":     func(m *mapper, d *Directive) error { return m.com2sec(d, true) },
	"group":        (*mapper).group,
	"view":         (*mapper).view,
	"access":       (*mapper).access,
	"createuser":   (*mapper).createUser,
}

// sysText is for directives whose text is all of the line, quotes and all.
func sysText(s *string, d *Directive) error {
	if len(d.Text) > 255 {
		return errors.New("longer than 255 octets")
	}
	*s = d.Text
	return nil
}

func number(d *Directive, limit int) (int, error) {
	if len(d.Args) == 1 {
		if n, err := strconv.Atoi(d.Args[0]); err == nil && n >= 0 && n <= limit {
			return n, nil
		}
	}
	return 0, fmt.Errorf("want a number from 0 to %d", limit)
}

// Addresses takes a list of addresses with commas apart, and puts a port alone
// into the form that pollux.Resolve takes: "udp:1161" is port 1161 of all IPv4
// addresses.
func Addresses(list string) (all []string) {
	for a := range strings.SplitSeq(list, ",") {
		if a = strings.TrimSpace(a); a == "" {
			continue
		}
		transport, port, ok := strings.Cut(a, ":")
		if !ok {
			transport, port = "udp", a
		}
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			switch t := strings.ToLower(transport); t {
			case "udp", "tcp":
				a = t + ":0.0.0.0:" + port
			case "udp6", "tcp6", "udpv6", "tcpv6", "udpipv6", "tcpipv6":
				a = t[:3] + "6:[::]:" + port
			}
		}
		all = append(all, a)
	}
	return all
}

// A mapper makes a Config.
type mapper struct {
	c       Config
	lookup  func(host string) ([]netip.Addr, error)
	names   mib.Input
	groups  map[string]string    // of users that rouser and rwuser name
	granted map[agent.Access]int // of grant, without views: where they are
	made    int                  // names that no directive gave
}

func (m *mapper) skip(d *Directive, why string) {
	m.c.Skipped = append(m.c.Skipped, d.where()+": "+why+", skipped")
}

// name returns a name for what has none in the file.
func (m *mapper) name(kind string) string {
	m.made++
	return fmt.Sprintf("_%s%d", kind, m.made)
}

// oid reads an OID, or the name of an object. The zero OID is ".1", everything.
func (m *mapper) oid(s string) (snmp.OID, error) {
	switch strings.TrimPrefix(s, ".") {
	case "1", "iso":
		return snmp.OID{}, nil
	}
	if o, err := snmp.ParseOID(s); err == nil {
		return o, nil
	}
	o, err := m.names.OID(s)
	if err != nil {
		err = fmt.Errorf("%q is no OID, and no object's name", s)
	}
	return o, err
}

func isName(all ...string) error {
	for _, s := range all {
		if len(s) < 1 || len(s) > 32 {
			return errors.New("a name must have 1 to 32 octets")
		}
	}
	return nil
}

// scope reads "[OID | -V VIEW [CONTEXT]]" and returns the name of the view,
// which it makes of the OID. A "*" behind the context makes it a prefix.
func (m *mapper) scope(args []string) (view, context string, prefix bool, err error) {
	switch {
	case len(args) > 0 && args[0] == "-V":
		if len(args) < 2 {
			return "", "", false, errors.New("-V lacks a view")
		}
		view, args = args[1], args[2:]
	default:
		var root snmp.OID
		if len(args) > 0 {
			if root, err = m.oid(args[0]); err != nil {
				return "", "", false, err
			}
			args = args[1:]
		}
		view = m.name("view")
		m.c.Agent.Views = append(m.c.Agent.Views, agent.View{Name: view, Subtree: root})
	}
	if len(args) > 0 {
		context, prefix = strings.CutSuffix(args[0], "*")
		args = args[1:]
	}
	if len(context) > 32 {
		err = errors.New("a context must have at most 32 octets")
	}
	if len(args) > 0 {
		err = errors.New("too many arguments")
	}
	return view, context, prefix, errors.Join(err, isName(view))
}

// community is rocommunity and its like.
func (m *mapper) community(d *Directive, write, six bool) error {
	args := d.Args
	if len(args) == 0 {
		return errors.New("want COMMUNITY [SOURCE [OID | -V VIEW [CONTEXT]]]")
	}
	source := "default"
	if len(args) > 1 {
		source = args[1]
	}
	prefixes, err := m.source(source, six)
	if err != nil {
		return err
	}
	view, context, prefix, err := m.scope(args[min(2, len(args)):])
	if err != nil {
		return err
	}
	if prefix {
		return errors.New("a community is in one context, not in those that begin with *")
	}
	name := m.name("comm")
	for _, p := range prefixes {
		m.c.Agent.Communities = append(m.c.Agent.Communities, agent.Community{Name: args[0], Source: p, Context: context, SecurityName: name})
	}
	for _, model := range []agent.SecurityModel{agent.V1Model, agent.V2cModel} {
		m.c.Agent.Members = append(m.c.Agent.Members, agent.Member{Model: model, SecurityName: name, Group: name})
	}
	m.grant(agent.Access{Group: name, Context: context, Level: usm.NoAuthNoPriv, Read: view, Notify: view}, write)
	return nil
}

// grant adds an entry. One like it that is there gets the views of this one; a
// view to write that it has remains if this one has none, as snmpd has it.
func (m *mapper) grant(a agent.Access, write bool) {
	if write {
		a.Write = a.Read
	}
	key := a
	key.Read, key.Write, key.Notify = "", "", ""
	i, ok := m.granted[key]
	if !ok {
		m.granted[key] = len(m.c.Agent.Access)
		m.c.Agent.Access = append(m.c.Agent.Access, a)
		return
	}
	old := &m.c.Agent.Access[i]
	if a.Write == "" {
		a.Write = old.Write
	}
	*old = a
}

// user is rouser and rwuser. A user has one group, with an entry for each line.
func (m *mapper) user(d *Directive, write bool) error {
	args := d.Args
	if len(args) > 1 && args[0] == "-s" {
		if strings.ToLower(args[1]) != "usm" {
			m.skip(d, "security model not served")
			return nil
		}
		args = args[2:]
	}
	if len(args) == 0 {
		return errors.New("want USER [noauth|auth|priv [OID | -V VIEW [CONTEXT]]]")
	}
	if err := isName(args[0]); err != nil {
		return err
	}
	level := usm.AuthNoPriv
	if len(args) > 1 {
		var err error
		if level, err = parseLevel(args[1]); err != nil {
			return err
		}
	}
	view, context, prefix, err := m.scope(args[min(2, len(args)):])
	if err != nil {
		return err
	}
	group := m.groups[args[0]]
	if group == "" {
		group = m.name("user")
		m.groups[args[0]] = group
		m.c.Agent.Members = append(m.c.Agent.Members, agent.Member{Model: agent.USMModel, SecurityName: args[0], Group: group})
	}
	m.grant(agent.Access{Group: group, Context: context, Prefix: prefix, Model: agent.USMModel, Level: level, Read: view, Notify: view}, write)
	return nil
}

func parseLevel(s string) (usm.SecurityLevel, error) {
	switch strings.ToLower(s) {
	case "noauth", "noauthnopriv":
		return usm.NoAuthNoPriv, nil
	case "auth", "authnopriv":
		return usm.AuthNoPriv, nil
	case "priv", "authpriv":
		return usm.AuthPriv, nil
	}
	return 0, fmt.Errorf("%q is no level: want noauth, auth or priv", s)
}

// com2sec is "[-Cn CONTEXT] NAME SOURCE COMMUNITY".
func (m *mapper) com2sec(d *Directive, six bool) error {
	args, context := d.Args, ""
	if len(args) > 1 && args[0] == "-Cn" {
		context, args = args[1], args[2:]
	}
	if len(args) != 3 {
		return errors.New("want [-Cn CONTEXT] NAME SOURCE COMMUNITY")
	}
	if len(context) > 32 {
		return errors.New("a context must have at most 32 octets")
	}
	if err := isName(args[0]); err != nil {
		return err
	}
	prefixes, err := m.source(args[1], six)
	for _, p := range prefixes {
		m.c.Agent.Communities = append(m.c.Agent.Communities, agent.Community{Name: args[2], Source: p, Context: context, SecurityName: args[0]})
	}
	return err
}

// source reads "default", an address, one with /BITS or /MASK, or a host's name.
// Without 6 all are IPv4, and with it all IPv6.
func (m *mapper) source(s string, six bool) ([]netip.Prefix, error) {
	family, all := "IPv4", "0.0.0.0/0"
	if six {
		family, all = "IPv6", "::/0"
	}
	if strings.EqualFold(s, "default") {
		return []netip.Prefix{netip.MustParsePrefix(all)}, nil
	}
	host, mask, hasMask := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(host)
	if err != nil && !hasMask {
		return m.host(s, six)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("source %q: want an address before the /", s)
	case ip.Is4() == six || ip.Zone() != "":
		return nil, fmt.Errorf("source %q is not %s", s, family)
	}
	bits := ip.BitLen()
	if hasMask {
		if bits, err = maskBits(ip, mask); err != nil {
			return nil, fmt.Errorf("source %q: %w", s, err)
		}
	}
	p := netip.PrefixFrom(ip, bits)
	if p.Masked() != p {
		return nil, fmt.Errorf("source %q has bits that its mask has not: want %v", s, p.Masked())
	}
	return []netip.Prefix{p}, nil
}

func maskBits(ip netip.Addr, mask string) (int, error) {
	if n, err := strconv.Atoi(mask); err == nil && n >= 0 && n <= ip.BitLen() {
		return n, nil
	}
	if a, err := netip.ParseAddr(mask); err == nil && a.BitLen() == ip.BitLen() {
		for n := range ip.BitLen() + 1 {
			ones := make([]byte, ip.BitLen()/8)
			for i := range n {
				ones[i/8] |= 0x80 >> (i % 8)
			}
			if string(ones) == string(a.AsSlice()) {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("want a mask of ones and then zeros, or a number from 0 to %d", ip.BitLen())
}

// host returns the addresses of a host.
func (m *mapper) host(name string, six bool) (all []netip.Prefix, err error) {
	addrs, err := m.lookup(name)
	if err != nil {
		return nil, fmt.Errorf("source %q: %v", name, err)
	}
	for _, a := range addrs {
		if a = a.Unmap().WithZone(""); a.Is6() == six {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("source %q has no address of that family", name)
	}
	return all, nil
}

// parseModel reads a security model; 0 and false is one that is not served.
func parseModel(s string) (agent.SecurityModel, bool, error) {
	switch strings.ToLower(s) {
	case "any":
		return agent.AnyModel, true, nil
	case "v1":
		return agent.V1Model, true, nil
	case "v2c":
		return agent.V2cModel, true, nil
	case "usm", "v3":
		return agent.USMModel, true, nil
	case "tsm", "ksm":
		return 0, false, nil
	}
	return 0, false, fmt.Errorf("%q is no security model: want v1, v2c or usm", s)
}

// group is "NAME MODEL SECNAME".
func (m *mapper) group(d *Directive) error {
	if len(d.Args) != 3 {
		return errors.New("want NAME v1|v2c|usm SECNAME")
	}
	model, served, err := parseModel(d.Args[1])
	switch {
	case err != nil:
		return err
	case !served:
		m.skip(d, "security model not served")
		return nil
	case model == agent.AnyModel:
		return errors.New("a group needs one model: v1, v2c or usm")
	}
	m.c.Agent.Members = append(m.c.Agent.Members, agent.Member{Model: model, SecurityName: d.Args[2], Group: d.Args[0]})
	return isName(d.Args[0], d.Args[2])
}

// view is "NAME included|excluded OID [MASK]".
func (m *mapper) view(d *Directive) error {
	if len(d.Args) < 3 || len(d.Args) > 4 {
		return errors.New("want NAME included|excluded OID [MASK]")
	}
	v := agent.View{Name: d.Args[0]}
	switch strings.ToLower(d.Args[1]) {
	case "included":
	case "excluded":
		v.Excluded = true
	default:
		return fmt.Errorf("%q: want included or excluded", d.Args[1])
	}
	var err error
	if v.Subtree, err = m.oid(d.Args[2]); err != nil {
		return err
	}
	if len(d.Args) == 4 {
		if v.Mask, err = parseMask(d.Args[3]); err != nil {
			return err
		}
	}
	m.c.Agent.Views = append(m.c.Agent.Views, v)
	return isName(v.Name)
}

// parseMask reads octets in hexadecimal with "." or ":" between them, such as
// "ff.a0", or all together behind "0x".
func parseMask(s string) (string, error) {
	var mask []byte
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err == nil && len(b) <= 16 {
			return string(b), nil
		}
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '.' || r == ':' }) {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil || len(mask) == 16 {
			return "", fmt.Errorf("mask %q: want at most 16 octets, such as ff.a0", s)
		}
		mask = append(mask, byte(n))
	}
	return string(mask), nil
}

// access is "GROUP CONTEXT MODEL LEVEL PREFIX READ WRITE NOTIFY".
func (m *mapper) access(d *Directive) error {
	if len(d.Args) != 8 {
		return errors.New(`want GROUP CONTEXT MODEL LEVEL exact|prefix READ WRITE NOTIFY, with "" for the default context`)
	}
	a := agent.Access{Group: d.Args[0], Context: d.Args[1]}
	var err error
	var served bool
	if a.Model, served, err = parseModel(d.Args[2]); err != nil {
		return err
	}
	if a.Level, err = parseLevel(d.Args[3]); err != nil {
		return err
	}
	switch strings.ToLower(d.Args[4]) {
	case "exact", "0":
	case "prefix":
		a.Prefix = true
	default:
		return fmt.Errorf("%q: want exact or prefix", d.Args[4])
	}
	for i, view := range []*string{&a.Read, &a.Write, &a.Notify} {
		if name := d.Args[5+i]; name != "none" {
			if err := isName(name); err != nil {
				return err
			}
			*view = name
		}
	}
	if len(a.Context) > 32 {
		return errors.New("a context must have at most 32 octets")
	}
	if !served {
		m.skip(d, "security model not served")
		return nil
	}
	m.c.Agent.Access = append(m.c.Agent.Access, a)
	return isName(a.Group)
}

// createUser is "[-e ENGINEID] USER [AUTH PASS [PRIV [PASS]]]", where -m or -l
// before a PASS makes it a master or a localised key.
func (m *mapper) createUser(d *Directive) error {
	args := d.Args
	if len(args) > 1 && args[0] == "-e" {
		if _, err := usm.ParseEngineID(args[1]); err != nil {
			return err
		}
		m.skip(d, "users of other engines are not served yet")
		return nil
	}
	if len(args) == 0 {
		return errors.New("want [-e ENGINEID] USER [AUTH PASS [PRIV [PASS]]]")
	}
	u := usm.User{Name: args[0]}
	args = args[1:]
	var err error
	if len(args) > 0 {
		// An error repeats no word: one may be a pass phrase out of place.
		if u.Auth, err = usm.ParseAuthProtocol(args[0]); err != nil {
			return errors.New("the word behind the user is no authentication protocol: want MD5, SHA, SHA-224, SHA-256, SHA-384 or SHA-512")
		}
		if u.AuthKey, args, err = parseKey(args[1:]); err != nil {
			return err
		}
		if u.AuthKey.IsZero() {
			return errors.New("no pass phrase for authentication")
		}
	}
	if len(args) > 0 {
		if u.Priv, err = usm.ParsePrivProtocol(args[0]); err != nil {
			return errors.New("the word behind the pass phrase is no privacy protocol: want DES, 3DES, AES, AES-192, AES-256, AES-192-C or AES-256-C")
		}
		if u.PrivKey, args, err = parseKey(args[1:]); err != nil {
			return err
		}
		if u.PrivKey.IsZero() {
			u.PrivKey = u.AuthKey
		}
	}
	if len(args) > 0 {
		return errors.New("too many arguments")
	}
	if err := u.Check(); err != nil {
		return err
	}
	m.c.Agent.Users = append(m.c.Agent.Users, agent.User{User: u})
	return nil
}

// parseKey reads a pass phrase or a key. Without any the Key is zero.
func parseKey(args []string) (usm.Key, []string, error) {
	if len(args) == 0 {
		return usm.Key{}, nil, nil
	}
	if args[0] == "-m" || args[0] == "-l" {
		if len(args) < 2 {
			return usm.Key{}, nil, errors.New(args[0] + " lacks a key")
		}
		b, err := hex.DecodeString(strings.TrimPrefix(args[1], "0x"))
		if err != nil || len(b) == 0 {
			return usm.Key{}, nil, errors.New("the key is not hexadecimal")
		}
		if args[0] == "-m" {
			return usm.MasterKey(b), args[2:], nil
		}
		return usm.LocalizedKey(b), args[2:], nil
	}
	return usm.PassPhrase(args[0]), args[1:], nil
}
