package role_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pollux-snmp/pollux/role"
)

// An agent that answers every request in capitals, and a manager that asks it.
func Example() {
	ctx := context.Background()
	agent, err := role.ListenAgent(ctx, nil, role.MustParseAddr("127.0.0.1:0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer agent.Close()
	go agent.Serve(ctx, func(_ context.Context, dst []byte, req *role.Message) []byte {
		return append(dst, strings.ToUpper(string(req.Buf))...)
	})

	manager, err := role.Dial(ctx, agent.LocalAddrs()[0], nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manager.Close()
	rsp, _, err := manager.Exchange(ctx, role.Addr{}, 0, []byte("hello"), nil)
	fmt.Println(string(rsp), err)
	// Output: HELLO <nil>
}

// Many destinations on one socket. The key function says which answer belongs
// to which request: here, the first octet.
func ExampleManager_ExchangeAll() {
	ctx := context.Background()
	agent, err := role.ListenAgent(ctx, nil, role.MustParseAddr("127.0.0.1:0"), role.MustParseAddr("127.0.0.1:0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer agent.Close()
	go agent.Serve(ctx, func(_ context.Context, dst []byte, req *role.Message) []byte {
		return append(dst, req.Buf...)
	})

	manager, err := role.Open(ctx, &role.Config{Key: func(msg []byte) (uint32, bool) {
		return uint32(msg[0]), true
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manager.Close()
	var calls []role.Call
	for i, addr := range agent.LocalAddrs() {
		calls = append(calls,
			role.Call{Dst: addr, Key: 'a', Req: fmt.Appendf(nil, "a to agent %d", i)},
			role.Call{Dst: addr, Key: 'b', Req: fmt.Appendf(nil, "b to agent %d", i)})
	}
	err = manager.ExchangeAll(ctx, calls)
	for _, c := range calls {
		fmt.Println(string(c.Rsp), c.Err)
	}
	fmt.Println(err)
	// Output:
	// a to agent 0 <nil>
	// b to agent 0 <nil>
	// a to agent 1 <nil>
	// b to agent 1 <nil>
	// <nil>
}

// Errors say what failed, with whom, after how many attempts, and why.
func ExampleError() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer silent.Close()
	addr, err := role.ParseAddr(silent.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	manager, err := role.Dial(ctx, addr, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manager.Close()
	_, _, err = manager.Exchange(ctx, role.Addr{}, 0, []byte("anybody there?"), nil)
	var e *role.Error
	fmt.Println(errors.Is(err, role.ErrNoResponse), errors.Is(err, context.DeadlineExceeded))
	fmt.Println(errors.As(err, &e), e.Op, e.Attempts)
	// Output:
	// true true
	// true exchange 1
}
