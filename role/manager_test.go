package role_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
)

func TestExchangeRetries(t *testing.T) {
	tests := []struct {
		name         string
		cfg          role.Config
		answerTo     int // the attempt the agent answers; 0 means none
		wantErr      error
		wantAttempts int
		wantElapsed  time.Duration
	}{
		{"first attempt", role.Config{}, 1, nil, 1, 0},
		{"third attempt", role.Config{}, 3, nil, 3, 2 * time.Second},
		{"never", role.Config{}, 0, role.ErrNoResponse, 4, 4 * time.Second},
		{"no retries", role.Config{Retries: -1}, 0, role.ErrNoResponse, 1, time.Second},
		{"one retry", role.Config{Retries: 1, Timeout: 300 * time.Millisecond}, 0, role.ErrNoResponse, 2, 600 * time.Millisecond},
		{"answer as the last attempt ends", role.Config{Retries: 2, Timeout: time.Minute}, 3, nil, 3, 2 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, &tt.cfg, roletest.Faults{})
				attempts := 0
				r.serve(agentAddr, func(_ context.Context, dst []byte, req *role.Message) []byte {
					if attempts++; attempts != tt.answerTo {
						return nil
					}
					return append(dst, message(7, "pong")...)
				})

				start := time.Now()
				rsp, src, err := r.m.Exchange(t.Context(), agentAddr, 7, message(7, "ping"), nil)
				if got := time.Since(start); got != tt.wantElapsed {
					t.Errorf("took %v, want %v", got, tt.wantElapsed)
				}
				synctest.Wait()
				if attempts != tt.wantAttempts {
					t.Errorf("the agent saw %d attempts, want %d", attempts, tt.wantAttempts)
				}
				if tt.wantErr != nil {
					e := wantError(t, "Exchange()", err, tt.wantErr)
					if e.Attempts != tt.wantAttempts || !e.Timeout() || !errors.Is(err, role.ErrNetwork) {
						t.Errorf("error = %+v, want %d attempts, a timeout, an ErrNetwork", e, tt.wantAttempts)
					}
					return
				}
				if err != nil || body(rsp) != "pong" || src != agentAddr {
					t.Errorf("Exchange() = %q, %v, %v; want pong from %v", body(rsp), src, err, agentAddr)
				}
			})
		})
	}
}

// Without a bound of its own, an attempt lasts until the context's deadline.
func TestExchangeContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Timeout: -1}, roletest.Faults{})
		r.listen(agentAddr) // silent

		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := r.m.Exchange(ctx, agentAddr, 1, message(1, ""), nil)
		e := wantError(t, "Exchange()", err, role.ErrNoResponse)
		if got, want := time.Since(start), 90*time.Second; got != want || e.Attempts != 1 {
			t.Errorf("took %v and %d attempts, want %v and 1", got, e.Attempts, want)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want the cause %v too", err, context.DeadlineExceeded)
		}

		why := errors.New("the operator lost patience")
		ctx2, cancel2 := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel2(why) })
		start = time.Now()
		_, _, err = r.m.Exchange(ctx2, agentAddr, 2, message(2, ""), nil)
		if e := wantError(t, "Exchange()", err, why); e.Kind != nil || errors.Is(err, role.ErrNoResponse) {
			t.Errorf("a cancelled context gives %+v, want no kind", e)
		}
		if got, want := time.Since(start), time.Second; got != want {
			t.Errorf("returned after %v, want %v", got, want)
		}

		_, _, err = r.m.Exchange(ctx2, agentAddr, 3, message(3, ""), nil)
		wantError(t, "Exchange() with a context that has ended", err, why)
		if got := r.net.Counts().Sent; got != 2 {
			t.Errorf("%d messages were sent, want 2: none when the context has ended", got)
		}
	})
}

