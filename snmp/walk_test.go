package snmp

import (
	"bufio"
	"compress/bzip2"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// readRecording reads a .snmprec file, or one that bzip2 has compressed: lines of
// OID, tag and value. What is no plain value is left out.
func readRecording(t *testing.T, file string) (tree []VarBind) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".bz2") {
		r = bzip2.NewReader(f)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		parts := strings.SplitN(strings.TrimSpace(lines.Text()), "|", 3)
		if len(parts) != 3 || strings.HasPrefix(parts[0], "#") {
			continue
		}
		o, err := ParseOID(parts[0])
		if err != nil {
			continue
		}
		text := parts[2]
		tag, isHex := strings.CutSuffix(parts[1], "x")
		if isHex {
			b, _ := hex.DecodeString(text)
			text = string(b)
		}
		n, _ := strconv.ParseUint(text, 10, 64)
		i, _ := strconv.ParseInt(text, 10, 32)
		var v Value
		switch tag {
		case "2":
			v = IntegerValue(int32(i))
		case "4", "4e":
			v = OctetsValue(text)
		case "5":
		case "6":
			id, _ := ParseOID(text)
			v = OIDValue(id)
		case "64":
			a, err := netip.ParseAddr(text)
			if err != nil {
				a, _ = netip.AddrFromSlice([]byte(text))
			}
			v = AddrValue(a)
		case "65":
			v = Counter32Value(uint32(n))
		case "66":
			v = Gauge32Value(uint32(n))
		case "67":
			v = TimeTicksValue(uint32(n))
		case "68":
			v = OpaqueValue(text)
		case "70":
			v = Counter64Value(n)
		default:
			continue
		}
		tree = append(tree, VarBind{o, v})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(tree, func(a, b VarBind) int { return a.OID.Compare(b.OID) })
	return slices.CompactFunc(tree, func(a, b VarBind) bool { return a.OID == b.OID })
}

func with(t testing.TB, c *Client, change func(*Config)) *Client {
	t.Helper()
	d, err := c.With(change)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// unsorted returns vbs in the order of their OIDs, whatever order they came in.
func unsorted(vbs []VarBind) []VarBind {
	vbs = slices.Clone(vbs)
	slices.SortFunc(vbs, func(a, b VarBind) int { return a.OID.Compare(b.OID) })
	return vbs
}

// checkParallel walks root of f in all ways, and wants what a serial walk gives.
// An answer takes some milliseconds of virtual time, so requests overtake each
// other. It returns how much faster the parallel walk in order was.
func checkParallel(t *testing.T, f *fakeConn, root OID, parallel int) (speedup float64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, uint64(parallel)))
		f.delay = func() time.Duration { return 8*time.Millisecond + time.Duration(rng.IntN(4000))*time.Microsecond }
		c := newTestClient(t, f, V2c)
		f.reqs = 0
		start := time.Now()
		want, err := collect(c, t.Context(), root)
		if err != nil {
			t.Fatalf("Walk of %v: %v", root, err)
		}
		serial, requests := time.Since(start), f.reqs
		for _, unordered := range []bool{false, true} {
			f.reqs, start = 0, time.Now()
			p := with(t, c, func(f *Config) { f.Parallel, f.Unordered = parallel, unordered })
			got, err := collect(p, t.Context(), root)
			if !unordered {
				speedup = float64(serial) / float64(time.Since(start))
			} else {
				got = unsorted(got)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("walk of %v by %d requests (unordered: %v): %d instances, %v; want %d", root, parallel, unordered, len(got), err, len(want))
			}
			if f.reqs > 3*requests+3*parallel {
				t.Errorf("walk of %v by %d requests (unordered: %v): %d requests, a serial walk makes %d", root, parallel, unordered, f.reqs, requests)
			}
			if f.most > parallel {
				t.Errorf("walk of %v: %d requests at once, want at most %d", root, f.most, parallel)
			}
		}
		f.most = 0
	})
	return speedup
}

