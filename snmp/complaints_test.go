package snmp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// This file holds what users of other libraries complain of, over package role
// and a network in memory. What needs no network is in client_test.go: requests
// of nothing, answers with too few or too many bindings; and in walk_test.go:
// agents that loop or say tooBig to everything.

var (
	agentAddr = role.MustParseAddr("udp:192.0.2.1:161")
	sysName   = snmp.MustParseOID("1.3.6.1.2.1.1.5.0")
	roleCfg   = &role.Config{Key: snmp.Key, Split: snmp.Split}
)

// serve answers at addr of n what respond makes of a message.
func serve(t testing.TB, n *roletest.Network, addr role.Addr, respond role.Handler) {
	conn, err := n.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	a := role.NewAgent(roleCfg, conn)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { a.Serve(ctx, respond) })
	t.Cleanup(func() { cancel(); a.Close(); wg.Wait() })
}

// echo answers every binding with its own OID.
func echo(_ context.Context, dst []byte, req *role.Message) []byte {
	m, err := snmp.MessageFromBER(req.Buf)
	if err != nil {
		return nil
	}
	m.PDU.Type = snmp.Response
	for i := range m.PDU.VarBinds {
		m.PDU.VarBinds[i].Value = snmp.OctetsValue(m.PDU.VarBinds[i].OID.String())
	}
	dst, _ = m.Append(dst)
	return dst
}

func manager(t testing.TB, n *roletest.Network) *role.Manager {
	conn, err := n.Listen(role.MustParseAddr("udp:192.0.2.100:0"))
	if err != nil {
		t.Fatal(err)
	}
	m := role.NewManager(conn, roleCfg)
	t.Cleanup(func() { m.Close() })
	return m
}

func newClient(t testing.TB, conn snmp.Conn, cfg snmp.Config) *snmp.Client {
	if cfg.User == nil && cfg.Community == "" {
		cfg.Community = "public"
	}
	c, err := snmp.NewClient(conn, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What pairs with no request does not end the wait for the answer, nor burn an
// attempt: the answer comes 300 ms after the first message, in the first attempt.
func TestForeignAnswers(t *testing.T) {
	stranger := role.MustParseAddr("udp:198.51.100.66:161")
	for name, forge := range map[string]func(n *roletest.Network, req *role.Message, m snmp.Message){
		"octets that are no message": func(n *roletest.Network, req *role.Message, m snmp.Message) {
			for _, junk := range [][]byte{{}, {0}, []byte("hello"), req.Buf[:len(req.Buf)/2][:7], bytes.Repeat([]byte{0x30, 0x80}, 300)} {
				n.Forge(agentAddr, req.Addr, junk)
			}
		},
		"request-id 0": func(n *roletest.Network, req *role.Message, m snmp.Message) {
			m.PDU.RequestID = 0
			b, _ := m.Append(nil)
			n.Forge(agentAddr, req.Addr, b)
		},
		"another request-id": func(n *roletest.Network, req *role.Message, m snmp.Message) {
			m.PDU.RequestID++
			b, _ := m.Append(nil)
			n.Forge(agentAddr, req.Addr, b)
		},
		"another source": func(n *roletest.Network, req *role.Message, m snmp.Message) {
			b, _ := m.Append(nil)
			n.Forge(stranger, req.Addr, b)
		},
		"another port": func(n *roletest.Network, req *role.Message, m snmp.Message) {
			b, _ := m.Append(nil)
			n.Forge(role.MustParseAddr("udp:192.0.2.1:162"), req.Addr, b)
		},
		"a trap": func(n *roletest.Network, req *role.Message, m snmp.Message) {
			m.Version = snmp.V1
			m.PDU = snmp.PDU{Type: snmp.TrapV1, Enterprise: sysName}
			b, _ := m.Append(nil)
			n.Forge(agentAddr, req.Addr, b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := roletest.New(1, roletest.Faults{})
				serve(t, n, agentAddr, func(ctx context.Context, dst []byte, req *role.Message) []byte {
					m, err := snmp.MessageFromBER(req.Buf)
					if err != nil {
						t.Error(err)
					}
					m.PDU.Type = snmp.Response
					m.PDU.VarBinds = []snmp.VarBind{{OID: sysName, Value: snmp.OctetsValue("forged")}}
					forge(n, req, m)
					time.Sleep(300 * time.Millisecond)
					return echo(ctx, dst, req)
				})
				m := manager(t, n)
				start := time.Now()
				got, err := newClient(t, m.To(agentAddr), snmp.Config{}).Get(t.Context(), sysName)
				if err != nil || got[0].Value != snmp.OctetsValue(sysName.String()) || time.Since(start) != 300*time.Millisecond {
					t.Errorf("Get = %v, %v after %v", got, err, time.Since(start))
				}
				if s := m.Stats(); s.Sent != 1 || s.Retries != 0 {
					t.Errorf("%d messages and %d retries, want 1 and 0", s.Sent, s.Retries)
				}
			})
		})
	}
}

