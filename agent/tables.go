package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// Rows of the tables that say who may do what (RFC 3414 and RFC 3415). Those of
// the Config are permanent. Changed rows are kept in the Store.

type userRow struct {
	engineID string
	user     usm.User // with localised keys; the name is the security name
	name     string
	public   string
	cloned   bool
	storage  StorageType
	changed  bool
}

type groupRow struct {
	Member
	storage StorageType
	changed bool
}

type accessRow struct {
	Access
	storage StorageType
	changed bool
}

type viewRow struct {
	View
	storage StorageType
	changed bool
}

// makeTables makes the tables of the Config's rows and those that were saved.
func (a *Agent) makeTables(t *tables, old *saved) error {
	o := &a.own
	o.users = a.userTable()
	for i := range a.cfg.Users {
		row, err := a.userRow(&a.cfg.Users[i].User)
		if err != nil {
			return fmt.Errorf("agent: %w: %w", err, ErrBadArgument)
		}
		if err := o.users.Put(row); err != nil {
			return err
		}
	}
	o.groups = &Table[groupRow]{
		Columns: []Column[groupRow]{
			textColumn(3, 1, 32, func(r *groupRow) *string { return &r.Group }),
			StorageColumn(4, func(r *groupRow) *StorageType { return &r.storage }),
		},
		RowStatus: 5,
		Index: func(o snmp.OID, r *groupRow) snmp.OID {
			return o.Append(uint32(r.Model)).AppendOctets(r.SecurityName)
		},
		New: func(x snmp.Index) (*groupRow, error) {
			model, _ := x.Uint32()
			name, ok := x.Octets()
			if !ok || x.Len() > 0 || model == 0 || model > 1<<31-1 || !isName(name) {
				return nil, snmp.InconsistentName
			}
			return &groupRow{Member: Member{Model: SecurityModel(model), SecurityName: name}, storage: NonVolatile}, nil
		},
		Ready:   func(r *groupRow) bool { return r.Group != "" },
		Storage: func(r *groupRow) StorageType { return r.storage },
		Check:   func(_, r *groupRow) error { mark(r, func() { r.changed = true }); return nil },
		Changed: func(_, _ *groupRow) error { return a.changedAccess() },
	}
	for _, m := range t.members {
		if err := o.groups.Put(groupRow{Member: m, storage: Permanent}); err != nil {
			return err
		}
	}
	o.access = &Table[accessRow]{
		Columns: []Column[accessRow]{
			{ID: 4, Get: func(r *accessRow) snmp.Value { return snmp.IntegerValue(choice(r.Prefix)) }, Kind: snmp.KindInteger, Min: 1, Max: 2, Set: func(r *accessRow, v snmp.Value) error {
				n, _ := v.Int64()
				r.Prefix = n == 2
				return nil
			}},
			textColumn(5, 0, 32, func(r *accessRow) *string { return &r.Read }),
			textColumn(6, 0, 32, func(r *accessRow) *string { return &r.Write }),
			textColumn(7, 0, 32, func(r *accessRow) *string { return &r.Notify }),
			StorageColumn(8, func(r *accessRow) *StorageType { return &r.storage }),
		},
		RowStatus: 9,
		Index: func(o snmp.OID, r *accessRow) snmp.OID {
			return o.AppendOctets(r.Group).AppendOctets(r.Context).Append(uint32(r.Model), uint32(r.Level))
		},
		New: func(x snmp.Index) (*accessRow, error) {
			group, ok1 := x.Octets()
			prefix, ok2 := x.Octets()
			model, ok3 := x.Uint32()
			level, ok4 := x.Uint32()
			if !ok1 || !ok2 || !ok3 || !ok4 || x.Len() > 0 || !isName(group) || len(prefix) > 32 || model > 1<<31-1 || level < 1 || level > 3 {
				return nil, snmp.InconsistentName
			}
			return &accessRow{Access: Access{Group: group, Context: prefix, Model: SecurityModel(model), Level: usm.SecurityLevel(level)}, storage: NonVolatile}, nil
		},
		Storage: func(r *accessRow) StorageType { return r.storage },
		Check:   func(_, r *accessRow) error { mark(r, func() { r.changed = true }); return nil },
		Changed: func(_, _ *accessRow) error { return a.changedAccess() },
	}
	for _, e := range t.access {
		e.Level = max(e.Level, usm.NoAuthNoPriv)
		if err := o.access.Put(accessRow{Access: e, storage: Permanent}); err != nil {
			return err
		}
	}
	o.views = familyTable(a, 3, 6, a.changedAccess)
	o.views.Index = func(o snmp.OID, r *viewRow) snmp.OID { return o.AppendOctets(r.Name).AppendOID(r.Subtree) }
	o.views.New = func(x snmp.Index) (*viewRow, error) {
		name, _ := x.Octets()
		subtree, ok := x.OID()
		if !ok || x.Len() > 0 || !isName(name) {
			return nil, snmp.InconsistentName
		}
		return &viewRow{View: View{Name: name, Subtree: subtree}, storage: NonVolatile}, nil
	}
	for _, v := range t.views {
		if err := o.views.Put(viewRow{View: v, storage: Permanent}); err != nil {
			return err
		}
	}
	if err := a.makeTargets(); err != nil {
		return err
	}
	if err := a.loadTables(old); err != nil {
		return err
	}
	a.compileAccess()
	return a.compileUsers()
}