func TestParallelRecordings(t *testing.T) {
	files, _ := filepath.Glob("../../shared/recordings/*.snmprec*")
	if len(files) == 0 {
		t.Skip("no recordings")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f := &fakeConn{tree: readRecording(t, file)}
			if raceEnabled && len(f.tree) > 3000 {
				t.Skip("takes long")
			}
			if len(f.tree) < 10 {
				t.Fatalf("%d instances", len(f.tree))
			}
			faster := checkParallel(t, f, OID{}, 8)
			t.Logf("%d instances, 8 requests in flight: %.1f times as fast", len(f.tree), faster)
			if len(f.tree) > 5000 && faster < 2.5 {
				t.Errorf("%d instances, 8 requests in flight: only %.1f times as fast", len(f.tree), faster)
			}
			if testing.Short() || raceEnabled {
				return
			}
			for _, root := range []string{"1.3.6.1.2.1", "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.1", "1.3.6.1.4.1"} {
				for _, parallel := range []int{2, 5} {
					checkParallel(t, f, MustParseOID(root), parallel)
				}
			}
			checkTables(t, f)
		})
	}
}

// checkTables reads all tables below mib-2 and compares their rows with a walk.
func checkTables(t *testing.T, f *fakeConn) {
	t.Helper()
	f.delay = nil
	c := newTestClient(t, f, V2c)
	entries := make(map[OID]bool)
	mib2 := MustParseOID("1.3.6.1.2.1")
	for _, vb := range f.tree {
		// A table is what has an entry, .1, and a column and an index behind it.
		idx, ok := vb.OID.Index(mib2)
		if !ok || idx.Len() < 5 {
			continue
		}
		group, _ := idx.Uint32()
		table, _ := idx.Uint32()
		if entry, _ := idx.Uint32(); entry == 1 {
			entries[mib2.Append(group, table, 1)] = true
		}
	}
	for entry := range entries {
		for _, parallel := range []int{1, 4} {
			checkTable(t, with(t, c, func(f *Config) { f.Parallel = parallel }), f.tree, entry)
		}
	}
}