// What pairs with the request but is not its answer is an error, never a value.
func TestFalseAnswers(t *testing.T) {
	for name, change := range map[string]func(m *snmp.Message){
		"another version":   func(m *snmp.Message) { m.Version = snmp.V1 },
		"another community": func(m *snmp.Message) { m.Community = "secret" },
		"no community":      func(m *snmp.Message) { m.Community = "" },
		"another PDU type":  func(m *snmp.Message) { m.PDU.Type = snmp.GetRequest },
		"a Report":          func(m *snmp.Message) { m.PDU.Type = snmp.Report },
		"another OID":       func(m *snmp.Message) { m.PDU.VarBinds[0].OID = sysName.Parent() },
		"fewer bindings":    func(m *snmp.Message) { m.PDU.VarBinds = nil },
		"more bindings":     func(m *snmp.Message) { m.PDU.VarBinds = append(m.PDU.VarBinds, m.PDU.VarBinds...) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := roletest.New(1, roletest.Faults{})
				serve(t, n, agentAddr, func(ctx context.Context, dst []byte, req *role.Message) []byte {
					m, _ := snmp.MessageFromBER(req.Buf)
					m.PDU.Type = snmp.Response
					change(&m)
					dst, _ = m.Append(dst)
					return dst
				})
				got, err := newClient(t, manager(t, n).To(agentAddr), snmp.Config{}).Get(t.Context(), sysName)
				if !errors.Is(err, snmp.ErrBadAnswer) || got != nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "public") {
					t.Errorf("Get = %v, %v; want ErrBadAnswer without a community in its text", got, err)
				}
			})
		})
	}
}

func TestLongCommunity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := roletest.New(1, roletest.Faults{})
		serve(t, n, agentAddr, echo)
		m := manager(t, n)
		for _, size := range []int{1, 127, 128, 255, 256, 3000} {
			c := newClient(t, m.To(agentAddr), snmp.Config{Community: strings.Repeat("c", size)})
			if got, err := c.Get(t.Context(), sysName); err != nil || got[0].OID != sysName {
				t.Errorf("a community of %d octets: %v, %v", size, got, err)
			}
		}
	})
}

// Cancellation ends a call at once, also one of several goroutines.
func TestCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, roletest.New(1, roletest.Faults{}))
		cfg := snmp.Config{User: &usm.User{Name: "u", Auth: usm.SHA, AuthKey: usm.PassPhrase("authpass1")}}
		for _, c := range []*snmp.Client{newClient(t, m.To(agentAddr), snmp.Config{}), newClient(t, m.To(agentAddr), cfg)} {
			for name, call := range map[string]func(ctx context.Context) error{
				"Get": func(ctx context.Context) error { _, err := c.Get(ctx, sysName); return err },
				"Set": func(ctx context.Context) error { return c.Set(ctx, snmp.VarBind{OID: sysName}) },
				"Walk": func(ctx context.Context) error {
					for _, err := range c.Walk(ctx, sysName) {
						return err
					}
					return nil
				},
				"parallel Walk": func(ctx context.Context) error {
					p, _ := c.With(func(f *snmp.Config) { f.Parallel = 4 })
					for _, err := range p.Walk(ctx, sysName) {
						return err
					}
					return nil
				},
				"Table": func(ctx context.Context) error {
					for _, err := range c.Table(ctx, sysName, 1, 2) {
						return err
					}
					return nil
				},
			} {
				ctx, cancel := context.WithCancelCause(t.Context())
				cause := errors.New("enough")
				time.AfterFunc(70*time.Millisecond, func() { cancel(cause) })
				start := time.Now()
				if err := call(ctx); !errors.Is(err, cause) || time.Since(start) != 70*time.Millisecond {
					t.Errorf("%s, cancelled after 70ms: %v after %v", name, err, time.Since(start))
				}
			}
		}
	})
}

