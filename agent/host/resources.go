package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/snmp"
)

var (
	oidHost        = snmp.MustParseOID("1.3.6.1.2.1.25")
	oidStorageType = snmp.MustParseOID("1.3.6.1.2.1.25.2.1")
	oidUCD         = snmp.MustParseOID("1.3.6.1.4.1.2021")
)

// A memory is the memory and the swap space, in octets.
type memory struct {
	mem.VirtualMemoryStat
	swap mem.SwapMemoryStat
}

func readMemory() (memory, error) {
	v, err := mem.VirtualMemory()
	if err != nil {
		return memory{}, err
	}
	m := memory{VirtualMemoryStat: *v}
	if s, err := mem.SwapMemory(); err == nil {
		m.swap = *s
	}
	return m, nil
}

// A storage is a row of hrStorageTable.
type storage struct {
	index      uint32
	typ        uint32 // below oidStorageType
	descr      string
	unit       uint64
	size, used uint64 // in units
}

// Types of storage.
const (
	storageOther = 1 + iota
	storageRAM
	storageVirtual
	storageFixed
)

// virtual are the file systems that store nothing.
var virtual = map[string]bool{
	"autofs": true, "binfmt_misc": true, "bpf": true, "cgroup": true, "cgroup2": true, "configfs": true, "debugfs": true,
	"devfs": true, "devpts": true, "devtmpfs": true, "efivarfs": true, "fusectl": true, "hugetlbfs": true, "mqueue": true, "nsfs": true,
	"proc": true, "pstore": true, "rpc_pipefs": true, "securityfs": true, "selinuxfs": true, "sysfs": true, "tracefs": true,
}

// storages returns memory under the indexes that Net-SNMP has for it, and file
// systems from 31 on, by their places in the list of all mounts.
func storages() (rows []storage, err error) {
	m, err := readMemory()
	if err != nil {
		return nil, err
	}
	const kib = 1024
	rows = []storage{
		{1, storageRAM, "Physical memory", kib, m.Total / kib, (m.Total - m.Free) / kib},
		{3, storageVirtual, "Virtual memory", kib, (m.Total + m.swap.Total) / kib, (m.Total - m.Free + m.swap.Used) / kib},
		{6, storageOther, "Memory buffers", kib, m.Total / kib, m.Buffers / kib},
		{7, storageOther, "Cached memory", kib, m.Cached / kib, m.Cached / kib},
		{8, storageOther, "Shared memory", kib, m.Shared / kib, m.Shared / kib},
		{10, storageVirtual, "Swap space", kib, m.swap.Total / kib, m.swap.Used / kib},
		{11, storageOther, "Available memory", kib, m.Available / kib, 0},
	}
	parts, err := disk.Partitions(true)
	if err != nil {
		return rows, nil
	}
	seen := make(map[string]bool)
	for _, p := range parts {
		if seen[p.Mountpoint] {
			continue // hidden, or mounted twice
		}
		seen[p.Mountpoint] = true
		if virtual[p.Fstype] {
			continue
		}
		u, err := disk.Usage(p.Mountpoint)
		if err != nil {
			continue
		}
		// A size that 32 bits cannot tell has greater units.
		unit := uint64(4096)
		for u.Total/unit > 1<<31-1 {
			unit *= 2
		}
		rows = append(rows, storage{uint32(30 + len(seen)), storageFixed, p.Mountpoint, unit, u.Total / unit, (u.Total - u.Free) / unit})
	}
	return rows, nil
}

// A process is a row of hrSWRunTable and hrSWRunPerfTable.
type process struct {
	pid                uint32
	name, path, params string
	status             int32
	cpu                int32 // hundredths of a second
	kib                int32
}

// processes reads /proc, or returns no rows where there is none.
func processes() (rows []process, err error) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	page := os.Getpagesize() / 1024
	for _, dir := range dirs {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		pid, err2 := strconv.ParseUint(filepath.Base(dir), 10, 31)
		begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
		if err != nil || err2 != nil || begin < 0 || end < begin {
			continue // it has ended
		}
		f := strings.Fields(string(stat[end+1:]))
		if len(f) < 22 {
			continue
		}
		p := process{pid: uint32(pid), name: string(stat[begin+1 : end]), status: 2}
		switch f[0] {
		case "R":
			p.status = 1
		case "T", "D":
			p.status = 3
		case "Z":
			p.status = 4
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		rss, _ := strconv.Atoi(f[21])
		p.cpu, p.kib = int32(user+system), int32(rss*page)
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		p.path = args[0]
		p.params = strings.Join(args[1:], " ")
		if len(p.params) > 128 { // hrSWRunParameters
			p.params = p.params[:128]
		}
		if len(p.path) > 128 {
			p.path = p.path[:128]
		}
		rows = append(rows, p)
	}
	return rows, nil
}

// dateAndTime returns a DateAndTime (RFC 2579).
func dateAndTime(t time.Time) snmp.Value {
	b := binary.BigEndian.AppendUint16(nil, uint16(t.Year()))
	b = append(b, byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()), byte(t.Nanosecond()/100_000_000))
	_, off := t.Zone()
	sign := byte('+')
	if off < 0 {
		sign, off = '-', -off
	}
	return snmp.OctetsValue(append(b, sign, byte(off/3600), byte(off/60%60)))
}