// checkTable compares the rows of a table with what tree holds.
func checkTable(t *testing.T, c *Client, tree []VarBind, entry OID, columns ...uint32) {
	t.Helper()
	want := make(map[OID]map[uint32]VarBind)
	var all []uint32
	for _, vb := range tree {
		idx, ok := vb.OID.Index(entry)
		if !ok {
			continue
		}
		n, _ := idx.Uint32()
		if len(columns) > 0 && !slices.Contains(columns, n) || idx.Len() == 0 {
			continue
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
		index := OID(idx)
		if want[index] == nil {
			want[index] = make(map[uint32]VarBind)
		}
		want[index][n] = vb
	}
	asked := columns
	if len(columns) == 0 {
		columns = all
	}
	var last OID
	rows := 0
	for row, err := range c.Table(t.Context(), entry, asked...) {
		if err != nil {
			t.Fatalf("Table(%v): %v", entry, err)
		}
		index := OID{row.Index.enc}
		if rows > 0 && index.Compare(last) <= 0 {
			t.Fatalf("Table(%v): row %v after %v", entry, index, last)
		}
		last = index
		rows++
		if len(row.Cells) != len(columns) {
			t.Fatalf("Table(%v): %d cells, want %d", entry, len(row.Cells), len(columns))
		}
		for i, n := range columns {
			if got := row.Cells[i]; got != want[index][n] {
				t.Errorf("Table(%v), column %d: %v, want %v", entry, n, got, want[index][n])
			}
		}
	}
	if rows != len(want) {
		t.Errorf("Table(%v): %d rows, want %d", entry, rows, len(want))
	}
}

// sparseTree returns a tree with a table whose cells are there by chance.
func sparseTree(rng *rand.Rand, columns, rows int, share float64) (tree []VarBind, entry OID) {
	entry = MustParseOID("1.3.6.1.4.1.99999.1.1")
	indexes := make([]OID, rows)
	for i := range indexes {
		o := entry
		for range 1 + rng.IntN(3) {
			o = o.Append(uint32(rng.Uint64() >> (32 + rng.IntN(32))))
		}
		indexes[i] = o
	}
	for c := range columns {
		for _, o := range indexes {
			if rng.Float64() < share {
				idx, _ := o.Index(entry)
				tree = append(tree, VarBind{OID{entry.Append(uint32(c*c)+1).enc + idx.enc}, IntegerValue(int32(c))})
			}
		}
	}
	tree = append(tree, VarBind{oidSysUpTime, TimeTicksValue(5)}, VarBind{entry.NextSibling().Append(1, 1), IntegerValue(0)})
	slices.SortFunc(tree, func(a, b VarBind) int { return a.OID.Compare(b.OID) })
	return slices.CompactFunc(tree, func(a, b VarBind) bool { return a.OID == b.OID }), entry
}

func TestSparseTables(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range 60 {
		columns, rows := 1+rng.IntN(8), rng.IntN(100)
		share := []float64{0.05, 0.3, 0.9, 1}[i%4]
		tree, entry := sparseTree(rng, columns, rows, share)
		for _, v := range []Version{V1, V2c} {
			f := &fakeConn{tree: tree, most: 0}
			if i%5 == 1 {
				f.limit = 3
			}
			f.short = i%5 == 2 // answers that end in the middle of a round
			for _, cfg := range []Config{{}, {Parallel: 3}, {MaxRepetitions: 1}, {MaxRepetitions: 7, Parallel: 2}} {
				cfg.Version, cfg.Community = v, "public"
				c, err := NewClient(f, &cfg)
				if err != nil {
					t.Fatal(err)
				}
				checkTable(t, c, tree, entry)
				checkTable(t, c, tree, entry, 1, 5, 3000000000, 2)
			}
		}
		checkParallel(t, &fakeConn{tree: tree}, entry, 1+rng.IntN(8))
		checkParallel(t, &fakeConn{tree: tree}, OID{}, 4)
	}
}

func TestTable(t *testing.T) {
	tree, entry := fakeTree(3)
	c := newTestClient(t, &fakeConn{tree: tree}, V2c)
	n := uint32(0)
	for row, err := range c.Table(t.Context(), entry, 2, 1) {
		n++
		idx := row.Index
		got, ok := idx.Uint32()
		if err != nil || !ok || got != n || len(row.Cells) != 2 || row.Cells[0].OID != entry.Append(2, n) || row.Cells[1].OID != entry.Append(1, n) {
			t.Errorf("row %d = %v, %v", n, row, err)
		}
	}
	if n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	for range c.Table(t.Context(), entry) { // stops
		break
	}
	for _, entry := range []OID{{}, MustParseOID("1.3").Append(make([]uint32, 126)...)} {
		for _, err := range c.Table(t.Context(), entry, 1) {
			if !errors.Is(err, ErrBadArgument) {
				t.Errorf("Table(%v): %v, want ErrBadArgument", entry, err)
			}
		}
	}
	// Errors come last.
	f := &fakeConn{tree: tree}
	for _, what := range []error{GenErr, ErrNotIncreasing} {
		f.change = func(req, rsp *Message) *Message {
			if what == GenErr {
				rsp.PDU.ErrorStatus = GenErr
			} else if req.PDU.VarBinds[0].OID.Len() > entry.Len()+1 {
				rsp.PDU.VarBinds[0] = VarBind{OID: entry.Append(1, 1)}
			}
			return rsp
		}
		c := newTestClient(t, f, V2c)
		c = with(t, c, func(f *Config) { f.MaxRepetitions = 1 })
		var last error
		for row, err := range c.Table(t.Context(), entry, 1) {
			if last != nil || err != nil && row.Cells != nil {
				t.Errorf("%v after %v", err, last)
			}
			last = err
		}
		if !errors.Is(last, what) {
			t.Errorf("Table: %v, want %v", last, what)
		}
	}
}

// One long column, which knows nothing of its rows, is divided too.
func TestParallelColumn(t *testing.T) {
	column := MustParseOID("1.3.6.1.2.1.2.2.1.10")
	for name, index := range map[string]func(i int) []uint32{
		"numbers":   func(i int) []uint32 { return []uint32{uint32(i) + 1} },
		"large":     func(i int) []uint32 { return []uint32{uint32(i) + 4000000000} },
		"addresses": func(i int) []uint32 { return []uint32{10, 20, uint32(i >> 8), uint32(i & 255)} },
		"deep":      func(i int) []uint32 { return []uint32{1, 2, 3, 4, 5, 6, 7, uint32(i)} },
	} {
		f := &fakeConn{tree: []VarBind{{oidSysUpTime, TimeTicksValue(1)}}}
		rows := 20000
		if raceEnabled {
			rows = 4000
		}
		for i := range rows {
			f.tree = append(f.tree, VarBind{column.Append(index(i)...), Counter32Value(1)})
		}
		f.tree = append(f.tree, VarBind{column.NextSibling().Append(1), Counter32Value(1)})
		faster := checkParallel(t, f, column, 8)
		t.Logf("%s: %.1f times as fast", name, faster)
		if faster < 4 && !raceEnabled {
			t.Errorf("%s: only %.1f times as fast", name, faster)
		}
	}
}

// A table is divided by its rows.
func TestParallelTable(t *testing.T) {
	entry := MustParseOID("1.3.6.1.2.1.2.2.1")
	rng := rand.New(rand.NewPCG(3, 3))
	for name, index := range map[string]func(i int) []uint32{
		"numbers":   func(i int) []uint32 { return []uint32{uint32(i) + 1} },
		"addresses": func(i int) []uint32 { return []uint32{10, 20, uint32(i >> 8), uint32(i & 255)} },
	} {
		f := &fakeConn{tree: []VarBind{{oidSysUpTime, TimeTicksValue(1)}}}
		for column := range uint32(4) {
			for i := range 5000 {
				if column < 3 || i%100 == 0 { // the last column is sparse
					f.tree = append(f.tree, VarBind{entry.Append(column + 1).Append(index(i)...), Counter32Value(column)})
				}
			}
		}
		synctest.Test(t, func(t *testing.T) {
			f.delay = func() time.Duration { return 8*time.Millisecond + time.Duration(rng.IntN(4000))*time.Microsecond }
			c := newTestClient(t, f, V2c)
			walk := func(c *Client) (rows map[Index][]VarBind, inOrder bool, took time.Duration, requests int) {
				f.reqs = 0
				start := time.Now()
				rows, inOrder = make(map[Index][]VarBind), true
				var last OID
				for row, err := range c.Table(t.Context(), entry, 1, 2, 3, 4) {
					if err != nil {
						t.Fatal(err)
					}
					if rows[row.Index] != nil {
						t.Errorf("%s: a row comes twice", name)
					}
					rows[row.Index] = row.Cells
					o := OID{row.Index.enc}
					inOrder = inOrder && o.Compare(last) > 0
					last = o
				}
				return rows, inOrder, time.Since(start), f.reqs
			}
			want, _, serial, requests := walk(c)
			for _, unordered := range []bool{false, true} {
				got, inOrder, took, n := walk(with(t, c, func(f *Config) { f.Parallel, f.Unordered = 8, unordered }))
				if len(want) != 5000 || !reflect.DeepEqual(got, want) || !inOrder && !unordered {
					t.Errorf("%s (unordered: %v): %d rows, in order: %v; want %d", name, unordered, len(got), inOrder, len(want))
				}
				t.Logf("%s (unordered: %v): %.1f times as fast, %d requests for %d", name, unordered, float64(serial)/float64(took), n, requests)
				if took > serial/3 || n > 2*requests+16 || f.most > 8 {
					t.Errorf("%s (unordered: %v): %v and %d requests, %d at once; serial %v and %d", name, unordered, took, n, f.most, serial, requests)
				}
			}
		})
	}
}

// A worker that waits for room goes on when the caller waits for it.
func TestParallelRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, table := fakeTree(5)
		c := newTestClient(t, &fakeConn{tree: tree}, V2c)
		second := &span[VarBind]{next: newWalker(c, table, table).next, last: table}
		w := &parallelWalk[VarBind]{c: c, key: func(vb VarBind) OID { return vb.OID }, head: &span[VarBind]{done: true, after: second}, buffered: maxBuffered}
		w.changed.L = &w.mu
		go w.work(t.Context(), second)
		synctest.Wait()
		if rows, err, _ := w.take(); err != nil || len(rows) != 10 {
			t.Errorf("%d instances, %v; want 10", len(rows), err)
		}
		for more := true; more; {
			_, _, more = w.take()
		}
	})
}