// What is not the answer neither ends nor shortens an attempt, and is counted.
func TestDropsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		other := role.MustParseAddr("udp:192.0.2.2:161")
		attempts := 0
		r.serve(agentAddr, func(_ context.Context, dst []byte, req *role.Message) []byte {
			attempts++
			switch attempts {
			case 1, 2:
				r.net.Forge(agentAddr, managerAddr, nil)                  // empty
				r.net.Forge(agentAddr, managerAddr, []byte("x"))          // unpairable
				r.net.Forge(other, managerAddr, message(1, "forged"))     // foreign: another source
				r.net.Forge(agentAddr, managerAddr, message(2, "forged")) // foreign: another key
				return nil
			case 3:
				return append(dst, req.Buf...)
			}
			return nil
		})
		start := time.Now()
		rsp, _, err := r.m.Exchange(t.Context(), agentAddr, 1, message(1, "true"), nil)
		if err != nil || body(rsp) != "true" {
			t.Fatalf("Exchange() = %q, %v", body(rsp), err)
		}
		if got, want := time.Since(start), 2*time.Second; got != want {
			t.Errorf("took %v, want %v", got, want)
		}
		r.net.Forge(agentAddr, managerAddr, message(1, "again")) // duplicate
		_, _, err = r.m.Exchange(t.Context(), agentAddr, 9, message(9, ""), nil)
		wantError(t, "Exchange()", err, role.ErrNoResponse)
		r.net.Forge(agentAddr, managerAddr, message(9, "too late"))
		synctest.Wait()
		wantStats(t, r.m.Stats(), role.Stats{Sent: 7, Received: 11, Answered: 1, Retries: 5, NoResponse: 1,
			Late: 1, Duplicate: 1, Foreign: 4, Unpairable: 2, Empty: 2})
	})
}

// A late answer to request 1 is not the answer to request 2.
func TestLateAnswerIsNotTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Retries: -1}, roletest.Faults{Delay: 600 * time.Millisecond})
		r.serve(agentAddr, echo)
		_, _, err := r.m.Exchange(t.Context(), agentAddr, 1, message(1, "one"), nil)
		wantError(t, "Exchange(1)", err, role.ErrNoResponse)
		r.net.SetFaults(roletest.Faults{Delay: 400 * time.Millisecond})
		rsp, _, err := r.m.Exchange(t.Context(), agentAddr, 2, message(2, "two"), nil)
		if err != nil || body(rsp) != "two" {
			t.Errorf("Exchange(2) = %q, %v; want two", body(rsp), err)
		}
		if got := r.m.Stats().Late; got != 1 {
			t.Errorf("Late = %d, want 1", got)
		}
	})
}

func TestAnySource(t *testing.T) {
	second := role.MustParseAddr("udp:192.0.2.2:161")
	for _, any := range []bool{false, true} {
		t.Run(fmt.Sprint(any), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, &role.Config{AnySource: any}, roletest.Faults{})
				r.serve(agentAddr, func(_ context.Context, dst []byte, req *role.Message) []byte {
					req.Local = second // a multi-homed agent
					return append(dst, req.Buf...)
				})
				rsp, src, err := r.m.Exchange(t.Context(), agentAddr, 5, message(5, "hi"), nil)
				if !any {
					wantError(t, "Exchange()", err, role.ErrNoResponse)
					return
				}
				if err != nil || body(rsp) != "hi" || src != second {
					t.Errorf("Exchange() = %q, %v, %v; want hi from %v", body(rsp), src, err, second)
				}
			})
		})
	}
}

// Without a KeyFunc, any message from the destination answers, and a
// destination has one exchange at a time.
func TestNoKeyFunc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := roletest.New(1, roletest.Faults{})
		conn, _ := n.Listen(managerAddr)
		m := role.NewManager(conn, nil)
		defer m.Close()
		agentConn, _ := n.Listen(agentAddr)
		a := role.NewAgent(nil, agentConn)
		defer a.Close()
		go a.Serve(t.Context(), func(_ context.Context, dst []byte, req *role.Message) []byte {
			time.Sleep(time.Millisecond)
			return append(dst, "anything"...)
		})
		if err := m.Start(&role.Call{Dst: agentAddr, Req: []byte("x"), Done: func(*role.Call) {}}); err != nil {
			t.Fatalf("Start() error = %v", err)
		}
		_, _, err := m.Exchange(t.Context(), agentAddr, 0, []byte("y"), nil)
		wantError(t, "a second Exchange()", err, role.ErrBadArgument)
		time.Sleep(time.Second)
		rsp, _, err := m.Exchange(t.Context(), agentAddr, 0, []byte("z"), nil)
		if err != nil || string(rsp) != "anything" {
			t.Errorf("Exchange() = %q, %v", rsp, err)
		}
		_, _, err = m.Exchange(t.Context(), agentAddr, 4, []byte("z"), nil)
		wantError(t, "Exchange() with a key but no KeyFunc", err, role.ErrBadArgument)
	})
}

func TestBadArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		msg := message(1, "x")
		tests := []struct {
			name string
			dst  string
			msg  []byte
			want string
		}{
			{"no destination", "", msg, "no destination"},
			{"no port", "udp:192.0.2.1:0", msg, "needs an address and a port"},
			{"no address", "udp::161", msg, "needs an address and a port"},
			{"another network", "tcp:192.0.2.1:161", msg, "cannot be reached from udp:192.0.2.100:40000"},
			{"another family", "udp:[2001:db8::1]:161", msg, "cannot be reached"},
			{"empty", "udp:192.0.2.1:161", nil, "empty"},
			{"oversized", "udp:192.0.2.1:161", make([]byte, 65508), "65508 octets exceeds the limit of 65507"},
		}
		for _, tt := range tests {
			var dst role.Addr
			if tt.dst != "" {
				dst = role.MustParseAddr(tt.dst)
			}
			_, _, err := r.m.Exchange(t.Context(), dst, 1, tt.msg, nil)
			if wantError(t, tt.name+": Exchange()", err, role.ErrBadArgument); !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: Exchange() error = %q, want it to say %q", tt.name, err, tt.want)
			}
			wantError(t, tt.name+": Send()", r.m.Send(t.Context(), dst, tt.msg), role.ErrBadArgument)
			wantError(t, tt.name+": Start()", r.m.Start(&role.Call{Dst: dst, Req: tt.msg, Done: func(*role.Call) {}}), role.ErrBadArgument)
		}
		wantError(t, "Start() without Done", r.m.Start(&role.Call{Dst: agentAddr, Req: msg}), role.ErrBadArgument)
		if got := r.net.Counts().Sent; got != 0 {
			t.Errorf("%d messages were sent, want none", got)
		}
	})
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{Delay: time.Millisecond})
		r.serve(agentAddr, echo)
		silent := role.MustParseAddr("udp:192.0.2.9:161")
		r.listen(silent)

		// A chain: each completion starts the next with the same Call.
		var got []string
		c := &role.Call{Dst: agentAddr, Key: 1, Req: message(1, "1"), Buf: make([]byte, 0, 64)}
		c.Done = func(c *role.Call) {
			got = append(got, body(c.Rsp))
			if c.Key < 5 {
				c.Key++
				c.Req = message(c.Key, fmt.Sprint(c.Key))
				if err := r.m.Start(c); err != nil {
					t.Errorf("Start() error = %v", err)
				}
			}
		}
		if err := r.m.Start(c); err != nil {
			t.Fatalf("Start() error = %v", err)
		}
		wantError(t, "Start() of a Call in use", r.m.Start(c), role.ErrBadArgument)

		other := &role.Call{Dst: agentAddr, Key: 1, Req: message(1, ""), Done: func(*role.Call) {}}
		wantError(t, "Start() of a key in use", r.m.Start(other), role.ErrBadArgument)

		var failed atomic.Pointer[role.Call]
		dead := &role.Call{Dst: silent, Key: 1, Req: message(1, ""), Timeout: 2 * time.Second, Retries: 1, Done: func(c *role.Call) { failed.Store(c) }}
		start := time.Now()
		if err := r.m.Start(dead); err != nil {
			t.Fatalf("Start() error = %v", err)
		}
		time.Sleep(4*time.Second - time.Nanosecond)
		synctest.Wait()
		if failed.Load() != nil {
			t.Errorf("done after %v, want 4s", time.Since(start))
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if c := failed.Load(); c == nil || !errors.Is(c.Err, role.ErrNoResponse) || c.Attempts != 2 {
			t.Errorf("after 4s the call is %+v, want ErrNoResponse after 2 attempts", c)
		}
		if want := "[1 2 3 4 5]"; fmt.Sprint(got) != want {
			t.Errorf("answers = %v, want %v", got, want)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		r.listen(agentAddr)
		c := &role.Call{Dst: agentAddr, Key: 1, Req: message(1, ""), Done: func(*role.Call) { t.Error("Done was called") }}
		if err := r.m.Start(c); err != nil {
			t.Fatalf("Start() error = %v", err)
		}
		if !r.m.Cancel(c) || r.m.Cancel(c) {
			t.Error("Cancel() was not true once")
		}
		time.Sleep(time.Minute)
		if got := r.net.Counts().Sent; got != 1 {
			t.Errorf("%d messages were sent, want 1", got)
		}
	})
}

