package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/pollux-snmp/pollux/snmp"
)

// A peer is a row of the table of these tests.
type peer struct {
	id      uint32
	name    string
	cost    int32
	note    *string
	storage StorageType
}

var peerTable = oid("1.3.6.1.4.1.99.20")

func newPeers() *Table[peer] {
	return &Table[peer]{
		Columns: []Column[peer]{
			{ID: 4, Get: func(r *peer) snmp.Value {
				if r.note == nil {
					return snmp.Value{}
				}
				return snmp.OctetsValue(*r.note)
			}},
			{ID: 2, Get: func(r *peer) snmp.Value { return snmp.OctetsValue(r.name) },
				Kind: snmp.KindOctetString, Min: 1, Max: 8,
				Set: func(r *peer, v snmp.Value) error { r.name, _ = v.Octets(); return nil }},
			{ID: 3, Get: func(r *peer) snmp.Value { return snmp.IntegerValue(r.cost) },
				Kind: snmp.KindInteger, Min: 0, Max: 100,
				Set: func(r *peer, v snmp.Value) error { n, _ := v.Int64(); r.cost = int32(n); return nil }},
			StorageColumn(6, func(r *peer) *StorageType { return &r.storage }),
		},
		Index:     func(o snmp.OID, r *peer) snmp.OID { return o.Append(r.id) },
		RowStatus: 5,
		Storage:   func(r *peer) StorageType { return r.storage },
		Ready:     func(r *peer) bool { return r.name != "" },
		New: func(x snmp.Index) (*peer, error) {
			id, ok := x.Uint32()
			if !ok || x.Len() != 0 || id == 0 {
				return nil, snmp.InconsistentName
			}
			return &peer{id: id, storage: Volatile}, nil
		},
	}
}

func TestTableOrder(t *testing.T) {
	a := newAgent(t, nil)
	peers := newPeers()
	note := "here"
	a.Handle(peerTable, peers)
	if err := peers.Put(peer{id: 16384, name: "d"}, peer{id: 2, name: "b", note: &note}, peer{id: 16383, name: "c"}, peer{id: 1, name: "a"}, peer{id: 4294967295, name: "e"}); err != nil {
		t.Fatalf("Put: %v", err)
	}
	var got []string
	at := peerTable
	for {
		p := ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetNextRequest, VarBinds: []snmp.VarBind{{OID: at}}})
		if p.VarBinds[0].Value.Kind() == snmp.KindEndOfMIBView {
			break
		}
		if p.VarBinds[0].OID.Compare(at) <= 0 {
			t.Fatalf("after %v came %v", at, p.VarBinds[0].OID)
		}
		at = p.VarBinds[0].OID
		got = append(got, strings.TrimPrefix(at.String(), peerTable.String()+".1."))
	}
	want := strings.Fields("2.1 2.2 2.16383 2.16384 2.4294967295 3.1 3.2 3.16383 3.16384 3.4294967295 4.2 5.1 5.2 5.16383 5.16384 5.4294967295 6.1 6.2 6.16383 6.16384 6.4294967295")
	if !slices.Equal(got, want) {
		t.Errorf("walk gave %v\nwant %v", got, want)
	}
	// Names between rows and columns.
	for _, tt := range [][2]string{{"0", "2.1"}, {"1", "2.1"}, {"1.1.5", "2.1"}, {"1.2.1.0", "2.2"}, {"1.2.3", "2.16383"}, {"1.3.4294967295.1", "4.2"}, {"1.4.1", "4.2"}, {"0.9.9", "2.1"}} {
		p := ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetNextRequest, VarBinds: names(peerTable.String() + "." + tt[0])})
		if got := strings.TrimPrefix(p.VarBinds[0].OID.String(), peerTable.String()+".1."); got != tt[1] {
			t.Errorf("after %s came %s, want %s", tt[0], got, tt[1])
		}
	}
	p := ask(t, a, snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names(peerTable.String()+".1.2.3", peerTable.String()+".1.9.1", peerTable.String()+".1.4.1", peerTable.String()+".1.5.1")})
	var kinds []snmp.Kind
	for _, vb := range p.VarBinds {
		kinds = append(kinds, vb.Value.Kind())
	}
	if want := []snmp.Kind{snmp.KindNoSuchInstance, snmp.KindNoSuchObject, snmp.KindNoSuchInstance, snmp.KindInteger}; !slices.Equal(kinds, want) {
		t.Errorf("GET of no row, no column, no value and a RowStatus gave %v, want %v", kinds, want)
	}
}