func TestParallelEnds(t *testing.T) {
	tree, table := fakeTree(500)
	// It can be left at any point.
	for n := range 30 {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeConn{tree: tree, delay: func() time.Duration { return time.Millisecond }}
			c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.Parallel = 4 })
			i := 0
			for vb, err := range c.Walk(t.Context(), table) {
				if err != nil || vb != tree[1+i] {
					t.Fatalf("%v, %v; want %v", vb, err, tree[1+i])
				}
				if i++; i > n*n {
					break
				}
			}
		})
	}
	// Errors come last, after what is before them.
	for _, v := range []Version{V1, V2c} {
		f := &fakeConn{tree: tree}
		bad := table.Append(2, 100)
		f.change = func(req, rsp *Message) *Message {
			for i := range rsp.PDU.VarBinds {
				if rsp.PDU.VarBinds[i].OID == bad {
					rsp.PDU.ErrorStatus, rsp.PDU.ErrorIndex = GenErr, 1
				}
			}
			return rsp
		}
		c := with(t, newTestClient(t, f, v), func(f *Config) { f.Parallel = 4 })
		got, err := collect(c, t.Context(), table)
		if !errors.Is(err, GenErr) || !slices.Equal(got, tree[1:1+len(got)]) || len(got) < 500 {
			t.Errorf("v%v: %d instances, %v; want genErr", v, len(got), err)
		}
	}
	// An agent that goes round in circles.
	f := &fakeConn{tree: tree, change: func(req, rsp *Message) *Message {
		for i := range rsp.PDU.VarBinds {
			if rsp.PDU.VarBinds[i].OID.Compare(table.Append(2, 400)) > 0 {
				rsp.PDU.VarBinds[i] = tree[1]
			}
		}
		return rsp
	}}
	c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.Parallel = 4 })
	if _, err := collect(c, t.Context(), table); !errors.Is(err, ErrNotIncreasing) {
		t.Errorf("an agent that loops: %v, want ErrNotIncreasing", err)
	}
}

