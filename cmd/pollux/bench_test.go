package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("the median of nothing = %v, want 0", got)
	}
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	for q, want := range map[float64]float64{0.5: 500, 0.9: 900, 0.99: 990, 1: 1000} {
		if got := h.quantile(q); got < want || got > want*33/32 {
			t.Errorf("quantile(%v) = %v, want %v or at most 1/32 more", q, got, want)
		}
	}
	h.add(0)
	h.add(time.Duration(1<<63 - 1))
}

func TestBench(t *testing.T) {
	agent := startSNMPD(t)
	for _, how := range []string{"--window", "--goroutines"} {
		for _, version := range [][]string{{"-v2c", "-c", "public"}, {"-v3", "-u", "sha256aes", "-a", "SHA-256", "-A", "authpass1", "-x", "AES", "-X", "privpass1"}} {
			args := append([]string{"bench", how, "8", "--duration", "200ms", "--output", "json"}, append(version, agent)...)
			stdout, stderr, code := runPollux(t, args...)
			var r result
			if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 || stderr != "" {
				t.Fatalf("%v: code %d, %v, %s", args, code, err, stderr)
			}
			if r.Answered == 0 || r.Received < r.Answered || r.Lost != 0 || r.ResponsesPerSecond <= 0 || r.LatencyP50 <= 0 ||
				r.LatencyP99 < r.LatencyP50 || r.LatencyMax < r.LatencyP99 || r.CPUPerMillion < 0 {
				t.Errorf("%v: %+v", args, r)
			}
		}
	}
}
