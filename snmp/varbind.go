package snmp

import (
	"encoding/json"
	"strings"

	"github.com/pollux-snmp/pollux/internal/ber"
)

// A VarBind is a variable binding: the OID of an instance and its value. It can
// be compared with ==.
type VarBind struct {
	OID   OID
	Value Value
}

// String returns the line that Net-SNMP prints for vb, such as
//
//	1.3.6.1.2.1.1.5.0 = STRING: "peer"
func (vb VarBind) String() string { return string(vb.appendTo(nil)) }

// AppendText appends what String returns to b. It never fails.
func (vb VarBind) AppendText(b []byte) ([]byte, error) { return vb.appendTo(b), nil }

// MarshalText returns what String returns.
func (vb VarBind) MarshalText() ([]byte, error) { return vb.appendTo(nil), nil }

// UnmarshalText reads what String returns; see [ParseValue] for the forms of
// values. The error wraps [ErrSyntax].
func (vb *VarBind) UnmarshalText(text []byte) (err error) {
	oid, value, ok := strings.Cut(string(text), " = ")
	if !ok {
		return &detail{`binding without " = "`, ErrSyntax}
	}
	if err = vb.OID.UnmarshalText([]byte(oid)); err != nil {
		return err
	}
	return vb.Value.UnmarshalText([]byte(value))
}

func (vb VarBind) appendTo(b []byte) []byte {
	return vb.Value.appendTo(append(vb.OID.appendTo(b), " = "...))
}

// MarshalJSON returns an object such as
// {"oid":"1.3.6.1.2.1.1.3.0","type":"TimeTicks","value":17581}; see
// [Value.MarshalJSON].
func (vb VarBind) MarshalJSON() ([]byte, error) {
	j := vb.Value.json()
	j.OID = &vb.OID
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. The error wraps [ErrSyntax].
func (vb *VarBind) UnmarshalJSON(b []byte) (err error) {
	vb.OID, vb.Value, err = parseJSON(b)
	return err
}

// appendBER appends vb as a SEQUENCE.
func (vb *VarBind) appendBER(dst []byte) []byte {
	oid := vb.OID.enc
	n := ber.HeaderLen(len(oid)) + len(oid) + vb.Value.berLen()
	dst = ber.AppendHeader(dst, ber.Sequence, n)
	dst = ber.AppendBytes(dst, ber.OID, oid)
	return vb.Value.AppendBER(dst)
}
