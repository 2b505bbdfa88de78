package snmp_test

import (
	"context"
	"flag"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/role/roletest"
	"github.com/pollux-snmp/pollux/snmp"
)

var soak = flag.Int("soak", 20_000, "requests of each soak test")

// hammer asks n times with 64 goroutines, whose requests are for an OID of their
// own each. At the middle and at the end it looks at the memory.
func hammer(t *testing.T, clients []*snmp.Client, n int) {
	t.Helper()
	var wrong, left atomic.Int64
	left.Store(int64(n))
	round := func(n int) uint64 {
		left.Store(int64(n))
		var wg sync.WaitGroup
		for g := range uint32(64) {
			wg.Go(func() {
				for i := uint32(0); left.Add(-1) >= 0; i++ {
					o := sysName.Append(g, i)
					got, err := clients[int(i)%len(clients)].Get(t.Context(), o)
					if err != nil || got[0] != (snmp.VarBind{OID: o, Value: snmp.OctetsValue(o.String())}) {
						if wrong.Add(1) == 1 {
							t.Errorf("Get(%v) = %v, %v", o, got, err)
						}
					}
				}
			})
		}
		wg.Wait()
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	half, end := round(n/2), round(n-n/2)
	if wrong.Load() > 0 {
		t.Errorf("%d of %d calls failed or got another's answer", wrong.Load(), n)
	}
	if end > half+2<<20 {
		t.Errorf("after %d calls %d octets are in use, after %d calls %d", n/2, half, n, end)
	}
	t.Logf("%d calls, %d KiB in use after half of them, %d KiB at the end", n, half>>10, end>>10)
}

// Every answer is that of its own request over a network that loses, repeats,
// reorders and forges, in virtual time.
func TestSoakLossy(t *testing.T) {
	before := runtime.NumGoroutine()
	synctest.Test(t, func(t *testing.T) {
		n := roletest.New(1, roletest.Faults{Loss: 0.1, Duplicate: 0.05, Reorder: 0.1, Forge: 0.05, Delay: time.Millisecond, Jitter: 10 * time.Millisecond})
		m := manager(t, n)
		var clients []*snmp.Client
		for i := range 20 {
			addr := role.MustParseAddr("udp:192.0.2." + strconv.Itoa(i+1) + ":161")
			serve(t, n, addr, echo)
			clients = append(clients, newClient(t, m.To(addr), snmp.Config{Retries: 100, MaxTimeout: 5 * time.Second}))
		}
		hammer(t, clients, *soak)
	})
	checkGoroutines(t, before)
}

// The same over real loopback.
func TestSoakLoopback(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		a, err := role.ListenAgent(ctx, roleCfg, role.MustParseAddr("udp:127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { a.Serve(ctx, echo) })
		m, err := role.Open(ctx, &role.Config{Key: snmp.Key, Local: role.MustParseAddr("udp:127.0.0.1:0"), Retries: 10})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		hammer(t, []*snmp.Client{newClient(t, m.To(a.LocalAddrs()[0]), snmp.Config{})}, *soak)
		cancel()
	}()
	checkGoroutines(t, before)
}

func checkGoroutines(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%d goroutines are left, there were %d", runtime.NumGoroutine(), want)
			return
		}
	}
}
