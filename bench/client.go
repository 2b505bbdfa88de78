package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
)

// oids returns n OIDs that raw.c answers.
func oids(n int) (ours []snmp.OID, theirs []string) {
	for i := range n {
		o := snmp.MustParseOID("1.3.6.1.2.1.2.2.1.10").Append(uint32(i + 1))
		ours, theirs = append(ours, o), append(theirs, o.String())
	}
	return ours, theirs
}

// clientRows compares clients that get values.
func clientRows(b *bench) ([]row, error) {
	port, err := b.answer()
	if err != nil {
		return nil, err
	}
	target := fmt.Sprint("127.0.0.1:", port)
	rows := []row{
		{"raw C, 256 in flight", func(d time.Duration) (float64, error) { return b.ask(port, 256, d) }},
		{"Client, StartGet, 256 in flight", func(d time.Duration) (float64, error) { return startGets(target, 256, d) }},
	}
	for _, n := range []int{1, 10} {
		for _, workers := range []int{64, 1000} {
			name := fmt.Sprintf(", Get of %d OIDs, %d workers", n, workers)
			rows = append(rows,
				row{"Client" + name, func(d time.Duration) (float64, error) { return gets(target, n, workers, d) }},
				row{"gosnmp" + name, func(d time.Duration) (float64, error) { return gosnmpGets(port, n, workers, d) }})
		}
	}
	return rows, nil
}

// oneRows compares what one request in flight costs.
func oneRows(b *bench) ([]row, error) {
	port, err := b.answer()
	if err != nil {
		return nil, err
	}
	target := fmt.Sprint("127.0.0.1:", port)
	return []row{
		{"raw C", func(d time.Duration) (float64, error) { return b.ask(port, 1, d) }},
		{"role.Manager, Exchange", func(d time.Duration) (float64, error) {
			return exchanges(role.MustParseAddr(target), true, 1, d)
		}},
		{"Client, Get", func(d time.Duration) (float64, error) { return gets(target, 1, 1, d) }},
		{"gosnmp, Get", func(d time.Duration) (float64, error) { return gosnmpGets(port, 1, 1, d) }},
	}, nil
}

func startGets(target string, window int, d time.Duration) (float64, error) {
	c, err := pollux.Dial(context.Background(), target, &snmp.Config{Community: "public"})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	asked, _ := oids(1)
	var answered atomic.Uint64
	var over atomic.Bool
	errs := make(chan error, window)
	start := time.Now()
	for range window {
		var done func([]snmp.VarBind, error)
		done = func(_ []snmp.VarBind, err error) {
			if err == nil && !over.Load() {
				answered.Add(1)
				err = c.StartGet(done, asked...)
				if err == nil {
					return
				}
			}
			errs <- err
		}
		if err := c.StartGet(done, asked...); err != nil {
			return 0, err
		}
	}
	return drain(window, &answered, &over, errs, start, d)
}

func gets(target string, n, goroutines int, d time.Duration) (float64, error) {
	ctx := context.Background()
	c, err := pollux.Dial(ctx, target, &snmp.Config{Community: "public"})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	asked, _ := oids(n)
	return workers(goroutines, d, func(int) (func() error, error) {
		return func() error { _, err := c.Get(ctx, asked...); return err }, nil
	})
}

// tableAgent serves a column of n rows on a free port of 127.0.0.1, or of every
// address, until stop is called.
func tableAgent(local string, n int) (port uint16, column snmp.OID, stop func(), err error) {
	column = snmp.MustParseOID("1.3.6.1.4.1.8072.9999.2.1.1")
	a, err := agent.New(&agent.Config{Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}}})
	if err != nil {
		return 0, column, nil, err
	}
	a.Handle(column, rows(n))
	ctx, cancel := context.WithCancel(context.Background())
	addr, ended := make(chan role.Addr, 1), make(chan error, 1)
	go func() {
		ended <- pollux.Serve(ctx, a, func(addrs []role.Addr) { addr <- addrs[0] }, local)
	}()
	select {
	case err := <-ended:
		cancel()
		return 0, column, nil, err
	case at := <-addr:
		return at.AddrPort().Port(), column, func() { cancel(); <-ended }, nil
	}
}

// rows is a column of so many counters.
type rows uint32

func (r rows) Get(_ context.Context, root, o snmp.OID) (snmp.Value, error) {
	if i, ok := o.Last(); ok && o.Parent() == root && i >= 1 && i <= uint32(r) {
		return snmp.Counter32Value(i), nil
	}
	return snmp.Value{}, nil
}

func (r rows) Next(_ context.Context, root, o snmp.OID) (snmp.VarBind, error) {
	i := uint32(0)
	if index, ok := o.Index(root); ok {
		i, _ = index.Uint32()
	}
	if i >= uint32(r) {
		return snmp.VarBind{}, nil
	}
	return snmp.VarBind{OID: root.Append(i + 1), Value: snmp.Counter32Value(i + 1)}, nil
}

