package agent

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// A Table is the handler of a table whose rows are Go values. Its root is the
// OID of the table object, such as ifTable. Fill in the fields before the first
// use, and then rows with Put or Replace, or let Load fetch them.
//
// Methods may be called from any number of goroutines. A row takes about 60
// octets besides the R, and finding one takes time that grows with the logarithm
// of their number.
type Table[R any] struct {
	// Columns are the objects that can be read, in any order.
	Columns []Column[R]

	// Index appends the index of a row to o: see the methods of [snmp.OID]
	// that start with Append. The index of a row never changes.
	Index func(o snmp.OID, r *R) snmp.OID

	// Load fetches all rows when somebody asks for one and those that are
	// there are older than MaxAge. The table owns the slice then. A table
	// with Load cannot be set.
	Load   func(ctx context.Context) ([]R, error)
	MaxAge time.Duration

	// RowStatus is the number of the column of that convention (RFC 2579),
	// which then need not be one of Columns, or 0. New returns a row for a
	// manager that creates one. It must check that all of the index is valid;
	// an error with no [snmp.ErrorStatus] in it becomes inconsistentName.
	RowStatus uint32
	New       func(index snmp.Index) (*R, error)

	// MaxRows is the number of rows from which on managers may create no
	// more. The default is 10000.
	MaxRows int

	// Ready reports whether a row has all that it needs to become active. A
	// nil Ready means always.
	Ready func(r *R) bool

	// Storage returns the storage type of a row. It may be nil.
	Storage func(r *R) StorageType

	// Check reports whether a manager may replace old by r, beyond what the
	// columns check. Old is nil if the row is new, r if it is destroyed.
	Check func(old, r *R) error

	// Changed is told of what a manager has changed, while the table is not
	// locked, with the rows as in Check. If it fails, the change is undone,
	// and Changed is called again with the rows exchanged.
	Changed func(old, r *R) error

	once sync.Once
	cols []Column[R]

	mu   sync.RWMutex
	rows rows[R]

	loading sync.Mutex
	loaded  atomic.Int64 // when, by time.Since(epoch); 0 is never
}

// A Column is one column of a table.
type Column[R any] struct {
	ID uint32

	// Get returns the value in a row, which it must not change. A Null means
	// that the row has none. It should only read: it is called on the spot.
	Get func(r *R) snmp.Value

	// Set puts v, which is of the Kind and within the limits, into r, which is
	// a copy of the row. A nil Set makes the column read only. Min and Max are
	// the limits of a number, or of the length of a string; if both are 0
	// there are none.
	Set      func(r *R, v snmp.Value) error
	Kind     snmp.Kind
	Min, Max int64

	// setAs is Set that needs to know who asks.
	setAs func(ctx context.Context, r *R, v snmp.Value) error
}

const defaultMaxRows = 10000

var epoch = time.Now().Add(-time.Hour)

// anywhere is an OID to append indexes to.
var anywhere = snmp.MustParseOID("0.0")

func (t *Table[R]) init() {
	t.once.Do(func() {
		t.cols = slices.Clone(t.Columns)
		if t.RowStatus != 0 {
			t.cols = append(t.cols, Column[R]{ID: t.RowStatus})
		}
		slices.SortStableFunc(t.cols, func(a, b Column[R]) int { return cmp.Compare(a.ID, b.ID) })
	})
}

// key returns the key of a row, or "".
func (t *Table[R]) key(r *R) string {
	o := t.Index(anywhere, r)
	if !o.HasPrefix(anywhere) {
		return ""
	}
	return enc(o)[1:]
}

// Put adds rows, or replaces those of the same index. They become active. The
// error wraps [ErrBadArgument]: an index that no OID can have, and then no row
// was put.
func (t *Table[R]) Put(all ...R) error {
	add, err := t.entries(all)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range add {
		t.rows.put(r)
	}
	return nil
}

func (t *Table[R]) entries(all []R) ([]row[R], error) {
	add := make([]row[R], len(all))
	for i := range all {
		key := t.key(&all[i])
		if key == "" {
			return nil, fmt.Errorf("agent: row %d of %d: no OID has its index: %w", i+1, len(all), ErrBadArgument)
		}
		add[i] = row[R]{key, &all[i], Active}
	}
	return add, nil
}