// The caller may be slower than the agent: what waits for it is bounded.
func TestParallelSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		column := MustParseOID("1.3.6.1.2.1.2.2.1.10")
		f := &fakeConn{delay: func() time.Duration { return time.Millisecond }}
		const n = 200000
		for i := range n {
			f.tree = append(f.tree, VarBind{column.Append(uint32(i)), Value{}})
		}
		c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.Parallel, f.MaxRepetitions = 8, 100 })
		i := 0
		for vb, err := range c.Walk(t.Context(), column) {
			if err != nil || vb != f.tree[i] {
				t.Fatalf("%v, %v; want %v", vb, err, f.tree[i])
			}
			if i++; i == 500 {
				time.Sleep(time.Hour)
				f.mu.Lock()
				if got := f.reqs * 100; got > 2*maxBuffered {
					t.Errorf("%d instances were fetched for nobody", got)
				}
				f.mu.Unlock()
				break
			}
		}
	})
}

func TestLenientWalk(t *testing.T) {
	table := MustParseOID("1.3.6.1.4.1.99999.1.1")
	next := make(map[OID]OID)
	path := func(last OID, subs ...uint32) {
		for _, s := range subs {
			next[last] = table.Append(s)
			last = next[last]
		}
		if _, ok := next[last]; !ok {
			next[last] = table.NextSibling().Append(1)
		}
	}
	walk := func(lenient bool) ([]VarBind, error) {
		f := &fakeConn{change: func(req, rsp *Message) *Message {
			o := req.PDU.VarBinds[0].OID
			rsp.PDU = PDU{Type: Response, RequestID: req.PDU.RequestID}
			for range max(req.PDU.MaxRepetitions, 1) {
				o = next[o]
				rsp.PDU.VarBinds = append(rsp.PDU.VarBinds, VarBind{OID: o})
				if !o.HasPrefix(table) {
					break
				}
			}
			return rsp
		}}
		c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.Lenient = lenient })
		got, err := collect(c, t.Context(), table)
		if f.reqs > 20000 {
			t.Errorf("%d requests", f.reqs)
		}
		return got, err
	}
	path(table, 5, 3, 9, 1, 2)
	if got, err := walk(true); err != nil || len(got) != 5 {
		t.Errorf("lenient: %v, %v; want 5 instances", got, err)
	}
	if got, err := walk(false); !errors.Is(err, ErrNotIncreasing) || len(got) != 1 {
		t.Errorf("strict: %v, %v; want 1 instance and ErrNotIncreasing", got, err)
	}
	path(table.Append(2), 9)
	if got, err := walk(true); !errors.Is(err, ErrNotIncreasing) || len(got) != 5 {
		t.Errorf("a loop: %v, %v; want 5 instances and ErrNotIncreasing", got, err)
	}
	// What is remembered is bounded.
	o := order{lenient: true}
	for i := range uint32(2*maxSeen + 10) {
		if err := o.next(table.Append(i)); err != nil || len(o.seen) > maxSeen {
			t.Fatalf("%d OIDs that increase: %v, %d are remembered", i, err, len(o.seen))
		}
	}
	// A loop of more than is remembered.
	clear(next)
	var long []uint32
	for i := range uint32(maxSeen + 1000) {
		long = append(long, i+1)
	}
	path(table, append(long, 7)...)
	if got, err := walk(true); !errors.Is(err, ErrNotIncreasing) || len(got) > 4*len(long) {
		t.Errorf("a long loop: %d instances, %v; want ErrNotIncreasing", len(got), err)
	}
}

