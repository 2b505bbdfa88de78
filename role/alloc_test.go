package role_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/pollux-snmp/pollux/role"
)

// In steady state an exchange over UDP allocates nothing, on either side: the
// agent runs in this process and is counted, too.
func TestAllocs(t *testing.T) {
	if raceEnabled || !hasErrorQueue {
		t.Skip("holds for Linux, without the race detector")
	}
	addr := listenAgent(t, echo, "udp:127.0.0.1:0").LocalAddrs()[0]
	wild := listenAgent(t, echo, "udp::0").LocalAddrs()[0].AddrPort().Port()
	wildAddr := role.MustParseAddr(fmt.Sprint("udp:127.0.0.1:", wild))
	req, buf := message(0, "request"), make([]byte, 0, 2048)
	k := uint32(0)
	next := func() uint32 {
		k++
		binary.BigEndian.PutUint32(req, k)
		return k
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dialled, opened := dial(t, addr, nil), open(t, &role.Config{Key: key})
	dialledKey := dial(t, addr, &role.Config{Key: key})

	woken := make(chan struct{}, 1)
	call := &role.Call{Req: req, Buf: buf, Done: func(*role.Call) { woken <- struct{}{} }}
	peer := opened.To(addr)
	peerDone := func([]byte, error) { woken <- struct{}{} }
	tests := []struct {
		name string
		f    func()
	}{
		{"Exchange, no key", func() { dialled.Exchange(ctx, role.Addr{}, 0, req, buf) }},
		{"Exchange, default destination", func() { dialledKey.Exchange(ctx, role.Addr{}, next(), req, buf) }},
		{"Exchange, any destination", func() { opened.Exchange(ctx, addr, next(), req, buf) }},
		{"Exchange, wildcard agent", func() { opened.Exchange(ctx, wildAddr, next(), req, buf) }},
		{"Start", func() {
			call.Key = next()
			dialledKey.Start(call)
			<-woken
		}},
		{"Peer.Exchange", func() { peer.Exchange(ctx, next(), req, buf, 0, 0) }},
		{"Peer.Start", func() {
			peer.Start(next(), req, buf, 0, 0, peerDone)
			<-woken
		}},
	}
	for _, tt := range tests {
		for range 300 { // grow what grows, and go round every table
			tt.f()
		}
		if got := testing.AllocsPerRun(1000, tt.f); got != 0 {
			t.Errorf("%s: %v allocations an exchange, want none", tt.name, got)
		}
	}
}

// What exchanges in flight cost, besides the caller's own buffers.
func TestMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const n = 100_000
	if got := unsafe.Sizeof(role.Call{}); got > 336 {
		t.Errorf("a Call is %d bytes, want at most 336", got)
	}
	conn := blackHole{make(chan struct{})}
	m := role.NewManager(conn, &role.Config{Key: key, Timeout: time.Hour})
	defer m.Close()
	heap := func() int64 {
		for range 3 { // pools take two collections to be emptied
			runtime.GC()
		}
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	empty := heap()
	peers := make([]role.Peer, n)
	for i := range peers {
		peers[i] = m.To(role.MustParseAddr(fmt.Sprintf("udp:10.%d.%d.%d:161", i>>16, i>>8&255, i&255)))
	}
	registered := heap()
	req := message(1, "the same for all")
	calls := make([]role.Call, n)
	for i := range calls {
		calls[i] = role.Call{Dst: peers[i].Addr(), Key: 1, Req: req, Done: func(*role.Call) {}}
		if err := m.Start(&calls[i]); err != nil {
			t.Fatal(err)
		}
	}
	inFlight := heap()
	perPeer, perCall := (registered-empty)/n, (inFlight-registered)/n
	t.Logf("%d destinations: %d bytes each; %d exchanges in flight: %d bytes each", n, perPeer, n, perCall)
	if perPeer > 64 || perCall > 400 {
		t.Errorf("a destination takes %d bytes and an exchange %d, want at most 64 and 400", perPeer, perCall)
	}
	runtime.KeepAlive(peers)
	runtime.KeepAlive(calls)
}

// A blackHole is a transport of which nothing comes back.
type blackHole struct{ closed chan struct{} }

func (b blackHole) ReadBatch([]role.Message) (int, error) { <-b.closed; return 0, context.Canceled }

func (b blackHole) WriteBatch(ms []role.Message) (int, error) { return len(ms), nil }
func (b blackHole) LocalAddr() role.Addr                      { return managerAddr }
func (b blackHole) SetReadDeadline(time.Time) error           { return nil }
func (b blackHole) Close() error                              { close(b.closed); return nil }

func BenchmarkExchange(b *testing.B) {
	a, err := role.ListenAgent(b.Context(), nil, role.MustParseAddr("udp:127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	go a.Serve(context.Background(), echo)
	m, err := role.Dial(b.Context(), a.LocalAddrs()[0], &role.Config{Key: key})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	b.Run("blocking", func(b *testing.B) {
		b.ReportAllocs()
		req, buf := message(0, "request"), make([]byte, 0, 2048)
		for k := uint32(1); b.Loop(); k++ {
			binary.BigEndian.PutUint32(req, k)
			if _, _, err := m.Exchange(b.Context(), role.Addr{}, k, req, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("window-256", func(b *testing.B) {
		b.ReportAllocs()
		free := make(chan *role.Call, 256)
		for range cap(free) {
			free <- &role.Call{Req: message(0, "request"), Buf: make([]byte, 0, 2048), Done: func(c *role.Call) { free <- c }}
		}
		for k := uint32(1); b.Loop(); k++ {
			c := <-free
			if c.Err != nil {
				b.Fatal(c.Err)
			}
			c.Key = k
			binary.BigEndian.PutUint32(c.Req, k)
			if err := m.Start(c); err != nil {
				b.Fatal(err)
			}
		}
		for range cap(free) {
			<-free
		}
	})
}
