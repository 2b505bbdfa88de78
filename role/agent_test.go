package role_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
)

// Handlers run at once up to the bound; one that is slow delays the others by
// a millisecond each, no more, until all are slow.
func TestServeBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Timeout: time.Minute}, roletest.Faults{})
		a := role.NewAgent(&role.Config{Handlers: 4}, r.listen(agentAddr))
		defer a.Close()
		var running, most atomic.Int64
		go a.Serve(t.Context(), func(_ context.Context, dst []byte, req *role.Message) []byte {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			if body(req.Buf) == "slow" {
				time.Sleep(10 * time.Second)
			}
			return append(dst, req.Buf...)
		})
		start := time.Now()
		var mu sync.Mutex
		took := make(map[uint32]time.Duration)
		add := func(k uint32, what string) {
			c := &role.Call{Dst: agentAddr, Key: k, Req: message(k, what)}
			c.Done = func(c *role.Call) {
				mu.Lock()
				defer mu.Unlock()
				if c.Err != nil || body(c.Rsp) != what {
					t.Errorf("call %d: %q, %v; want %q", k, body(c.Rsp), c.Err, what)
				}
				took[k] = time.Since(start)
			}
			if err := r.m.Start(c); err != nil {
				t.Fatal(err)
			}
		}
		for k := range uint32(3) {
			add(k, "slow")
		}
		add(10, "quick")
		time.Sleep(time.Second)
		add(11, "quick")
		time.Sleep(time.Second)
		for k := range uint32(3) {
			add(20+k, "slow") // with the three, two more than the bound
		}
		add(12, "quick")
		time.Sleep(time.Minute)
		want := map[uint32]time.Duration{
			0: 10 * time.Second, 1: 10*time.Second + time.Millisecond, 2: 10*time.Second + 2*time.Millisecond,
			10: 3 * time.Millisecond, 11: time.Second,
			20: 12 * time.Second, // the fourth slow one: nobody is left for the rest
			21: 20 * time.Second, 22: 20*time.Second + time.Millisecond, 12: 10*time.Second + 2*time.Millisecond,
		}
		mu.Lock()
		defer mu.Unlock()
		for k, w := range want {
			if took[k] != w {
				t.Errorf("call %d took %v, want %v", k, took[k], w)
			}
		}
		if most.Load() != 4 {
			t.Errorf("%d handlers ran at once, want 4", most.Load())
		}
	})
}

// A slow handler keeps its request while others come in.
func TestServeKeepsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Timeout: time.Minute}, roletest.Faults{})
		r.serve(agentAddr, func(_ context.Context, dst []byte, req *role.Message) []byte {
			before := bytes.Clone(req.Buf)
			k, _ := key(req.Buf)
			time.Sleep(time.Duration(k%7) * 10 * time.Millisecond)
			if !bytes.Equal(before, req.Buf) {
				t.Errorf("request %x has become %x", before, req.Buf)
			}
			return append(dst, req.Buf...)
		})
		calls := make([]role.Call, 2000)
		for i := range calls {
			calls[i] = role.Call{Dst: agentAddr, Key: uint32(i), Req: message(uint32(i), fmt.Sprint("request ", i))}
		}
		if err := r.m.ExchangeAll(t.Context(), calls); err != nil {
			t.Fatalf("ExchangeAll() error = %v", err)
		}
		for i := range calls {
			if got, want := body(calls[i].Rsp), fmt.Sprint("request ", i); got != want {
				t.Errorf("answer %d = %q, want %q", i, got, want)
			}
		}
	})
}

