//go:build !linux || portable

package role

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A udpConn reads and writes one datagram a call. What Linux does in batches
// works the same here, without the speed.
type udpConn struct {
	c     *net.UDPConn
	local Addr
	dst   Addr // of a connected socket
	wild  bool // bound to no address, and the system tells where packets came to
	v6    bool
	oob   []byte
}

func newUDP(c *net.UDPConn, dst Addr) (PacketConn, error) {
	la := c.LocalAddr().(*net.UDPAddr)
	any := dst == (Addr{}) && la.IP.IsUnspecified()
	v6 := la.IP.To4() == nil
	u := &udpConn{c: c, dst: dst, v6: v6, oob: make([]byte, 128)}
	// Without packet information answers leave from the address that the
	// system chooses.
	if any && v6 {
		u.wild = ipv6.NewPacketConn(c).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true) == nil
	} else if any {
		u.wild = ipv4.NewPacketConn(c).SetControlMessage(ipv4.FlagDst, true) == nil
	}
	u.local = localAddr(c, any && v6)
	return u, nil
}

func setBuffers(uintptr) {}

func (u *udpConn) LocalAddr() Addr                       { return u.local }
func (u *udpConn) SyscallConn() (syscall.RawConn, error) { return u.c.SyscallConn() }
func (u *udpConn) SetReadDeadline(t time.Time) error     { return u.c.SetReadDeadline(t) }

func (u *udpConn) Close() error {
	err := u.c.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (u *udpConn) ReadBatch(ms []Message) (int, error) {
	m := &ms[0]
	buf := m.Buf[:cap(m.Buf)]
	for {
		n, oobn, _, src, err := u.c.ReadMsgUDPAddrPort(buf, u.oob)
		if err != nil && u.dst != (Addr{}) && errors.Is(err, syscall.ECONNREFUSED) {
			*m = Message{Addr: u.dst, Local: u.local, Buf: buf[:0], Err: err}
			return 1, nil
		}
		if err != nil && isRefusal(err) {
			continue // of whom, an unconnected socket is not told
		}
		if err != nil {
			return 0, err
		}
		*m = Message{Addr: u.dst, Local: u.local, Buf: buf[:n]}
		if u.dst == (Addr{}) {
			m.Addr = UDPAddr(src)
		}
		if u.wild {
			if ip := u.packetInfo(u.oob[:oobn]); ip.IsValid() {
				m.Local = UDPAddr(netip.AddrPortFrom(ip, u.local.ap.Port()))
			}
		}
		return 1, nil
	}
}

// isRefusal reports whether a read failed because a datagram sent earlier was
// refused, which Windows reports on unconnected sockets (WSAECONNRESET).
func isRefusal(err error) bool {
	const wsaeConnReset = syscall.Errno(10054)
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaeConnReset)
}

func (u *udpConn) packetInfo(oob []byte) netip.Addr {
	var ip net.IP
	if u.v6 {
		var cm ipv6.ControlMessage
		if cm.Parse(oob) == nil {
			ip = cm.Dst
		}
	} else {
		var cm ipv4.ControlMessage
		if cm.Parse(oob) == nil {
			ip = cm.Dst
		}
	}
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func (u *udpConn) WriteBatch(ms []Message) (int, error) {
	for i := range ms {
		m := &ms[i]
		var oob []byte
		if ip := m.Local.ap.Addr(); u.wild && ip.IsValid() && !ip.IsUnspecified() {
			switch {
			case !u.v6:
				oob = (&ipv4.ControlMessage{Src: ip.AsSlice()}).Marshal()
			case ip.Is6():
				oob = (&ipv6.ControlMessage{Src: ip.AsSlice()}).Marshal()
			}
		}
		dst := m.Addr.ap
		if u.dst != (Addr{}) {
			dst = netip.AddrPort{}
		}
		if _, _, err := u.c.WriteMsgUDPAddrPort(m.Buf, oob, dst); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}
