package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// walk returns all that a community can read below root.
func walk(t testing.TB, a *Agent, community string, root snmp.OID) (all []snmp.VarBind) {
	t.Helper()
	at := root
	for {
		p := ask(t, a, snmp.V2c, community, snmp.PDU{Type: snmp.GetBulkRequest, MaxRepetitions: 50, VarBinds: []snmp.VarBind{{OID: at}}})
		if p.ErrorStatus != 0 {
			t.Fatalf("walk at %v: %s", at, show(p))
		}
		for _, vb := range p.VarBinds {
			if vb.Value.Kind() == snmp.KindEndOfMIBView || !vb.OID.HasPrefix(root) {
				return all
			}
			if vb.OID.Compare(at) <= 0 {
				t.Fatalf("after %v came %v", at, vb.OID)
			}
			at = vb.OID
			all = append(all, vb)
		}
	}
}

func value(t testing.TB, a *Agent, o snmp.OID) snmp.Value {
	t.Helper()
	p := ask(t, a, snmp.V2c, "admin", snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{OID: o}}})
	return p.VarBinds[0].Value
}

func set(t testing.TB, a *Agent, vbs ...snmp.VarBind) string {
	t.Helper()
	p := ask(t, a, snmp.V2c, "admin", snmp.PDU{Type: snmp.SetRequest, VarBinds: vbs})
	return fmt.Sprintf("%v@%d", p.ErrorStatus, p.ErrorIndex)
}

// TestWalkAll: all that the agent has of itself can be walked in order, and each
// instance can be read.
func TestWalkAll(t *testing.T) {
	a := newAgent(t, func(cfg *Config) {
		cfg.Users = testUsers()
		cfg.System = System{Descr: "d", Contact: "c", Name: "n", Location: "l", Services: 72}
	})
	all := walk(t, a, "admin", oid("1.3"))
	if len(all) < 500 {
		t.Errorf("%d instances, want more than 500", len(all))
	}
	for _, vb := range all {
		if got := value(t, a, vb.OID); got.Kind() != vb.Value.Kind() {
			t.Errorf("%v is %v, in a walk %v", vb.OID, got, vb.Value)
		}
		s, _ := vb.Value.Octets()
		for _, u := range testUsers()[3:5] {
			k, _ := u.AuthKey.Localize(u.Auth, usm.NoPriv, a.engine.id)
			if strings.Contains(s, string(k.Octets())) {
				t.Errorf("%v shows a key", vb.OID)
			}
		}
	}
	for _, want := range []string{
		`1.3.6.1.2.1.1.1.0 = STRING: "d"`, `1.3.6.1.2.1.1.4.0 = STRING: "c"`, `1.3.6.1.2.1.1.7.0 = INTEGER: 72`,
		`1.3.6.1.6.3.10.2.1.2.0 = INTEGER: 1`, `1.3.6.1.2.1.1.9.1.2.1 = OID: 1.3.6.1.6.3.1`,
	} {
		if !slices.ContainsFunc(all, func(vb snmp.VarBind) bool { return vb.String() == want }) {
			t.Errorf("no %s", want)
		}
	}
}

// TestPersist: what SNMP has changed is there after a restart, and is not if it
// could not be saved.
func TestPersist(t *testing.T) {
	s := &memStore{}
	start := func() *Agent {
		return newAgent(t, func(cfg *Config) {
			cfg.Store = s
			cfg.Users = testUsers()
			cfg.System.Contact = "first"
		})
	}
	contact := snmp.VarBind{OID: oidSystem.Append(4, 0), Value: snmp.OctetsValue("se\"cond\x01")}
	group := []snmp.VarBind{
		{OID: oidVacm.Append(2, 1, 3, 3).AppendOctets("joe"), Value: snmp.OctetsValue("joes")},
		{OID: oidVacm.Append(2, 1, 5, 3).AppendOctets("joe"), Value: snmp.IntegerValue(4)},
	}
	access := oidVacm.Append(4, 1)
	accessIndex := func(col uint32) snmp.OID {
		return access.Append(col).AppendOctets("joes").AppendOctets("").Append(3, 1)
	}
	accessRow := []snmp.VarBind{
		{OID: accessIndex(5), Value: snmp.OctetsValue("joes view")},
		{OID: accessIndex(9), Value: snmp.IntegerValue(4)},
	}
	viewIndex := func(col uint32) snmp.OID {
		return oidVacm.Append(5, 2, 1, col).AppendOctets("joes view").AppendOID(oid("1.3.6.1.4.1.99.1.0"))
	}
	viewRow := []snmp.VarBind{
		{OID: viewIndex(3), Value: snmp.OctetsValue("\xff\xfe")},
		{OID: viewIndex(6), Value: snmp.IntegerValue(4)},
	}
	userIndex := func(a *Agent, col uint32, name string) snmp.OID {
		return oidUsmUser.Append(2, 1, col).AppendOctets(string(a.engine.id)).AppendOctets(name)
	}
	a := start()
	handleTest(a)
	userRow := []snmp.VarBind{
		{OID: userIndex(a, 4, "joe"), Value: snmp.OIDValue(userIndex(a, 3, "shaaes"))},
		{OID: userIndex(a, 13, "joe"), Value: snmp.IntegerValue(4)},
	}
	serial := snmp.VarBind{OID: oidSerialNo.Append(0), Value: snmp.IntegerValue(0)}
	for _, vbs := range [][]snmp.VarBind{{contact}, group, accessRow, viewRow, userRow, {serial}} {
		s.fail = fmt.Errorf("disk full")
		if got := set(t, a, vbs...); !strings.HasPrefix(got, "commitFailed@1") {
			t.Errorf("SET %v with a full disk: %s, want commitFailed@1", vbs, got)
		}
		if v := value(t, a, vbs[0].OID); v == vbs[0].Value && vbs[0] != serial {
			t.Errorf("SET %v has failed and is %v", vbs, v)
		}
		s.fail = nil
		if got := set(t, a, vbs...); got != "noError@0" {
			t.Fatalf("SET %v: %s", vbs, got)
		}
	}
	check := func(a *Agent) {
		t.Helper()
		if got := value(t, a, contact.OID); got != contact.Value {
			t.Errorf("sysContact is %v, want %v", got, contact.Value)
		}
		if got := value(t, a, serial.OID); got != snmp.IntegerValue(1) {
			t.Errorf("snmpSetSerialNo is %v, want 1", got)
		}
		pdu := snmp.PDU{Type: snmp.GetNextRequest, VarBinds: names("1.3", "1.3.6.1.4.1.99.1.0")}
		p, _ := open(t, a, a.Respond(t.Context(), nil, v3Request(t, a, "joe", &pdu, nil), from, here))
		m, err := p.Message()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := show(&m.PDU), "99.1.0 = INTEGER: -7; 99.1.0 = No more variables left in this MIB View (It is past the end of the MIB tree)"; got != want {
			t.Errorf("the new user gets %s, want %s", got, want)
		}
	}
	check(a)
	b := start()
	handleTest(b)
	check(b)

	// Gone for good, and still gone after a restart.
	if got := set(t, b, snmp.VarBind{OID: userIndex(b, 13, "joe"), Value: snmp.IntegerValue(6)}); got != "noError@0" {
		t.Errorf("destroy: %s", got)
	}
	if v := value(t, start(), userIndex(b, 3, "joe")); v.Kind() != snmp.KindNoSuchInstance {
		t.Errorf("a user that was destroyed is back: %v", v)
	}
	// Those of the configuration can be changed, not destroyed.
	if got := set(t, b, snmp.VarBind{OID: userIndex(b, 13, "shaaes"), Value: snmp.IntegerValue(6)}); got != "inconsistentValue@1" {
		t.Errorf("destroy of a permanent user: %s, want inconsistentValue@1", got)
	}
}

