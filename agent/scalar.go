package agent

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/pollux-snmp/pollux/snmp"
)

// A Scalar is the handler of an object that has one instance: the root of the
// subtree with ".0" behind it. It is for values that the program has elsewhere.
type Scalar struct {
	// Read returns the value. A Null means that there is none now.
	Read func() snmp.Value

	// Check returns nil if v, which is of the kind of the present value, can
	// be set. It changes nothing. Write makes it the value; it is also called
	// with the former value, to undo a change. Without Write, the object is
	// read only; without Check, any value will do.
	Check func(v snmp.Value) error
	Write func(v snmp.Value) error
}

// Load returns the scalar whose value is what src holds, such as a variable of
// type [atomic.Uint64]:
//
//	agent.Load(snmp.Counter64Value, &requests)
func Load[T any](as func(T) snmp.Value, src interface{ Load() T }) Handler {
	read := func() snmp.Value { return as(src.Load()) }
	switch any(src).(type) {
	case *atomic.Int32, *atomic.Int64, *atomic.Uint32, *atomic.Uint64, *atomic.Uintptr, *atomic.Bool:
		return &leaf{read}
	}
	return &Scalar{Read: read}
}

// Const returns the scalar whose value is v.
func Const(v snmp.Value) Handler { return &leaf{func() snmp.Value { return v }} }

// A Var is the scalar of a value that it holds, which can be set by SNMP and by
// the program. Its methods may be called from any number of goroutines.
type Var struct {
	// Check returns nil if v, which is of the kind of the present value, can
	// be set by SNMP. It changes nothing. A nil Check makes the Var read
	// only.
	Check func(v snmp.Value) error

	// Changed is told of a change by SNMP. If it fails, the former value
	// comes back, and the answer is a commitFailed. It may be nil.
	Changed func(v snmp.Value) error

	count bool // a TestAndIncr
	mu    sync.RWMutex
	v     snmp.Value
}

// NewVar returns a Var that holds v. Check may be nil.
func NewVar(v snmp.Value, check func(v snmp.Value) error) *Var { return &Var{v: v, Check: check} }

// NewTestAndIncr returns a Var of the convention TestAndIncr (RFC 2579): it can
// be set to its present value only, which adds one to it.
func NewTestAndIncr(start int32) *Var { return &Var{v: snmp.IntegerValue(max(0, start)), count: true} }

// Value returns the value.
func (s *Var) Value() snmp.Value {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.v
}

// Store sets the value.
func (s *Var) Store(v snmp.Value) {
	s.mu.Lock()
	s.v = v
	s.mu.Unlock()
}

// Test implements [Setter].
func (s *Var) Test(_ context.Context, root snmp.OID, vbs []snmp.VarBind) (Change, error) {
	old := s.Value()
	v, err := testScalar(root, vbs, old, s.Check != nil || s.count)
	if err != nil {
		return Change{}, err
	}
	if s.count {
		n, _ := v.Int64()
		if n < 0 {
			return Change{}, snmp.WrongValue
		}
		if v != old {
			return Change{}, snmp.InconsistentValue
		}
		v = snmp.IntegerValue(int32((n + 1) & math.MaxInt32))
	} else if err := s.Check(v); err != nil {
		return Change{}, err
	}
	commit := func(v snmp.Value) func(context.Context) error {
		return func(context.Context) error {
			before := s.Value()
			s.Store(v)
			if s.Changed != nil {
				if err := s.Changed(v); err != nil {
					s.Store(before)
					return err
				}
			}
			return nil
		}
	}
	return Change{Commit: commit(v), Undo: commit(old)}, nil
}

// Test implements [Setter].
func (s *Scalar) Test(_ context.Context, root snmp.OID, vbs []snmp.VarBind) (Change, error) {
	var old snmp.Value
	if s.Write != nil {
		old = s.Read()
	}
	v, err := testScalar(root, vbs, old, s.Write != nil)
	if err != nil {
		return Change{}, err
	}
	if s.Check != nil {
		if err := s.Check(v); err != nil {
			return Change{}, err
		}
	}
	return Change{
		Commit: func(context.Context) error { return s.Write(v) },
		Undo:   func(context.Context) error { return s.Write(old) },
	}, nil
}