// TestRows compares rows with a sorted slice.
func TestRows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var s rows[int]
	have := map[string]bool{}
	for range 20000 {
		key := string(appendSubID(nil, rnd.Uint32N(3000)*50))
		if rnd.IntN(3) > 0 {
			s.put(row[int]{key: key})
			have[key] = true
		} else {
			s.remove(key)
			delete(have, key)
		}
	}
	var want []string
	for key := range have {
		want = append(want, key)
	}
	slices.SortFunc(want, func(a, b string) int { return compare(a, b) })
	var got []string
	for p := (place{}); s.at(p) != nil; p = s.after(p) {
		got = append(got, s.at(p).key)
	}
	if !slices.Equal(got, want) || s.count != len(want) {
		t.Errorf("rows hold %d keys and count %d, want %d in order", len(got), s.count, len(want))
	}
	if size := unsafe.Sizeof(row[peer]{}); size > 32 {
		t.Errorf("a row takes %d octets, want at most 32", size)
	}
}

// bigTable returns a table of n rows.
func bigTable(n int) *Table[peer] {
	all := make([]peer, n)
	for i := range all {
		all[i] = peer{id: uint32(i + 1), name: "x"}
	}
	table := newPeers()
	if err := table.Replace(all); err != nil {
		panic(err)
	}
	return table
}

func TestTableMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	const n = 1_000_000
	var before, after runtime.MemStats
	all := make([]peer, n)
	for i := range all {
		all[i] = peer{id: uint32(i*977%n + 1), name: "x"}
	}
	for _, how := range []string{"Replace", "Put"} {
		table := newPeers()
		runtime.GC()
		runtime.ReadMemStats(&before)
		if how == "Replace" {
			table.Replace(slices.Clone(all))
		} else {
			for i := range all {
				table.Put(all[i])
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := float64(after.HeapAlloc-before.HeapAlloc)/n - float64(unsafe.Sizeof(peer{}))
		t.Logf("%s: %.1f octets a row besides the data", how, each)
		if table.Len() != n || each > 200 {
			t.Errorf("%s: %d rows of %.1f octets besides the data, want at most 200", how, table.Len(), each)
		}
		runtime.KeepAlive(table)
	}
}

// TestRowStatus is the table of RFC 2579, RowStatus. The states are A: no row,
// B: notReady, C: notInService, D: active.
func TestRowStatus(t *testing.T) {
	prepare := map[string][]snmp.VarBind{
		"A": nil,
		"B": {{OID: peerTable.Append(1, 5, 7), Value: snmp.IntegerValue(int32(CreateAndWait))}},
		"C": {{OID: peerTable.Append(1, 5, 7), Value: snmp.IntegerValue(int32(CreateAndWait))}, {OID: peerTable.Append(1, 2, 7), Value: snmp.OctetsValue("n")}},
		"D": {{OID: peerTable.Append(1, 5, 7), Value: snmp.IntegerValue(int32(CreateAndGo))}, {OID: peerTable.Append(1, 2, 7), Value: snmp.OctetsValue("n")}},
	}
	status := func(s RowStatus) snmp.VarBind {
		return snmp.VarBind{OID: peerTable.Append(1, 5, 7), Value: snmp.IntegerValue(int32(s))}
	}
	name := snmp.VarBind{OID: peerTable.Append(1, 2, 7), Value: snmp.OctetsValue("m")}
	tests := []struct {
		state string
		set   []snmp.VarBind
		want  snmp.ErrorStatus
		index int
		after RowStatus
	}{
		{"A", []snmp.VarBind{status(CreateAndGo)}, snmp.InconsistentValue, 1, 0},
		{"A", []snmp.VarBind{name, status(CreateAndGo)}, 0, 0, Active},
		{"A", []snmp.VarBind{status(CreateAndWait)}, 0, 0, NotReady},
		{"A", []snmp.VarBind{status(CreateAndWait), name}, 0, 0, NotInService},
		{"A", []snmp.VarBind{status(Active)}, snmp.InconsistentValue, 1, 0},
		{"A", []snmp.VarBind{name, status(NotInService)}, snmp.InconsistentValue, 2, 0},
		{"A", []snmp.VarBind{status(NotReady)}, snmp.WrongValue, 1, 0},
		{"A", []snmp.VarBind{status(9)}, snmp.WrongValue, 1, 0},
		{"A", []snmp.VarBind{status(Destroy)}, 0, 0, 0},
		{"A", []snmp.VarBind{name}, snmp.InconsistentName, 1, 0},
		{"B", []snmp.VarBind{status(CreateAndGo)}, snmp.InconsistentValue, 1, NotReady},
		{"B", []snmp.VarBind{status(CreateAndWait)}, snmp.InconsistentValue, 1, NotReady},
		{"B", []snmp.VarBind{status(Active)}, snmp.InconsistentValue, 1, NotReady},
		{"B", []snmp.VarBind{status(Active), name}, 0, 0, Active},
		{"B", []snmp.VarBind{status(NotInService)}, snmp.InconsistentValue, 1, NotReady},
		{"B", []snmp.VarBind{name}, 0, 0, NotInService},
		{"B", []snmp.VarBind{status(Destroy)}, 0, 0, 0},
		{"C", []snmp.VarBind{status(Active)}, 0, 0, Active},
		{"C", []snmp.VarBind{status(NotInService)}, 0, 0, NotInService},
		{"C", []snmp.VarBind{status(CreateAndGo)}, snmp.InconsistentValue, 1, NotInService},
		{"C", []snmp.VarBind{status(Destroy)}, 0, 0, 0},
		{"D", []snmp.VarBind{status(Active)}, 0, 0, Active},
		{"D", []snmp.VarBind{status(NotInService)}, 0, 0, NotInService},
		{"D", []snmp.VarBind{status(NotReady)}, snmp.WrongValue, 1, Active},
		{"D", []snmp.VarBind{status(CreateAndGo)}, snmp.InconsistentValue, 1, Active},
		{"D", []snmp.VarBind{name}, 0, 0, Active},
		{"D", []snmp.VarBind{status(Destroy)}, 0, 0, 0},
		{"D", []snmp.VarBind{{OID: status(0).OID, Value: snmp.OctetsValue("1")}}, snmp.WrongType, 1, Active},
	}
	for _, tt := range tests {
		a := newAgent(t, nil)
		a.Handle(peerTable, newPeers())
		if len(prepare[tt.state]) > 0 {
			if p := ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: prepare[tt.state]}); p.ErrorStatus != 0 {
				t.Fatalf("state %s: %s", tt.state, show(p))
			}
		}
		p := ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: tt.set})
		if p.ErrorStatus != tt.want || p.ErrorIndex != tt.index {
			t.Errorf("state %s, set %v: %v at %d, want %v at %d", tt.state, tt.set, p.ErrorStatus, p.ErrorIndex, tt.want, tt.index)
		}
		p = ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{OID: status(0).OID}}})
		if n, _ := p.VarBinds[0].Value.Int64(); RowStatus(n) != tt.after {
			t.Errorf("state %s, set %v: is now in state %d, want %d", tt.state, tt.set, n, tt.after)
		}
	}
}