// Replace makes all the only rows, which the table owns from then on: of rows
// of one index the last one. The error is that of Put.
func (t *Table[R]) Replace(all []R) error {
	add, err := t.entries(all)
	if err != nil {
		return err
	}
	inOrder := slices.IsSortedFunc(add, func(a, b row[R]) int { return compare(a.key, b.key) })
	if !inOrder {
		slices.SortStableFunc(add, func(a, b row[R]) int { return compare(a.key, b.key) })
	}
	unique := add[:0]
	for i, r := range add {
		if i+1 == len(add) || add[i+1].key != r.key {
			unique = append(unique, r)
		}
	}
	s := newRows(unique)
	t.mu.Lock()
	t.rows = s
	t.mu.Unlock()
	return nil
}

// Delete takes rows away that have the same index as those given.
func (t *Table[R]) Delete(all ...R) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range all {
		t.rows.remove(t.key(&all[i]))
	}
}

// All returns the active rows in the order of their indexes, as they were when
// the loop began. They must not be changed.
func (t *Table[R]) All() iter.Seq[*R] {
	return func(yield func(*R) bool) {
		t.mu.RLock()
		all := make([]*R, 0, t.rows.count)
		for _, l := range t.rows.leaves {
			for i := range l {
				if l[i].status == Active {
					all = append(all, l[i].data)
				}
			}
		}
		t.mu.RUnlock()
		for _, r := range all {
			if !yield(r) {
				return
			}
		}
	}
}

// Len returns the number of rows.
func (t *Table[R]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows.count
}

// Refresh loads the rows if they are too old. A request does so itself.
func (t *Table[R]) Refresh(ctx context.Context) error {
	if t.Load == nil || t.fresh() {
		return nil
	}
	t.loading.Lock()
	defer t.loading.Unlock()
	if t.fresh() {
		return nil
	}
	all, err := t.Load(ctx)
	if err == nil {
		err = t.Replace(all)
	}
	if err == nil {
		t.loaded.Store(int64(time.Since(epoch)))
	}
	return err
}

func (t *Table[R]) fresh() bool {
	at := t.loaded.Load()
	return at != 0 && time.Since(epoch)-time.Duration(at) <= t.MaxAge
}

// refresh is Refresh for a request, on another goroutine.
func (t *Table[R]) refresh(r *request) bool {
	if t.Load == nil || t.fresh() {
		return true
	}
	if err := r.do(r.mount, t.Refresh); err != nil {
		r.fail(err)
		return false
	}
	return true
}

// column returns the position of the first column whose ID is not less.
func (t *Table[R]) column(id uint32) int {
	i := 0
	for i < len(t.cols) && t.cols[i].ID < id {
		i++
	}
	return i
}

// value returns the value of a column in a row.
func (t *Table[R]) value(c *Column[R], data *R, status RowStatus) snmp.Value {
	if c.ID == t.RowStatus && c.Get == nil {
		return snmp.IntegerValue(int32(status))
	}
	return c.Get(data)
}

// split reads a name below root: the column and the key of the row. Known
// reports whether there is such a column.
func (t *Table[R]) split(rest []byte) (col int, key []byte, known bool) {
	if len(rest) < 2 || rest[0] != 1 {
		return 0, nil, false
	}
	id, end := subID(rest, 1)
	col = t.column(id)
	return col, rest[end:], col < len(t.cols) && t.cols[col].ID == id
}

func (t *Table[R]) lookup(rest []byte) snmp.Value {
	col, key, known := t.split(rest)
	if !known {
		return snmp.KindNoSuchObject.Value()
	}
	t.mu.RLock()
	p, found := seek(&t.rows, key)
	var e row[R]
	if found {
		e = *t.rows.at(p)
	}
	t.mu.RUnlock()
	if !found {
		return snmp.Value{}
	}
	return t.value(&t.cols[col], e.data, e.status)
}

func (t *Table[R]) lookupNext(dst, root, rest []byte) ([]byte, snmp.Value) {
	col, key := 0, []byte(nil)
	switch {
	case len(rest) == 0 || rest[0] == 0: // before the entry
	case rest[0] != 1:
		return nil, snmp.Value{}
	case len(rest) > 1:
		var known bool
		if col, key, known = t.split(rest); !known {
			key = nil
		}
	}
	for ; col < len(t.cols); col, key = col+1, nil {
		c := &t.cols[col]
		for e, ok := following(t, key); ok; e, ok = following(t, e.key) {
			if v := t.value(c, e.data, e.status); hasValue(v) {
				dst = append(append(dst, root...), 1)
				return append(appendSubID(dst, c.ID), e.key...), v
			}
		}
	}
	return nil, snmp.Value{}
}

