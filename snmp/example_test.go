package snmp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
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
	c, err := snmp.NewClient(conn, &snmp.Config{Version: snmp.V1})
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
	c, err := snmp.NewClient(noSuchName{}, &snmp.Config{Version: snmp.V1})
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