// Max-repetitions follow the size and the time of answers.
func TestPace(t *testing.T) {
	tree, table := fakeTree(3000)
	run := func(cfg Config, size int, delay func(n int) time.Duration) (asked []int) {
		synctest.Test(t, func(t *testing.T) {
			for i := range tree {
				tree[i].Value = OctetsValue(make([]byte, size))
			}
			last := 0
			f := &fakeConn{tree: tree}
			f.delay = func() time.Duration { return delay(last) }
			f.before = func(req *Message) {
				last = req.PDU.MaxRepetitions
				asked = append(asked, last)
			}
			cfg.Community = "public"
			c, err := NewClient(f, &cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := collect(c, t.Context(), table); err != nil || len(got) != 6000 {
				t.Errorf("%d instances, %v", len(got), err)
			}
		})
		return asked
	}
	quick := func(int) time.Duration { return time.Millisecond }
	if got := run(Config{}, 10, quick); got[0] != 20 || got[5] < 35 || got[5] > 60 {
		t.Errorf("small values: asked for %d", got[:6])
	}
	if got := run(Config{}, 500, quick); got[0] != 20 || got[5] > 3 {
		t.Errorf("large values: asked for %d", got[:6])
	}
	if got := run(Config{MaxRepetitions: 10}, 500, quick); slices.Max(got) != 10 || slices.Min(got) != 10 {
		t.Errorf("with 10 repetitions: asked for %d to %d", slices.Min(got), slices.Max(got))
	}
	slow := func(n int) time.Duration { return time.Duration(n) * 40 * time.Millisecond }
	if got := run(Config{MaxRepetitions: 50}, 1, slow); got[0] != 50 || slices.Max(got[4:]) > 20 || slices.Max(got[4:]) < 6 {
		t.Errorf("a slow agent: asked for %d", got[:10])
	}
}

// An agent that answers small requests alone is asked for less.
func TestWalkTimeouts(t *testing.T) {
	tree, table := fakeTree(100)
	f := &fakeConn{tree: tree}
	f.fail = func(req *Message) error {
		if req.PDU.MaxRepetitions > 5 && f.reqs > 3 {
			return timeoutError{}
		}
		return nil
	}
	c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.MaxRepetitions = 10 })
	if got, err := collect(c, t.Context(), table); err != nil || len(got) != 200 {
		t.Errorf("%d instances, %v", len(got), err)
	}
	f.reqs = 10
	if _, err := collect(c, t.Context(), table); !errors.As(err, new(timeoutError)) || f.reqs != 11 {
		t.Errorf("an agent that never answers: %v after %d requests", err, f.reqs-10)
	}
}

