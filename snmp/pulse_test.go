package snmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/pollux-snmp/pollux/usm"
)

// A lossyConn answers attempts as script says, one after another: after how
// long, or not at all if that is 0.
type lossyConn struct {
	fakeConn
	script   func(n int) time.Duration
	attempts []time.Duration // the timeouts that were asked for
}

func (l *lossyConn) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	for ; ; retries-- {
		l.mu.Lock()
		l.attempts = append(l.attempts, timeout)
		wait := l.script(len(l.attempts))
		delete(l.keys, key)
		l.mu.Unlock()
		if wait > 0 && wait <= timeout {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			return l.fakeConn.Exchange(ctx, key, req, buf, timeout, retries)
		}
		select {
		case <-time.After(timeout):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if retries <= 0 {
			return nil, timeoutError{}
		}
	}
}

func TestPulse(t *testing.T) {
	tree, _ := fakeTree(1)
	const ms = time.Millisecond
	run := func(t *testing.T, cfg Config, calls int, script func(n int) time.Duration) (*lossyConn, []error) {
		l := &lossyConn{fakeConn: fakeConn{tree: tree}, script: script}
		cfg.Community = "public"
		c, err := NewClient(l, &cfg)
		if err != nil {
			t.Fatal(err)
		}
		var errs []error
		for range calls {
			_, err := c.Get(t.Context(), oidSysUpTime)
			errs = append(errs, err)
		}
		return l, errs
	}
	never := func(int) time.Duration { return 0 }
	for _, tt := range []struct {
		name   string
		cfg    Config
		calls  int
		script func(n int) time.Duration
		want   []time.Duration // the first attempts
		failed int
	}{
		// srtt 100 ms and rttvar 50, 37.5, 28.125 ms.
		{"a steady peer", Config{MaxTimeout: 10 * time.Second, MinTimeout: ms}, 4, func(int) time.Duration { return 100 * ms },
			[]time.Duration{time.Second, 300 * ms, 250 * ms, 212500 * time.Microsecond}, 0},
		{"bounds", Config{MaxTimeout: 2 * time.Second}, 4, func(int) time.Duration { return ms },
			[]time.Duration{time.Second, 200 * ms, 200 * ms, 200 * ms}, 0},
		{"a first timeout", Config{Timeout: 3 * time.Second, MaxTimeout: 10 * time.Second}, 1, never,
			[]time.Duration{3 * time.Second, 6 * time.Second, 10 * time.Second, 10 * time.Second}, 1},
		{"a lost message", Config{MaxTimeout: 10 * time.Second}, 3, func(n int) time.Duration {
			if n == 1 {
				return 0
			}
			return 10 * ms
		}, // the answer to the second attempt is no sample, so the timeout stays doubled
			[]time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 200 * ms}, 0},
		// After three calls in vain there is one attempt each.
		{"a dead peer", Config{MaxTimeout: 2 * time.Second, Retries: 1}, 6, never,
			[]time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second}, 6},
		{"a peer that comes back", Config{MaxTimeout: 2 * time.Second, Retries: 1}, 6, func(n int) time.Duration {
			if n <= 7 || n == 10 {
				return 0
			}
			return 10 * ms
		},
			[]time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 200 * ms}, 4},
		{"no adaption", Config{Timeout: 700 * ms, Retries: 2}, 1, never, []time.Duration{700 * ms, 700 * ms, 700 * ms}, 1},
		{"no retries", Config{MaxTimeout: time.Second, Retries: -1}, 1, never, []time.Duration{time.Second}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, errs := run(t, tt.cfg, tt.calls, tt.script)
				if len(l.attempts) < len(tt.want) || !slices.Equal(l.attempts[:len(tt.want)], tt.want) {
					t.Errorf("attempts %v, want %v", l.attempts, tt.want)
				}
				failed := 0
				for _, err := range errs {
					if err != nil {
						failed++
						if !isTimeout(err) {
							t.Errorf("error = %v", err)
						}
					}
				}
				if failed != tt.failed {
					t.Errorf("%d calls failed, want %d: %v", failed, tt.failed, errs)
				}
			})
		})
	}
}

// A dead device costs its own calls alone, and a cancelled call returns at once.
func TestDeadDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, _ := fakeTree(1)
		dead := &lossyConn{script: func(int) time.Duration { return 0 }}
		live := &lossyConn{fakeConn: fakeConn{tree: tree}, script: func(int) time.Duration { return time.Millisecond }}
		cfg := &Config{Community: "public", MaxTimeout: 4 * time.Second, MaxInFlight: 2}
		c1, _ := NewClient(dead, cfg)
		c2, _ := NewClient(live, cfg)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { c1.Get(t.Context(), oidSysUpTime) })
		}
		start := time.Now()
		for range 20 {
			if _, err := c2.Get(t.Context(), oidSysUpTime); err != nil {
				t.Error(err)
			}
		}
		if got := time.Since(start); got != 20*time.Millisecond {
			t.Errorf("20 calls to a living device took %v, want 20ms", got)
		}
		// One call waits for an answer, another for its turn.
		for range 2 {
			ctx, cancel := context.WithCancelCause(t.Context())
			cause := errors.New("enough")
			time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
			start = time.Now()
			if _, err := c1.Get(ctx, oidSysUpTime); !errors.Is(err, cause) || time.Since(start) != 5*time.Millisecond {
				t.Errorf("a cancelled call returned %v after %v", err, time.Since(start))
			}
		}
		wg.Wait()
		// 20 calls, 2 at a time: the first 4 make 4 attempts, the others 1.
		if got := len(dead.attempts); got > 4*4+16 {
			t.Errorf("a dead device cost %d messages", got)
		}
	})
}

func TestMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, table := fakeTree(200)
		f := &fakeConn{tree: tree, delay: func() time.Duration { return time.Millisecond }}
		c, err := NewClient(f, &Config{Community: "public", MaxInFlight: 3, Parallel: 10})
		if err != nil {
			t.Fatal(err)
		}
		d := with(t, c, func(f *Config) { f.Community = "private" })
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { c.Get(t.Context(), oidSysUpTime) })
			wg.Go(func() { d.Get(t.Context(), oidSysUpTime) })
		}
		if _, err := collect(c, t.Context(), table); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if f.most != 3 {
			t.Errorf("%d requests at once, want 3", f.most)
		}
	})
}

// hooks writes down what it is told.
type hooks struct {
	mu  sync.Mutex
	log []string
}

func (h *hooks) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, fmt.Sprintf(format, args...))
}
func (h *hooks) Request(t PDUType, size int) { h.add("request %v %v", t, size > 20) }
func (h *hooks) Answer(t PDUType, size int, latency time.Duration, err error) {
	h.add("answer %v %v %v %v", t, size > 20, latency, err)
}
func (h *hooks) Retry(t PDUType, why error) { h.add("retry %v", t) }
func (h *hooks) Drop(why error)             { h.add("drop") }
func (h *hooks) Report(why error, authentic bool) {
	h.add("report %v %v", why, authentic)
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, _ := fakeTree(1)
		check := func(h *hooks, want ...string) {
			t.Helper()
			if !slices.Equal(h.log, want) {
				t.Errorf("hooks were told %q, want %q", h.log, want)
			}
			h.log = nil
		}
		h := new(hooks)
		l := &lossyConn{fakeConn: fakeConn{tree: tree}, script: func(n int) time.Duration { return time.Duration(n-1) * time.Millisecond }}
		c, _ := NewClient(l, &Config{Community: "public", Hooks: h, MaxTimeout: time.Second})
		c.Get(t.Context(), oidSysUpTime)
		check(h, "request GetRequest true", "retry GetRequest", "answer GetRequest true 1.001s <nil>")
		l.change = func(_, rsp *Message) *Message { rsp.Community = "x"; return rsp }
		c.Get(t.Context(), oidSysUpTime)
		check(h, "request GetRequest true", "answer GetRequest true 2ms <nil>", "drop")

		u := testUser(usm.SHA256, usm.AES128)
		f := newFakeV3(u)
		f.delay = time.Millisecond
		d := newClientV3(t, f, Config{User: u, Hooks: h})
		mustGet(t, d)
		h.log = nil
		f.clock = usm.Clock{Boots: 9, Start: time.Now()}
		mustGet(t, d)
		check(h, "request GetRequest true", "answer GetRequest true 1ms <nil>", "report snmp: agent reports: usm: message outside the time window true",
			"retry GetRequest", "request GetRequest true", "answer GetRequest true 1ms <nil>")
	})
}

// An asyncConn answers what is started by turns, when it is told to.
type asyncConn struct {
	respond func(req []byte) []byte
	queue   []func()
}

func (a *asyncConn) Send(context.Context, []byte) error { return nil }

func (a *asyncConn) Exchange(_ context.Context, _ uint32, req, buf []byte, _ time.Duration, _ int) ([]byte, error) {
	return append(buf[:0], a.respond(req)...), nil
}

func (a *asyncConn) Start(_ uint32, req, buf []byte, _ time.Duration, _ int, done func([]byte, error)) error {
	a.queue = append(a.queue, func() {
		if rsp := a.respond(req); rsp != nil {
			done(append(buf[:0], rsp...), nil)
		} else {
			done(nil, timeoutError{})
		}
	})
	return nil
}

func (a *asyncConn) run() {
	for len(a.queue) > 0 {
		next := a.queue[0]
		a.queue = a.queue[1:]
		next()
	}
}

