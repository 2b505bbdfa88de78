package role

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// UDP sockets are made here for all systems; how they read and write batches
// is in udp_linux.go and udp_default.go.

// listenUDP opens a socket on local. An address that stands for any hears both
// families if the system has IPv6.
func listenUDP(ctx context.Context, local Addr) (PacketConn, error) {
	lc := net.ListenConfig{Control: controlUDP}
	c, err := lc.ListenPacket(ctx, local.goNetwork(), local.hostPort())
	if err != nil {
		return nil, err
	}
	return newUDP(c.(*net.UDPConn), Addr{})
}

// dialUDP opens a socket that is connected to dst. A zero local means any
// address.
func dialUDP(ctx context.Context, dst, local Addr) (PacketConn, error) {
	d := net.Dialer{Control: controlUDP}
	if local != (Addr{}) {
		d.LocalAddr = net.UDPAddrFromAddrPort(local.ap)
	}
	c, err := d.DialContext(ctx, dst.goNetwork(), dst.hostPort())
	if err != nil {
		return nil, err
	}
	return newUDP(c.(*net.UDPConn), dst)
}

// controlUDP sets a socket's options before it is bound.
func controlUDP(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { setBuffers(fd) })
}

// localAddr returns the address that c is bound to, with an invalid IP address
// if it hears both families.
func localAddr(c *net.UDPConn, dual bool) Addr {
	ap := c.LocalAddr().(*net.UDPAddr).AddrPort()
	if dual {
		ap = netip.AddrPortFrom(netip.Addr{}, ap.Port())
	}
	return UDPAddr(ap)
}