// familyTable returns a table of families of views: columns for the mask, the
// type and the storage type from first on, and the one of that status.
func familyTable(a *Agent, first, status uint32, changed func() error) *Table[viewRow] {
	return &Table[viewRow]{
		Columns: []Column[viewRow]{
			textColumn(first, 0, 16, func(r *viewRow) *string { return &r.Mask }),
			{ID: first + 1, Get: func(r *viewRow) snmp.Value { return snmp.IntegerValue(choice(r.Excluded)) },
				Kind: snmp.KindInteger, Min: 1, Max: 2, Set: func(r *viewRow, v snmp.Value) error {
					n, _ := v.Int64()
					r.Excluded = n == 2
					return nil
				}},
			StorageColumn(first+2, func(r *viewRow) *StorageType { return &r.storage }),
		},
		RowStatus: status,
		Storage:   func(r *viewRow) StorageType { return r.storage },
		Check:     func(_, r *viewRow) error { mark(r, func() { r.changed = true }); return nil },
		Changed:   func(_, _ *viewRow) error { return changed() },
	}
}

// choice is 2 for the second of two, such as excluded or prefix, and else 1.
func choice(second bool) int32 {
	if second {
		return 2
	}
	return 1
}

// mark calls f unless r is nil.
func mark[R any](r *R, f func()) {
	if r != nil {
		f()
	}
}

// isName reports whether s is a name of 1 to 32 octets.
func isName(s string) bool { return len(s) >= 1 && len(s) <= 32 }

// compileAccess makes the rows of the tables those that access is decided by.
func (a *Agent) compileAccess() {
	var t tables
	for r := range a.own.groups.All() {
		t.members = append(t.members, r.Member)
	}
	for r := range a.own.access.All() {
		t.access = append(t.access, r.Access)
	}
	for r := range a.own.views.All() {
		t.views = append(t.views, r.View)
	}
	a.acl.Store(newACL(t.members, t.access, t.views))
}

func (a *Agent) changedAccess() error {
	if err := a.save(); err != nil {
		return err
	}
	a.compileAccess()
	return nil
}

// userRow returns the row of a user of this engine.
func (a *Agent) userRow(u *usm.User) (userRow, error) {
	if err := u.Check(); err != nil {
		return userRow{}, err
	}
	local := *u
	var err error
	if u.Auth != usm.NoAuth {
		if local.AuthKey, err = u.AuthKey.Localize(u.Auth, usm.NoPriv, a.engine.id); err != nil {
			return userRow{}, err
		}
	}
	if u.Priv != usm.NoPriv {
		key := u.PrivKey
		if local.PrivKey, err = key.Localize(u.Auth, u.Priv, a.engine.id); err != nil {
			return userRow{}, err
		}
	}
	return userRow{engineID: string(a.engine.id), user: local, name: u.Name, cloned: true, storage: Permanent}, nil
}