// Results stay what they are while the Client works on.
func TestResultsAreCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := roletest.New(1, roletest.Faults{})
		serve(t, n, agentAddr, echo)
		c := newClient(t, manager(t, n).To(agentAddr), snmp.Config{})
		var all [][]snmp.VarBind
		for i := range uint32(200) {
			got, err := c.Get(t.Context(), sysName.Append(i), sysName.Append(i, 1))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, got)
		}
		for i, vbs := range all {
			want := sysName.Append(uint32(i))
			if vbs[0].OID != want || vbs[0].Value != snmp.OctetsValue(want.String()) {
				t.Fatalf("result %d has become %v", i, vbs)
			}
		}
	})
}

// Eight goroutines use one Client over a bad network; each gets its own answers.
func TestLossyNetwork(t *testing.T) {
	user := &usm.User{Name: "u", Auth: usm.SHA256, AuthKey: usm.PassPhrase("authpass1"), Priv: usm.AES128, PrivKey: usm.PassPhrase("privpass1")}
	for name, cfg := range map[string]snmp.Config{
		"v2c": {Community: "public", Retries: 20}, "adaptive": {Community: "public", Retries: 20, MaxTimeout: 4 * time.Second},
		"v3": {User: user, Retries: 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := roletest.New(7, roletest.Faults{Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Forge: 0.1, Corrupt: 0.02, Delay: 10 * time.Millisecond, Jitter: 30 * time.Millisecond})
				serve(t, n, agentAddr, secured(user, usm.Clock{Boots: 1, Start: time.Now()}))
				m := manager(t, n)
				c := newClient(t, m.To(agentAddr), cfg)
				var wg sync.WaitGroup
				var failed, wrong atomic.Int64
				for g := range uint32(8) {
					wg.Go(func() {
						for i := range uint32(200) {
							o := sysName.Append(g, i)
							switch got, err := c.Get(t.Context(), o); {
							case err != nil:
								failed.Add(1) // a damaged answer
								if !errors.Is(err, snmp.ErrBadAnswer) && !errors.Is(err, usm.ErrUSM) && !errors.As(err, new(*snmp.ResponseError)) {
									t.Errorf("Get(%v): %v", o, err)
								}
							case got[0] != snmp.VarBind{OID: o, Value: snmp.OctetsValue(o.String())}:
								wrong.Add(1)
							}
						}
					})
				}
				wg.Wait()
				// Without authentication nobody can tell a damaged value.
				if limit := int64(1600 * 4 / 100); failed.Load() > limit || wrong.Load() > limit || cfg.User != nil && wrong.Load() > 0 {
					t.Errorf("of 1600 calls %d failed and %d got another value", failed.Load(), wrong.Load())
				}
				counts := n.Counts()
				t.Logf("%d failed, %d wrong; network %+v; manager %+v", failed.Load(), wrong.Load(), counts, m.Stats())
				if counts.Lost == 0 || counts.Forged == 0 || m.Stats().Retries+m.Stats().NoResponse == 0 {
					t.Errorf("the network was too good: %+v", counts)
				}
			})
		})
	}
}

// secured is echo for all versions, with an engine of its own.
func secured(user *usm.User, clock usm.Clock) role.Handler {
	id := usm.NewEngineID()
	l, err := user.Localize(id)
	if err != nil {
		panic(err)
	}
	return func(ctx context.Context, dst []byte, req *role.Message) []byte {
		var p snmp.Parser
		if p.Start(req.Buf) != nil {
			return nil
		}
		if p.Version() != snmp.V3 {
			return echo(ctx, dst, req)
		}
		sp, err := p.SecurityParameters()
		if err != nil {
			return nil
		}
		h := p.HeaderData()
		answer := snmp.HeaderData{MsgID: h.MsgID}
		m := snmp.Message{Version: snmp.V3, ContextEngineID: string(id)}
		m.PDU.RequestID = p.PDU().RequestID
		stat := usm.Stat(0)
		switch {
		case string(sp.EngineID) != string(id):
			stat = usm.ErrUnknownEngineID
		case string(sp.UserName) != user.Name:
			stat = usm.ErrUnknownUserName
		case !h.Auth:
			stat = usm.ErrUnsupportedSecurityLevel
		case p.Verify(l, &sp) != nil:
			stat = usm.ErrWrongDigest
		case clock.Check(sp.Boots, sp.Time, time.Now()) != nil:
			stat, answer.Auth = usm.ErrNotInTimeWindow, true
		case h.Priv && p.Decrypt(l, &sp) != nil:
			stat = usm.ErrDecryption
		}
		if stat != 0 {
			m.PDU.Type = snmp.Report
			m.PDU.VarBinds = []snmp.VarBind{{OID: snmp.MustParseOID(stat.OID()), Value: snmp.Counter32Value(1)}}
		} else {
			answer.Auth, answer.Priv = h.Auth, h.Priv
			m.PDU.RequestID = p.PDU().RequestID
			m.PDU.Type = snmp.Response
			m.PDU.VarBinds, _ = p.VarBinds()
			for i := range m.PDU.VarBinds {
				m.PDU.VarBinds[i].Value = snmp.OctetsValue(m.PDU.VarBinds[i].OID.String())
			}
		}
		scoped, err := m.AppendScopedPDU(nil)
		if err != nil {
			return nil
		}
		boots, now := clock.At(time.Now())
		dst, _ = answer.Seal(dst, scoped, &usm.SecurityParameters{EngineID: id, Boots: boots, Time: now, UserName: sp.UserName}, l)
		return dst
	}
}