// An agent serves several addresses as one, and the handler sees which one a
// request came to.
func TestServeSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		addrs := []role.Addr{agentAddr, role.MustParseAddr("udp:192.0.2.2:161"), role.MustParseAddr("udp:192.0.2.3:1161")}
		var conns []role.PacketConn
		for _, addr := range addrs {
			conns = append(conns, r.listen(addr))
		}
		a := role.NewAgent(nil, conns...)
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() {
			ended <- a.Serve(ctx, func(_ context.Context, dst []byte, req *role.Message) []byte {
				return append(dst, message(1, req.Addr.String()+">"+req.Local.String())...)
			})
		}()
		for _, addr := range addrs {
			rsp, src, err := r.m.Exchange(t.Context(), addr, 1, message(1, ""), nil)
			if want := managerAddr.String() + ">" + addr.String(); err != nil || body(rsp) != want || src != addr {
				t.Errorf("Exchange(%v) = %q from %v, %v; want %q", addr, body(rsp), src, err, want)
			}
		}
		if got := fmt.Sprint(a.LocalAddrs()); got != fmt.Sprint(addrs) {
			t.Errorf("LocalAddrs() = %v, want %v", got, addrs)
		}
		wantStats(t, a.Stats(), role.Stats{Sent: 3, Received: 3})

		// The context ends Serve, not the agent.
		why := errors.New("enough")
		cancel(why)
		wantError(t, "Serve()", <-ended, why)
		go func() { ended <- a.Serve(t.Context(), echo) }()
		rsp, _, err := r.m.Exchange(t.Context(), addrs[2], 2, message(2, "again"), nil)
		if err != nil || body(rsp) != "again" {
			t.Errorf("Exchange() after a second Serve = %q, %v", body(rsp), err)
		}
		a.Close()
		a.Close()
		wantError(t, "Serve()", <-ended, net.ErrClosed)
		wantError(t, "Serve() after Close", a.Serve(t.Context(), echo), net.ErrClosed)
		_, err = a.Receive(t.Context(), nil)
		wantError(t, "Receive() after Close", err, net.ErrClosed)
		wantError(t, "Send() after Close", a.Send(t.Context(), role.Message{Addr: managerAddr, Local: addrs[0], Buf: []byte("x")}), net.ErrClosed)
	})
}

// Close waits for handlers, whose context it ends.
func TestCloseEndsHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		a := role.NewAgent(nil, r.listen(agentAddr))
		var ended atomic.Bool
		go a.Serve(t.Context(), func(ctx context.Context, dst []byte, req *role.Message) []byte {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended.Store(true)
			return nil
		})
		r.m.Start(&role.Call{Dst: agentAddr, Req: message(0, ""), Done: func(*role.Call) {}})
		time.Sleep(time.Second)
		a.Close()
		if !ended.Load() {
			t.Error("Close() returned while a handler ran")
		}
	})
}

func TestReceiveAndSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		second := role.MustParseAddr("udp:192.0.2.2:161")
		a := role.NewAgent(nil, r.listen(agentAddr), r.listen(second))
		defer a.Close()
		elsewhere := role.MustParseAddr("udp:192.0.2.101:40000")
		third := role.NewManager(r.listen(elsewhere), &role.Config{Key: key})
		defer third.Close()

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := a.Receive(ctx, nil)
		if e := wantError(t, "Receive()", err, role.ErrNoRequest); time.Since(start) != 5*time.Second || !e.Timeout() || errors.Is(err, role.ErrNoResponse) {
			t.Errorf("Receive() = %v after %v, want ErrNoRequest after 5s", err, time.Since(start))
		}
		wantError(t, "ServeOne()", a.ServeOne(ctx, echo), role.ErrNoRequest)

		for _, addr := range []role.Addr{agentAddr, second} {
			r.net.Forge(managerAddr, addr, nil) // an empty datagram is no request
			r.m.Send(t.Context(), addr, message(1, "to "+addr.String()))
		}
		for range 2 {
			m, err := a.Receive(t.Context(), make([]byte, 0, 100))
			if want := "to " + m.Local.String(); err != nil || body(m.Buf) != want || m.Addr != managerAddr {
				t.Fatalf("Receive() = %q from %v, %v; want %q", body(m.Buf), m.Addr, err, want)
			}
			m.Buf = message(1, "answer")
			if err := a.Send(t.Context(), m); err != nil {
				t.Errorf("Send() error = %v", err)
			}
			local := m.Local
			if msg, src, err := r.m.Receive(t.Context(), nil); err != nil || body(msg) != "answer" || src != local {
				t.Errorf("the manager received %q from %v, %v; want the answer from %v", body(msg), src, err, local)
			}
		}

		// One request, answered to a third party.
		r.m.Send(t.Context(), second, message(2, "pass it on"))
		err = a.ServeOne(t.Context(), func(_ context.Context, dst []byte, req *role.Message) []byte {
			req.Addr = elsewhere
			return append(dst, req.Buf...)
		})
		if err != nil {
			t.Errorf("ServeOne() error = %v", err)
		}
		third.Receive(t.Context(), nil) // it had not asked yet
		r.m.Send(t.Context(), second, message(2, "pass it on"))
		go a.ServeOne(t.Context(), func(_ context.Context, dst []byte, req *role.Message) []byte {
			req.Addr = elsewhere
			return append(dst, req.Buf...)
		})
		if msg, src, err := third.Receive(t.Context(), nil); err != nil || body(msg) != "pass it on" || src != second {
			t.Errorf("the third party received %q from %v, %v", body(msg), src, err)
		}

		wantError(t, "Send() to nobody", a.Send(t.Context(), role.Message{Buf: []byte("x")}), role.ErrBadArgument)
		wantError(t, "Send() on no network", a.Send(t.Context(), role.Message{Addr: role.MustParseAddr("tcp:192.0.2.1:1"), Buf: []byte("x")}), role.ErrBadArgument)
		wantError(t, "Send() of nothing", a.Send(t.Context(), role.Message{Addr: managerAddr}), role.ErrBadArgument)
	})
}