// walkRows compares walks of a long table, in rows a second.
func walkRows(*bench) ([]row, error) {
	const n = 100_000
	port, column, _, err := tableAgent("127.0.0.1:0", n)
	if err != nil {
		return nil, err
	}
	ours := func(parallel int) func(d time.Duration) (float64, error) {
		return func(time.Duration) (float64, error) {
			ctx := context.Background()
			c, err := pollux.Dial(ctx, fmt.Sprint("127.0.0.1:", port), &snmp.Config{Community: "public", Parallel: parallel})
			if err != nil {
				return 0, err
			}
			defer c.Close()
			return walked(n, func(seen func()) error {
				for _, err := range c.Walk(ctx, column) {
					if err != nil {
						return err
					}
					seen()
				}
				return nil
			})
		}
	}
	return []row{
		{"gosnmp, BulkWalk", func(time.Duration) (float64, error) {
			c := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: port, Community: "public", Version: gosnmp.Version2c, Timeout: time.Second, Retries: 3, MaxRepetitions: 50}
			if err := c.Connect(); err != nil {
				return 0, err
			}
			defer c.Conn.Close()
			return walked(n, func(seen func()) error {
				return c.BulkWalk("."+column.String(), func(gosnmp.SnmpPDU) error { seen(); return nil })
			})
		}},
		{"Client, Walk", ours(1)},
		{"Client, Walk, 8 requests in flight", ours(8)},
	}, nil
}

// walked returns how many rows a second f sees, which must be n in all.
func walked(n int, f func(seen func()) error) (float64, error) {
	start, got := time.Now(), 0
	if err := f(func() { got++ }); err != nil {
		return 0, err
	}
	if got != n {
		return 0, fmt.Errorf("%d rows of %d", got, n)
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// pollRows compares polls of many targets of which one in ten is dead, in
// targets a second.
func pollRows(*bench) ([]row, error) {
	const n = 10_000
	port, _, _, err := tableAgent("udp:0.0.0.0:0", 10)
	if err != nil {
		return nil, err
	}
	// What is sent to this one is lost.
	deaf, err := role.Listen(context.Background(), role.MustParseAddr("udp:0.0.0.0:0"), nil)
	if err != nil {
		return nil, err
	}
	target := func(i int) netip.AddrPort {
		p := port
		if i%10 == 9 {
			p = deaf.LocalAddr().AddrPort().Port()
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), p)
	}
	sysName := snmp.MustParseOID("1.3.6.1.2.1.1.5.0")
	const timeout, retries = 500 * time.Millisecond, 1
	return []row{
		{"gosnmp, 1,000 at a time", func(time.Duration) (float64, error) {
			return polled(n, 1000, func(i int) error {
				ap := target(i)
				c := &gosnmp.GoSNMP{Target: ap.Addr().String(), Port: ap.Port(), Community: "public", Version: gosnmp.Version2c, Timeout: timeout, Retries: retries}
				if err := c.Connect(); err != nil {
					return err
				}
				defer c.Conn.Close()
				_, err := c.Get([]string{sysName.String()})
				return err
			})
		}},
		{"Clients of one Manager, 1,000 at a time", func(time.Duration) (float64, error) {
			m, err := role.Open(context.Background(), pollux.RoleConfig())
			if err != nil {
				return 0, err
			}
			defer m.Close()
			return polled(n, 1000, func(i int) error { return poll(m, target(i), sysName, timeout, retries) })
		}},
		{"Clients of one Manager, all at once", func(time.Duration) (float64, error) {
			m, err := role.Open(context.Background(), pollux.RoleConfig())
			if err != nil {
				return 0, err
			}
			defer m.Close()
			return polled(n, n, func(i int) error { return poll(m, target(i), sysName, timeout, retries) })
		}},
	}, nil
}

func poll(m *role.Manager, ap netip.AddrPort, o snmp.OID, timeout time.Duration, retries int) error {
	c, err := snmp.NewClient(m.To(role.UDPAddr(ap)), &snmp.Config{Community: "public", Timeout: timeout, Retries: retries})
	if err != nil {
		return err
	}
	_, err = c.Get(context.Background(), o)
	return err
}

// polled polls n targets, so many at a time, and returns how many it did in a
// second. One in ten must fail.
func polled(n, atATime int, poll func(i int) error) (float64, error) {
	var failed, next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range atATime {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if poll(int(i)) != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	if failed.Load() != int64(n/10) {
		return 0, fmt.Errorf("%d targets failed, want %s", failed.Load(), strconv.Itoa(n/10))
	}
	return float64(n) / took.Seconds(), nil
}
