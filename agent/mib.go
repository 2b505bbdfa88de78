package agent

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// The roots of the modules that an agent has of itself.
var (
	oidSystem       = snmp.MustParseOID("1.3.6.1.2.1.1")
	oidSnmp         = snmp.MustParseOID("1.3.6.1.2.1.11")
	oidSerialNo     = snmp.MustParseOID("1.3.6.1.6.3.1.1.6.1")
	oidEngine       = snmp.MustParseOID("1.3.6.1.6.3.10.2.1")
	oidMpdStats     = snmp.MustParseOID("1.3.6.1.6.3.11.2.1")
	oidTarget       = snmp.MustParseOID("1.3.6.1.6.3.12.1")
	oidNotification = snmp.MustParseOID("1.3.6.1.6.3.13.1")
	oidUsmUser      = snmp.MustParseOID("1.3.6.1.6.3.15.1.2")
	oidVacm         = snmp.MustParseOID("1.3.6.1.6.3.16.1")
)

// own are the objects that the agent has of itself and that change.
type own struct {
	contact, name, location *Var
	authenTraps             *Var
	serial                  *Var
	userLock, viewLock      *Var
	capabilities            *Table[capability]
	capabilityChange        atomic.Uint32

	users  *Table[userRow]
	groups *Table[groupRow]
	access *Table[accessRow]
	views  *Table[viewRow]

	communities []*community
	addrs       *Table[addrRow]
	params      *Table[paramsRow]
	notifies    *Table[notifyRow]
	profiles    *Table[profileRow]
	filters     *Table[filterRow]
	targetLock  *Var
}

// A capability is a row of sysORTable.
type capability struct {
	index uint32
	id    snmp.OID
	descr string
	upAt  uint32
}

// Capability adds a row to sysORTable: that the agent does what the OID, of an
// AGENT-CAPABILITIES or a MODULE-COMPLIANCE, says. The function that it returns
// takes the row away.
func (a *Agent) Capability(id snmp.OID, descr string) (remove func()) {
	a.mounting.Lock()
	defer a.mounting.Unlock()
	last := uint32(0)
	for c := range a.own.capabilities.All() {
		last = c.index
	}
	c := capability{last + 1, id, descr, a.UpTime()}
	a.own.capabilities.Put(c)
	a.own.capabilityChange.Store(c.upAt)
	return func() {
		a.own.capabilities.Delete(c)
		a.own.capabilityChange.Store(a.UpTime())
	}
}

// checkDisplay passes what a DisplayString (RFC 2579) of up to 255 octets can
// be.
func checkDisplay(v snmp.Value) error {
	if s, _ := v.Octets(); len(s) > 255 {
		return snmp.WrongLength
	}
	return nil
}

// checkTruth passes 1 and 2.
func checkTruth(v snmp.Value) error {
	if n, _ := v.Int64(); n != 1 && n != 2 {
		return snmp.WrongValue
	}
	return nil
}