type timeoutError struct{}

func (timeoutError) Error() string { return "no response" }
func (timeoutError) Timeout() bool { return true }

func TestSplit(t *testing.T) {
	tree, table := fakeTree(40)
	f := &fakeConn{tree: tree, limit: 7}
	var oids []OID
	for _, vb := range tree[1:60] {
		oids = append(oids, vb.OID)
	}
	for _, v := range []Version{V1, V2c} {
		c := newTestClient(t, f, v)
		if got, err := c.Get(t.Context(), oids...); err != nil || !slices.Equal(got, tree[1:60]) {
			t.Errorf("v%v: Get of 59 = %v, %v", v, got, err)
		}
		if got, err := c.GetNext(t.Context(), oids...); err != nil || !slices.Equal(got, tree[2:61]) {
			t.Errorf("v%v: GetNext of 59 = %v, %v", v, got, err)
		}
		// The index of an error is that in the call.
		missing := MustParseOID("1.3.9")
		var re *ResponseError
		got, err := c.Get(t.Context(), append(slices.Clone(oids), missing)...)
		if v == V1 && (!errors.As(err, &re) || re.Index != 60 || re.OID != missing) {
			t.Errorf("v1: Get of 59 and one that is not there: %v, %v", got, err)
		}
		before := f.reqs
		if err := c.Set(t.Context(), tree[1:60]...); !errors.Is(err, TooBig) || f.reqs-before != 1 {
			t.Errorf("v%v: Set of 59 = %v in %d requests, want tooBig in one", v, err, f.reqs-before)
		}
	}
	// By what a message may hold.
	f.limit = 0
	c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.MaxSize = 484 })
	before := f.reqs
	if got, err := c.Get(t.Context(), oids...); err != nil || !slices.Equal(got, tree[1:60]) || f.reqs-before != 4 {
		t.Errorf("Get of 59 in small messages = %v, %v in %d requests", got, err, f.reqs-before)
	}
	if err := c.Set(t.Context(), tree[1:60]...); !errors.Is(err, ErrBadArgument) {
		t.Errorf("Set of what does not fit = %v, want ErrBadArgument", err)
	}

	// GetBulk: fewer repetitions, then fewer columns; whole rounds.
	wide := make([]OID, 20)
	for i := range wide {
		wide[i] = table.Append(1, uint32(i))
	}
	for _, limit := range []int{1, 3, 7, 50, 0} {
		for _, size := range []int{484, 0} {
			f.limit = limit
			c := with(t, newTestClient(t, f, V2c), func(f *Config) { f.MaxSize = size })
			for _, nonRepeaters := range []int{0, 1, 5, 20, 30} {
				got, err := c.GetBulk(t.Context(), nonRepeaters, 10, wide...)
				n := min(nonRepeaters, len(wide))
				if err != nil || len(got) < len(wide) || n < len(wide) && (len(got)-n)%(len(wide)-n) != 0 {
					t.Errorf("limit %d: GetBulk(%d, 10) of 20 = %d bindings, %v", limit, nonRepeaters, len(got), err)
					continue
				}
				for i, vb := range got {
					want := table.Append(1, uint32(i)+1)
					if i >= n && n < len(wide) {
						rounds, column := (i-n)/(len(wide)-n), (i-n)%(len(wide)-n)+n
						want = table.Append(1, uint32(column+rounds+1))
					}
					if vb.OID != want {
						t.Errorf("limit %d: GetBulk(%d, 10), binding %d is %v, want %v", limit, nonRepeaters, i, vb.OID, want)
						break
					}
				}
			}
		}
	}
}

