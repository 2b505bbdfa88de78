package agent

import "github.com/pollux-snmp/pollux/snmp"

// A RowStatus is the state of a row, or what a manager wants of it (RFC 2579).
type RowStatus uint8

// The states of a row, and the actions that create and destroy one.
const (
	Active RowStatus = 1 + iota
	NotInService
	NotReady
	CreateAndGo
	CreateAndWait
	Destroy
)

// next returns the state of a row that is in state s, or 0 if there is no row,
// and is told to do what. Ready tells whether all columns have what they need.
// The state 0 is no row (RFC 2579, the table of RowStatus).
func (s RowStatus) next(what RowStatus, ready bool) (RowStatus, snmp.ErrorStatus) {
	switch what {
	case Destroy:
		return 0, snmp.NoError
	case CreateAndGo:
		if s != 0 || !ready {
			return s, snmp.InconsistentValue
		}
		return Active, snmp.NoError
	case CreateAndWait:
		switch {
		case s != 0:
			return s, snmp.InconsistentValue
		case ready:
			return NotInService, snmp.NoError
		}
		return NotReady, snmp.NoError
	case Active, NotInService:
		if s == 0 || !ready {
			return s, snmp.InconsistentValue
		}
		return what, snmp.NoError
	}
	return s, snmp.WrongValue // notReady, and what is no RowStatus
}

// A StorageType says how long a row lives, and what may be done with it (RFC
// 2579).
type StorageType uint8

// The storage types. Rows that are Volatile are lost with the agent; those that
// are Permanent can be changed but not destroyed; ReadOnly ones neither.
const (
	OtherStorage StorageType = 1 + iota
	Volatile
	NonVolatile
	Permanent
	ReadOnly
)

// set changes a storage type as RFC 2579 allows it.
func (s *StorageType) set(v snmp.Value) error {
	n, _ := v.Int64()
	to := StorageType(n)
	switch {
	case n < int64(OtherStorage) || n > int64(ReadOnly):
		return snmp.WrongValue
	case to == *s:
		return nil
	case *s == Permanent || *s == ReadOnly:
		return snmp.InconsistentValue
	case to != Volatile && to != NonVolatile:
		return snmp.WrongValue
	}
	*s = to
	return nil
}

// StorageColumn returns the column of the StorageType of a row.
func StorageColumn[R any](id uint32, of func(r *R) *StorageType) Column[R] {
	return Column[R]{
		ID:   id,
		Kind: snmp.KindInteger,
		Get:  func(r *R) snmp.Value { return snmp.IntegerValue(int32(*of(r))) },
		Set:  func(r *R, v snmp.Value) error { return of(r).set(v) },
	}
}
