package pollux_test

import (
	"context"
	"fmt"
	"log"
	"runtime"
	"sync/atomic"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// startAgent runs an agent for the other examples and returns its address.
func startAgent(ctx context.Context) string {
	a, err := agent.New(&agent.Config{
		System:      agent.System{Descr: "an example", Name: "castor"},
		Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}},
		Users: []agent.User{{Grant: &agent.Grant{Level: usm.AuthPriv}, User: usm.User{Name: "ops",
			Auth: usm.SHA256, AuthKey: usm.PassPhrase("auth pass phrase"),
			Priv: usm.AES128, PrivKey: usm.PassPhrase("priv pass phrase")}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	addr := make(chan role.Addr)
	go pollux.Serve(ctx, a, func(addrs []role.Addr) { addr <- addrs[0] }, "127.0.0.1:0")
	return (<-addr).String()
}

// Ask one agent.
func ExampleDial() {
	ctx := context.Background()
	target := startAgent(ctx)

	c, err := pollux.Dial(ctx, target, &snmp.Config{Community: "public"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	vbs, err := c.Get(ctx, snmp.MustParseOID("1.3.6.1.2.1.1.1.0"), snmp.MustParseOID("1.3.6.1.2.1.1.5.0"))
	if err != nil {
		log.Fatal(err)
	}
	for _, vb := range vbs {
		text, _ := vb.Value.Octets()
		fmt.Println(vb.OID, text)
	}
	// Output:
	// 1.3.6.1.2.1.1.1.0 an example
	// 1.3.6.1.2.1.1.5.0 castor
}

// Walk with SNMPv3: authenticated and encrypted.
func ExampleDial_v3() {
	ctx := context.Background()
	target := startAgent(ctx)

	c, err := pollux.Dial(ctx, target, &snmp.Config{User: &usm.User{
		Name: "ops",
		Auth: usm.SHA256, AuthKey: usm.PassPhrase("auth pass phrase"),
		Priv: usm.AES128, PrivKey: usm.PassPhrase("priv pass phrase"),
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for vb, err := range c.Walk(ctx, snmp.MustParseOID("1.3.6.1.2.1.1.5")) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(vb)
	}
	// Output: 1.3.6.1.2.1.1.5.0 = STRING: "castor"
}

// Ask many agents over one socket.
func Example_manyTargets() {
	ctx := context.Background()
	targets := []string{startAgent(ctx), startAgent(ctx), startAgent(ctx)}

	m, err := role.Open(ctx, pollux.RoleConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	names := make(chan string)
	for _, target := range targets {
		addr, err := pollux.Resolve(ctx, target, pollux.AgentPort)
		if err != nil {
			log.Fatal(err)
		}
		c, err := snmp.NewClient(m.To(addr), &snmp.Config{Community: "public"})
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			vbs, err := c.Get(ctx, snmp.MustParseOID("1.3.6.1.2.1.1.5.0"))
			names <- fmt.Sprint(vbs, err)
		}()
	}
	for range targets {
		fmt.Println(<-names)
	}
	// Output:
	// [1.3.6.1.2.1.1.5.0 = STRING: "castor"] <nil>
	// [1.3.6.1.2.1.1.5.0 = STRING: "castor"] <nil>
	// [1.3.6.1.2.1.1.5.0 = STRING: "castor"] <nil>
}

// Show three variables of a Go program.
func ExampleServe() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var jobs atomic.Uint64

	a, err := agent.New(&agent.Config{Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}}})
	if err != nil {
		log.Fatal(err)
	}
	root := snmp.MustParseOID("1.3.6.1.4.1.8072.9999.1")
	a.Handle(root.Append(1), agent.Const(snmp.OctetsValue("v1.2.3")))
	a.Handle(root.Append(2), agent.Load(snmp.Counter64Value, &jobs))
	a.Handle(root.Append(3), &agent.Scalar{Read: func() snmp.Value {
		return snmp.Gauge32Value(uint32(runtime.NumGoroutine()))
	}})
	err = pollux.Serve(ctx, a, func(addrs []role.Addr) {
		fmt.Println("serving on", addrs[0].Network())
		cancel() // a real program goes on
	}, "127.0.0.1:0")
	fmt.Println(err)
	// Output:
	// serving on udp
	// role: serve: context canceled
}
