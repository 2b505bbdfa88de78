package snmp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/usm"
)

// A fakeConn answers from memory. Change, if any, may spoil each answer; a nil
// message is one that cannot be parsed.
type fakeConn struct {
	tree   []VarBind // in order
	limit  int       // bindings that fit in an answer; 0 means any number
	change func(req, rsp *Message) *Message

	before func(req *Message)       // sees what comes
	fail   func(req *Message) error // may give an error for an answer
	delay  func() time.Duration     // how long the next answer takes
	short  bool                     // answers to GetBulk lack some bindings at the end

	mu        sync.Mutex
	keys      map[uint32]bool
	sent      []Message
	reqs      int
	now, most int // requests at once
}

func (f *fakeConn) Send(ctx context.Context, msg []byte) error {
	m, err := MessageFromBER(msg)
	f.sent = append(f.sent, m)
	return err
}

func (f *fakeConn) Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	m, err := MessageFromBER(req)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	if f.keys == nil {
		f.keys = make(map[uint32]bool)
	}
	if f.keys[key] || key == 0 || key != uint32(m.PDU.RequestID) {
		f.mu.Unlock()
		return nil, fmt.Errorf("key %d of request-id %d is 0, wrong or used twice", key, m.PDU.RequestID)
	}
	f.keys[key] = true
	f.reqs++
	f.now++
	f.most = max(f.most, f.now)
	if f.before != nil {
		f.before(&m)
	}
	var wait time.Duration
	if f.delay != nil {
		wait = f.delay()
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if f.fail != nil {
		if err := f.fail(&m); err != nil {
			return nil, err
		}
	}

	rsp := m
	rsp.PDU = f.answer(m.Version, m.PDU)
	answer := &rsp
	if f.change != nil {
		if answer = f.change(&m, answer); answer == nil {
			return append(buf[:0], "\x30\x03\x02\x01\x01"...), nil
		}
	}
	return answer.Append(buf[:0])
}

func (f *fakeConn) answer(v Version, p PDU) PDU {
	rsp := PDU{Type: Response, RequestID: p.RequestID}
	next := func(o OID) VarBind {
		i, found := slices.BinarySearchFunc(f.tree, o, func(vb VarBind, o OID) int { return vb.OID.Compare(o) })
		if found {
			i++
		}
		if i == len(f.tree) {
			return VarBind{o, KindEndOfMIBView.Value()}
		}
		return f.tree[i]
	}
	switch p.Type {
	case GetRequest:
		for _, vb := range p.VarBinds {
			i, found := slices.BinarySearchFunc(f.tree, vb.OID, func(vb VarBind, o OID) int { return vb.OID.Compare(o) })
			if vb.Value = KindNoSuchObject.Value(); found {
				vb = f.tree[i]
			}
			rsp.VarBinds = append(rsp.VarBinds, vb)
		}
	case GetNextRequest:
		for _, vb := range p.VarBinds {
			rsp.VarBinds = append(rsp.VarBinds, next(vb.OID))
		}
	case GetBulkRequest:
		p.NonRepeaters = min(p.NonRepeaters, len(p.VarBinds))
		for _, vb := range p.VarBinds[:p.NonRepeaters] {
			rsp.VarBinds = append(rsp.VarBinds, next(vb.OID))
		}
		at := slices.Clone(p.VarBinds[p.NonRepeaters:])
		for range p.MaxRepetitions {
			if len(at) == 0 {
				break
			}
			for i := range at {
				at[i] = next(at[i].OID)
			}
			rsp.VarBinds = append(rsp.VarBinds, at...)
		}
		if n := len(rsp.VarBinds); f.short && n > 1 {
			rsp.VarBinds = rsp.VarBinds[:(n+1)/2]
		}
	default:
		rsp.VarBinds = p.VarBinds
	}
	if f.limit > 0 && len(rsp.VarBinds) > f.limit {
		rsp = PDU{Type: Response, RequestID: p.RequestID, ErrorStatus: TooBig}
	}
	if v == V1 {
		rsp, _ = rsp.ToV1()
	}
	return rsp
}