// install puts the agent's own objects into its tree.
func (a *Agent) install(old *saved) {
	sys, o := &a.cfg.System, &a.own
	save := func(snmp.Value) error { return a.save() }
	text := func(word, first string) *Var {
		if lines := old.lines[word]; len(lines) > 0 {
			if w, err := words(lines[len(lines)-1]); err == nil && len(w) == 1 {
				first = w[0]
			}
		}
		v := NewVar(snmp.OctetsValue(first), checkDisplay)
		v.Changed = save
		return v
	}
	o.contact = text("psyscontact", sys.Contact)
	o.name = text("psysname", sys.Name)
	o.location = text("psyslocation", sys.Location)
	o.authenTraps = NewVar(snmp.IntegerValue(choice(!a.cfg.AuthTraps)), checkTruth)
	o.authenTraps.Changed = save
	o.serial = NewTestAndIncr(old.number("setserialno"))
	o.serial.Changed = save
	o.userLock, o.viewLock = NewTestAndIncr(0), NewTestAndIncr(0)
	if n := old.number("pauthtrapenable"); n == 1 || n == 2 {
		o.authenTraps.Store(snmp.IntegerValue(n))
	}
	o.capabilities = &Table[capability]{
		Columns: []Column[capability]{
			{ID: 2, Get: func(c *capability) snmp.Value { return snmp.OIDValue(c.id) }},
			{ID: 3, Get: func(c *capability) snmp.Value { return snmp.OctetsValue(c.descr) }},
			{ID: 4, Get: func(c *capability) snmp.Value { return snmp.TimeTicksValue(c.upAt) }},
		},
		Index: func(o snmp.OID, c *capability) snmp.OID { return o.Append(c.index) },
	}
	for n, h := range map[uint32]Handler{
		1: Const(snmp.OctetsValue(sys.Descr)),
		2: Const(snmp.OIDValue(sys.ObjectID)),
		3: &leaf{func() snmp.Value { return snmp.TimeTicksValue(a.UpTime()) }},
		4: o.contact,
		5: o.name,
		6: o.location,
		7: Const(snmp.IntegerValue(sys.Services)),
		8: Load(snmp.TimeTicksValue, &o.capabilityChange),
		9: o.capabilities,
	} {
		a.Handle(oidSystem.Append(n), h)
	}
	for _, c := range []struct {
		module string
		descr  string
	}{
		{"1", "The MIB module for SNMPv2 entities"},
		{"10.3.1.1", "The SNMP Management Architecture MIB."},
		{"11.3.1.1", "The MIB for Message Processing and Dispatching."},
		{"13.3.1.3", "The MIB modules for managing SNMP Notification, plus filtering."},
		{"15.2.1.1", "The management information definitions for the SNMP User-based Security Model."},
		{"16.2.2.1", "View-based Access Control Model for SNMP."},
	} {
		a.Capability(snmp.MustParseOID("1.3.6.1.6.3."+c.module), c.descr)
	}

	st := &a.stats
	count := func(root snmp.OID, n uint32, c *atomic.Uint32) {
		a.Handle(root.Append(n), Load(snmp.Counter32Value, c))
	}
	var none atomic.Uint32
	for n, c := range map[uint32]*atomic.Uint32{
		1: &st.snmpInPkts, 2: &st.snmpOutPkts, 3: &st.snmpInBadVersions, 4: &st.snmpInBadCommunityNames,
		5: &st.snmpInBadCommunityUses, 6: &st.snmpInASNParseErrs, 8: &none, 9: &none, 10: &none, 11: &none, 12: &none,
		13: &st.snmpInTotalReqVars, 14: &st.snmpInTotalSetVars, 15: &st.snmpInGetRequests, 16: &st.snmpInGetNexts,
		17: &st.snmpInSetRequests, 18: &none, 19: &none, 20: &st.snmpOutTooBigs, 21: &st.snmpOutNoSuchNames,
		22: &st.snmpOutBadValues, 24: &st.snmpOutGenErrs, 25: &none, 26: &none, 27: &none, 28: &st.snmpOutGetResponses,
		29: &st.snmpOutTraps, 31: &st.snmpSilentDrops, 32: &st.snmpProxyDrops,
	} {
		count(oidSnmp, n, c)
	}
	a.Handle(oidSnmp.Append(30), o.authenTraps)
	a.Handle(oidSerialNo, o.serial)

	eng := &a.engine
	a.Handle(oidEngine.Append(1), Const(snmp.OctetsValue([]byte(eng.id))))
	a.Handle(oidEngine.Append(2), &leaf{func() snmp.Value {
		boots, _ := eng.clock.At(a.now())
		return snmp.IntegerValue(int32(boots))
	}})
	a.Handle(oidEngine.Append(3), &leaf{func() snmp.Value {
		_, t := eng.clock.At(a.now())
		return snmp.IntegerValue(int32(t))
	}})
	a.Handle(oidEngine.Append(4), Const(snmp.IntegerValue(int32(a.cfg.MaxSize))))

	count(oidMpdStats, 1, &st.snmpUnknownSecurityModels)
	count(oidMpdStats, 2, &st.snmpInvalidMsgs)
	count(oidMpdStats, 3, &st.snmpUnknownPDUHandlers)
	count(oidTarget, 4, &st.snmpUnavailableContexts)
	count(oidTarget, 5, &st.snmpUnknownContexts)
	for s := usm.ErrUnsupportedSecurityLevel; s <= usm.ErrDecryption; s++ {
		count(oidUsmStats, uint32(s), &st.usm[s])
	}
	a.Handle(oidUsmUser.Append(1), o.userLock)
	a.Handle(oidUsmUser.Append(2), o.users)
	a.Handle(oidVacm.Append(1), &Table[string]{
		Columns: []Column[string]{{ID: 1, Get: func(name *string) snmp.Value { return snmp.OctetsValue(*name) }}},
		Index:   func(o snmp.OID, name *string) snmp.OID { return o.AppendOctets(*name) },
		Load: func(context.Context) ([]string, error) {
			return slices.Collect(maps.Keys(*a.contexts.Load())), nil
		},
	})
	a.Handle(oidVacm.Append(2), o.groups)
	a.Handle(oidVacm.Append(4), o.access)
	a.Handle(oidVacm.Append(5, 1), o.viewLock)
	a.Handle(oidVacm.Append(5, 2), o.views)
	o.targetLock = NewTestAndIncr(0)
	a.Handle(oidTarget.Append(1), o.targetLock)
	a.Handle(oidTarget.Append(2), o.addrs)
	a.Handle(oidTarget.Append(3), o.params)
	a.Handle(oidNotification.Append(1), o.notifies)
	a.Handle(oidNotification.Append(2), o.profiles)
	a.Handle(oidNotification.Append(3), o.filters)
}