// compileUsers makes the active rows of this engine the users who may ask.
func (a *Agent) compileUsers() error {
	users := make(map[string]*usm.LocalUser)
	for r := range a.own.users.All() {
		if r.engineID != string(a.engine.id) {
			continue
		}
		u := r.user
		l, err := u.Localize(a.engine.id)
		if err != nil {
			return fmt.Errorf("agent: %w", err)
		}
		users[r.name] = l
	}
	a.engine.users.Store(&users)
	return nil
}

func (a *Agent) changedUsers() error {
	if err := a.save(); err != nil {
		return err
	}
	return a.compileUsers()
}

// userTable returns usmUserTable (RFC 3414, section 5). A departure: a new row
// may become active once it is cloned, before its keys are changed, as
// Net-SNMP's snmpusm has it.
func (a *Agent) userTable() *Table[userRow] {
	none := func(*userRow) snmp.Value { return snmp.OctetsValue("") }
	// keyChange returns the columns of a key: that of whoever may write them,
	// and that of the user alone.
	keyChange := func(id uint32, key func(r *userRow) *usm.Key, on func(r *userRow) bool) []Column[userRow] {
		set := func(r *userRow, v snmp.Value) error {
			if !on(r) {
				return nil // of no effect (RFC 3414, usmUserAuthKeyChange)
			}
			s, _ := v.Octets()
			to, err := key(r).ApplyChange(r.user.Auth, []byte(s))
			if err != nil {
				return snmp.WrongLength
			}
			*key(r) = to
			return nil
		}
		return []Column[userRow]{
			{ID: id, Get: none, Kind: snmp.KindOctetString, Set: set},
			{ID: id + 1, Get: none, Kind: snmp.KindOctetString, setAs: func(ctx context.Context, r *userRow, v snmp.Value) error {
				if who, _ := ctx.Value(whoKey{}).(string); who != r.name || r.engineID != string(a.engine.id) {
					return snmp.NoAccess
				}
				return set(r, v)
			}},
		}
	}
	t := &Table[userRow]{RowStatus: 13}
	t.Columns = []Column[userRow]{
		{ID: 3, Get: func(r *userRow) snmp.Value { return snmp.OctetsValue(r.user.Name) }},
		{ID: 4, Get: func(*userRow) snmp.Value { return snmp.OIDValue(snmp.OID{}) }, Kind: snmp.KindOID, Set: func(r *userRow, v snmp.Value) error {
			if r.cloned {
				return nil
			}
			o, _ := v.OID()
			x, ok := o.Index(oidUsmUser.Append(2, 1, 3))
			if !ok {
				return snmp.InconsistentName
			}
			id, _ := x.Octets()
			name, ok := x.Octets()
			if !ok || x.Len() > 0 {
				return snmp.InconsistentName
			}
			for from := range t.All() {
				if from.engineID == id && from.name == name {
					u := from.user
					u.Name = r.user.Name
					r.user, r.cloned = u, true
					return nil
				}
			}
			return snmp.InconsistentName
		}},
		{ID: 5, Get: func(r *userRow) snmp.Value { return snmp.OIDValue(snmp.MustParseOID(r.user.Auth.OID())) }, Kind: snmp.KindOID, Set: func(r *userRow, v snmp.Value) error {
			o, _ := v.OID()
			p, err := usm.ParseAuthProtocol(o.String())
			switch {
			case err != nil:
				return snmp.WrongValue
			case p == r.user.Auth:
			case p != usm.NoAuth || r.user.Priv != usm.NoPriv:
				return snmp.InconsistentValue
			}
			r.user.Auth = p
			return nil
		}},
		{ID: 8, Get: func(r *userRow) snmp.Value { return snmp.OIDValue(snmp.MustParseOID(r.user.Priv.OID())) }, Kind: snmp.KindOID, Set: func(r *userRow, v snmp.Value) error {
			o, _ := v.OID()
			p, err := usm.ParsePrivProtocol(o.String())
			switch {
			case err != nil:
				return snmp.WrongValue
			case p != r.user.Priv && p != usm.NoPriv:
				return snmp.InconsistentValue
			}
			r.user.Priv = p
			return nil
		}},
		textColumn(11, 0, 32, func(r *userRow) *string { return &r.public }),
		StorageColumn(12, func(r *userRow) *StorageType { return &r.storage }),
	}
	t.Columns = append(t.Columns, keyChange(6, func(r *userRow) *usm.Key { return &r.user.AuthKey }, func(r *userRow) bool { return r.user.Auth != usm.NoAuth })...)
	t.Columns = append(t.Columns, keyChange(9, func(r *userRow) *usm.Key { return &r.user.PrivKey }, func(r *userRow) bool { return r.user.Priv != usm.NoPriv })...)
	t.Index = func(o snmp.OID, r *userRow) snmp.OID { return o.AppendOctets(r.engineID).AppendOctets(r.name) }
	t.New = func(x snmp.Index) (*userRow, error) {
		id, _ := x.Octets()
		name, ok := x.Octets()
		if !ok || x.Len() > 0 || !isName(name) || !usm.EngineID(id).Valid() {
			return nil, snmp.InconsistentName
		}
		return &userRow{engineID: id, name: name, user: usm.User{Name: name}, storage: NonVolatile}, nil
	}
	t.Ready = func(r *userRow) bool { return r.cloned }
	t.Storage = func(r *userRow) StorageType { return r.storage }
	t.Check = func(_, r *userRow) error { mark(r, func() { r.changed = true }); return nil }
	t.Changed = func(_, _ *userRow) error { return a.changedUsers() }
	return t
}

