package snmp

import "slices"

// OIDs that notifications are converted with (RFC 3418 and RFC 3584).
var (
	oidSysUpTime         = MustParseOID("1.3.6.1.2.1.1.3.0")
	oidSnmpTrapOID       = MustParseOID("1.3.6.1.6.3.1.1.4.1.0")
	oidSnmpTrapEnt       = MustParseOID("1.3.6.1.6.3.1.1.4.3.0")
	oidSnmpTraps         = MustParseOID("1.3.6.1.6.3.1.1.5")
	oidSnmpTrapAddress   = MustParseOID("1.3.6.1.6.3.18.1.3.0")
	oidSnmpTrapCommunity = MustParseOID("1.3.6.1.6.3.18.1.4.0")
)

// enterpriseSpecific is the generic-trap of traps that are not standard.
const enterpriseSpecific = 6

// ToV2 returns p as a PDU of SNMPv2c and v3 (RFC 3584): a TrapV1 becomes a
// TrapV2, any other PDU stays as it is. Community is that of the trap's
// message, or "" to leave it out. The trap's address, community and enterprise
// come behind the bindings, as a proxy has to pass them on, unless they are
// among them (section 3.1). The error wraps [ErrBadArgument]: a generic-trap
// that does not exist, or an enterprise that is too long.
func (p PDU) ToV2(community string) (PDU, error) {
	if p.Type != TrapV1 {
		return p, nil
	}
	var trap OID
	switch {
	case p.GenericTrap >= 0 && p.GenericTrap < enterpriseSpecific:
		trap = oidSnmpTraps.Append(uint32(p.GenericTrap) + 1)
	case p.GenericTrap == enterpriseSpecific && !p.Enterprise.IsZero():
		trap = p.Enterprise.Append(0, uint32(p.SpecificTrap))
	}
	if trap.IsZero() {
		return PDU{}, &detail{"trap of SNMPv1 whose kind or enterprise has no form in SNMPv2", ErrBadArgument}
	}
	vbs := make([]VarBind, 0, len(p.VarBinds)+5)
	vbs = append(vbs, VarBind{oidSysUpTime, TimeTicksValue(p.Timestamp)}, VarBind{oidSnmpTrapOID, OIDValue(trap)})
	vbs = append(vbs, p.VarBinds...)
	add := func(o OID, v Value) {
		if _, ok := find(vbs, o); !ok {
			vbs = append(vbs, VarBind{o, v})
		}
	}
	if p.AgentAddr.IsValid() {
		add(oidSnmpTrapAddress, AddrValue(p.AgentAddr))
	}
	if community != "" {
		add(oidSnmpTrapCommunity, OctetsValue(community))
	}
	add(oidSnmpTrapEnt, OIDValue(p.Enterprise))
	return PDU{Type: TrapV2, VarBinds: vbs}, nil
}

// ToV1 returns p as a PDU of SNMPv1 (RFC 3584).
//
//   - A TrapV2 or InformRequest becomes a TrapV1 (section 3.2). If no binding
//     tells the AgentAddr, it is the zero Addr: set it to the peer's address if
//     that is IPv4.
//   - A GetBulkRequest becomes a GetNextRequest (section 4.1).
//   - The error-status of a Response becomes the closest one. If a binding is an
//     exception or a Counter64, which SNMPv1 does not have, the status becomes
//     noSuchName with the binding's position, and the values become Null
//     (section 4.1).
//
// The error wraps [ErrBadArgument]: a Report, a notification with a Counter64 or
// without sysUpTime.0 and snmpTrapOID.0, or a request with a Counter64.
func (p PDU) ToV1() (PDU, error) {
	bad := slices.IndexFunc(p.VarBinds, func(vb VarBind) bool {
		return vb.Value.kind == KindCounter64 || vb.Value.kind.IsException()
	})
	switch p.Type {
	case TrapV2, InformRequest:
		if bad < 0 {
			return p.trapToV1()
		}
	case Response:
		p.ErrorStatus = p.ErrorStatus.V1()
		if bad < 0 {
			return p, nil
		}
		p.VarBinds = slices.Clone(p.VarBinds)
		for i := range p.VarBinds {
			p.VarBinds[i].Value = Value{}
		}
		if p.ErrorStatus == NoError {
			p.ErrorStatus, p.ErrorIndex = NoSuchName, bad+1
		}
		return p, nil
	case GetBulkRequest:
		return PDU{Type: GetNextRequest, RequestID: p.RequestID, VarBinds: p.VarBinds}, nil
	case GetRequest, GetNextRequest, SetRequest, TrapV1:
		if bad < 0 {
			return p, nil
		}
	default:
		return PDU{}, &detail{"SNMPv1 has no PDU of type " + p.Type.String(), ErrBadArgument}
	}
	return PDU{}, &detail{"SNMPv1 has no values of type " + p.VarBinds[bad].Value.kind.String(), ErrBadArgument}
}

func (p PDU) trapToV1() (PDU, error) {
	if len(p.VarBinds) < 2 || p.VarBinds[0].OID != oidSysUpTime || p.VarBinds[1].OID != oidSnmpTrapOID {
		return PDU{}, &detail{"notification that does not start with sysUpTime.0 and snmpTrapOID.0", ErrBadArgument}
	}
	uptime, isTicks := p.VarBinds[0].Value.Uint64()
	trap, isOID := p.VarBinds[1].Value.OID()
	if !isTicks || !isOID {
		return PDU{}, &detail{"notification whose sysUpTime.0 or snmpTrapOID.0 has another type", ErrBadArgument}
	}
	v1 := PDU{Type: TrapV1, Timestamp: uint32(uptime), VarBinds: p.VarBinds[2:]}
	if v, ok := find(v1.VarBinds, oidSnmpTrapAddress); ok {
		v1.AgentAddr, _ = v.Addr()
	}
	last, _ := trap.Last()
	if trap.Parent() == oidSnmpTraps && last >= 1 && last <= enterpriseSpecific {
		v1.GenericTrap = int(last) - 1
		v1.Enterprise = oidSnmpTraps
		if v, ok := find(v1.VarBinds, oidSnmpTrapEnt); ok {
			if o, ok := v.OID(); ok {
				v1.Enterprise = o
			}
		}
		return v1, nil
	}
	v1.GenericTrap, v1.SpecificTrap = enterpriseSpecific, int(int32(last))
	v1.Enterprise = trap.Parent()
	if zero, ok := v1.Enterprise.Last(); ok && zero == 0 && v1.Enterprise.Len() > 2 {
		v1.Enterprise = v1.Enterprise.Parent()
	}
	return v1, nil
}

func find(vbs []VarBind, o OID) (Value, bool) {
	i := slices.IndexFunc(vbs, func(vb VarBind) bool { return vb.OID == o })
	if i < 0 {
		return Value{}, false
	}
	return vbs[i].Value, true
}
