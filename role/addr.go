package role

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unique"
)

// The networks that are built in.
const (
	netUDP      = "udp"
	netTCP      = "tcp"
	netUnix     = "unix"     // a stream
	netUnixgram = "unixgram" // datagrams
)

// An Addr names an endpoint, such as "udp:192.0.2.1:161" or
// "unix:/run/agent.sock". It is comparable and 40 bytes large. The zero Addr
// names nothing: as a destination it means the default one.
type Addr struct {
	ap netip.AddrPort // of udp and tcp; an invalid address means any
	id unique.Handle[addrName]
}

// An addrName is the part of an Addr that few different ones share.
type addrName struct {
	network string
	path    string // of networks other than udp and tcp
}

var (
	udpName = unique.Make(addrName{network: netUDP})
	tcpName = unique.Make(addrName{network: netTCP})
)

// UDPAddr returns the Addr of a UDP endpoint. An IPv4 address that is mapped
// into IPv6 is the IPv4 address.
func UDPAddr(ap netip.AddrPort) Addr { return Addr{unmap(ap), udpName} }

// TCPAddr returns the Addr of a TCP endpoint.
func TCPAddr(ap netip.AddrPort) Addr { return Addr{unmap(ap), tcpName} }

// NamedAddr returns the Addr of an endpoint that has a name instead of an IP
// address: network is "unix", "unixgram", or one that a [PacketConn] of your
// own defines.
func NamedAddr(network, name string) Addr {
	return Addr{id: unique.Make(addrName{network, name})}
}