// following returns the first row after key; the empty key is before all.
func following[R any, K octets](t *Table[R], key K) (e row[R], ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	p, found := place{}, false
	if len(key) > 0 {
		if p, found = seek(&t.rows, key); found {
			p = t.rows.after(p)
		}
	}
	if r := t.rows.at(p); r != nil {
		return *r, true
	}
	return e, false
}

func (t *Table[R]) get(r *request, name []byte) snmp.Value {
	t.init()
	if !t.refresh(r) {
		return snmp.Value{}
	}
	return t.lookup(name[len(r.mount.root):])
}

func (t *Table[R]) next(r *request, dst, name []byte) ([]byte, snmp.Value) {
	t.init()
	if !t.refresh(r) {
		return nil, snmp.Value{}
	}
	n := len(r.mount.root)
	return t.lookupNext(dst, name[:n], name[n:])
}

// Get implements [Handler].
func (t *Table[R]) Get(ctx context.Context, root, oid snmp.OID) (snmp.Value, error) {
	t.init()
	if err := t.Refresh(ctx); err != nil {
		return snmp.Value{}, err
	}
	return t.lookup([]byte(enc(oid)[len(enc(root)):])), nil
}

// Next implements [Handler].
func (t *Table[R]) Next(ctx context.Context, root, oid snmp.OID) (snmp.VarBind, error) {
	t.init()
	if err := t.Refresh(ctx); err != nil {
		return snmp.VarBind{}, err
	}
	n := len(enc(root))
	name := []byte(enc(oid))
	found, v := t.lookupNext(nil, name[:n], name[n:])
	if found == nil {
		return snmp.VarBind{}, nil
	}
	return snmp.VarBind{OID: toOID(found), Value: v}, nil
}

// A rowChange is what a SET does to one row.
type rowChange[R any] struct {
	key     string
	first   int // of the bindings, from 0
	old     *row[R]
	data    *R // a copy to change, or nil
	command RowStatus
	at      int // the binding of the RowStatus
	status  RowStatus
}

// Test implements [Setter].
func (t *Table[R]) Test(ctx context.Context, root snmp.OID, vbs []snmp.VarBind) (Change, error) {
	t.init()
	if t.Load != nil {
		return Change{}, snmp.NotWritable
	}
	changes, byKey := []*rowChange[R](nil), make(map[string]*rowChange[R])
	prefix := len(enc(root))
	// The RowStatus of a row says what its columns need, wherever it stands.
	for i, vb := range vbs {
		col, key, known := t.split([]byte(enc(vb.OID)[prefix:]))
		if !known {
			return Change{}, bindingError(i, snmp.NotWritable)
		}
		c := &t.cols[col]
		isStatus := c.ID == t.RowStatus
		if c.Set == nil && c.setAs == nil && !isStatus {
			return Change{}, bindingError(i, snmp.NotWritable)
		}
		if len(key) == 0 {
			return Change{}, bindingError(i, snmp.NoCreation)
		}
		rc := byKey[string(key)]
		if rc == nil {
			rc = &rowChange[R]{key: string(key), first: i}
			t.mu.RLock()
			if p, found := seek(&t.rows, key); found {
				e := *t.rows.at(p)
				rc.old = &e
				rc.status = e.status
			}
			t.mu.RUnlock()
			changes, byKey[rc.key] = append(changes, rc), rc
		}
		if isStatus {
			if vb.Value.Kind() != snmp.KindInteger {
				return Change{}, bindingError(i, snmp.WrongType)
			}
			n, _ := vb.Value.Int64()
			if n < int64(Active) || n > int64(Destroy) || n == int64(NotReady) {
				return Change{}, bindingError(i, snmp.WrongValue)
			}
			if rc.command != 0 && rc.command != RowStatus(n) {
				return Change{}, bindingError(i, snmp.InconsistentValue)
			}
			rc.command, rc.at = RowStatus(n), i
		}
	}
	for _, rc := range changes {
		if err := t.begin(rc, root); err != nil {
			return Change{}, err
		}
	}
	for i, vb := range vbs {
		col, key, _ := t.split([]byte(enc(vb.OID)[prefix:]))
		if c := &t.cols[col]; c.ID != t.RowStatus {
			if rc := byKey[string(key)]; rc.data != nil {
				if s := c.set(ctx, rc.data, vb.Value); s != nil {
					return Change{}, bindingError(i, statusOf(s))
				}
			}
		}
	}
	added := 0
	for _, rc := range changes {
		if err := t.finish(rc); err != nil {
			return Change{}, err
		}
		if rc.old == nil && rc.data != nil {
			added++
		}
	}
	limit := t.MaxRows
	if limit <= 0 {
		limit = defaultMaxRows
	}
	if added > 0 && t.Len()+added > limit {
		return Change{}, snmp.ResourceUnavailable
	}
	done := 0
	undo := func() error {
		var failed error
		for ; done > 0; done-- {
			if err := t.apply(changes[done-1], true); err != nil {
				failed = err
			}
		}
		return failed
	}
	return Change{
		Commit: func(context.Context) error {
			for _, rc := range changes {
				if err := t.apply(rc, false); err != nil {
					undo()
					return bindingError(rc.first, snmp.CommitFailed)
				}
				done++
			}
			return nil
		},
		Undo: func(context.Context) error { return undo() },
	}, nil
}