// appendSaved writes what SNMP has changed, in the forms of Net-SNMP.
func (a *Agent) appendSaved(b *bytes.Buffer) {
	o := &a.own
	text := func(word string, v *Var, first string) {
		if v != nil {
			if s, _ := v.Value().Octets(); s != first {
				fmt.Fprintf(b, "%s %s\n", word, quote(s))
			}
		}
	}
	number := func(word string, v *Var, first int64) {
		if v != nil {
			if n, _ := v.Value().Int64(); n != first {
				fmt.Fprintf(b, "%s %d\n", word, n)
			}
		}
	}
	text("psyscontact", o.contact, a.cfg.System.Contact)
	text("psysname", o.name, a.cfg.System.Name)
	text("psyslocation", o.location, a.cfg.System.Location)
	number("setserialno", o.serial, 0)
	number("pauthtrapenable", o.authenTraps, int64(choice(!a.cfg.AuthTraps)))

	o.saveTargets(b)
	saveRows(b, o.users, func(w io.Writer, r *userRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "usmUser %d %d 0x%x %s %s NULL .%s 0x%x .%s 0x%x %s\n", s, r.storage, r.engineID, quote(r.name), quote(r.user.Name),
				r.user.Auth.OID(), r.user.AuthKey.Octets(), r.user.Priv.OID(), r.user.PrivKey.Octets(), quote(r.public))
		}
	})
	saveRows(b, o.groups, func(w io.Writer, r *groupRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "vacmGroup %d %d %d %s %s\n", s, r.storage, r.Model, quote(r.SecurityName), quote(r.Group))
		}
	})
	saveRows(b, o.access, func(w io.Writer, r *accessRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "vacmAccess %d %d %d %d %d %s %s %s %s %s\n", s, r.storage, r.Model, r.Level, choice(r.Prefix),
				quote(r.Group), quote(r.Context), quote(r.Read), quote(r.Write), quote(r.Notify))
		}
	})
	saveRows(b, o.views, func(w io.Writer, r *viewRow, s RowStatus) {
		if r.changed && r.storage != Volatile {
			fmt.Fprintf(w, "vacmView %d %d %d %s .%s %s\n", s, r.storage, choice(r.Excluded), quote(r.Name), r.Subtree, quote(r.Mask))
		}
	})
}