func unmap(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// ParseAddr parses the text of an endpoint whose host is an IP address or
// empty, which means any: "192.0.2.1:161", "udp:[2001:db8::1]:161",
// "tcp::161", "unix:/path", "unixgram:/path". The network is UDP if none is
// named. Names of hosts need [ResolveAddr].
//
// For listening, "0.0.0.0" means all IPv4 addresses, "[::]" all IPv6 addresses
// and an empty host both.
func ParseAddr(s string) (Addr, error) {
	network, host, port, a, err := splitAddr(s)
	if err != nil || a != (Addr{}) {
		return a, err
	}
	ip, ok := literal(network, host)
	if !ok {
		return Addr{}, parseError(s, "host is not an IP address")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Addr{}, parseError(s, "port is not a number from 0 to 65535")
	}
	return ipAddr(network, netip.AddrPortFrom(ip, uint16(n))), nil
}

// MustParseAddr is like [ParseAddr] but panics on an error. It is meant for
// constants.
func MustParseAddr(s string) Addr {
	a, err := ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

// ResolveAddr is like [ParseAddr] but also looks up the names of hosts and
// services. With "udp4:", "udp6:", "tcp4:" or "tcp6:" in front the name must
// have an address of that family; otherwise the first one is taken, IPv4
// before IPv6. A failed look-up is an [ErrNetwork] that wraps a
// [*net.DNSError].
func ResolveAddr(ctx context.Context, s string) (Addr, error) {
	network, host, port, a, err := splitAddr(s)
	if err != nil || a != (Addr{}) {
		return a, err
	}
	n, err := net.DefaultResolver.LookupPort(ctx, network, port)
	if err != nil {
		return Addr{}, parseError(s, "unknown port")
	}
	ip, ok := literal(network, host)
	if !ok {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, family(network), host)
		if err != nil {
			return Addr{}, &Error{Op: "resolve", Addr: s, Kind: ErrNetwork, Err: err}
		}
		ip = ips[0]
		for _, x := range ips {
			if x.Unmap().Is4() {
				ip = x
				break
			}
		}
	}
	return ipAddr(network, netip.AddrPortFrom(ip, uint16(n))), nil
}

// splitAddr takes s apart. It returns an Addr if s names a Unix socket.
func splitAddr(s string) (network, host, port string, a Addr, err error) {
	network, rest, ok := strings.Cut(s, ":")
	switch network {
	case netUDP, "udp4", "udp6", netTCP, "tcp4", "tcp6":
		if !ok {
			return "", "", "", Addr{}, parseError(s, "missing port")
		}
	case netUnix, netUnixgram:
		if rest == "" {
			return "", "", "", Addr{}, parseError(s, "missing path")
		}
		return "", "", "", NamedAddr(network, rest), nil
	default:
		network, rest = netUDP, s
	}
	host, port, err = net.SplitHostPort(rest)
	if err != nil {
		return "", "", "", Addr{}, parseError(s, `not of the form "host:port" or "network:host:port"`)
	}
	return network, host, port, Addr{}, nil
}

// literal returns the address that host is, or the invalid one, which stands
// for any, if host is empty.
func literal(network, host string) (ip netip.Addr, ok bool) {
	want6 := strings.HasSuffix(network, "6")
	want4 := strings.HasSuffix(network, "4")
	if host == "" {
		switch {
		case want4:
			return netip.IPv4Unspecified(), true
		case want6:
			return netip.IPv6Unspecified(), true
		}
		return netip.Addr{}, true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ip, false
	}
	ip = ip.Unmap()
	return ip, !(want4 && ip.Is6() || want6 && ip.Is4())
}

// family returns the name under which package net looks up hosts for network.
func family(network string) string {
	switch network[len(network)-1] {
	case '4':
		return "ip4"
	case '6':
		return "ip6"
	}
	return "ip"
}

func ipAddr(network string, ap netip.AddrPort) Addr {
	if strings.HasPrefix(network, netTCP) {
		return TCPAddr(ap)
	}
	return UDPAddr(ap)
}

func parseError(s, text string) *Error {
	return &Error{Op: "parse", Addr: strconv.Quote(s), Kind: ErrBadArgument, Err: errors.New(text)}
}

// Network returns "udp", "tcp", "unix", "unixgram", or the name that a
// transport of your own gave; "" for the zero Addr.
func (a Addr) Network() string {
	if a.IsZero() {
		return ""
	}
	return a.id.Value().network
}

// AddrPort returns the IP address and port of a UDP or TCP endpoint. It is not
// valid for other endpoints, and its address is not if a means any.
func (a Addr) AddrPort() netip.AddrPort { return a.ap }

// Name returns the path or name of an endpoint that has no IP address.
func (a Addr) Name() string {
	if a.IsZero() {
		return ""
	}
	return a.id.Value().path
}

// IsZero reports whether a names nothing.
func (a Addr) IsZero() bool { return a == Addr{} }

// String returns text that [ParseAddr] takes, or "" for the zero Addr.
func (a Addr) String() string {
	if a.IsZero() {
		return ""
	}
	n := a.id.Value()
	switch {
	case n.network != netUDP && n.network != netTCP:
		return n.network + ":" + n.path
	case !a.ap.Addr().IsValid():
		return n.network + "::" + strconv.Itoa(int(a.ap.Port()))
	}
	return n.network + ":" + a.ap.String()
}

// isIP reports whether a is of UDP or TCP.
func (a Addr) isIP() bool { return a.id == udpName || a.id == tcpName }

// hostPort returns a as package net takes it.
func (a Addr) hostPort() string {
	if !a.isIP() {
		return a.Name()
	}
	if !a.ap.Addr().IsValid() {
		return ":" + strconv.Itoa(int(a.ap.Port()))
	}
	return a.ap.String()
}

// goNetwork returns the name of a's network in package net, with the family
// where there is one: IPv6 sockets then leave IPv4 to others.
func (a Addr) goNetwork() string {
	switch ip := a.ap.Addr(); {
	case !a.isIP() || !ip.IsValid():
		return a.Network()
	case ip.Is4():
		return a.Network() + "4"
	default:
		return a.Network() + "6"
	}
}

// hash returns a number that equal addresses share.
func (a Addr) hash() uint64 {
	if !a.isIP() {
		h := uint64(14695981039346656037)
		for _, c := range []byte(a.Name()) {
			h = (h ^ uint64(c)) * 1099511628211
		}
		return h
	}
	b := a.ap.Addr().As16()
	h := uint64(a.ap.Port())
	for i := 0; i < 16; i += 8 {
		var w uint64
		for j := range 8 {
			w = w<<8 | uint64(b[i+j])
		}
		h = mix(h ^ w)
	}
	return h
}

// mix spreads the bits of x over the whole word.
func mix(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// reaches reports whether a socket bound to a can send to dst.
func (a Addr) reaches(dst Addr) bool {
	ip := a.ap.Addr()
	return a.Network() == dst.Network() && (!a.isIP() || !ip.IsValid() || ip.Is4() == dst.ap.Addr().Is4())
}

// maxMessageLen returns the greatest length in octets of a message to a.
func (a Addr) maxMessageLen() int {
	if a.id == udpName {
		if a.ap.Addr().Is6() {
			return 65535 - 8
		}
		return 65535 - 20 - 8
	}
	return maxMessageLen
}

// checkLen returns an error if msg is empty or cannot be sent to a.
func (a Addr) checkLen(op string, msg []byte) error {
	if len(msg) == 0 {
		return badArgument(op, a, "message is empty")
	}
	if limit := a.maxMessageLen(); len(msg) > limit {
		return badArgument(op, a, fmt.Sprintf("message of %d octets exceeds the limit of %d", len(msg), limit))
	}
	return nil
}
