package snmp_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A walk ends at the first OID that is not below its root.
func ExampleOID_HasPrefix() {
	root := snmp.MustParseOID("1.3.6.1.2.1.2.2.1.10") // ifInOctets
	for _, s := range []string{"1.3.6.1.2.1.2.2.1.10.1", "1.3.6.1.2.1.2.2.1.100"} {
		fmt.Println(s, snmp.MustParseOID(s).HasPrefix(root))
	}
	// Output:
	// 1.3.6.1.2.1.2.2.1.10.1 true
	// 1.3.6.1.2.1.2.2.1.100 false
}

func ExampleParseOID_error() {
	_, err := snmp.ParseOID("1.3.6.1.sysDescr")
	fmt.Println(err)
	fmt.Println(errors.Is(err, snmp.ErrSyntax))
	// Output:
	// snmp: OID "1.3.6.1.sysDescr": sub-identifier "sysDescr" is not a 32-bit number
	// true
}

// A Parser reads an answer where it lies, without copies.
func ExampleParser() {
	answer := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{
		Type: snmp.Response, RequestID: 1, VarBinds: []snmp.VarBind{
			{OID: snmp.MustParseOID("1.3.6.1.2.1.1.5.0"), Value: snmp.OctetsValue("peer")},
			{OID: snmp.MustParseOID("1.3.6.1.2.1.2.2.1.10.1"), Value: snmp.Counter32Value(401237926)},
		},
	}}
	msg, err := answer.Append(nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	var p snmp.Parser
	if err := p.Start(msg); err != nil {
		fmt.Println(err)
		return
	}
	for p.Next() {
		if n, ok := p.Uint64(); ok {
			fmt.Println(p.Kind(), n)
		} else if b, ok := p.RawOctets(); ok {
			fmt.Printf("%v %s\n", p.Kind(), b)
		}
	}
	fmt.Println(p.Err())
	// Output:
	// OctetString peer
	// Counter32 401237926
	// <nil>
}

// The columns of ipNetToMediaTable are indexed by an integer and an IpAddress.
func ExampleIndex() {
	column := snmp.MustParseOID("1.3.6.1.2.1.4.22.1.2")
	idx, _ := snmp.MustParseOID("1.3.6.1.2.1.4.22.1.2.7.192.0.2.1").Index(column)
	ifIndex, _ := idx.Uint32()
	addr, ok := idx.Addr()
	fmt.Println(ifIndex, addr, ok, idx.Len())
	// Output: 7 192.0.2.1 true 0
}

// An error of a Conn, of the agent and of a bad answer are told apart.
func ExampleClient_Get() {
	var conn snmp.Conn = noSuchName{} // from package role, for example
	c, err := snmp.NewClient(conn, &snmp.Config{Version: snmp.V1, Community: "public"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Get(context.Background(), snmp.MustParseOID("1.3.6.1.2.1.1.99.0"))
	var re *snmp.ResponseError
	switch {
	case errors.Is(err, snmp.NoSuchName):
		fmt.Println("there is no such instance")
	case errors.As(err, &re):
		fmt.Println("the agent refused:", re.Status)
	case err != nil:
		fmt.Println("no answer:", err)
	}
	// Output: there is no such instance
}

func ExampleClient_Walk() {
	c, err := snmp.NewClient(noSuchName{}, &snmp.Config{Version: snmp.V1, Community: "public"})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	for vb, err := range c.Walk(context.Background(), snmp.MustParseOID("1.3.6.1.2.1.2.2")) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(vb.OID, vb.Value)
		n++
	}
	fmt.Println(n, "instances")
	// Output: 0 instances
}

// A Client for another context, or with other settings, shares what is known of
// the peer.
func ExampleClient_With() {
	c, err := snmp.NewClient(noSuchName{}, &snmp.Config{
		User: &usm.User{
			Name: "ops",
			Auth: usm.SHA256, AuthKey: usm.PassPhrase("an authentication phrase"),
			Priv: usm.AES128, PrivKey: usm.PassPhrase("a privacy phrase"),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	vlan, err := c.With(func(cfg *snmp.Config) { cfg.ContextName = "vlan-10" })
	fmt.Println(vlan != nil, err)
	_, err = c.With(func(cfg *snmp.Config) { cfg.User = &usm.User{Name: "guest"}; cfg.Level = usm.AuthPriv })
	fmt.Println(err)
	// Output:
	// true <nil>
	// snmp: client at authPriv with a user for noAuthNoPriv
}

// The rows of a table come by index, with the cells of the columns asked for.
func ExampleClient_Table() {
	ifEntry := snmp.MustParseOID("1.3.6.1.2.1.2.2.1")
	c, err := snmp.NewClient(noSuchName{}, &snmp.Config{Version: snmp.V1, Community: "public"})
	if err != nil {
		fmt.Println(err)
		return
	}
	const ifDescr, ifInOctets = 2, 10
	n := 0
	for row, err := range c.Table(context.Background(), ifEntry, ifDescr, ifInOctets) {
		if err != nil {
			fmt.Println(err)
			break
		}
		ifIndex, _ := row.Index.Uint32()
		octets, ok := row.Cells[1].Value.Uint64() // not ok if the row has none
		fmt.Println(ifIndex, row.Cells[0].Value, octets, ok)
		n++
	}
	fmt.Println(n, "rows")
	// Output: 0 rows
}

// What comes is given to Respond, and read apart from it.
func ExampleReceiver() {
	r := &snmp.Receiver{Community: func(c string, src netip.AddrPort) bool { return c == "public" }}

	// As a handler of role.Agent does, or pollux.Serve.
	trap := snmp.Message{Version: snmp.V1, Community: "public", PDU: snmp.PDU{
		Type: snmp.TrapV1, Enterprise: snmp.MustParseOID("1.3.6.1.4.1.8072.9"),
		AgentAddr: netip.MustParseAddr("192.0.2.1"), GenericTrap: 6, SpecificTrap: 17,
	}}
	msg, err := trap.Append(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Respond(context.Background(), nil, msg, netip.MustParseAddrPort("192.0.2.1:40000"), netip.AddrPort{})

	for src, m := range r.Notifications(context.Background()) {
		p, err := m.PDU.ToV2(m.Community) // whichever version it was
		fmt.Println(src, err)
		for _, vb := range p.VarBinds {
			fmt.Println(vb)
		}
		break
	}
	// Output:
	// 192.0.2.1:40000 <nil>
	// 1.3.6.1.2.1.1.3.0 = Timeticks: (0) 0:00:00.00
	// 1.3.6.1.6.3.1.1.4.1.0 = OID: 1.3.6.1.4.1.8072.9.0.17
	// 1.3.6.1.6.3.18.1.3.0 = IpAddress: 192.0.2.1
	// 1.3.6.1.6.3.18.1.4.0 = STRING: "public"
	// 1.3.6.1.6.3.1.1.4.3.0 = OID: 1.3.6.1.4.1.8072.9
}

// A noSuchName is a Conn to an agent of SNMPv1 that has nothing.
type noSuchName struct{}

func (noSuchName) Send(ctx context.Context, msg []byte) error { return nil }

func (noSuchName) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	m, err := snmp.MessageFromBER(req)
	if err != nil {
		return nil, err
	}
	m.PDU.Type, m.PDU.ErrorStatus, m.PDU.ErrorIndex = snmp.Response, snmp.NoSuchName, 1
	return m.Append(buf[:0])
}