// The answers of a list come back in its order; a silent peer gets its
// retries and spoils nothing.
func TestExchangeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{Delay: time.Millisecond, Jitter: 20 * time.Millisecond})
		r.serve(agentAddr, echo)
		silent := role.MustParseAddr("udp:192.0.2.9:161")
		r.listen(silent)
		calls := make([]role.Call, 3000) // more than are in flight at a time
		for i := range calls {
			calls[i] = role.Call{Dst: agentAddr, Key: uint32(i), Req: message(uint32(i), fmt.Sprint(i))}
		}
		calls[1500].Dst = silent
		calls[2000].Dst = role.Addr{}
		err := r.m.ExchangeAll(t.Context(), calls)
		if err != calls[1500].Err {
			t.Errorf("ExchangeAll() error = %v, want that of call 1500", err)
		}
		for i := range calls {
			c := &calls[i]
			switch {
			case i == 1500:
				wantError(t, "silent peer:", c.Err, role.ErrNoResponse)
				if c.Attempts != 4 {
					t.Errorf("the silent peer had %d attempts, want 4", c.Attempts)
				}
			case i == 2000:
				wantError(t, "no destination:", c.Err, role.ErrBadArgument)
			case c.Err != nil || body(c.Rsp) != fmt.Sprint(i) || c.Src != agentAddr:
				t.Errorf("call %d: %q, %v", i, body(c.Rsp), c.Err)
			}
		}

		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		for i := range calls {
			calls[i].Dst = silent
		}
		start := time.Now()
		err = r.m.ExchangeAll(ctx, calls)
		if wantError(t, "ExchangeAll()", err, role.ErrNoResponse); time.Since(start) != 2500*time.Millisecond {
			t.Errorf("ExchangeAll() took %v, want 2.5s", time.Since(start))
		}
		for i := range calls {
			if !errors.Is(calls[i].Err, context.DeadlineExceeded) {
				t.Fatalf("call %d: error = %v, want the context's", i, calls[i].Err)
			}
		}
	})
}

// Send and Receive are the two halves of an exchange, as the original had them.
func TestSendReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		r.serve(agentAddr, echo)
		for i := range 70 {
			if err := r.m.Send(t.Context(), agentAddr, message(uint32(i), "sent")); err != nil {
				t.Fatalf("Send() error = %v", err)
			}
		}
		time.Sleep(time.Second)
		for i := range 64 {
			msg, src, err := r.m.Receive(t.Context(), nil)
			if k, _ := key(msg); err != nil || k != uint32(i) || src != agentAddr {
				t.Fatalf("Receive() = key %d, %v, %v; want key %d", k, src, err, i)
			}
		}
		if got := r.m.Stats().Overflow; got != 6 {
			t.Errorf("Overflow = %d, want 6", got)
		}
		start := time.Now()
		_, _, err := r.m.Receive(t.Context(), nil)
		if wantError(t, "Receive()", err, role.ErrNoResponse); time.Since(start) != time.Second {
			t.Errorf("Receive() took %v, want 1s", time.Since(start))
		}

		// A context that is already due makes it a poll.
		due, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		_, _, err = r.m.Receive(due, nil)
		wantError(t, "a poll with nothing there", err, role.ErrNoResponse)
		r.m.Send(t.Context(), agentAddr, message(99, "polled"))
		time.Sleep(time.Second)
		if msg, _, err := r.m.Receive(due, nil); err != nil || body(msg) != "polled" {
			t.Errorf("a poll = %q, %v; want polled", body(msg), err)
		}
	})
}

// A timeout that is negative waits for ever.
func TestReceiveForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Timeout: -1}, roletest.Faults{})
		time.AfterFunc(time.Hour, func() { r.net.Forge(agentAddr, managerAddr, message(1, "at last")) })
		msg, _, err := r.m.Receive(t.Context(), nil)
		if err != nil || body(msg) != "at last" {
			t.Errorf("Receive() = %q, %v", body(msg), err)
		}
	})
}