// TestTableSet is the checks of RFC 3416, section 4.2.5, on columns.
func TestTableSet(t *testing.T) {
	a := newAgent(t, nil)
	peers := newPeers()
	a.Handle(peerTable, peers)
	peers.Put(peer{id: 1, name: "a", storage: NonVolatile}, peer{id: 2, name: "b", storage: Permanent}, peer{id: 3, name: "c", storage: ReadOnly})
	col := func(c, row uint32) snmp.OID { return peerTable.Append(1, c, row) }
	tests := []struct {
		vb   snmp.VarBind
		want snmp.ErrorStatus
	}{
		{snmp.VarBind{OID: col(2, 1), Value: snmp.OctetsValue("ok")}, 0},
		{snmp.VarBind{OID: col(2, 1), Value: snmp.IntegerValue(1)}, snmp.WrongType},
		{snmp.VarBind{OID: col(2, 1), Value: snmp.OctetsValue("")}, snmp.WrongLength},
		{snmp.VarBind{OID: col(2, 1), Value: snmp.OctetsValue("123456789")}, snmp.WrongLength},
		{snmp.VarBind{OID: col(3, 1), Value: snmp.IntegerValue(101)}, snmp.WrongValue},
		{snmp.VarBind{OID: col(4, 1), Value: snmp.OctetsValue("x")}, snmp.NotWritable},
		{snmp.VarBind{OID: col(1, 1), Value: snmp.OctetsValue("x")}, snmp.NotWritable},
		{snmp.VarBind{OID: col(2, 9), Value: snmp.OctetsValue("x")}, snmp.InconsistentName},
		{snmp.VarBind{OID: col(5, 0), Value: snmp.IntegerValue(5)}, snmp.InconsistentName},
		{snmp.VarBind{OID: peerTable.Append(1, 2), Value: snmp.OctetsValue("x")}, snmp.NoCreation},
		{snmp.VarBind{OID: col(6, 1), Value: snmp.IntegerValue(2)}, 0},
		{snmp.VarBind{OID: col(6, 1), Value: snmp.IntegerValue(4)}, snmp.WrongValue},
		{snmp.VarBind{OID: col(6, 2), Value: snmp.IntegerValue(3)}, snmp.InconsistentValue},
		{snmp.VarBind{OID: col(2, 2), Value: snmp.OctetsValue("ok")}, 0},
		{snmp.VarBind{OID: col(5, 2), Value: snmp.IntegerValue(6)}, snmp.InconsistentValue},
		{snmp.VarBind{OID: col(2, 3), Value: snmp.OctetsValue("ok")}, snmp.InconsistentValue},
	}
	for _, tt := range tests {
		p := ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{tt.vb}})
		if p.ErrorStatus != tt.want {
			t.Errorf("SET %v: %v, want %v", tt.vb, p.ErrorStatus, tt.want)
		}
	}
	peers.MaxRows = 4
	create := func(row uint32) snmp.ErrorStatus {
		return ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{{OID: col(5, row), Value: snmp.IntegerValue(5)}}}).ErrorStatus
	}
	if s := create(10); s != 0 {
		t.Errorf("the fourth row: %v", s)
	}
	if s := create(11); s != snmp.ResourceUnavailable {
		t.Errorf("a row more than MaxRows: %v, want %v", s, snmp.ResourceUnavailable)
	}
}

func TestTableLoad(t *testing.T) {
	a := newAgent(t, func(cfg *Config) { cfg.Timeout = 50 * time.Millisecond })
	loads, fail := 0, error(nil)
	peers := newPeers()
	peers.MaxAge = time.Hour
	peers.Load = func(context.Context) ([]peer, error) {
		loads++
		return []peer{{id: 1, name: "a"}}, fail
	}
	a.Handle(peerTable, peers)
	fail = errors.New("no rows today")
	get := snmp.PDU{Type: snmp.GetRequest, VarBinds: names(peerTable.String() + ".1.2.1")}
	if got := show(ask(t, a, snmp.V2c, "public", get)); !strings.HasPrefix(got, "genErr@1") {
		t.Errorf("with a Load that fails: %s, want genErr@1", got)
	}
	fail = nil
	for range 3 {
		if got, want := show(ask(t, a, snmp.V2c, "public", get)), `99.20.1.2.1 = STRING: "a"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if loads != 2 {
		t.Errorf("loaded %d times, want 2", loads)
	}
	if s := ask(t, a, snmp.V2c, "private", snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{{OID: peerTable.Append(1, 2, 1), Value: snmp.OctetsValue("b")}}}).ErrorStatus; s != snmp.NotWritable {
		t.Errorf("SET of a loaded table: %v, want notWritable", s)
	}
}