// A device that answers everything with tooBig costs a few requests.
func TestAlwaysTooBig(t *testing.T) {
	tree, table := fakeTree(100)
	f := &fakeConn{tree: tree, change: func(_, rsp *Message) *Message {
		rsp.PDU = PDU{Type: Response, RequestID: rsp.PDU.RequestID, ErrorStatus: TooBig}
		return rsp
	}}
	c := newTestClient(t, f, V2c)
	oids := make([]OID, 64)
	for i := range oids {
		oids[i] = table.Append(1, uint32(i))
	}
	for name, call := range map[string]func() error{
		"Get":     func() error { _, err := c.Get(t.Context(), oids...); return err },
		"GetNext": func() error { _, err := c.GetNext(t.Context(), oids...); return err },
		"GetBulk": func() error { _, err := c.GetBulk(t.Context(), 3, 50, oids...); return err },
		"Set":     func() error { return c.Set(t.Context(), tree[:10]...) },
		"Walk":    func() error { _, err := collect(c, t.Context(), table); return err },
		"Table": func() error {
			for _, err := range c.Table(t.Context(), table, 1, 2, 3, 4) {
				return err
			}
			return nil
		},
	} {
		f.reqs = 0
		if err := call(); !errors.Is(err, TooBig) || f.reqs > 20 {
			t.Errorf("%s: %v after %d requests, want tooBig", name, err, f.reqs)
		}
	}
}

func TestNotifications(t *testing.T) {
	trap := MustParseOID("1.3.6.1.6.3.1.1.5.3")
	vb := VarBind{MustParseOID("1.3.6.1.2.1.2.2.1.1.5"), IntegerValue(5)}
	for _, v := range []Version{V1, V2c} {
		f := &fakeConn{}
		c := newTestClient(t, f, v)
		if err := c.Trap(t.Context(), 90*time.Second, trap, vb); err != nil || len(f.sent) != 1 {
			t.Fatalf("v%v: Trap = %v, sent %v", v, err, f.sent)
		}
		p := f.sent[0].PDU
		if v == V1 {
			if p.Type != TrapV1 || p.GenericTrap != 2 || p.Timestamp != 9000 || !slices.Equal(p.VarBinds, []VarBind{vb}) {
				t.Errorf("v1: trap %+v", p)
			}
			if err := c.Inform(t.Context(), 0, trap); !errors.Is(err, ErrBadArgument) {
				t.Errorf("v1: Inform = %v, want ErrBadArgument", err)
			}
			continue
		}
		want := []VarBind{{oidSysUpTime, TimeTicksValue(9000)}, {oidSnmpTrapOID, OIDValue(trap)}, vb}
		if p.Type != TrapV2 || !slices.Equal(p.VarBinds, want) {
			t.Errorf("v2c: trap %+v", p)
		}
		if err := c.Inform(t.Context(), 0, trap, vb); err != nil || f.reqs != 1 {
			t.Errorf("Inform = %v", err)
		}
	}
}