func TestRefused(t *testing.T) {
	for _, retry := range []bool{false, true} {
		t.Run(fmt.Sprint(retry), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, &role.Config{RetryRefused: retry}, roletest.Faults{Refuse: true})
				time.AfterFunc(1500*time.Millisecond, func() { r.serve(agentAddr, echo) })
				start := time.Now()
				rsp, _, err := r.m.Exchange(t.Context(), agentAddr, 1, message(1, "up"), nil)
				if retry {
					if err != nil || body(rsp) != "up" || time.Since(start) != 2*time.Second {
						t.Errorf("Exchange() = %q, %v after %v; want up after 2s", body(rsp), err, time.Since(start))
					}
					return
				}
				e := wantError(t, "Exchange()", err, syscall.ECONNREFUSED)
				if e.Kind != role.ErrNetwork || e.Attempts != 1 || time.Since(start) != 0 {
					t.Errorf("error = %+v after %v, want ErrNetwork after one attempt at once", e, time.Since(start))
				}
			})
		})
	}
}

func TestCloseWakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		r.listen(agentAddr)
		errs := make(chan error, 3)
		go func() {
			_, _, err := r.m.Exchange(context.Background(), agentAddr, 1, message(1, ""), nil)
			errs <- err
		}()
		go func() { _, _, err := r.m.Receive(context.Background(), nil); errs <- err }()
		r.m.Start(&role.Call{Dst: agentAddr, Key: 2, Req: message(2, ""), Done: func(c *role.Call) { errs <- c.Err }})
		synctest.Wait()
		for range 2 {
			if err := r.m.Close(); err != nil {
				t.Errorf("Close() error = %v", err)
			}
		}
		for range 3 {
			wantError(t, "a blocked call:", <-errs, net.ErrClosed)
		}
		_, _, err := r.m.Exchange(context.Background(), agentAddr, 1, message(1, ""), nil)
		wantError(t, "Exchange() after Close", err, net.ErrClosed)
		wantError(t, "Send() after Close", r.m.Send(context.Background(), agentAddr, message(1, "")), net.ErrClosed)
	})
}

// One manager, many goroutines, several agents: every answer is its own
// request's, and buffers are nobody else's.
func TestConcurrentExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Retries: 20}, roletest.Faults{Delay: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.05})
		var agents []role.Addr
		for i := range 10 {
			agents = append(agents, role.MustParseAddr(fmt.Sprintf("udp:192.0.2.%d:161", 10+i)))
			r.serve(agents[i], echo)
		}
		var wg sync.WaitGroup
		for g := range 64 {
			wg.Go(func() {
				buf := make([]byte, 0, 64)
				peer := r.m.To(agents[g%len(agents)])
				for i := range 50 {
					k := uint32(g)<<16 | uint32(i)
					want := fmt.Sprintf("%d/%d", g, i)
					rsp, err := peer.Exchange(t.Context(), k, message(k, want), buf, 0, 0)
					if err != nil || body(rsp) != want || &rsp[0] != &buf[:1][0] {
						t.Errorf("Exchange() = %q, %v; want %q in the caller's buffer", body(rsp), err, want)
					}
				}
			})
		}
		wg.Wait()
	})
}

// An answer longer than the buffer is whole, in a buffer of its own.
func TestShortBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{})
		long := strings.Repeat("long", 16000)
		r.serve(agentAddr, func(_ context.Context, dst []byte, req *role.Message) []byte { return append(dst, message(1, long)...) })
		rsp, _, err := r.m.Exchange(t.Context(), agentAddr, 1, message(1, ""), make([]byte, 0, 8))
		if err != nil || body(rsp) != long {
			t.Errorf("Exchange() = %d octets, %v; want %d", len(rsp), err, len(long)+6)
		}
	})
}

func TestPeerStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, roletest.Faults{Delay: time.Millisecond})
		r.serve(agentAddr, echo)
		peer := r.m.To(agentAddr)
		got := make(chan string, 1)
		err := peer.Start(3, message(3, "hello"), nil, 0, 0, func(rsp []byte, err error) { got <- fmt.Sprint(body(rsp), err) })
		if s := <-got; err != nil || s != "hello<nil>" {
			t.Errorf("Start() = %v, done with %q", err, s)
		}
		if err := peer.Start(3, nil, nil, 0, 0, nil); !errors.Is(err, role.ErrBadArgument) {
			t.Errorf("Start() of nothing: error = %v", err)
		}
	})
}

