// Package pollux is the front door to SNMP in Go: one call each to ask an
// agent and to be one.
//
//	c, err := pollux.Dial(ctx, "192.0.2.1", &snmp.Config{Community: "public"})
//	…
//	defer c.Close()
//	for vb, err := range c.Walk(ctx, snmp.MustParseOID("1.3.6.1.2.1.1")) { … }
//
// Behind it stand packages that can be used, and replaced, one by one:
//
//   - role moves messages: manager and agent over UDP, TCP and Unix sockets,
//     thousands of peers on one socket. It knows nothing of SNMP.
//   - snmp is the protocol: OIDs, values, messages of v1, v2c and v3, the client.
//   - usm is the security of v3.
//   - agent answers.
//   - mib knows names.
package pollux
