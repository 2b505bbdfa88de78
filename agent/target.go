package agent

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// Rows of SNMP-TARGET-MIB and SNMP-NOTIFICATION-MIB (RFC 3413).

type addrRow struct {
	id       string
	domain   snmp.OID
	taddress string
	address  string // for Dial, if no TAddress can tell it
	timeout  int32  // hundredths of a second
	retries  int32
	tags     string
	params   string
	storage  StorageType
	changed  bool
}

type paramsRow struct {
	id        string
	mp        int32 // 0 is v1, 1 is v2c, 3 is v3
	model     int32
	name      string // security name
	level     int32
	community string
	trusted   bool // of the Config
	storage   StorageType
	changed   bool
}

type notifyRow struct {
	id      string
	tag     string
	typ     int32 // 1 is trap, 2 is inform
	storage StorageType
	changed bool
}

// A profileRow names the filter of a paramsRow.
type profileRow struct {
	params  string
	profile string
	storage StorageType
	changed bool
}

// A filterRow is a family of a filter, whose name is the profile's.
type filterRow = viewRow

// textColumn returns a column of a string that can be set.
func textColumn[R any](id uint32, least, most int64, of func(r *R) *string) Column[R] {
	return Column[R]{ID: id, Kind: snmp.KindOctetString, Min: least, Max: most,
		Get: func(r *R) snmp.Value { return snmp.OctetsValue(*of(r)) },
		Set: func(r *R, v snmp.Value) error { *of(r), _ = v.Octets(); return nil }}
}

// numberColumn returns a column of a number that can be set.
func numberColumn[R any](id uint32, least, most int64, of func(r *R) *int32) Column[R] {
	return Column[R]{ID: id, Kind: snmp.KindInteger, Min: least, Max: most,
		Get: func(r *R) snmp.Value { return snmp.IntegerValue(*of(r)) },
		Set: func(r *R, v snmp.Value) error { n, _ := v.Int64(); *of(r) = int32(n); return nil }}
}

// named returns a table whose index is a name of 1 to 32 octets, IMPLIED.
func named[R any](a *Agent, status uint32, name func(r *R) *string, storage func(r *R) *StorageType, changed func(r *R) *bool, columns ...Column[R]) *Table[R] {
	return &Table[R]{
		Columns:   columns,
		RowStatus: status,
		Index:     func(o snmp.OID, r *R) snmp.OID { return o.AppendImpliedOctets(*name(r)) },
		New: func(x snmp.Index) (*R, error) {
			s, ok := x.ImpliedOctets()
			if !ok || !isName(s) {
				return nil, snmp.InconsistentName
			}
			r := new(R)
			*name(r), *storage(r) = s, NonVolatile
			return r, nil
		},
		Storage: func(r *R) StorageType { return *storage(r) },
		Check:   func(_, r *R) error { mark(r, func() { *changed(r) = true }); return nil },
		Changed: func(_, _ *R) error { return a.save() },
	}
}