func saveRows[R any](w io.Writer, t *Table[R], line func(w io.Writer, r *R, s RowStatus)) {
	if t == nil {
		return
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, l := range t.rows.leaves {
		for i := range l {
			line(w, l[i].data, l[i].status)
		}
	}
}

// loadTables adds the rows that were saved.
func (a *Agent) loadTables(old *saved) error {
	o := &a.own
	err := old.rows("usmUser", 11, func(f []string, s RowStatus, st StorageType) bool {
		auth, err1 := usm.ParseAuthProtocol(f[6])
		priv, err2 := usm.ParsePrivProtocol(f[8])
		if err1 != nil || err2 != nil || !isName(f[3]) || !usm.EngineID(f[2]).Valid() {
			return false
		}
		u := usm.User{Name: f[4], Auth: auth, Priv: priv}
		if auth != usm.NoAuth {
			u.AuthKey = usm.LocalizedKey([]byte(f[7]))
		}
		if priv != usm.NoPriv {
			u.PrivKey = usm.LocalizedKey([]byte(f[9]))
		}
		return u.Check() == nil && o.users.putAs(userRow{engineID: f[2], name: f[3], user: u, public: f[10], cloned: true, storage: st, changed: true}, s)
	})
	if err == nil {
		err = old.rows("vacmGroup", 5, func(f []string, s RowStatus, st StorageType) bool {
			model, ok := atoi(f[2])
			return ok && o.groups.putAs(groupRow{Member{SecurityModel(model), f[3], f[4]}, st, true}, s)
		})
	}
	if err == nil {
		err = old.rows("vacmAccess", 10, func(f []string, s RowStatus, st StorageType) bool {
			model, ok1 := atoi(f[2])
			level, ok2 := atoi(f[3])
			return ok1 && ok2 && level >= 1 && level <= 3 && o.access.putAs(accessRow{Access{Model: SecurityModel(model), Level: usm.SecurityLevel(level), Prefix: f[4] == "2",
				Group: f[5], Context: f[6], Read: f[7], Write: f[8], Notify: f[9]}, st, true}, s)
		})
	}
	if err == nil {
		err = old.rows("vacmView", 6, func(f []string, s RowStatus, st StorageType) bool {
			v := View{Name: f[3], Excluded: f[2] == "2", Mask: f[5]}
			var err error
			if f[4] != "." {
				v.Subtree, err = snmp.ParseOID(f[4])
			}
			return err == nil && o.views.putAs(viewRow{v, st, true}, s)
		})
	}
	if err == nil {
		err = o.loadTargets(old)
	}
	return err
}

// rows calls add for the fields of each line that begins with word, of which the
// first two are a RowStatus and a StorageType. Add reports whether it took them.
func (s *saved) rows(word string, fields int, add func(f []string, s RowStatus, st StorageType) bool) error {
	for _, line := range s.lines[word] {
		f, err := words(line)
		if err != nil {
			return err
		}
		if len(f) == fields {
			status, ok1 := atoi(f[0])
			storage, ok2 := atoi(f[1])
			if ok1 && ok2 && status >= int32(Active) && status <= int32(NotReady) && storage >= int32(OtherStorage) && storage <= int32(ReadOnly) &&
				add(f, RowStatus(status), StorageType(storage)) {
				continue
			}
		}
		return fmt.Errorf("agent: what was saved: a line %s that is not valid: %w", word, ErrStore)
	}
	return nil
}

func atoi(s string) (n int32, ok bool) {
	v, err := strconv.ParseInt(s, 10, 32)
	return int32(v), err == nil
}

// putAs puts a row in a state.
func (t *Table[R]) putAs(r R, s RowStatus) bool {
	key := t.key(&r)
	if key == "" {
		return false
	}
	t.mu.Lock()
	t.rows.put(row[R]{key, &r, s})
	t.mu.Unlock()
	return true
}
