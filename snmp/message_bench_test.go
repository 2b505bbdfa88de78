package snmp

import (
	"fmt"
	"testing"
)

// response returns a Response of n bindings as an interface table gives them:
// counters, gauges, strings and OIDs.
func response(n int) *Message {
	m := &Message{Version: V2c, Community: "public", PDU: PDU{Type: Response, RequestID: 0x12345678}}
	column := MustParseOID("1.3.6.1.2.1.2.2.1")
	for i := range n {
		v := [...]Value{
			Counter32Value(401237926), OctetsValue("GigabitEthernet0/1"), Gauge32Value(10000000), TimeTicksValue(17581),
			IntegerValue(1), Counter64Value(1 << 40), OctetsValue("\x00\x1b\x54\xaa\x00\x01"), OIDValue(column),
		}[i%8]
		m.PDU.VarBinds = append(m.PDU.VarBinds, VarBind{column.Append(uint32(i%22)+1, 10101), v})
	}
	return m
}

// request returns a request for the bindings of response.
func request(n int) *Message {
	m := response(n)
	m.PDU.Type = GetRequest
	for i := range m.PDU.VarBinds {
		m.PDU.VarBinds[i].Value = Value{}
	}
	return m
}

func mustAppend(m *Message) []byte {
	b, err := m.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// sum reads a message in place and uses what it reads.
func sum(p *Parser, msg []byte) (total uint64) {
	if p.Start(msg) != nil {
		return 0
	}
	for p.Next() {
		n, _ := p.Uint64()
		b, _ := p.RawOctets()
		total += n + uint64(len(b)) + uint64(len(p.RawOID()))
	}
	return total
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 10, 50} {
		msg := mustAppend(response(n))
		b.Run(fmt.Sprintf("v2c-%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var p Parser
			for b.Loop() {
				if sum(&p, msg) == 0 {
					b.Fatal(p.Err())
				}
			}
		})
	}
	for _, n := range []int{1, 10, 50} {
		msg := mustAppend(response(n))
		b.Run(fmt.Sprintf("copy-%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := MessageFromBER(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, bm := range []struct {
		name string
		m    *Message
	}{{"get-1", request(1)}, {"get-50", request(50)}, {"v2c-10", response(10)}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 4096)
			for b.Loop() {
				if _, err := bm.m.Append(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