// makeTargets makes the tables, with the rows of the Config.
func (a *Agent) makeTargets() error {
	o := &a.own
	o.addrs = named(a, 9, func(r *addrRow) *string { return &r.id }, func(r *addrRow) *StorageType { return &r.storage }, func(r *addrRow) *bool { return &r.changed },
		Column[addrRow]{ID: 2, Kind: snmp.KindOID, Get: func(r *addrRow) snmp.Value { return snmp.OIDValue(r.domain) },
			Set: func(r *addrRow, v snmp.Value) error { r.domain, _ = v.OID(); r.address = ""; return nil }},
		Column[addrRow]{ID: 3, Kind: snmp.KindOctetString, Min: 1, Max: 255, Get: func(r *addrRow) snmp.Value { return snmp.OctetsValue(r.taddress) },
			Set: func(r *addrRow, v snmp.Value) error { r.taddress, _ = v.Octets(); r.address = ""; return nil }},
		numberColumn(4, 0, 1<<31-1, func(r *addrRow) *int32 { return &r.timeout }),
		numberColumn(5, 0, 255, func(r *addrRow) *int32 { return &r.retries }),
		textColumn(6, 0, 255, func(r *addrRow) *string { return &r.tags }),
		textColumn(7, 1, 32, func(r *addrRow) *string { return &r.params }),
		StorageColumn(8, func(r *addrRow) *StorageType { return &r.storage }))
	fresh := o.addrs.New
	o.addrs.New = func(x snmp.Index) (*addrRow, error) {
		r, err := fresh(x)
		if err == nil {
			r.timeout, r.retries = 1500, 3
		}
		return r, err
	}
	o.addrs.Ready = func(r *addrRow) bool {
		return r.params != "" && (r.address != "" || fromTAddress(r.domain, r.taddress) != "")
	}
	o.params = named(a, 7, func(r *paramsRow) *string { return &r.id }, func(r *paramsRow) *StorageType { return &r.storage }, func(r *paramsRow) *bool { return &r.changed },
		numberColumn(2, 0, 3, func(r *paramsRow) *int32 { return &r.mp }),
		numberColumn(3, 1, 1<<31-1, func(r *paramsRow) *int32 { return &r.model }),
		textColumn(4, 0, 255, func(r *paramsRow) *string { return &r.name }),
		numberColumn(5, 1, 3, func(r *paramsRow) *int32 { return &r.level }),
		StorageColumn(6, func(r *paramsRow) *StorageType { return &r.storage }))
	o.params.Ready = func(r *paramsRow) bool { return r.model != 0 && r.level != 0 && r.name != "" }
	o.notifies = named(a, 5, func(r *notifyRow) *string { return &r.id }, func(r *notifyRow) *StorageType { return &r.storage }, func(r *notifyRow) *bool { return &r.changed },
		textColumn(2, 0, 255, func(r *notifyRow) *string { return &r.tag }),
		numberColumn(3, 1, 2, func(r *notifyRow) *int32 { return &r.typ }),
		StorageColumn(4, func(r *notifyRow) *StorageType { return &r.storage }))
	freshNotify := o.notifies.New
	o.notifies.New = func(x snmp.Index) (*notifyRow, error) {
		r, err := freshNotify(x)
		if err == nil {
			r.typ = 1
		}
		return r, err
	}
	o.profiles = named(a, 3, func(r *profileRow) *string { return &r.params }, func(r *profileRow) *StorageType { return &r.storage }, func(r *profileRow) *bool { return &r.changed },
		textColumn(1, 1, 32, func(r *profileRow) *string { return &r.profile }),
		StorageColumn(2, func(r *profileRow) *StorageType { return &r.storage }))
	o.profiles.Ready = func(r *profileRow) bool { return r.profile != "" }
	o.filters = familyTable(a, 2, 5, func() error { return a.save() })
	o.filters.Index = func(o snmp.OID, r *filterRow) snmp.OID {
		return o.AppendOctets(r.Name).AppendImpliedOID(r.Subtree)
	}
	o.filters.New = func(x snmp.Index) (*filterRow, error) {
		name, _ := x.Octets()
		subtree, ok := x.ImpliedOID()
		if !ok || !isName(name) {
			return nil, snmp.InconsistentName
		}
		return &filterRow{View: View{Name: name, Subtree: subtree}, storage: NonVolatile}, nil
	}

	for _, kind := range []notifyRow{{id: "trap", tag: "trap", typ: 1}, {id: "inform", tag: "inform", typ: 2}} {
		if len(a.cfg.Targets) > 0 {
			kind.storage = Permanent
			o.notifies.Put(kind)
		}
	}
	for i := range a.cfg.Targets {
		t := &a.cfg.Targets[i]
		id := fmt.Sprint("target", i+1)
		addr := addrRow{id: id, address: t.Address, params: id, tags: "trap", storage: Permanent, timeout: 1500, retries: int32(t.Retries)}
		addr.domain, addr.taddress = toTAddress(t.Address)
		if t.Timeout > 0 {
			addr.timeout = int32(t.Timeout / (10 * time.Millisecond))
		}
		if t.Retries == 0 {
			addr.retries = 3
		}
		addr.retries = max(addr.retries, 0)
		if t.Inform {
			addr.tags = "inform"
		}
		p := paramsRow{id: id, trusted: true, community: t.Community, name: t.Community, level: int32(usm.NoAuthNoPriv), storage: Permanent}
		switch {
		case t.Version == snmp.V1 && !t.Inform:
			p.mp, p.model = 0, int32(V1Model)
		case t.Version == snmp.V2c:
			p.mp, p.model = 1, int32(V2cModel)
		case t.Version == snmp.V3:
			p.mp, p.model, p.name = 3, int32(USMModel), t.User
			u := slices.IndexFunc(a.cfg.Users, func(u User) bool { return u.Name == t.User })
			if u < 0 {
				return fmt.Errorf("agent: target %s: no user %q: %w", t.Address, t.User, ErrBadArgument)
			}
			p.level = int32(t.Level)
			if p.level == 0 {
				p.level = int32(a.cfg.Users[u].Level())
			}
			if usm.SecurityLevel(p.level) > a.cfg.Users[u].Level() {
				return fmt.Errorf("agent: target %s: user %q has no level %v: %w", t.Address, t.User, t.Level, ErrBadArgument)
			}
		default:
			return fmt.Errorf("agent: target %s: version %v with inform %v: %w", t.Address, t.Version, t.Inform, ErrBadArgument)
		}
		o.addrs.Put(addr)
		o.params.Put(p)
		if t.Filter != nil {
			o.profiles.Put(profileRow{params: id, profile: id, storage: Permanent})
			for _, f := range t.Filter {
				f.Name = id
				o.filters.Put(filterRow{View: f, storage: Permanent})
			}
		}
	}
	return nil
}

