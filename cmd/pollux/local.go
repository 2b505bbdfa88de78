package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/agent/host"
	"github.com/pollux-snmp/pollux/role"
)

// walkThisMachine starts an agent of this machine's own values on a free port
// that only this machine reaches, with a community that only this process
// knows, and walks it.
func (p *program) walkThisMachine(ctx context.Context) error {
	community := rand.Text()
	a, err := agent.New(&agent.Config{
		System:      host.System(),
		Communities: []agent.Community{{Name: community, Grant: &agent.Grant{}}},
	})
	if err != nil {
		return err
	}
	host.Handle(a)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, ended := make(chan role.Addr, 1), make(chan error, 1)
	go func() {
		ended <- pollux.Serve(ctx, a, func(addrs []role.Addr) { addr <- addrs[0] }, "udp:127.0.0.1:0")
	}()
	select {
	case err := <-ended:
		return err
	case at := <-addr:
		fmt.Fprintf(p.stderr, "pollux walk: no agent named; started one of this machine's own values at %v\n", at)
		p.target = at.String()
	}
	p.opts.Version, p.opts.User, p.opts.Community = "2c", "", community
	err = p.walk(ctx, &walk{}, []string{p.target})
	cancel()
	<-ended
	return err
}
