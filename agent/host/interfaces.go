package host

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	psnet "github.com/shirou/gopsutil/v4/net"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/snmp"
)

var (
	oidInterfaces = snmp.MustParseOID("1.3.6.1.2.1.2")
	oidIfXTable   = snmp.MustParseOID("1.3.6.1.2.1.31.1.1")
)

// An iface is a row of ifTable and of ifXTable.
type iface struct {
	index       int
	name, alias string
	typ         int32
	mtu         int
	speed       uint64 // bits a second
	hw          string
	up, running bool
	promiscuous bool
	io          psnet.IOCountersStat
	multicast   uint64 // received
}

// Of IANAifType-MIB.
const (
	typeOther    = 1
	typeEthernet = 6
	typePPP      = 23
	typeLoopback = 24
	typeTunnel   = 131
)

// types are the types of Linux (ARPHRD) that have others there.
var types = map[int]int32{1: typeEthernet, 512: typePPP, 768: typeTunnel, 769: typeTunnel, 772: typeLoopback, 776: typeTunnel, 778: typeTunnel, 801: 71, 802: 71}

// interfaces returns the interfaces of the machine.
func interfaces() ([]iface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	counters := make(map[string]psnet.IOCountersStat)
	if io, err := psnet.IOCounters(true); err == nil {
		for _, c := range io {
			counters[c.Name] = c
		}
	}
	rows := make([]iface, 0, len(all))
	for _, in := range all {
		r := iface{
			index:   in.Index,
			name:    in.Name,
			typ:     typeOther,
			mtu:     in.MTU,
			hw:      string(in.HardwareAddr),
			up:      in.Flags&net.FlagUp != 0,
			running: in.Flags&net.FlagRunning != 0,
			io:      counters[in.Name],
		}
		switch {
		case in.Flags&net.FlagLoopback != 0:
			r.typ, r.speed, r.hw = typeLoopback, 10_000_000, ""
		case len(in.HardwareAddr) == 6:
			r.typ = typeEthernet
		case in.Flags&net.FlagPointToPoint != 0:
			r.typ = typePPP
		}
		r.sys()
		rows = append(rows, r)
	}
	return rows, nil
}

// sys adds what Linux tells of an interface in files.
func (r *iface) sys() {
	dir := filepath.Join("/sys/class/net", r.name)
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.TrimSpace(string(b))
	}
	if n, err := strconv.Atoi(read("type")); err == nil {
		r.typ = typeOther
		if t, ok := types[n]; ok {
			r.typ = t
		}
	}
	if n, err := strconv.ParseInt(read("speed"), 10, 32); err == nil && n > 0 {
		r.speed = uint64(n) * 1_000_000
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(read("flags"), "0x"), 16, 32); err == nil {
		r.promiscuous = n&0x100 != 0
	}
	r.multicast, _ = strconv.ParseUint(read("statistics/multicast"), 10, 64)
	r.alias = read("ifalias")
}

// status returns an ifAdminStatus or ifOperStatus.
func status(up bool) int32 {
	if up {
		return 1
	}
	return 2
}

// truth returns a TruthValue.
func truth(b bool) int32 { return status(b) }

// unicast returns the packets that were received and were not for a group.
func (r *iface) unicast() uint64 { return r.io.PacketsRecv - min(r.multicast, r.io.PacketsRecv) }

func handleInterfaces(a *agent.Agent) {
	c := &cached[[]iface]{fetch: interfaces}
	zero := func(*iface) uint64 { return 0 }
	index := func(o snmp.OID, r *iface) snmp.OID { return o.Append(uint32(r.index)) }
	a.Handle(oidInterfaces.Append(1), scalar(c, func(all []iface) snmp.Value { return integer(int32(len(all))) }))
	a.Handle(oidInterfaces.Append(2), table(index, c.get,
		column(1, integer, func(r *iface) int32 { return int32(r.index) }),
		column(2, text, func(r *iface) string { return r.name }),
		column(3, integer, func(r *iface) int32 { return r.typ }),
		column(4, integer, func(r *iface) int32 { return int32(r.mtu) }),
		column(5, gauge, func(r *iface) uint32 { return uint32(min(r.speed, 1<<32-1)) }),
		column(6, text, func(r *iface) string { return r.hw }),
		column(7, integer, func(r *iface) int32 { return status(r.up) }),
		column(8, integer, func(r *iface) int32 { return status(r.up && r.running) }),
		column(9, ticks, func(r *iface) uint32 { return 0 }),
		column(10, count32, func(r *iface) uint64 { return r.io.BytesRecv }),
		column(11, count32, (*iface).unicast),
		column(12, count32, func(r *iface) uint64 { return r.multicast }),
		column(13, count32, func(r *iface) uint64 { return r.io.Dropin }),
		column(14, count32, func(r *iface) uint64 { return r.io.Errin }),
		column(15, count32, zero),
		column(16, count32, func(r *iface) uint64 { return r.io.BytesSent }),
		column(17, count32, func(r *iface) uint64 { return r.io.PacketsSent }),
		column(18, count32, zero),
		column(19, count32, func(r *iface) uint64 { return r.io.Dropout }),
		column(20, count32, func(r *iface) uint64 { return r.io.Errout }),
		column(21, gauge, func(r *iface) uint32 { return 0 }),
		column(22, object, func(r *iface) snmp.OID { return snmp.OID{} }),
	))
	a.Handle(oidIfXTable, table(index, c.get,
		column(1, text, func(r *iface) string { return r.name }),
		column(2, count32, func(r *iface) uint64 { return r.multicast }),
		column(3, count32, zero),
		column(4, count32, zero),
		column(5, count32, zero),
		column(6, count64, func(r *iface) uint64 { return r.io.BytesRecv }),
		column(7, count64, (*iface).unicast),
		column(8, count64, func(r *iface) uint64 { return r.multicast }),
		column(9, count64, zero),
		column(10, count64, func(r *iface) uint64 { return r.io.BytesSent }),
		column(11, count64, func(r *iface) uint64 { return r.io.PacketsSent }),
		column(12, count64, zero),
		column(13, count64, zero),
		column(15, gauge, func(r *iface) uint32 { return uint32(min((r.speed+500_000)/1_000_000, 1<<32-1)) }),
		column(16, integer, func(r *iface) int32 { return truth(r.promiscuous) }),
		column(17, integer, func(r *iface) int32 { return truth(r.typ == typeEthernet) }),
		column(18, text, func(r *iface) string { return r.alias }),
		column(19, ticks, func(r *iface) uint32 { return 0 }),
	))
}