// targets returns who gets notifications, each once (RFC 3413, section 5).
func (o *own) targets() (all []target) {
	params := make(map[string]*paramsRow)
	for p := range o.params.All() {
		params[p.id] = p
	}
	filters := make(map[string]view)
	for f := range o.filters.All() {
		filters[f.Name] = append(filters[f.Name], newFamily(&f.View))
	}
	profiles := make(map[string]string)
	for p := range o.profiles.All() {
		profiles[p.params] = p.profile
	}
	for n := range o.notifies.All() {
		for addr := range o.addrs.All() {
			p := params[addr.params]
			if p == nil || n.tag == "" || !slices.Contains(strings.Fields(addr.tags), n.tag) {
				continue
			}
			t := target{address: addr.address, params: p, inform: n.typ == 2 && p.mp != 0,
				timeout: time.Duration(addr.timeout) * 10 * time.Millisecond, retries: int(addr.retries)}
			if t.address == "" {
				t.address = fromTAddress(addr.domain, addr.taddress)
			}
			if t.retries == 0 {
				t.retries = -1 // none, for a Conn
			}
			if p.community == "" && p.mp != 3 {
				q := *p
				q.community = o.communityOf(p.name)
				t.params = &q
			}
			if profile, ok := profiles[p.id]; ok {
				t.filter, t.hasFilter = filters[profile], true
				t.filter.sort()
			}
			all = append(all, t)
		}
	}
	return all
}

// communityOf returns the community that stands for a security name, or the name
// itself.
func (o *own) communityOf(name string) string {
	for _, c := range o.communities {
		if c.SecurityName == name {
			return c.Name
		}
	}
	return name
}

// saveTargets writes the rows that SNMP has made or changed, as this package
// alone reads them.
func (o *own) saveTargets(w io.Writer) {
	saveRows(w, o.addrs, func(w io.Writer, r *addrRow, s RowStatus) {
		if r.changed && r.storage != Volatile && !r.domain.IsZero() {
			fmt.Fprintf(w, "targetAddr %d %d %s .%s 0x%x %d %d %s %s\n", s, r.storage, quote(r.id), r.domain, r.taddress, r.timeout, r.retries, quote(r.tags), quote(r.params))
		}
	})
	saveRows(w, o.params, func(w io.Writer, r *paramsRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "targetParams %d %d %s %d %d %s %d\n", s, r.storage, quote(r.id), r.mp, r.model, quote(r.name), r.level)
		}
	})
	saveRows(w, o.notifies, func(w io.Writer, r *notifyRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "snmpNotifyTable %d %d %s %s %d\n", s, r.storage, quote(r.id), quote(r.tag), r.typ)
		}
	})
	saveRows(w, o.profiles, func(w io.Writer, r *profileRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "snmpNotifyFilterProfileTable %d %d %s %s\n", s, r.storage, quote(r.params), quote(r.profile))
		}
	})
	saveRows(w, o.filters, func(w io.Writer, r *filterRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "snmpNotifyFilterTable %d %d %s .%s %s %d\n", s, r.storage, quote(r.Name), r.Subtree, quote(r.Mask), choice(r.Excluded))
		}
	})
}

// loadTargets adds the rows that were saved.
func (o *own) loadTargets(old *saved) error {
	err := old.rows("targetAddr", 9, func(f []string, s RowStatus, st StorageType) bool {
		domain, err := snmp.ParseOID(f[3])
		timeout, ok1 := atoi(f[5])
		retries, ok2 := atoi(f[6])
		return err == nil && ok1 && ok2 && isName(f[2]) && o.addrs.putAs(addrRow{id: f[2], domain: domain, taddress: f[4],
			timeout: timeout, retries: retries, tags: f[7], params: f[8], storage: st, changed: true}, s)
	})
	if err == nil {
		err = old.rows("targetParams", 7, func(f []string, s RowStatus, st StorageType) bool {
			mp, ok1 := atoi(f[3])
			model, ok2 := atoi(f[4])
			level, ok3 := atoi(f[6])
			return ok1 && ok2 && ok3 && isName(f[2]) && o.params.putAs(paramsRow{id: f[2], mp: mp, model: model, name: f[5], level: level, storage: st, changed: true}, s)
		})
	}
	if err == nil {
		err = old.rows("snmpNotifyTable", 5, func(f []string, s RowStatus, st StorageType) bool {
			typ, ok := atoi(f[4])
			return ok && isName(f[2]) && o.notifies.putAs(notifyRow{id: f[2], tag: f[3], typ: typ, storage: st, changed: true}, s)
		})
	}
	if err == nil {
		err = old.rows("snmpNotifyFilterProfileTable", 4, func(f []string, s RowStatus, st StorageType) bool {
			return isName(f[2]) && o.profiles.putAs(profileRow{params: f[2], profile: f[3], storage: st, changed: true}, s)
		})
	}
	if err == nil {
		err = old.rows("snmpNotifyFilterTable", 6, func(f []string, s RowStatus, st StorageType) bool {
			subtree, err := snmp.ParseOID(f[3])
			return err == nil && isName(f[2]) && o.filters.putAs(filterRow{View: View{Name: f[2], Subtree: subtree, Mask: f[4], Excluded: f[5] == "2"}, storage: st, changed: true}, s)
		})
	}
	return err
}
