package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
)

// get is the message that raw.c sends; its request-id is at idOff.
var get = []byte{0x30, 41, 2, 1, 1, 4, 6, 'p', 'u', 'b', 'l', 'i', 'c', 0xa0, 28, 2, 4, 0x10, 0, 0, 0, 2, 1, 0, 2, 1, 0,
	0x30, 14, 0x30, 12, 6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 5, 0}

const idOff = 17

// roleRows compares managers that do nothing but exchange.
func roleRows(b *bench) ([]row, error) {
	port, err := b.answer()
	if err != nil {
		return nil, err
	}
	dst := role.MustParseAddr(fmt.Sprint("udp:127.0.0.1:", port))
	return []row{
		{"raw C, 256 in flight", func(d time.Duration) (float64, error) { return b.ask(port, 256, d) }},
		{"role.Manager, Start, 256 in flight", func(d time.Duration) (float64, error) { return starts(dst, true, 256, d) }},
		{"role.Manager, Exchange, 64 goroutines", func(d time.Duration) (float64, error) { return exchanges(dst, true, 64, d) }},
		{"the same without default destination, Start", func(d time.Duration) (float64, error) { return starts(dst, false, 256, d) }},
		{"the same without default destination, Exchange", func(d time.Duration) (float64, error) { return exchanges(dst, false, 64, d) }},
		{"gosnmp, Get, 1,000 clients", func(d time.Duration) (float64, error) { return gosnmpGets(port, 1, 1000, d) }},
	}, nil
}

// manager returns a manager for dst, and how to name dst in its calls.
func manager(dst role.Addr, connected bool) (*role.Manager, role.Addr, error) {
	cfg := &role.Config{Key: snmp.Key}
	if connected {
		m, err := role.Dial(context.Background(), dst, cfg)
		return m, role.Addr{}, err
	}
	m, err := role.Open(context.Background(), cfg)
	return m, dst, err
}

func starts(dst role.Addr, connected bool, window int, d time.Duration) (float64, error) {
	m, dst, err := manager(dst, connected)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	var answered atomic.Uint64
	var id atomic.Uint32
	var over atomic.Bool
	errs := make(chan error, window)
	start := time.Now()
	for range window {
		c := &role.Call{Dst: dst, Req: append([]byte(nil), get...), Buf: make([]byte, 0, 2048)}
		next := func() error {
			c.Key = id.Add(1)
			binary.BigEndian.PutUint32(c.Req[idOff:], c.Key)
			return m.Start(c)
		}
		c.Done = func(c *role.Call) {
			if c.Err != nil || over.Load() {
				errs <- c.Err
				return
			}
			answered.Add(1)
			if err := next(); err != nil {
				errs <- err
			}
		}
		if err := next(); err != nil {
			return 0, err
		}
	}
	return drain(window, &answered, &over, errs, start, d)
}

// drain lets a window of requests go on for d, ends them, and returns how many
// were answered in a second.
func drain(window int, answered *atomic.Uint64, over *atomic.Bool, errs <-chan error, start time.Time, d time.Duration) (float64, error) {
	time.Sleep(d)
	n, took := answered.Load(), time.Since(start)
	over.Store(true)
	for range window {
		if err := <-errs; err != nil {
			return 0, err
		}
	}
	return float64(n) / took.Seconds(), nil
}

func exchanges(dst role.Addr, connected bool, goroutines int, d time.Duration) (float64, error) {
	m, dst, err := manager(dst, connected)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	ctx := context.Background()
	return workers(goroutines, d, func(w int) (func() error, error) {
		req, buf := append([]byte(nil), get...), make([]byte, 0, 2048)
		key := uint32(w) << 24
		return func() error {
			key++
			binary.BigEndian.PutUint32(req[idOff:], key)
			_, _, err := m.Exchange(ctx, dst, key, req, buf)
			return err
		}, nil
	})
}

func gosnmpGets(port, n, clients int, d time.Duration) (float64, error) {
	var open []*gosnmp.GoSNMP
	defer func() {
		for _, c := range open {
			c.Conn.Close()
		}
	}()
	return workers(clients, d, func(int) (func() error, error) {
		c := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: uint16(port), Community: "public", Version: gosnmp.Version2c, Timeout: time.Second, Retries: 3}
		if err := c.Connect(); err != nil {
			return nil, err
		}
		open = append(open, c)
		_, asked := oids(n)
		return func() error { _, err := c.Get(asked); return err }, nil
	})
}

// workers counts how often n goroutines do what newWorker gives them.
func workers(n int, d time.Duration, newWorker func(i int) (func() error, error)) (float64, error) {
	var done atomic.Uint64
	var over atomic.Bool
	var wg sync.WaitGroup
	errs := make(chan error, n)
	var work []func() error
	for i := range n {
		w, err := newWorker(i)
		if err != nil {
			return 0, err
		}
		work = append(work, w)
	}
	start := time.Now()
	for _, w := range work {
		wg.Go(func() {
			for !over.Load() {
				if err := w(); err != nil {
					errs <- err
					return
				}
				done.Add(1)
			}
		})
	}
	time.Sleep(d)
	total, took := done.Load(), time.Since(start)
	over.Store(true)
	wg.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
	}
	return float64(total) / took.Seconds(), nil
}

// agentRows compares agents that echo.
func agentRows(b *bench) ([]row, error) {
	port, err := b.answer()
	if err != nil {
		return nil, err
	}
	return []row{
		{"raw C", func(d time.Duration) (float64, error) { return b.ask(port, 256, d) }},
		{"role.Agent that echoes", func(d time.Duration) (float64, error) { return echoes(b, "udp:127.0.0.1:0", d) }},
		{"role.Agent that echoes, on every address", func(d time.Duration) (float64, error) { return echoes(b, "udp::0", d) }},
	}, nil
}

func echoes(b *bench, local string, d time.Duration) (float64, error) {
	a, err := role.ListenAgent(context.Background(), nil, role.MustParseAddr(local))
	if err != nil {
		return 0, err
	}
	defer a.Close()
	go a.Serve(context.Background(), func(_ context.Context, dst []byte, req *role.Message) []byte {
		return append(dst, req.Buf...)
	})
	return b.ask(int(a.LocalAddrs()[0].AddrPort().Port()), 256, d)
}
