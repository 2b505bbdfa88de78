package pollux_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
)

// A pipe is a transport of our own: messages between two goroutines. One end is
// for a manager, one for an agent.
type pipe struct {
	name     role.Addr
	in, out  chan role.Message
	closed   chan struct{}
	deadline chan time.Time
}

func newPipe() (manager, agent *pipe) {
	ab, ba := make(chan role.Message, 16), make(chan role.Message, 16)
	return &pipe{role.NamedAddr("pipe", "manager"), ba, ab, make(chan struct{}), make(chan time.Time, 1)},
		&pipe{role.NamedAddr("pipe", "agent"), ab, ba, make(chan struct{}), make(chan time.Time, 1)}
}

func (p *pipe) ReadBatch(ms []role.Message) (int, error) {
	select {
	case m := <-p.in:
		ms[0].Addr, ms[0].Local, ms[0].Err = m.Addr, p.name, nil
		ms[0].Buf = append(ms[0].Buf[:0], m.Buf...)
		return 1, nil
	case <-p.deadline: // this one knows only deadlines that have passed
		return 0, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, net.ErrClosed
	}
}

func (p *pipe) WriteBatch(ms []role.Message) (int, error) {
	for _, m := range ms {
		select {
		case p.out <- role.Message{Addr: p.name, Buf: append([]byte(nil), m.Buf...)}:
		default: // full: lost, as on any network
		}
	}
	return len(ms), nil
}

func (p *pipe) LocalAddr() role.Addr { return p.name }

func (p *pipe) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		p.deadline <- t
	}
	return nil
}

func (p *pipe) Close() error { close(p.closed); return nil }

// The protocol and the roles over a transport of one's own: a type with the
// five methods of role.PacketConn.
func Example_transport() {
	ctx := context.Background()
	a, b := newPipe()

	agent := role.NewAgent(pollux.RoleConfig(), b)
	defer agent.Close()
	go agent.Serve(ctx, func(ctx context.Context, dst []byte, req *role.Message) []byte {
		return sysName("pollux").Respond(ctx, dst, req.Buf, req.Addr.AddrPort(), req.Local.AddrPort())
	})

	manager := role.NewManager(a, pollux.RoleConfig())
	defer manager.Close()
	client, err := snmp.NewClient(manager.To(role.NamedAddr("pipe", "agent")), &snmp.Config{Community: "public"})
	if err != nil {
		fmt.Println(err)
		return
	}
	vbs, err := client.Get(ctx, snmp.MustParseOID("1.3.6.1.2.1.1.5.0"))
	fmt.Println(vbs, err)
	// Output: [1.3.6.1.2.1.1.5.0 = STRING: "pollux"] <nil>
}