func TestStartGet(t *testing.T) {
	tree, table := fakeTree(50)
	f := &fakeConn{tree: tree}
	a := &asyncConn{respond: func(req []byte) []byte {
		m, err := MessageFromBER(req)
		if err != nil {
			t.Fatal(err)
		}
		if m.PDU.VarBinds[0].OID.HasPrefix(MustParseOID("2.5")) {
			return nil
		}
		m.PDU = f.answer(V2c, m.PDU)
		return mustAppend(&m)
	}}
	c, err := NewClient(a, &Config{Community: "public", MaxTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for i := range 50 {
		want := tree[1+i]
		err := c.StartGet(func(vbs []VarBind, err error) {
			done++
			if err != nil || len(vbs) != 2 || vbs[0] != want || vbs[1] != tree[0] {
				t.Errorf("StartGet(%v) = %v, %v", want.OID, vbs, err)
			}
			if done <= 50 { // and another from there
				c.StartGet(func(vbs []VarBind, err error) {
					done++
					if err != nil || vbs[0].Value.Kind() != KindNoSuchObject {
						t.Errorf("StartGet of what is not there = %v, %v", vbs, err)
					}
				}, table.Append(1, 1000))
			}
		}, want.OID, tree[0].OID)
		if err != nil {
			t.Fatal(err)
		}
	}
	a.run()
	if done != 100 {
		t.Errorf("%d calls ended, want 100", done)
	}
	if err := c.StartGet(nil); !errors.Is(err, ErrBadArgument) {
		t.Errorf("StartGet of nothing = %v, want ErrBadArgument", err)
	}
	if err := c.StartGet(nil, OID{}); !errors.Is(err, ErrBadArgument) {
		t.Errorf("StartGet of the zero OID = %v, want ErrBadArgument", err)
	}
	for range 4 {
		c.StartGet(func(vbs []VarBind, err error) {
			if !isTimeout(err) || vbs != nil {
				t.Errorf("StartGet without an answer = %v, %v", vbs, err)
			}
		}, MustParseOID("2.5"))
		a.run()
	}
	if c.peer.pulse.silent != maxSilent || c.peer.pulse.backoff != 4 {
		t.Errorf("after four calls in vain the pulse is %+v", c.peer.pulse)
	}
	// A Conn that can only block.
	result := make(chan error)
	if err := newTestClient(t, f, V2c).StartGet(func(vbs []VarBind, err error) {
		if err == nil && vbs[0] != tree[0] {
			err = fmt.Errorf("got %v", vbs)
		}
		result <- err
	}, tree[0].OID); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("StartGet over a Conn that blocks: %v", err)
	}
}

func TestStartGetV3(t *testing.T) {
	u := testUser(usm.SHA256, usm.AES128)
	f := newFakeV3(u)
	a := &asyncConn{respond: f.respond}
	c, err := NewClient(a, &Config{User: u})
	if err != nil {
		t.Fatal(err)
	}
	get := func() {
		t.Helper()
		result := make(chan error, 1)
		if err := c.StartGet(func(vbs []VarBind, err error) {
			if err == nil && (len(vbs) != 1 || vbs[0] != f.tree.tree[0]) {
				err = fmt.Errorf("got %v", vbs)
			}
			result <- err
		}, oidSysUpTime); err != nil {
			t.Fatal(err)
		}
		a.run()
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
	for range 3 {
		get()
	}
	if f.discoveries != 1 || f.late != 1 || f.requests != 3 {
		t.Errorf("%d discoveries, %d synchronisations, %d requests", f.discoveries, f.late, f.requests)
	}
	f.clock = usm.Clock{Boots: 4, Start: time.Now()}
	get()
	f.id = usm.NewEngineID()
	get()
	get()
}

// A reflector answers a Get of one OID at once, in place.
type reflector struct{ echoConn }

func (r reflector) Start(key uint32, req, buf []byte, timeout time.Duration, retries int, done func([]byte, error)) error {
	done(r.Exchange(context.Background(), key, req, buf, timeout, retries))
	return nil
}

func TestStartGetAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget")
	}
	c, _ := NewClient(reflector{}, &Config{Community: "public"})
	done := func(vbs []VarBind, err error) {
		if err != nil {
			t.Error(err)
		}
	}
	if got := testing.AllocsPerRun(100, func() { c.StartGet(done, oidSysUpTime) }); got > 2 { // the results
		t.Errorf("StartGet: %v allocs, want at most 2", got)
	}
}

func BenchmarkStartGet(b *testing.B) {
	c, _ := NewClient(reflector{}, &Config{Community: "public"})
	done := func(vbs []VarBind, err error) {
		if err != nil {
			b.Error(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c.StartGet(done, oidSysUpTime)
	}
}

// A Client is small, so that there can be one for each of many devices.
func TestClientSize(t *testing.T) {
	const conn = 48 // a role.Peer
	if got := unsafe.Sizeof(Client{}) + unsafe.Sizeof(Config{}) + unsafe.Sizeof(peer{}) + conn; got > 512 {
		t.Errorf("a Client takes %d octets: Client %d, Config %d, peer %d, Conn %d; want at most 512",
			got, unsafe.Sizeof(Client{}), unsafe.Sizeof(Config{}), unsafe.Sizeof(peer{}), conn)
	}
}
