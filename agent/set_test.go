package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// A phases is a Setter that writes down what is called, and fails where told.
type phases struct {
	mu   *sync.Mutex
	log  *[]string
	name string
	fail *string // "test1", "commit2", "undo1": phase and name
	how  func() error
	v    atomic.Int32
}

func (h *phases) Get(_ context.Context, root, o snmp.OID) (snmp.Value, error) {
	if o == root.Append(0) {
		return snmp.IntegerValue(h.v.Load()), nil
	}
	return snmp.Value{}, nil
}

func (h *phases) Next(_ context.Context, root, o snmp.OID) (snmp.VarBind, error) {
	return snmp.VarBind{}, nil
}

func (h *phases) phase(what string) error {
	h.mu.Lock()
	*h.log = append(*h.log, what+h.name)
	h.mu.Unlock()
	if *h.fail == what+h.name || strings.HasSuffix(*h.fail, "+"+what+h.name) {
		return h.how()
	}
	return nil
}

func (h *phases) Test(_ context.Context, root snmp.OID, vbs []snmp.VarBind) (Change, error) {
	if err := h.phase("test"); err != nil {
		return Change{}, err
	}
	old := h.v.Load()
	n, _ := vbs[0].Value.Int64()
	return Change{
		Commit: func(context.Context) error {
			if err := h.phase("commit"); err != nil {
				return err
			}
			h.v.Store(int32(n))
			return nil
		},
		Undo: func(context.Context) error {
			h.v.Store(old)
			return h.phase("undo")
		},
		Cleanup: func() { h.phase("cleanup") },
	}, nil
}

// TestSetPhases is RFC 3416, section 4.2.5: what fails in any phase leaves every
// variable as it was.
func TestSetPhases(t *testing.T) {
	plain := func() error { return errors.New("no") }
	tests := []struct {
		fail   string
		how    func() error
		status snmp.ErrorStatus
		index  int
		log    string
	}{
		{"", nil, 0, 0, "test1 test2 test3 commit1 commit2 commit3 cleanup3 cleanup2 cleanup1"},
		{"test2", func() error { return snmp.WrongValue }, snmp.WrongValue, 2, "test1 test2 cleanup1"},
		{"test2", func() error { return fmt.Errorf("x: %w", snmp.ResourceUnavailable) }, snmp.ResourceUnavailable, 2, "test1 test2 cleanup1"},
		{"test3", plain, snmp.GenErr, 3, "test1 test2 test3 cleanup2 cleanup1"},
		{"test1", func() error { panic("oops") }, snmp.GenErr, 1, "test1"},
		{"test2", func() error { select {} }, snmp.GenErr, 2, "test1 test2 cleanup1"},
		{"commit1", plain, snmp.CommitFailed, 1, "test1 test2 test3 commit1 cleanup3 cleanup2 cleanup1"},
		{"commit3", plain, snmp.CommitFailed, 3, "test1 test2 test3 commit1 commit2 commit3 undo2 undo1 cleanup3 cleanup2 cleanup1"},
		{"commit3", func() error { panic("oops") }, snmp.CommitFailed, 3, "test1 test2 test3 commit1 commit2 commit3 undo2 undo1 cleanup3 cleanup2 cleanup1"},
		{"commit2", func() error { select {} }, snmp.CommitFailed, 2, "test1 test2 test3 commit1 commit2 undo1 cleanup3 cleanup2 cleanup1"},
		{"commit3+undo1", plain, snmp.CommitFailed, 3, "test1 test2 test3 commit1 commit2 commit3 undo2 undo1 cleanup3 cleanup2 cleanup1"},
	}
	for _, v := range []snmp.Version{snmp.V1, snmp.V2c} {
		for _, tt := range tests {
			var (
				mu  sync.Mutex
				log []string
			)
			fail := tt.fail
			if c, _, ok := strings.Cut(fail, "+"); ok {
				fail = c
			}
			a := newAgent(t, func(cfg *Config) { cfg.Timeout = 30 * time.Millisecond })
			var all []*phases
			var vbs []snmp.VarBind
			for i := range 3 {
				h := &phases{mu: &mu, log: &log, name: fmt.Sprint(i + 1), fail: &fail, how: tt.how}
				h.v.Store(int32(i))
				all = append(all, h)
				root := oid("1.3.6.1.4.1.99").Append(uint32(i))
				a.Handle(root, h)
				vbs = append(vbs, snmp.VarBind{OID: root.Append(0), Value: snmp.IntegerValue(77)})
			}
			p := ask(t, a, v, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: vbs})
			want := tt.status
			if v == snmp.V1 {
				want = want.V1()
			}
			if p.ErrorStatus != want || p.ErrorIndex != tt.index || !slices.Equal(p.VarBinds, vbs) {
				t.Errorf("v%v, %s fails: %v at %d, want %v at %d and the bindings", v, tt.fail, p.ErrorStatus, p.ErrorIndex, want, tt.index)
			}
			mu.Lock()
			if got := strings.Join(log, " "); got != tt.log {
				t.Errorf("v%v, %s fails: called %s\nwant %s", v, tt.fail, got, tt.log)
			}
			mu.Unlock()
			for i, h := range all {
				want := int32(i)
				if tt.status == 0 {
					want = 77
				}
				if got := h.v.Load(); got != want {
					t.Errorf("v%v, %s fails: variable %d is %d, want %d", v, tt.fail, i+1, got, want)
				}
			}
		}
	}
}

