package host

import (
	"net"
	"net/netip"

	psnet "github.com/shirou/gopsutil/v4/net"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/snmp"
)

var oidMib2 = snmp.MustParseOID("1.3.6.1.2.1")

// protocol is the numbers of one protocol by their names in /proc/net/snmp.
func protocol(name string) *cached[map[string]int64] {
	return &cached[map[string]int64]{fetch: func() (map[string]int64, error) {
		all, err := psnet.ProtoCounters([]string{name})
		if err != nil || len(all) == 0 {
			return nil, err
		}
		return all[0].Stats, nil
	}}
}

// groups are the scalars of the groups ip, icmp, tcp and udp: objects from first
// on by the names of their numbers; "" is left out.
var groups = []struct {
	protocol string
	group    uint32
	first    uint32
	as       func(n int64) snmp.Value
	names    []string
}{
	{"ip", 4, 1, signed, []string{"Forwarding", "DefaultTTL"}},
	{"ip", 4, 3, counter, []string{"InReceives", "InHdrErrors", "InAddrErrors", "ForwDatagrams", "InUnknownProtos", "InDiscards",
		"InDelivers", "OutRequests", "OutDiscards", "OutNoRoutes", "", "ReasmReqds", "ReasmOKs", "ReasmFails", "FragOKs", "FragFails", "FragCreates"}},
	{"ip", 4, 13, signed, []string{"ReasmTimeout"}},
	{"icmp", 5, 1, counter, []string{"InMsgs", "InErrors", "InDestUnreachs", "InTimeExcds", "InParmProbs", "InSrcQuenchs", "InRedirects",
		"InEchos", "InEchoReps", "InTimestamps", "InTimestampReps", "InAddrMasks", "InAddrMaskReps", "OutMsgs", "OutErrors",
		"OutDestUnreachs", "OutTimeExcds", "OutParmProbs", "OutSrcQuenchs", "OutRedirects", "OutEchos", "OutEchoReps",
		"OutTimestamps", "OutTimestampReps", "OutAddrMasks", "OutAddrMaskReps"}},
	{"tcp", 6, 1, signed, []string{"RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn"}},
	{"tcp", 6, 5, counter, []string{"ActiveOpens", "PassiveOpens", "AttemptFails", "EstabResets"}},
	{"tcp", 6, 9, func(n int64) snmp.Value { return gauge(uint32(n)) }, []string{"CurrEstab"}},
	{"tcp", 6, 10, counter, []string{"InSegs", "OutSegs", "RetransSegs", "", "InErrs", "OutRsts"}},
	{"udp", 7, 1, counter, []string{"InDatagrams", "NoPorts", "InErrors", "OutDatagrams"}},
}

func signed(n int64) snmp.Value  { return integer(int32(n)) }
func counter(n int64) snmp.Value { return count32(uint64(n)) }

// An address is a row of ipAddrTable.
type address struct {
	prefix    netip.Prefix
	index     int32
	broadcast int32 // the last bit of the broadcast address
}

// addresses returns the IPv4 addresses of the machine.
func addresses() (rows []address, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, in := range all {
		addrs, err := in.Addrs()
		if err != nil {
			continue // the interface is gone
		}
		for _, addr := range addrs {
			if p, err := netip.ParsePrefix(addr.String()); err == nil && p.Addr().Is4() {
				r := address{prefix: p, index: int32(in.Index)}
				if in.Flags&net.FlagBroadcast != 0 {
					r.broadcast = 1
				}
				rows = append(rows, r)
			}
		}
	}
	return rows, nil
}

func (r *address) mask() netip.Addr {
	return netip.AddrFrom4([4]byte(net.CIDRMask(r.prefix.Bits(), 32)))
}

func handleProtocols(a *agent.Agent) {
	protocols := make(map[string]*cached[map[string]int64])
	for _, g := range groups {
		c := protocols[g.protocol]
		if c == nil {
			c = protocol(g.protocol)
			protocols[g.protocol] = c
		}
		for i, name := range g.names {
			if name == "" {
				continue
			}
			a.Handle(oidMib2.Append(g.group, g.first+uint32(i)), scalar(c, func(m map[string]int64) snmp.Value {
				n, ok := m[name]
				if !ok {
					return snmp.Value{}
				}
				return g.as(n)
			}))
		}
	}
	a.Handle(oidMib2.Append(4, 20), table(
		func(o snmp.OID, r *address) snmp.OID { return o.AppendAddr(r.prefix.Addr()) }, addresses,
		column(1, snmp.AddrValue, func(r *address) netip.Addr { return r.prefix.Addr() }),
		column(2, integer, func(r *address) int32 { return r.index }),
		column(3, snmp.AddrValue, (*address).mask),
		column(4, integer, func(r *address) int32 { return r.broadcast }),
	))
}