// Many devices, of which some are dead: the living do not wait for them.
func TestManyDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := roletest.New(1, roletest.Faults{Delay: time.Millisecond})
		m := manager(t, n)
		cfg := &snmp.Config{Community: "public"}
		var clients, dead []*snmp.Client
		for i := range 200 {
			addr := role.MustParseAddr(fmt.Sprintf("udp:10.0.0.%d:161", i+1))
			c, err := snmp.NewClient(m.To(addr), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if i%10 == 0 {
				dead = append(dead, c)
				continue
			}
			serve(t, n, addr, echo)
			clients = append(clients, c)
		}
		var wg sync.WaitGroup
		for _, c := range dead {
			wg.Go(func() {
				if _, err := c.Get(t.Context(), sysName); !errors.Is(err, role.ErrNoResponse) {
					t.Errorf("Get from a dead device = %v", err)
				}
			})
		}
		start := time.Now()
		var alive sync.WaitGroup
		for _, c := range clients {
			alive.Go(func() {
				for range 10 {
					if _, err := c.Get(t.Context(), sysName); err != nil {
						t.Error(err)
					}
				}
			})
		}
		alive.Wait()
		if got := time.Since(start); got != 20*time.Millisecond {
			t.Errorf("ten rounds of the living took %v, want 20ms", got)
		}
		wg.Wait()
	})
}

// A hundred thousand Clients of one Manager.
func TestClientMemory(t *testing.T) {
	m, err := role.Open(t.Context(), &role.Config{Key: snmp.Key, Local: role.MustParseAddr("udp:127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	user := &usm.User{Name: "u", Auth: usm.SHA256, AuthKey: usm.PassPhrase("authpass1"), Priv: usm.AES128, PrivKey: usm.PassPhrase("privpass1")}
	for name, cfg := range map[string]*snmp.Config{"v2c": {Community: "public"}, "v3": {User: user}} {
		const n = 100000
		clients := make([]*snmp.Client, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range clients {
			if clients[i], err = snmp.NewClient(m.To(agentAddr), cfg); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		got := int64(after.HeapAlloc-before.HeapAlloc) / n
		t.Logf("%s: %d octets", name, got)
		if got > 520 { // the tests' own included
			t.Errorf("%s: an idle Client takes %d octets, want at most 512", name, got)
		}
		runtime.KeepAlive(clients)
	}
}

// Asks through a real socket, with 256 requests in flight.
func BenchmarkStartGetUDP(b *testing.B) {
	ctx := b.Context()
	a, err := role.ListenAgent(ctx, roleCfg, role.MustParseAddr("udp:127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	go a.Serve(ctx, func(_ context.Context, dst []byte, req *role.Message) []byte {
		dst = append(dst, req.Buf...)
		if i := bytes.IndexByte(dst[:20], byte(snmp.GetRequest)); i > 0 {
			dst[i] = byte(snmp.Response)
		}
		return dst
	})
	m, err := role.Dial(ctx, a.LocalAddrs()[0], roleCfg)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	c := newClient(b, m.To(role.Addr{}), snmp.Config{})
	tokens := make(chan bool, 256)
	done := func(_ []snmp.VarBind, err error) {
		if err != nil {
			b.Error(err)
		}
		<-tokens
	}
	b.ReportAllocs()
	for b.Loop() {
		tokens <- true
		if err := c.StartGet(done, sysName); err != nil {
			b.Fatal(err)
		}
	}
	for range cap(tokens) {
		tokens <- true
	}
}