// TestSetUndoFailed: undoFailed has no index (RFC 3416, section 4.2.5).
func TestSetUndoFailed(t *testing.T) {
	var (
		mu  sync.Mutex
		log []string
	)
	a := newAgent(t, nil)
	var vbs []snmp.VarBind
	for i, fail := range []string{"undo1", "commit2"} {
		root := oid("1.3.6.1.4.1.99").Append(uint32(i))
		a.Handle(root, &phases{mu: &mu, log: &log, name: fmt.Sprint(i + 1), fail: &fail, how: func() error { return errors.New("no") }})
		vbs = append(vbs, snmp.VarBind{OID: root.Append(0), Value: snmp.IntegerValue(77)})
	}
	p := ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: vbs})
	if p.ErrorStatus != snmp.UndoFailed || p.ErrorIndex != 0 {
		t.Errorf("got %v at %d, want undoFailed at 0", p.ErrorStatus, p.ErrorIndex)
	}
}

func TestSetScalars(t *testing.T) {
	a := newAgent(t, nil)
	handleTest(a)
	serial := NewTestAndIncr(5)
	a.Handle(oid("1.3.6.1.4.1.99.6"), serial)
	a.Handle(oid("1.3.6.1.4.1.99.7"), NewTestAndIncr(1<<31-1))
	a.Handle(oid("1.3.6.1.4.1.99.8"), NewVar(snmp.OctetsValue(""), func(snmp.Value) error { return nil }))
	root := oid("1.3.6.1.4.1.99")
	set := func(v snmp.Version, community string, vbs ...snmp.VarBind) string {
		return show(ask(t, a, v, community, snmp.PDU{Type: snmp.SetRequest, VarBinds: vbs}))
	}
	vb := func(v snmp.Value, subs ...uint32) snmp.VarBind {
		return snmp.VarBind{OID: root.Append(subs...), Value: v}
	}
	text, num := snmp.OctetsValue[string], snmp.IntegerValue
	tests := []struct {
		v         snmp.Version
		community string
		vb        snmp.VarBind
		want      string
	}{
		{snmp.V2c, "private", vb(text("new"), 3, 0), ""},
		{snmp.V2c, "private", vb(num(3), 3, 0), "wrongType@2"},
		{snmp.V2c, "private", vb(text("much too long"), 3, 0), "wrongLength@2"},
		{snmp.V2c, "private", vb(text("x"), 3, 1), "noCreation@2"},
		{snmp.V2c, "private", vb(num(3), 1, 0), "notWritable@2"},
		{snmp.V2c, "private", vb(num(3), 4, 0), "notWritable@2"},
		{snmp.V2c, "private", vb(num(3), 98, 0), "notWritable@2"},
		{snmp.V2c, "private", vb(num(4), 6, 0), "inconsistentValue@2"},
		{snmp.V2c, "private", vb(num(-1), 6, 0), "wrongValue@2"},
		{snmp.V1, "private", vb(num(3), 3, 0), "badValue@2"},
		{snmp.V1, "private", vb(text("much too long"), 3, 0), "badValue@2"},
		{snmp.V1, "private", vb(num(3), 1, 0), "noSuchName@2"},
		{snmp.V2c, "public", vb(text("x"), 3, 0), "authorizationError@0"},
		{snmp.V1, "public", vb(text("x"), 3, 0), "noSuchName@0"},
	}
	for _, tt := range tests {
		first := vb(text("first"), 8, 0)
		if tt.want == "" {
			first = tt.vb
		}
		got, _, _ := strings.Cut(set(tt.v, tt.community, first, tt.vb), ";")
		if tt.want != "" && got != tt.want || tt.want == "" && strings.Contains(got, "@") {
			t.Errorf("v%v SET %v as %s: %s, want %s", tt.v, tt.vb, tt.community, got, tt.want)
		}
	}
	if got, _, _ := strings.Cut(set(snmp.V2c, "private", vb(text("a"), 3, 0), vb(text("b"), 3, 0)), ";"); got != "inconsistentValue@2" {
		t.Errorf("SET of one variable to two values: %s, want inconsistentValue@2", got)
	}
	if got, want := show(ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{vb(snmp.Value{}, 3, 0)}})), `99.3.0 = STRING: "new"`; got != want {
		t.Errorf("after all: %s, want %s", got, want)
	}
	set(snmp.V2c, "private", vb(num(5), 6, 0))
	set(snmp.V2c, "private", vb(num(5), 6, 0))
	if got := serial.Value(); got != num(6) {
		t.Errorf("TestAndIncr of 5, set to 5 twice: %v, want 6", got)
	}
	set(snmp.V2c, "private", vb(num(1<<31-1), 7, 0))
	if got := show(ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{vb(snmp.Value{}, 7, 0)}})); got != "99.7.0 = INTEGER: 0" {
		t.Errorf("TestAndIncr at its end: %s, want 0", got)
	}
}