// A failure that is known at once does not end inside of Start: a program that
// starts the next exchange whenever one fails does not run out of stack, and
// the outbox, however full, makes nobody wait for himself.
func TestFailuresDoNotNest(t *testing.T) {
	m := role.NewManager(&deafConn{closed: make(chan struct{})}, &role.Config{Key: key, Timeout: -1})
	defer m.Close()
	const chains, length = 2000, 100
	var wg sync.WaitGroup
	var failures atomic.Int64
	for i := range uint32(chains) {
		wg.Add(1)
		c := &role.Call{Dst: agentAddr, Key: i, Req: message(i, "x")}
		left := length
		c.Done = func(c *role.Call) {
			if !errors.Is(c.Err, syscall.EPERM) || !errors.Is(c.Err, role.ErrNetwork) {
				t.Errorf("error = %v, want %v", c.Err, syscall.EPERM)
			}
			failures.Add(1)
			if left--; left == 0 {
				wg.Done()
			} else if err := m.Start(c); err != nil {
				t.Errorf("Start() error = %v", err)
				wg.Done()
			}
		}
		if err := m.Start(c); err != nil {
			t.Fatalf("Start() error = %v", err)
		}
	}
	wg.Wait()
	if got := failures.Load(); got != chains*length {
		t.Errorf("%d exchanges failed, want %d", got, chains*length)
	}
	err := m.Send(t.Context(), agentAddr, message(1, "x"))
	wantError(t, "Send()", err, syscall.EPERM)
	if s := m.Stats(); s.SendErrors != chains*length+1 || s.Sent != 0 {
		t.Errorf("Stats() = %+v, want %d errors", s, chains*length+1)
	}
}

// A gate is a transport that does not send until it is opened, and then fails.
type gate struct {
	deafConn
	entered, opened chan struct{}
	once            sync.Once
}

func (g *gate) WriteBatch([]role.Message) (int, error) {
	g.once.Do(func() { close(g.entered) })
	<-g.opened
	return 0, syscall.EPERM
}

// While a write is stuck, only so many messages gather, and their senders wait.
// When it fails, nobody waits for himself.
func TestOutboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{deafConn: deafConn{closed: make(chan struct{})}, entered: make(chan struct{}), opened: make(chan struct{})}
		m := role.NewManager(g, &role.Config{Key: key, Timeout: time.Hour})
		defer m.Close()
		var started, failed atomic.Int64
		start := func(k uint32, then func()) {
			err := m.Start(&role.Call{Dst: agentAddr, Key: k, Req: message(k, ""), Done: func(c *role.Call) {
				failed.Add(1)
				if then != nil {
					then()
				}
			}})
			if err != nil {
				t.Errorf("Start() error = %v", err)
			}
			started.Add(1)
		}
		go start(0, func() { start(1000, nil) })
		<-g.entered
		for k := range uint32(700) {
			go start(k+1, nil)
		}
		synctest.Wait()
		if got := started.Load(); got != 512 {
			t.Errorf("%d calls have started while the first is being written, want 512", got)
		}
		close(g.opened)
		synctest.Wait()
		if failed.Load() != 702 {
			t.Errorf("%d calls have failed, want 702", failed.Load())
		}
	})
}

// A deadline that comes before all others is kept, too.
func TestShorterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &role.Config{Timeout: time.Hour, Retries: -1}, roletest.Faults{})
		r.listen(agentAddr)
		for k := range uint32(100) {
			r.m.Start(&role.Call{Dst: agentAddr, Key: k, Req: message(k, ""), Done: func(*role.Call) {}})
		}
		start := time.Now()
		_, err := r.m.To(agentAddr).Exchange(t.Context(), 1000, message(1000, ""), nil, time.Second, 1)
		if wantError(t, "Exchange()", err, role.ErrNoResponse); time.Since(start) != 2*time.Second {
			t.Errorf("took %v, want 2s", time.Since(start))
		}
	})
}

// A deafConn may not send.
type deafConn struct{ closed chan struct{} }

func (d *deafConn) ReadBatch([]role.Message) (int, error)  { <-d.closed; return 0, net.ErrClosed }
func (d *deafConn) WriteBatch([]role.Message) (int, error) { return 0, syscall.EPERM }
func (d *deafConn) LocalAddr() role.Addr                   { return managerAddr }
func (d *deafConn) SetReadDeadline(time.Time) error        { return nil }
func (d *deafConn) Close() error                           { close(d.closed); return nil }
