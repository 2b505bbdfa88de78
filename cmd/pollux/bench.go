package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/snmp"
)

func (p *program) benchCommand() *cobra.Command {
	b := &load{}
	cmd := p.command("bench [OPTIONS] AGENT [OID...]", "Load an agent and measure its answers", 1, missingAgent, func(ctx context.Context, args []string) error {
		return b.run(ctx, p, args)
	})
	cmd.Long = `Load an agent with Gets of OIDs (sysUpTime.0 if none is given), many at once on
one socket, and print answers a second, latencies, and what they cost.

Load only agents that are yours.`
	cmd.Flags().IntVar(&b.window, "window", 0, "requests in flight, without waiting for each (256)")
	cmd.Flags().IntVar(&b.goroutines, "goroutines", 0, "goroutines that wait for each of their answers, instead")
	cmd.Flags().DurationVar(&b.duration, "duration", 10*time.Second, "how long")
	return cmd
}

// A load is one run of bench.
type load struct {
	window, goroutines int
	duration           time.Duration

	s        *cli.Session
	oids     []snmp.OID
	over     atomic.Bool
	answered atomic.Uint64
	failed   atomic.Uint64
	firstErr atomic.Pointer[error]
	latency  histogram
}

// A result is what bench prints.
type result struct {
	ResponsesPerSecond float64 `json:"responses_per_second"`
	Seconds            float64 `json:"seconds"`
	Sent               uint64  `json:"sent"`     // messages, retransmissions included
	Received           uint64  `json:"received"` // messages
	Answered           uint64  `json:"answered"` // requests
	Lost               uint64  `json:"lost"`     // requests that were given up
	Retries            uint64  `json:"retries"`
	LatencyP50         float64 `json:"latency_p50_us"`
	LatencyP90         float64 `json:"latency_p90_us"`
	LatencyP99         float64 `json:"latency_p99_us"`
	LatencyMax         float64 `json:"latency_max_us"`
	CPUPerMillion      float64 `json:"cpu_seconds_per_million"`
}

func (b *load) run(ctx context.Context, p *program, args []string) error {
	switch {
	case b.window > 0 && b.goroutines > 0:
		return &cli.UsageError{Text: "Either --window or --goroutines, not both"}
	case b.window < 0 || b.goroutines < 0 || b.duration <= 0:
		return &cli.UsageError{Text: "--window, --goroutines and --duration are greater than 0"}
	case b.window == 0 && b.goroutines == 0:
		b.window = 256
	}
	form := p.opts.Output
	if form != "text" && form != "json" {
		return &cli.UsageError{Text: "Unknown form of output: " + form + " (text, json)"}
	}
	p.opts.Output = "text" // bindings are not printed
	return p.session(ctx, func(s *cli.Session) error {
		b.s, b.oids = s, []snmp.OID{sysUpTime}
		if len(args) > 1 {
			var err error
			if b.oids, err = s.OIDs(args[1:]); err != nil {
				return err
			}
		}
		// The first one also makes keys and finds the engine of SNMPv3.
		if _, err := s.Get(ctx, b.oids...); err != nil {
			return err
		}
		r, err := b.measure(ctx)
		if err != nil {
			return err
		}
		if form == "json" {
			e := json.NewEncoder(p.stdout)
			e.SetIndent("", "  ")
			return e.Encode(r)
		}
		fmt.Fprintf(p.stdout, "responses_per_second    %.0f\nsent                    %d\nreceived                %d\nlost                    %d\nretries                 %d\n",
			r.ResponsesPerSecond, r.Sent, r.Received, r.Lost, r.Retries)
		fmt.Fprintf(p.stdout, "latency_us              p50 %.0f, p90 %.0f, p99 %.0f, max %.0f\ncpu_seconds_per_million %.2f\n",
			r.LatencyP50, r.LatencyP90, r.LatencyP99, r.LatencyMax, r.CPUPerMillion)
		return nil
	})
}

// measure loads the agent for the duration.
func (b *load) measure(ctx context.Context) (*result, error) {
	me, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return nil, err
	}
	cpuBefore, err := me.Times()
	if err != nil {
		return nil, err
	}
	before := b.s.Stats()
	start := time.Now()
	var wg sync.WaitGroup
	for range b.window {
		wg.Add(1)
		b.chain(&wg)
	}
	for range b.goroutines {
		wg.Go(func() {
			for !b.over.Load() {
				begin := time.Now()
				_, err := b.s.Get(ctx, b.oids...)
				b.ended(begin, err)
			}
		})
	}
	select {
	case <-time.After(b.duration):
	case <-ctx.Done():
	}
	b.over.Store(true)
	answered, elapsed := b.answered.Load(), time.Since(start)
	wg.Wait()
	cpuAfter, err := me.Times()
	if err != nil {
		return nil, err
	}
	if err := b.firstErr.Load(); err != nil && answered == 0 {
		return nil, *err
	}
	after := b.s.Stats()
	r := &result{
		ResponsesPerSecond: float64(answered) / elapsed.Seconds(),
		Seconds:            elapsed.Seconds(),
		Sent:               after.Sent - before.Sent,
		Received:           after.Received - before.Received,
		Answered:           b.answered.Load(),
		Lost:               b.failed.Load(),
		Retries:            after.Retries - before.Retries,
		LatencyP50:         b.latency.quantile(0.5),
		LatencyP90:         b.latency.quantile(0.9),
		LatencyP99:         b.latency.quantile(0.99),
		LatencyMax:         b.latency.quantile(1),
	}
	cpu := cpuAfter.User + cpuAfter.System - cpuBefore.User - cpuBefore.System
	r.CPUPerMillion = cpu / float64(max(r.Answered, 1)) * 1e6
	return r, nil
}

// chain keeps one request in flight.
func (b *load) chain(wg *sync.WaitGroup) {
	var begin time.Time
	var next func()
	done := func(_ []snmp.VarBind, err error) {
		b.ended(begin, err)
		next()
	}
	next = func() {
		if b.over.Load() {
			wg.Done()
			return
		}
		begin = time.Now()
		if err := b.s.StartGet(done, b.oids...); err != nil {
			b.ended(begin, err)
			wg.Done()
		}
	}
	next()
}

// ended counts a request that has ended.
func (b *load) ended(begin time.Time, err error) {
	if err != nil {
		b.failed.Add(1)
		b.firstErr.CompareAndSwap(nil, &err)
		return
	}
	b.answered.Add(1)
	b.latency.add(time.Since(begin))
}

// A histogram counts durations in buckets that are at most 1/32 wide.
type histogram struct{ counts [64 * 32]atomic.Uint64 }

func (h *histogram) add(d time.Duration) {
	ns := uint64(max(d, 1))
	exp := bits.Len64(ns) - 1
	sub := ns << (63 - exp) >> 58 & 31 // the five bits after the first
	h.counts[exp*32+int(sub)].Add(1)
}

// quantile returns the upper end of the bucket with the q-quantile, in
// microseconds; 0 if there is none.
func (h *histogram) quantile(q float64) float64 {
	var total uint64
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	left := uint64(q * float64(total))
	for i := range h.counts {
		n := h.counts[i].Load()
		if n > 0 && (left <= n) {
			return float64(uint64(32+i%32+1)<<(i/32)) / 32 / 1000
		}
		left -= min(n, left)
	}
	return 0
}
