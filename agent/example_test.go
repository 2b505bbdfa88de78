package agent_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/snmp"
)

// An agent that exposes three variables of a program. Respond is all that a
// transport has to call.
func Example() {
	var requests atomic.Uint64
	requests.Add(42)

	root := snmp.MustParseOID("1.3.6.1.4.1.8072.9999.1")
	a, err := agent.New(&agent.Config{Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}}})
	if err != nil {
		panic(err)
	}
	a.Handle(root.Append(1), agent.Const(snmp.OctetsValue("v1.2.3")))
	a.Handle(root.Append(2), agent.Load(snmp.Counter64Value, &requests))
	a.Handle(root.Append(3), &agent.Scalar{Read: func() snmp.Value { return snmp.Gauge32Value(uint32(runtime.GOMAXPROCS(0))) }})

	req := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{
		Type: snmp.GetBulkRequest, MaxRepetitions: 2, VarBinds: []snmp.VarBind{{OID: root}},
	}}
	b, _ := req.Append(nil)
	rsp, _ := snmp.MessageFromBER(a.Respond(context.Background(), nil, b, netip.AddrPort{}, netip.AddrPort{}))
	for _, vb := range rsp.PDU.VarBinds {
		fmt.Println(vb)
	}
	// Output:
	// 1.3.6.1.4.1.8072.9999.1.1.0 = STRING: "v1.2.3"
	// 1.3.6.1.4.1.8072.9999.1.2.0 = Counter64: 42
}