// fakeTree has n rows of two columns, and something before and after them.
func fakeTree(n int) (tree []VarBind, table OID) {
	table = MustParseOID("1.3.6.1.2.1.2.2.1")
	tree = append(tree, VarBind{oidSysUpTime, TimeTicksValue(5)})
	for column := range uint32(2) {
		for row := range uint32(n) {
			tree = append(tree, VarBind{table.Append(column+1, row+1), Counter32Value(row)})
		}
	}
	return append(tree, VarBind{table.NextSibling().Append(1), IntegerValue(1)}), table
}

func newTestClient(t testing.TB, f *fakeConn, v Version) *Client {
	t.Helper()
	c, err := NewClient(f, &Config{Version: v, Community: "public"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientCalls(t *testing.T) {
	tree, table := fakeTree(3)
	ctx := t.Context()
	for _, v := range []Version{V1, V2c} {
		f := &fakeConn{tree: tree}
		c := newTestClient(t, f, v)
		if got, err := c.Get(ctx, tree[2].OID, tree[0].OID); err != nil || !slices.Equal(got, []VarBind{tree[2], tree[0]}) {
			t.Errorf("v%v: Get = %v, %v", v, got, err)
		}
		if got, err := c.GetNext(ctx, tree[0].OID, tree[3].OID); err != nil || !slices.Equal(got, []VarBind{tree[1], tree[4]}) {
			t.Errorf("v%v: GetNext = %v, %v", v, got, err)
		}
		if err := c.Set(ctx, tree[1]); err != nil {
			t.Errorf("v%v: Set = %v", v, err)
		}
		got, err := c.GetBulk(ctx, 1, 2, tree[0].OID, table)
		if v == V1 {
			if !errors.Is(err, ErrBadArgument) {
				t.Errorf("v1: GetBulk = %v, %v; want ErrBadArgument", got, err)
			}
		} else if err != nil || !slices.Equal(got, []VarBind{tree[1], tree[1], tree[2]}) {
			t.Errorf("v%v: GetBulk = %v, %v", v, got, err)
		}

		missing := MustParseOID("1.3.9")
		got, err = c.Get(ctx, tree[0].OID, missing)
		var re *ResponseError
		if v == V1 {
			if !errors.Is(err, NoSuchName) || !errors.As(err, &re) || re.Index != 2 || re.OID != missing ||
				err.Error() != "snmp: agent answered noSuchName for 1.3.9" {
				t.Errorf("v1: Get of nothing there = %v, %v", got, err)
			}
		} else if err != nil || got[1].Value.Kind() != KindNoSuchObject {
			t.Errorf("v%v: Get of nothing there = %v, %v", v, got, err)
		}

		rsp, err := c.Do(ctx, PDU{Type: GetRequest, RequestID: 0, VarBinds: []VarBind{{OID: missing}}})
		if err != nil || rsp.Type != Response || len(rsp.VarBinds) != 1 || (v == V1) != (rsp.ErrorStatus == NoSuchName) {
			t.Errorf("v%v: Do = %+v, %v", v, rsp, err)
		}
		trap := PDU{Type: TrapV1, Enterprise: table}
		if v != V1 {
			trap, _ = trap.ToV2("")
		}
		if _, err := c.Do(ctx, trap); err != nil || len(f.sent) != 1 || f.sent[0].Community != "public" || f.sent[0].PDU.Type != trap.Type {
			t.Errorf("v%v: Do(trap) sent %v, %v", v, f.sent, err)
		}
		if v != V1 {
			if rsp, err := c.Do(ctx, PDU{Type: InformRequest, VarBinds: trap.VarBinds}); err != nil || rsp.Type != Response {
				t.Errorf("Do(InformRequest) = %v, %v", rsp, err)
			}
		}
	}
}

func TestClientRefuses(t *testing.T) {
	user := testUser(usm.SHA256, usm.NoPriv)
	for _, cfg := range []Config{
		{}, {Version: V1}, {Version: V3}, {Version: V3, Community: "public"}, {Version: V2c, User: user}, {Version: 9, Community: "public"},
		{Community: "public", MaxRepetitions: -1}, {Community: "public", MaxSize: 483}, {User: &usm.User{}}, {User: user, Level: usm.AuthPriv},
		{User: user, EngineID: make(usm.EngineID, 33)}, {User: &usm.User{Name: "u", Auth: usm.MD5, AuthKey: usm.PassPhrase("short")}},
	} {
		if _, err := NewClient(&fakeConn{}, &cfg); !errors.Is(err, ErrBadArgument) {
			t.Errorf("NewClient(%+v) = %v, want ErrBadArgument", cfg, err)
		}
	}
	if _, err := NewClient(&fakeConn{}, nil); !errors.Is(err, ErrBadArgument) {
		t.Errorf("NewClient without a Config = %v, want ErrBadArgument", err)
	}
	f := &fakeConn{}
	c := newTestClient(t, f, V2c)
	ctx := t.Context()
	o := MustParseOID("1.3.6")
	calls := map[string]func() error{
		"Get of nothing":       func() error { _, err := c.Get(ctx); return err },
		"GetNext of nothing":   func() error { _, err := c.GetNext(ctx); return err },
		"GetBulk of nothing":   func() error { _, err := c.GetBulk(ctx, 0, 10); return err },
		"Set of nothing":       func() error { return c.Set(ctx) },
		"Get of the zero OID":  func() error { _, err := c.Get(ctx, o, OID{}); return err },
		"GetBulk of -1":        func() error { _, err := c.GetBulk(ctx, 0, -1, o); return err },
		"GetBulk of too many":  func() error { _, err := c.GetBulk(ctx, 0, math.MaxInt, o); return err },
		"Do of a Response":     func() error { _, err := c.Do(ctx, PDU{Type: Response}); return err },
		"Do of a trap of v1":   func() error { _, err := c.Do(ctx, PDU{Type: TrapV1}); return err },
		"Do of the zero PDU":   func() error { _, err := c.Do(ctx, PDU{}); return err },
		"Do with the zero OID": func() error { _, err := c.Do(ctx, PDU{Type: TrapV2, VarBinds: make([]VarBind, 1)}); return err },
	}
	if strconv.IntSize == 32 {
		delete(calls, "GetBulk of too many")
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrBadArgument) {
			t.Errorf("%s: error = %v, want ErrBadArgument", name, err)
		}
	}
	if f.reqs+len(f.sent) != 0 {
		t.Errorf("%d requests and %d messages were sent", f.reqs, len(f.sent))
	}
	cancelled, cancel := context.WithCancelCause(ctx)
	cause := errors.New("enough")
	cancel(cause)
	if _, err := c.Get(cancelled, o); !errors.Is(err, cause) {
		t.Errorf("Get with a cancelled context = %v, want %v", err, cause)
	}
}

func TestClientBadAnswers(t *testing.T) {
	tree, table := fakeTree(3)
	tests := []struct {
		name string
		f    func(req, rsp *Message) *Message
	}{
		{"not a message", func(_, rsp *Message) *Message { return nil }},
		{"request-id 0", func(_, rsp *Message) *Message { rsp.PDU.RequestID = 0; return rsp }},
		{"version", func(_, rsp *Message) *Message { rsp.Version = V1; return rsp }},
		{"community", func(_, rsp *Message) *Message { rsp.Community = "private"; return rsp }},
		{"the request itself", func(req, _ *Message) *Message { return req }},
		{"a Report", func(_, rsp *Message) *Message { rsp.PDU.Type = Report; return rsp }},
		{"no bindings", func(_, rsp *Message) *Message { rsp.PDU.VarBinds = nil; return rsp }},
		{"too few", func(_, rsp *Message) *Message { rsp.PDU.VarBinds = rsp.PDU.VarBinds[1:]; return rsp }},
		{"too many", func(_, rsp *Message) *Message { rsp.PDU.VarBinds = append(rsp.PDU.VarBinds, tree...); return rsp }},
		{"another OID", func(_, rsp *Message) *Message { rsp.PDU.VarBinds[0].OID = table; return rsp }},
	}
	for _, tt := range tests {
		c := newTestClient(t, &fakeConn{tree: tree, change: tt.f}, V2c)
		calls := map[string]error{}
		_, calls["Get"] = c.Get(t.Context(), tree[0].OID, tree[1].OID)
		_, calls["GetNext"] = c.GetNext(t.Context(), tree[0].OID, tree[1].OID)
		_, calls["GetBulk"] = c.GetBulk(t.Context(), 1, 2, tree[0].OID, table)
		calls["Set"] = c.Set(t.Context(), tree[0], tree[1])
		for name, err := range calls {
			wantErr := true
			switch tt.name {
			case "no bindings", "too few":
				wantErr = name != "GetBulk"
			case "another OID":
				wantErr = name == "Get" || name == "Set"
			}
			if got := errors.Is(err, ErrBadAnswer); got != wantErr || !wantErr && err != nil {
				t.Errorf("%s: %s error = %v, want ErrBadAnswer: %v", tt.name, name, err, wantErr)
			}
			if err != nil && (strings.Contains(err.Error(), "private") || !strings.HasPrefix(err.Error(), "snmp: ")) {
				t.Errorf("%s: %s error = %v", tt.name, name, err)
			}
		}
	}
}

func collect(c *Client, ctx context.Context, root OID) (vbs []VarBind, err error) {
	for vb, e := range c.Walk(ctx, root) {
		if e != nil {
			if vb != (VarBind{}) || err != nil {
				return vbs, fmt.Errorf("%v with %v after %v", e, vb, err)
			}
			err = e
			continue
		}
		vbs = append(vbs, vb)
	}
	return vbs, err
}

func TestWalk(t *testing.T) {
	for _, n := range []int{0, 1, 10, 33} {
		tree, table := fakeTree(n)
		for _, v := range []Version{V1, V2c} {
			c := newTestClient(t, &fakeConn{tree: tree}, v)
			if got, err := collect(c, t.Context(), table); err != nil || !slices.Equal(got, tree[1:len(tree)-1]) {
				t.Errorf("v%v, %d rows: Walk = %v, %v", v, n, got, err)
			}
			if got, err := collect(c, t.Context(), OID{}); err != nil || !slices.Equal(got, tree) {
				t.Errorf("v%v, %d rows: Walk of all = %v, %v", v, n, got, err)
			}
			if got, err := collect(c, t.Context(), MustParseOID("2.5")); err != nil || len(got) != 0 {
				t.Errorf("v%v, %d rows: Walk past the end = %v, %v", v, n, got, err)
			}
		}
	}
}

func TestWalkEnds(t *testing.T) {
	tree, table := fakeTree(10)
	want := tree[1 : len(tree)-1]

	f := &fakeConn{tree: tree, limit: 3}
	if got, err := collect(newTestClient(t, f, V2c), t.Context(), table); err != nil || !slices.Equal(got, want) {
		t.Errorf("an agent with room for 3 bindings: %v, %v", got, err)
	}
	if f.reqs > 16 { // it is not asked for more than it has room for again and again
		t.Errorf("an agent with room for 3 bindings: %d requests for %d instances", f.reqs, len(want))
	}
	f = &fakeConn{tree: tree, change: func(_, rsp *Message) *Message {
		rsp.PDU = PDU{Type: Response, RequestID: rsp.PDU.RequestID, ErrorStatus: TooBig}
		return rsp
	}}
	for _, v := range []Version{V1, V2c} {
		if got, err := collect(newTestClient(t, f, v), t.Context(), table); !errors.Is(err, TooBig) || len(got) != 0 || f.reqs > 10 {
			t.Errorf("an agent that says tooBig: v%v %v, %v after %d requests", v, got, err, f.reqs)
		}
	}

	for name, o := range map[string]OID{"the same": table.Append(1, 1), "a smaller": table.Append(1, 0)} {
		n := 0
		f = &fakeConn{tree: tree, change: func(_, rsp *Message) *Message {
			if n++; n > 1 {
				rsp.PDU.VarBinds[0].OID = o
			}
			return rsp
		}}
		for _, v := range []Version{V1, V2c} {
			n = 0
			got, err := collect(newTestClient(t, f, v), t.Context(), table)
			if !errors.Is(err, ErrNotIncreasing) || !errors.Is(err, ErrBadAnswer) || len(got) == 0 {
				t.Errorf("an agent that answers %s OID: v%v %v, %v; want ErrNotIncreasing", name, v, got, err)
			}
		}
	}

	f = &fakeConn{tree: tree, change: func(_, rsp *Message) *Message { rsp.PDU.VarBinds = nil; return rsp }}
	if _, err := collect(newTestClient(t, f, V2c), t.Context(), table); !errors.Is(err, ErrBadAnswer) || f.reqs != 1 {
		t.Errorf("an agent that answers nothing: %v after %d requests, want ErrBadAnswer after 1", err, f.reqs)
	}

	f = &fakeConn{tree: tree, change: func(_, rsp *Message) *Message {
		rsp.PDU.ErrorStatus, rsp.PDU.ErrorIndex = GenErr, 1
		return rsp
	}}
	_, err := collect(newTestClient(t, f, V2c), t.Context(), table)
	var re *ResponseError
	if !errors.Is(err, GenErr) || !errors.As(err, &re) || re.OID != table {
		t.Errorf("an agent that says genErr: %v", err)
	}

	f = &fakeConn{tree: tree}
	for range newTestClient(t, f, V1).Walk(t.Context(), table) {
		break
	}
	if f.reqs != 1 {
		t.Errorf("a walk that stops at once made %d requests", f.reqs)
	}
}

func TestClientConcurrently(t *testing.T) {
	tree, table := fakeTree(50)
	c := newTestClient(t, &fakeConn{tree: tree}, V2c)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				want := tree[i*3+1]
				if got, err := c.Get(t.Context(), want.OID); err != nil || got[0] != want {
					t.Errorf("Get(%v) = %v, %v", want.OID, got, err)
				}
			}
			if got, err := collect(c, t.Context(), table); err != nil || len(got) != 100 {
				t.Errorf("Walk = %d bindings, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestRequestIDs(t *testing.T) {
	c := newTestClient(t, &fakeConn{}, V2c)
	c.peer.lastID.Store(1<<31 - 3)
	seen := []int32{c.nextID(), c.nextID(), c.nextID(), c.nextID()}
	if want := []int32{1<<31 - 2, 1<<31 - 1, 1, 2}; !slices.Equal(seen, want) {
		t.Errorf("request-ids %d, want %d", seen, want)
	}
	c.peer.lastID.Store(1<<32 - 1)
	if got := c.nextID(); got != 1 {
		t.Errorf("request-id %d after 2^32-1, want 1", got)
	}
	if d := newTestClient(t, &fakeConn{}, V2c); d.peer.lastID.Load() == newTestClient(t, &fakeConn{}, V2c).peer.lastID.Load() {
		t.Error("two clients start with the same request-id")
	}
}

// An echoConn answers a Get with the request, made a Response in place.
type echoConn struct{}

func (echoConn) Send(context.Context, []byte) error { return nil }

func (echoConn) Exchange(_ context.Context, _ uint32, req, buf []byte, _ time.Duration, _ int) ([]byte, error) {
	buf = append(buf[:0], req...)
	buf[13] = byte(Response) // behind a community of 6 octets
	return buf, nil
}

func TestClientAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget")
	}
	c, err := NewClient(echoConn{}, &Config{Community: "public"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, o := t.Context(), MustParseOID("1.3.6.1.2.1.1.3.0")
	if got := testing.AllocsPerRun(100, func() {
		if _, err := c.Get(ctx, o); err != nil {
			t.Fatal(err)
		}
	}); got > 2 { // the results
		t.Errorf("Get: %v allocs, want at most 2", got)
	}
}

func BenchmarkClientGet(b *testing.B) {
	c, err := NewClient(echoConn{}, &Config{Community: "public"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, o := b.Context(), MustParseOID("1.3.6.1.2.1.1.3.0")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(ctx, o); err != nil {
			b.Fatal(err)
		}
	}
}
