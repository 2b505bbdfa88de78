package host

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/host"

	"github.com/pollux-snmp/pollux/agent"
	"github.com/pollux-snmp/pollux/snmp"
)

// maxAge is how old a value may be.
const maxAge = time.Second

// sysObjectID is what Net-SNMP has on Linux: software tells systems by it.
var sysObjectID = snmp.MustParseOID("1.3.6.1.4.1.8072.3.2.10")

// System returns the values of the system group: what uname tells, and the name
// of the machine.
func System() agent.System {
	s := agent.System{ObjectID: sysObjectID, Location: "Unknown", Services: 72}
	s.Name, _ = os.Hostname()
	arch, err := host.KernelArch()
	if err != nil {
		arch = runtime.GOARCH
	}
	kernel := func(name string) string {
		b, _ := os.ReadFile("/proc/sys/kernel/" + name)
		return strings.TrimSpace(string(b))
	}
	parts := []string{kernel("ostype"), s.Name, kernel("osrelease"), kernel("version"), arch}
	if parts[0] == "" {
		version, _ := host.KernelVersion()
		parts = []string{runtime.GOOS, s.Name, version, arch}
	}
	s.Descr = strings.Join(parts, " ")
	return s
}

// Handle puts all objects of this machine into the default context of a.
func Handle(a *agent.Agent) {
	handleInterfaces(a)
	handleProtocols(a)
	handleResources(a)
	handleUCD(a)
}

// A cached is a value that is fetched when it is older than maxAge. It may be
// used from any number of goroutines.
type cached[T any] struct {
	fetch func() (T, error)

	mu  sync.Mutex
	at  time.Time
	v   T
	err error
}

func (c *cached[T]) get() (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) > maxAge {
		c.v, c.err = c.fetch()
		c.at = time.Now()
	}
	return c.v, c.err
}

// scalar returns the scalar of a part of a cached value, which is not there if
// the value cannot be fetched.
func scalar[T any](c *cached[T], part func(T) snmp.Value) agent.Handler {
	return &agent.Scalar{Read: func() snmp.Value {
		v, err := c.get()
		if err != nil {
			return snmp.Value{}
		}
		return part(v)
	}}
}

// table returns a table whose rows are fetched.
func table[R any](index func(o snmp.OID, r *R) snmp.OID, fetch func() ([]R, error), columns ...agent.Column[R]) *agent.Table[R] {
	return &agent.Table[R]{
		Columns: columns,
		Index:   index,
		MaxAge:  maxAge,
		Load:    func(context.Context) ([]R, error) { return fetch() },
	}
}

// column returns a column whose values are made with as of what get returns.
func column[R, T any](id uint32, as func(T) snmp.Value, get func(r *R) T) agent.Column[R] {
	return agent.Column[R]{ID: id, Get: func(r *R) snmp.Value { return as(get(r)) }}
}

// Values of the kinds that columns have.
var (
	text    = snmp.OctetsValue[string]
	integer = snmp.IntegerValue
	gauge   = snmp.Gauge32Value
	count64 = snmp.Counter64Value
	ticks   = snmp.TimeTicksValue
	object  = snmp.OIDValue
)

// count32 is a Counter32 of the low half of a greater counter.
func count32(n uint64) snmp.Value { return snmp.Counter32Value(uint32(n)) }

// clip is a number that 32 bits cannot exceed.
func clip(n uint64) int32 { return int32(min(n, 1<<31-1)) }
