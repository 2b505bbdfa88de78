package snmp

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
)

// TestErrorStatusV1 is the table of RFC 3584, section 4.4.
func TestErrorStatusV1(t *testing.T) {
	want := map[ErrorStatus]ErrorStatus{
		NoError: NoError, TooBig: TooBig, NoSuchName: NoSuchName, BadValue: BadValue, ReadOnly: ReadOnly, GenErr: GenErr,
		NoAccess: NoSuchName, WrongType: BadValue, WrongLength: BadValue, WrongEncoding: BadValue, WrongValue: BadValue,
		NoCreation: NoSuchName, InconsistentValue: BadValue, ResourceUnavailable: GenErr, CommitFailed: GenErr,
		UndoFailed: GenErr, AuthorizationError: NoSuchName, NotWritable: NoSuchName, InconsistentName: NoSuchName,
	}
	for s := NoError; s <= InconsistentName; s++ {
		if got := s.V1(); got != want[s] {
			t.Errorf("%v.V1() = %v, want %v", s, got, want[s])
		}
	}
	if got := ErrorStatus(77).V1(); got != GenErr {
		t.Errorf("77.V1() = %v, want genErr", got)
	}
}

// TestTrapConversion is RFC 3584, sections 3.1 and 3.2.
func TestTrapConversion(t *testing.T) {
	var (
		ent    = MustParseOID("1.3.6.1.4.1.8072")
		agent  = netip.MustParseAddr("10.1.2.3")
		ifIdx  = VarBind{MustParseOID("1.3.6.1.2.1.2.2.1.1.5"), IntegerValue(5)}
		extras = []VarBind{{oidSnmpTrapAddress, AddrValue(agent)}, {oidSnmpTrapCommunity, OctetsValue("public")}, {oidSnmpTrapEnt, OIDValue(ent)}}
	)
	v2 := func(trap string, vbs ...VarBind) PDU {
		return PDU{Type: TrapV2, VarBinds: append([]VarBind{{oidSysUpTime, TimeTicksValue(99)}, {oidSnmpTrapOID, OIDValue(MustParseOID(trap))}}, vbs...)}
	}
	tests := []struct {
		generic, specific int
		trap              string
	}{
		{0, 0, "1.3.6.1.6.3.1.1.5.1"},
		{2, 0, "1.3.6.1.6.3.1.1.5.3"},
		{5, 0, "1.3.6.1.6.3.1.1.5.6"},
		{6, 17, "1.3.6.1.4.1.8072.0.17"},
		{6, -1, "1.3.6.1.4.1.8072.0.4294967295"},
	}
	for _, tt := range tests {
		p := PDU{Type: TrapV1, Enterprise: ent, AgentAddr: agent, GenericTrap: tt.generic, SpecificTrap: tt.specific, Timestamp: 99, VarBinds: []VarBind{ifIdx}}
		got, err := p.ToV2("public")
		if want := v2(tt.trap, append([]VarBind{ifIdx}, extras...)...); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("generic %d, specific %d: ToV2 = %v, %v; want %v", tt.generic, tt.specific, got, err, want)
		}
		again, err := got.ToV1()
		want := p
		want.VarBinds = append([]VarBind{ifIdx}, extras...)
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("generic %d, specific %d: back to v1 = %+v, %v; want %+v", tt.generic, tt.specific, again, err, want)
		}
		// What is there already does not come twice.
		twice, err := again.ToV2("public")
		if err != nil || !reflect.DeepEqual(twice, got) {
			t.Errorf("to v2 again = %v, %v; want %v", twice, err, got)
		}
	}

	// A notification of v2 that comes from no trap of v1.
	for trap, want := range map[string]PDU{
		"1.3.6.1.6.3.1.1.5.4":   {GenericTrap: 3, Enterprise: oidSnmpTraps},
		"1.3.6.1.6.3.1.1.5.7":   {GenericTrap: 6, SpecificTrap: 7, Enterprise: oidSnmpTraps},
		"1.3.6.1.4.1.8072.0.17": {GenericTrap: 6, SpecificTrap: 17, Enterprise: ent},
		"1.3.6.1.4.1.8072.17":   {GenericTrap: 6, SpecificTrap: 17, Enterprise: ent},
	} {
		want.Type, want.Timestamp, want.VarBinds = TrapV1, 99, []VarBind{ifIdx}
		if got, err := v2(trap, ifIdx).ToV1(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: ToV1 = %+v, %v; want %+v", trap, got, err, want)
		}
	}

	for name, p := range map[string]PDU{
		"Counter64":     v2("1.3.6.1.6.3.1.1.5.4", VarBind{ifIdx.OID, Counter64Value(1)}),
		"no snmpTrap":   {Type: TrapV2, VarBinds: []VarBind{ifIdx, ifIdx}},
		"no bindings":   {Type: InformRequest},
		"Report":        {Type: Report},
		"wrong types":   {Type: TrapV2, VarBinds: []VarBind{{OID: oidSysUpTime}, {OID: oidSnmpTrapOID}}},
		"Set Counter64": {Type: SetRequest, VarBinds: []VarBind{{ifIdx.OID, Counter64Value(1)}}},
	} {
		if got, err := p.ToV1(); !errors.Is(err, ErrBadArgument) {
			t.Errorf("%s: ToV1 = %+v, %v; want ErrBadArgument", name, got, err)
		}
	}
	for _, p := range []PDU{{Type: TrapV1, GenericTrap: 7, Enterprise: ent}, {Type: TrapV1, GenericTrap: -1}, {Type: TrapV1, GenericTrap: 6}} {
		if got, err := p.ToV2(""); !errors.Is(err, ErrBadArgument) {
			t.Errorf("generic %d: ToV2 = %+v, %v; want ErrBadArgument", p.GenericTrap, got, err)
		}
	}
}

func TestResponseToV1(t *testing.T) {
	a, b := VarBind{oidSysUpTime, IntegerValue(1)}, VarBind{OID: oidSnmpTrapOID}
	for _, v := range []Value{Counter64Value(1), ExceptionValue(KindNoSuchObject), ExceptionValue(KindEndOfMIBView)} {
		b.Value = v
		p := PDU{Type: Response, RequestID: 5, VarBinds: []VarBind{a, b}}
		got, err := p.ToV1()
		want := PDU{Type: Response, RequestID: 5, ErrorStatus: NoSuchName, ErrorIndex: 2, VarBinds: []VarBind{{OID: a.OID}, {OID: b.OID}}}
		if err != nil || !reflect.DeepEqual(got, want) || p.VarBinds[0] != a {
			t.Errorf("a response with %v: ToV1 = %v, %v; want %v", v, got, err, want)
		}
	}
	got, err := PDU{Type: Response, ErrorStatus: NotWritable, ErrorIndex: 1, VarBinds: []VarBind{a}}.ToV1()
	if err != nil || got.ErrorStatus != NoSuchName || got.ErrorIndex != 1 {
		t.Errorf("notWritable: ToV1 = %+v, %v", got, err)
	}
	got, err = PDU{Type: GetBulkRequest, RequestID: 3, MaxRepetitions: 10, VarBinds: []VarBind{a}}.ToV1()
	if want := (PDU{Type: GetNextRequest, RequestID: 3, VarBinds: []VarBind{a}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("GetBulk: ToV1 = %+v, %v; want %+v", got, err, want)
	}
}