func TestAgentWithoutAddress(t *testing.T) {
	a := role.NewAgent(nil)
	defer a.Close()
	wantError(t, "Serve()", a.Serve(t.Context(), echo), role.ErrBadArgument)
	_, err := a.Receive(t.Context(), nil)
	wantError(t, "Receive()", err, role.ErrBadArgument)
}

// An answer that cannot be sent is counted, and costs nobody else anything.
func TestServeOversizedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		a := r.serve(agentAddr, func(_ context.Context, dst []byte, req *role.Message) []byte {
			if body(req.Buf) == "much" {
				return make([]byte, 65508)
			}
			return append(dst, req.Buf...)
		})
		_, _, err := r.m.Exchange(t.Context(), agentAddr, 1, message(1, "much"), nil)
		wantError(t, "Exchange()", err, role.ErrNoResponse)
		if rsp, _, err := r.m.Exchange(t.Context(), agentAddr, 2, message(2, "little"), nil); err != nil || body(rsp) != "little" {
			t.Errorf("Exchange() = %q, %v", body(rsp), err)
		}
		wantStats(t, a.Stats(), role.Stats{Received: 5, Sent: 1, SendErrors: 4})
	})
}

// What an agent sends by itself while it serves leaves at once.
func TestSendWhileServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		a := r.serve(agentAddr, echo)
		synctest.Wait()
		if err := a.Send(t.Context(), role.Message{Addr: managerAddr, Buf: message(9, "trap")}); err != nil {
			t.Errorf("Send() error = %v", err)
		}
	})
}

// An answer does not wait for slow handlers of the same batch, even if they
// are as many as may run.
func TestAnswerDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Timeout: time.Hour}, roletest.Faults{})
		calls := []role.Call{
			{Dst: agentAddr, Key: 1, Req: message(1, "quick")},
			{Dst: agentAddr, Key: 2, Req: message(2, "slow")},
			{Dst: agentAddr, Key: 3, Req: message(3, "slow")},
			{Dst: agentAddr, Key: 4, Req: message(4, "slow")},
		}
		conn := r.listen(agentAddr)
		start := time.Now()
		answered := make([]time.Duration, len(calls))
		var wg sync.WaitGroup
		for i := range calls {
			wg.Add(1)
			calls[i].Done = func(*role.Call) { answered[i] = time.Since(start); wg.Done() }
			if err := r.m.Start(&calls[i]); err != nil {
				t.Fatal(err)
			}
		}
		a := role.NewAgent(&role.Config{Handlers: 2}, conn) // reads all in one batch
		defer a.Close()
		go a.Serve(t.Context(), func(_ context.Context, dst []byte, req *role.Message) []byte {
			if body(req.Buf) == "slow" {
				time.Sleep(10 * time.Second)
			}
			return append(dst, req.Buf...)
		})
		wg.Wait()
		want := []time.Duration{time.Millisecond, 10 * time.Second, 10*time.Second + time.Millisecond, 20 * time.Second}
		if !slices.Equal(answered, want) {
			t.Errorf("answered after %v, want %v", answered, want)
		}
	})
}