// upTime returns the time since the machine was started, in hundredths of a
// second where it tells them.
func upTime() (uint32, error) {
	if b, err := os.ReadFile("/proc/uptime"); err == nil {
		s, _, _ := strings.Cut(string(b), " ")
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return uint32(uint64(f * 100)), nil
		}
	}
	n, err := host.Uptime()
	return uint32(n * 100), err
}

func handleResources(a *agent.Agent) {
	a.Handle(oidHost.Append(1, 1), scalar(&cached[uint32]{fetch: upTime}, ticks))
	a.Handle(oidHost.Append(1, 2), &agent.Scalar{Read: func() snmp.Value { return dateAndTime(time.Now()) }})
	a.Handle(oidHost.Append(1, 5), scalar(&cached[uint32]{fetch: func() (uint32, error) {
		users, err := host.Users()
		return uint32(len(users)), err
	}}, gauge))
	procs := &cached[[]process]{fetch: processes}
	a.Handle(oidHost.Append(1, 6), scalar(procs, func(all []process) snmp.Value { return gauge(uint32(len(all))) }))
	a.Handle(oidHost.Append(1, 7), agent.Const(integer(0)))

	m := &cached[memory]{fetch: readMemory}
	a.Handle(oidHost.Append(2, 2), scalar(m, func(m memory) snmp.Value { return integer(clip(m.Total / 1024)) }))
	a.Handle(oidHost.Append(2, 3), table(
		func(o snmp.OID, r *storage) snmp.OID { return o.Append(r.index) }, storages,
		column(1, integer, func(r *storage) int32 { return int32(r.index) }),
		column(2, object, func(r *storage) snmp.OID { return oidStorageType.Append(r.typ) }),
		column(3, text, func(r *storage) string { return r.descr }),
		column(4, integer, func(r *storage) int32 { return clip(r.unit) }),
		column(5, integer, func(r *storage) int32 { return clip(r.size) }),
		column(6, integer, func(r *storage) int32 { return clip(r.used) }),
	))
	index := func(o snmp.OID, r *process) snmp.OID { return o.Append(r.pid) }
	a.Handle(oidHost.Append(4, 2), table(index, procs.get,
		column(1, integer, func(r *process) int32 { return int32(r.pid) }),
		column(2, text, func(r *process) string { return r.name }),
		column(3, object, func(*process) snmp.OID { return snmp.OID{} }),
		column(4, text, func(r *process) string { return r.path }),
		column(5, text, func(r *process) string { return r.params }),
		column(6, integer, func(r *process) int32 { return 4 }),
		column(7, integer, func(r *process) int32 { return r.status }),
	))
	a.Handle(oidHost.Append(5, 1), table(index, procs.get,
		column(1, integer, func(r *process) int32 { return r.cpu }),
		column(2, integer, func(r *process) int32 { return r.kib }),
	))
}

// A loadAverage is a row of laTable.
type loadAverage struct {
	index   uint32
	minutes int
	load    float64
}

func loads() ([]loadAverage, error) {
	l, err := load.Avg()
	if err != nil {
		return nil, err
	}
	return []loadAverage{{1, 1, l.Load1}, {2, 5, l.Load5}, {3, 15, l.Load15}}, nil
}

func handleUCD(a *agent.Agent) {
	a.Handle(oidUCD.Append(10), table(
		func(o snmp.OID, r *loadAverage) snmp.OID { return o.Append(r.index) }, loads,
		column(1, integer, func(r *loadAverage) int32 { return int32(r.index) }),
		column(2, text, func(r *loadAverage) string { return fmt.Sprint("Load-", r.minutes) }),
		column(3, text, func(r *loadAverage) string { return strconv.FormatFloat(r.load, 'f', 2, 64) }),
		column(4, text, func(*loadAverage) string { return "12.00" }),
		column(5, integer, func(r *loadAverage) int32 { return int32(r.load*100 + 0.5) }),
		column(6, snmp.OpaqueValue[float32], func(r *loadAverage) float32 { return float32(r.load) }),
		column(100, integer, func(*loadAverage) int32 { return 0 }),
		column(101, text, func(*loadAverage) string { return "" }),
	))
	m := &cached[memory]{fetch: readMemory}
	kib := func(part func(m memory) uint64) agent.Handler {
		return scalar(m, func(m memory) snmp.Value { return integer(clip(part(m) / 1024)) })
	}
	for id, h := range map[uint32]agent.Handler{
		1:   agent.Const(integer(0)),
		2:   agent.Const(text("swap")),
		3:   kib(func(m memory) uint64 { return m.swap.Total }),
		4:   kib(func(m memory) uint64 { return m.swap.Free }),
		5:   kib(func(m memory) uint64 { return m.Total }),
		6:   kib(func(m memory) uint64 { return m.Free }),
		11:  kib(func(m memory) uint64 { return m.Free + m.swap.Free }),
		12:  agent.Const(integer(16000)),
		13:  kib(func(m memory) uint64 { return m.Shared }),
		14:  kib(func(m memory) uint64 { return m.Buffers }),
		15:  kib(func(m memory) uint64 { return m.Cached }),
		100: agent.Const(integer(0)),
		101: agent.Const(text("")),
	} {
		a.Handle(oidUCD.Append(4, id), h)
	}
}