// begin makes the row that the columns are set in.
func (t *Table[R]) begin(rc *rowChange[R], root snmp.OID) error {
	switch {
	case rc.old != nil:
		if t.Storage != nil {
			s := t.Storage(rc.old.data)
			if s == ReadOnly || s == Permanent && rc.command == Destroy {
				i := rc.first
				if rc.command != 0 {
					i = rc.at
				}
				return bindingError(i, snmp.InconsistentValue)
			}
		}
		if rc.command == CreateAndGo || rc.command == CreateAndWait {
			return bindingError(rc.at, snmp.InconsistentValue)
		}
		if rc.command != Destroy {
			data := *rc.old.data
			rc.data = &data
		}
	case t.New == nil || t.RowStatus == 0:
		return bindingError(rc.first, snmp.NoCreation)
	case rc.command == 0:
		return bindingError(rc.first, snmp.InconsistentName)
	case rc.command == Active || rc.command == NotInService:
		return bindingError(rc.at, snmp.InconsistentValue)
	case rc.command != Destroy:
		o := toOID(append([]byte{0}, rc.key...))
		index, _ := o.Index(anywhere)
		data, err := t.New(index)
		if err != nil {
			s := statusOf(err)
			if s == snmp.GenErr {
				s = snmp.InconsistentName
			}
			return bindingError(rc.at, s)
		}
		if data == nil || t.key(data) != rc.key {
			return bindingError(rc.at, snmp.InconsistentName)
		}
		rc.data = data
	}
	return nil
}

// finish settles the state that a row gets.
func (t *Table[R]) finish(rc *rowChange[R]) error {
	ready := rc.data != nil && (t.Ready == nil || t.Ready(rc.data))
	if rc.command != 0 {
		var s snmp.ErrorStatus
		if rc.status, s = rc.status.next(rc.command, ready); s != snmp.NoError {
			return bindingError(rc.at, s)
		}
	} else {
		switch {
		case rc.status == NotReady && ready:
			rc.status = NotInService
		case rc.status == NotInService && !ready:
			rc.status = NotReady
		case rc.status == Active && !ready:
			return bindingError(rc.first, snmp.InconsistentValue)
		}
	}
	if t.Check != nil && (rc.old != nil || rc.data != nil) {
		if err := t.Check(rc.oldData(), rc.data); err != nil {
			return bindingError(rc.first, statusOf(err))
		}
	}
	return nil
}

func (rc *rowChange[R]) oldData() *R {
	if rc.old == nil {
		return nil
	}
	return rc.old.data
}

// apply makes a change, or takes it back. If Changed fails, nothing has
// happened.
func (t *Table[R]) apply(rc *rowChange[R], back bool) error {
	swap := func(back bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		switch {
		case back && rc.old != nil:
			t.rows.put(*rc.old)
		case !back && rc.data != nil:
			t.rows.put(row[R]{rc.key, rc.data, rc.status})
		default:
			t.rows.remove(rc.key)
		}
	}
	swap(back)
	if t.Changed == nil || rc.old == nil && rc.data == nil {
		return nil
	}
	old, now := rc.oldData(), rc.data
	if back {
		old, now = now, old
	}
	err := t.Changed(old, now)
	if err != nil {
		swap(!back)
	}
	return err
}

// set checks a value and puts it into a row.
func (c *Column[R]) set(ctx context.Context, r *R, v snmp.Value) error {
	if v.Kind() != c.Kind {
		return snmp.WrongType
	}
	if c.Min != 0 || c.Max != 0 {
		if n, ok := v.Int64(); ok && (n < c.Min || n > c.Max) {
			return snmp.WrongValue
		}
		if s, ok := v.Octets(); ok && (int64(len(s)) < c.Min || int64(len(s)) > c.Max) {
			return snmp.WrongLength
		}
	}
	if c.setAs != nil {
		return c.setAs(ctx, r, v)
	}
	return c.Set(r, v)
}