// TestKeyChange is RFC 3414, section 5, usmUserAuthKeyChange and its sisters.
func TestKeyChange(t *testing.T) {
	s := &memStore{}
	users := func(cfg *Config) { cfg.Users = testUsers(); cfg.Store = s }
	a := newAgent(t, users)
	handleTest(a)
	index := func(col uint32, name string) snmp.OID {
		return oidUsmUser.Append(2, 1, col).AppendOctets(string(a.engine.id)).AppendOctets(name)
	}
	user := (*a.engine.users.Load())["shaaes"].User()
	fresh, err := usm.PassPhrase("newpass12").Localize(user.Auth, usm.NoPriv, a.engine.id)
	if err != nil {
		t.Fatal(err)
	}
	change, err := user.AuthKey.Change(user.Auth, fresh)
	if err != nil {
		t.Fatal(err)
	}
	v3set := func(as string, vbs ...snmp.VarBind) string {
		pdu := snmp.PDU{Type: snmp.SetRequest, VarBinds: vbs}
		p, _ := open(t, a, a.Respond(t.Context(), nil, v3Request(t, a, as, &pdu, nil), from, here))
		return fmt.Sprintf("%v@%d", p.PDU().ErrorStatus, p.PDU().ErrorIndex)
	}
	tests := []struct {
		as   string
		vb   snmp.VarBind
		want string
	}{
		{"sha256aes", snmp.VarBind{OID: index(7, "shaaes"), Value: snmp.OctetsValue(change)}, "noAccess@1"},
		{"sha256aes", snmp.VarBind{OID: index(6, "shaaes"), Value: snmp.OctetsValue("short")}, "wrongLength@1"},
		{"sha256aes", snmp.VarBind{OID: index(6, "noauth"), Value: snmp.OctetsValue("short")}, "noError@0"},
		{"sha256aes", snmp.VarBind{OID: index(5, "shaaes"), Value: snmp.OIDValue(oid(usm.SHA256.OID()))}, "inconsistentValue@1"},
		{"sha256aes", snmp.VarBind{OID: index(5, "shaaes"), Value: snmp.OIDValue(oid("1.3.9"))}, "wrongValue@1"},
		{"sha256aes", snmp.VarBind{OID: index(5, "shaaes"), Value: snmp.OIDValue(oid(usm.NoAuth.OID()))}, "inconsistentValue@1"},
	}
	for _, tt := range tests {
		if got := v3set(tt.as, tt.vb); got != tt.want {
			t.Errorf("%s sets %v: %s, want %s", tt.as, tt.vb.OID, got, tt.want)
		}
	}
	// The answer is signed with the old key.
	old := (*a.engine.users.Load())["shaaes"]
	pdu := snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{{OID: index(7, "shaaes"), Value: snmp.OctetsValue(change)}}}
	b := a.Respond(t.Context(), nil, v3Request(t, a, "shaaes", &pdu, nil), from, here)
	changed := a.engine.users.Load()
	a.engine.users.Store(&map[string]*usm.LocalUser{"shaaes": old})
	if p, _ := open(t, a, b); p.PDU().ErrorStatus != snmp.NoError {
		t.Errorf("own key change: %v", p.PDU())
	}
	a.engine.users.Store(changed)
	for _, a := range []*Agent{a, newAgent(t, users)} {
		got := (*a.engine.users.Load())["shaaes"].User().AuthKey.Octets()
		if string(got) != string(fresh.Octets()) {
			t.Errorf("after the key change, the key is %x, want %x", got, fresh.Octets())
		}
	}
}