// testScalar returns the value that a scalar should get.
func testScalar(root snmp.OID, vbs []snmp.VarBind, old snmp.Value, writable bool) (snmp.Value, error) {
	for i, vb := range vbs {
		switch {
		case vb.OID != root.Append(0):
			return snmp.Value{}, bindingError(i, snmp.NoCreation)
		case !writable:
			return snmp.Value{}, bindingError(i, snmp.NotWritable)
		case vb.Value.Kind() != old.Kind():
			return snmp.Value{}, bindingError(i, snmp.WrongType)
		case vb.Value != vbs[0].Value:
			return snmp.Value{}, bindingError(i, snmp.InconsistentValue)
		}
	}
	return vbs[0].Value, nil
}

// Get implements [Handler].
func (s *Scalar) Get(_ context.Context, root, oid snmp.OID) (snmp.Value, error) {
	return getScalar(root, oid, s.Read), nil
}

// Next implements [Handler].
func (s *Scalar) Next(_ context.Context, root, oid snmp.OID) (snmp.VarBind, error) {
	return nextScalar(root, oid, s.Read), nil
}

// Get implements [Handler].
func (s *Var) Get(_ context.Context, root, oid snmp.OID) (snmp.Value, error) {
	return getScalar(root, oid, s.Value), nil
}

// Next implements [Handler].
func (s *Var) Next(_ context.Context, root, oid snmp.OID) (snmp.VarBind, error) {
	return nextScalar(root, oid, s.Value), nil
}

func getScalar(root, oid snmp.OID, read func() snmp.Value) snmp.Value {
	if oid != root.Append(0) {
		return snmp.Value{}
	}
	return read()
}

func nextScalar(root, oid snmp.OID, read func() snmp.Value) snmp.VarBind {
	at := root.Append(0)
	if oid.Compare(at) >= 0 {
		return snmp.VarBind{}
	}
	return snmp.VarBind{OID: at, Value: read()}
}

// A leaf is a scalar whose value can be read on the spot.
type leaf struct{ read func() snmp.Value }

func (s *leaf) Get(_ context.Context, root, oid snmp.OID) (snmp.Value, error) {
	return getScalar(root, oid, s.read), nil
}

func (s *leaf) Next(_ context.Context, root, oid snmp.OID) (snmp.VarBind, error) {
	return nextScalar(root, oid, s.read), nil
}

// The tree asks these instead of the methods above.

// isZero reports whether name is m's root with ".0" behind it.
func (m *mount) isInstance(name []byte) bool {
	return len(name) == len(m.root)+1 && name[len(m.root)] == 0
}

func (s *leaf) get(r *request, name []byte) (v snmp.Value) {
	if r.mount.isInstance(name) {
		v = s.read()
	}
	return v
}

func (s *leaf) next(r *request, dst, name []byte) ([]byte, snmp.Value) {
	return r.nextScalar(dst, name, s)
}

func (s *Var) get(r *request, name []byte) (v snmp.Value) {
	if r.mount.isInstance(name) {
		v = s.Value()
	}
	return v
}

func (s *Var) next(r *request, dst, name []byte) ([]byte, snmp.Value) {
	return r.nextScalar(dst, name, s)
}

func (s *Scalar) get(r *request, name []byte) snmp.Value {
	if !r.mount.isInstance(name) {
		return snmp.Value{}
	}
	c := r.a.calls.Get().(*call)
	c.read = s.Read
	vb, err := r.call(r.mount, c)
	if err != nil {
		r.fail(err)
	}
	return vb.Value
}

func (s *Scalar) next(r *request, dst, name []byte) ([]byte, snmp.Value) {
	return r.nextScalar(dst, name, s)
}

func (r *request) nextScalar(dst, name []byte, s source) ([]byte, snmp.Value) {
	root := r.mount.root
	if len(name) > len(root) {
		return nil, snmp.Value{} // at ".0" or behind it
	}
	start := len(dst)
	dst = append(append(dst, root...), 0)
	v := s.get(r, dst[start:])
	if !hasValue(v) {
		return nil, snmp.Value{}
	}
	return dst, v
}
