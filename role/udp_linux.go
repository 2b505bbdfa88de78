//go:build !portable

package role

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A udpConn reads and writes batches with recvmmsg and sendmmsg on the socket
// of a net.UDPConn, and waits in the runtime's poller. It allocates nothing in
// steady state: all that the kernel fills lies in the udpConn.
type udpConn struct {
	c     *net.UDPConn
	raw   syscall.RawConn
	local Addr
	dst   Addr          // of a connected socket
	v6    bool          // the socket's family is IPv6; IPv4 addresses are mapped
	wild  bool          // bound to no address: packets carry their own
	drops atomic.Uint64 // the last known value of kernelDrops

	rx, tx vector
	recv   func(fd uintptr) bool // rx.recv and tx.send, made once
	send   func(fd uintptr) bool
}

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// controlLen is the room for the control messages of one packet: one in_pktinfo
// or in6_pktinfo.
const controlLen = unix.SizeofCmsghdr + unix.SizeofInet6Pktinfo + 8

// A vector is the argument of one recvmmsg or sendmmsg, and its result. The
// headers point into the arrays beside them, and iovs into the caller's
// buffers while a call lasts; all are kept alive by the udpConn.
type vector struct {
	hdrs  [batchLen]mmsghdr
	iovs  [batchLen]unix.Iovec
	names [batchLen]unix.RawSockaddrInet6 // large enough for IPv4, too
	ctls  [batchLen][controlLen]byte

	n     int // messages in the call
	done  int // messages that it moved
	errno syscall.Errno
}

func newUDP(c *net.UDPConn, dst Addr) (PacketConn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		c.Close()
		return nil, err
	}
	u := &udpConn{c: c, raw: raw, dst: dst}
	u.recv, u.send = u.recvmmsg, u.sendmmsg
	var dual bool
	var optErr error
	err = raw.Control(func(fd uintptr) {
		s := int(fd)
		domain, _ := unix.GetsockoptInt(s, unix.SOL_SOCKET, unix.SO_DOMAIN)
		u.v6 = domain == unix.AF_INET6
		if u.v6 {
			only, _ := unix.GetsockoptInt(s, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
			dual = only == 0 && c.LocalAddr().(*net.UDPAddr).IP.IsUnspecified()
		}
		u.wild = dst == (Addr{}) && c.LocalAddr().(*net.UDPAddr).IP.IsUnspecified()
		optErr = setUDPOptions(s, u.v6, u.wild)
	})
	if err == nil {
		err = optErr
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	u.local = localAddr(c, dual)
	return u, nil
}

func setUDPOptions(s int, v6, wild bool) error {
	set := func(level, opt int, what string) error {
		return os.NewSyscallError("setsockopt "+what, unix.SetsockoptInt(s, level, opt, 1))
	}
	// What the network gives back goes to the socket's error queue. A
	// dual-stack socket needs both options.
	err := set(unix.IPPROTO_IP, unix.IP_RECVERR, "IP_RECVERR")
	if v6 {
		err = errors.Join(err, set(unix.IPPROTO_IPV6, unix.IPV6_RECVERR, "IPV6_RECVERR"))
	}
	switch {
	case wild && v6:
		err = errors.Join(err, set(unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"))
	case wild:
		err = errors.Join(err, set(unix.IPPROTO_IP, unix.IP_PKTINFO, "IP_PKTINFO"))
	}
	return err
}

// setBuffers asks for socket buffers of socketBufferLen, and takes what the
// system's limits leave of that without privileges.
func setBuffers(fd uintptr) {
	s := int(fd)
	if unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBufferLen) != nil {
		unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBufferLen)
	}
	if unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBufferLen) != nil {
		unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBufferLen)
	}
}

func (u *udpConn) LocalAddr() Addr                       { return u.local }
func (u *udpConn) SyscallConn() (syscall.RawConn, error) { return u.raw, nil }
func (u *udpConn) SetReadDeadline(t time.Time) error     { return u.c.SetReadDeadline(t) }
func (u *udpConn) Close() error {
	err := u.c.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (u *udpConn) ReadBatch(ms []Message) (int, error) {
	v := &u.rx
	v.n = min(len(ms), batchLen)
	for i := range v.n {
		buf := ms[i].Buf[:cap(ms[i].Buf)]
		v.iovs[i].Base = unsafe.SliceData(buf)
		v.iovs[i].SetLen(len(buf))
		h := &v.hdrs[i].hdr
		h.Iov = &v.iovs[i]
		h.SetIovlen(1)
		if u.dst == (Addr{}) {
			h.Name = (*byte)(unsafe.Pointer(&v.names[i]))
			h.Namelen = unix.SizeofSockaddrInet6
		}
		if u.wild {
			h.Control = &v.ctls[i][0]
			h.SetControllen(controlLen)
		}
	}
	for {
		if err := u.raw.Read(u.recv); err != nil {
			if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
				return 0, err
			}
			// The poller refuses to wait while the only event of the socket
			// is an error, which it forgets at the next event.
			v.errno = unix.EAGAIN
			time.Sleep(time.Millisecond)
		}
		switch {
		case v.errno == 0:
			for i := range v.done {
				u.received(&ms[i], i)
			}
			return v.done, nil
		case v.errno == unix.EINTR:
		default:
			// The error is of a message sent earlier: what came back is in
			// the error queue. (If a send gets the error instead, it looks
			// there, too.)
			n := 0
			for n < v.n && u.readError(&ms[n]) {
				n++
			}
			if n > 0 {
				return n, nil
			}
			if v.errno != unix.EAGAIN && !ofMessage(v.errno) {
				return 0, os.NewSyscallError("recvmmsg", v.errno)
			}
		}
	}
}

// ofMessage reports whether a socket's error is about a message that was sent
// and not about the socket.
func ofMessage(errno syscall.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN,
		unix.EMSGSIZE, unix.EPROTO, unix.ENOPROTOOPT, unix.EACCES, unix.EPERM, unix.ETIMEDOUT, unix.EOPNOTSUPP, unix.ENONET:
		return true
	}
	return false
}

// recvmmsg is what raw.Read calls; it returns false to wait for the socket.
//
// It and sendmmsg do not tell the scheduler of the system call, which does not
// block and lasts some microseconds a datagram at most: each would wake the
// runtime's monitor thread when this is the only work.
func (u *udpConn) recvmmsg(fd uintptr) bool {
	v := &u.rx
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs)), uintptr(v.n), unix.MSG_DONTWAIT, 0, 0)
	v.errno = errno
	if errno == 0 {
		v.done = int(n)
		return true
	}
	return errno != unix.EAGAIN
}

// received completes ms, which the kernel has filled as message i.
func (u *udpConn) received(m *Message, i int) {
	h := &u.rx.hdrs[i]
	m.Buf = m.Buf[:h.len]
	m.Addr, m.Local, m.Err = u.dst, u.local, nil
	if u.dst == (Addr{}) {
		m.Addr = u.addr(&u.rx.names[i])
	}
	if u.wild {
		if ip := packetInfo(u.rx.ctls[i][:h.hdr.Controllen]); ip.IsValid() {
			m.Local.ap = netip.AddrPortFrom(ip, u.local.ap.Port())
		}
	}
}

func (u *udpConn) WriteBatch(ms []Message) (int, error) {
	v := &u.tx
	sent := 0
	for sent < len(ms) {
		v.n = min(len(ms)-sent, batchLen)
		for i := range v.n {
			if errno := u.prepare(i, &ms[sent+i]); errno != 0 {
				v.n = i
				if i == 0 {
					return sent, os.NewSyscallError("sendmmsg", errno)
				}
				break
			}
		}
		if err := u.raw.Write(u.send); err != nil {
			return sent, err
		}
		if v.errno == unix.EINTR {
			continue
		}
		if v.errno != 0 {
			return sent, os.NewSyscallError("sendmmsg", v.errno)
		}
		sent += v.done
	}
	return sent, nil
}

// prepare fills in the header of message i.
func (u *udpConn) prepare(i int, m *Message) syscall.Errno {
	v := &u.tx
	v.iovs[i].Base = unsafe.SliceData(m.Buf)
	v.iovs[i].SetLen(len(m.Buf))
	h := &v.hdrs[i].hdr
	h.Iov = &v.iovs[i]
	h.SetIovlen(1)
	h.Name, h.Namelen = nil, 0
	if u.dst == (Addr{}) {
		n, errno := u.sockaddr(&v.names[i], m.Addr.ap)
		if errno != 0 {
			return errno
		}
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&v.names[i])), n
	}
	h.Control = nil
	h.SetControllen(0)
	if ip := m.Local.ap.Addr(); u.wild && ip.IsValid() && !ip.IsUnspecified() {
		n := u.putPacketInfo(v.ctls[i][:], ip)
		h.Control = &v.ctls[i][0]
		h.SetControllen(n)
	}
	return 0
}

// sendmmsg is what raw.Write calls; it returns false to wait for the socket.
func (u *udpConn) sendmmsg(fd uintptr) bool {
	v := &u.tx
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&v.hdrs)), uintptr(v.n), unix.MSG_DONTWAIT, 0, 0)
	v.errno = errno
	v.done = int(n)
	return errno != unix.EAGAIN
}

// addr returns the address that the kernel wrote to sa.
func (u *udpConn) addr(sa *unix.RawSockaddrInet6) Addr {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:])
	if sa.Family == unix.AF_INET {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return Addr{netip.AddrPortFrom(netip.AddrFrom4(sa4.Addr), port), udpName}
	}
	return Addr{netip.AddrPortFrom(withZone(netip.AddrFrom16(sa.Addr).Unmap(), sa.Scope_id), port), udpName}
}

// sockaddr writes ap to sa in the socket's family and returns its length.
func (u *udpConn) sockaddr(sa *unix.RawSockaddrInet6, ap netip.AddrPort) (uint32, syscall.Errno) {
	ip := ap.Addr()
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], ap.Port())
	switch {
	case !ip.IsValid():
		return 0, unix.EDESTADDRREQ
	case u.v6:
		sa.Family, sa.Flowinfo, sa.Scope_id = unix.AF_INET6, 0, 0
		sa.Addr = ip.As16()
		if ip.Zone() != "" {
			sa.Scope_id = zoneID(ip.Zone())
		}
		return unix.SizeofSockaddrInet6, 0
	case ip.Is4():
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		sa4.Family = unix.AF_INET
		sa4.Addr = ip.As4()
		return unix.SizeofSockaddrInet4, 0
	}
	return 0, unix.EAFNOSUPPORT
}

// withZone adds the zone of a link-local address: its interface's number.
func withZone(ip netip.Addr, index uint32) netip.Addr {
	if index == 0 || !ip.Is6() {
		return ip
	}
	return ip.WithZone(strconv.Itoa(int(index)))
}

// zoneID returns the number of the interface that zone names, or 0.
func zoneID(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	return 0
}

// packetInfo returns the address that a packet came to, from its control
// messages, or the invalid address.
func packetInfo(b []byte) netip.Addr {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(b) {
			break
		}
		data := b[unix.CmsgLen(0):n]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			// Addr is the packet's destination, Spec_dst the address to
			// answer from: they differ if the packet was a broadcast.
			return netip.AddrFrom4((*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Spec_dst)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
			ip := netip.AddrFrom16(info.Addr).Unmap()
			if ip.IsLinkLocalUnicast() {
				ip = withZone(ip, info.Ifindex)
			}
			return ip
		}
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
	return netip.Addr{}
}

// putPacketInfo writes the control message that makes a packet leave from ip
// to b, and returns its length.
func (u *udpConn) putPacketInfo(b []byte, ip netip.Addr) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	data := unsafe.Pointer(&b[unix.CmsgLen(0)])
	if u.v6 {
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
		info := (*unix.Inet6Pktinfo)(data)
		*info = unix.Inet6Pktinfo{Addr: ip.As16()}
		if ip.Zone() != "" {
			info.Ifindex = zoneID(ip.Zone())
		}
		return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	*(*unix.Inet4Pktinfo)(data) = unix.Inet4Pktinfo{Spec_dst: ip.As4()}
	return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
}

// readErrors implements errorReader.
func (u *udpConn) readErrors(f func(*Message)) int {
	m := Message{Buf: make([]byte, 0, 1500)}
	n := 0
	for n < batchLen && u.readError(&m) {
		f(&m)
		n++
	}
	return n
}

// readError takes the first entry off the socket's error queue: the start of
// the message that came back, the address it was for, and the error.
func (u *udpConn) readError(m *Message) bool {
	var (
		name unix.RawSockaddrInet6
		ctl  [256]byte
		iov  unix.Iovec
		hdr  unix.Msghdr
		n    int
		err  error
	)
	buf := m.Buf[:cap(m.Buf)]
	ctlErr := u.raw.Control(func(fd uintptr) {
		iov.Base = unsafe.SliceData(buf)
		iov.SetLen(len(buf))
		hdr = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: unix.SizeofSockaddrInet6, Iov: &iov, Control: &ctl[0]}
		hdr.SetIovlen(1)
		hdr.SetControllen(len(ctl))
		r, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&hdr)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		n = int(r)
		if errno != 0 {
			err = errno
		}
	})
	if ctlErr != nil || err != nil {
		return false
	}
	cause := extendedError(ctl[:hdr.Controllen])
	if cause == 0 {
		cause = unix.EPROTO
	}
	*m = Message{Addr: u.addr(&name), Local: u.local, Buf: buf[:n], Err: os.NewSyscallError("sendmmsg", cause)}
	return true
}

// extendedError returns the error in the control messages of an entry of the
// error queue, or 0.
func extendedError(b []byte) syscall.Errno {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		n := int(h.Len)
		if n < unix.CmsgLen(4) || n > len(b) {
			break
		}
		if h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR || h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR {
			// struct sock_extended_err begins with the error number.
			return syscall.Errno(binary.NativeEndian.Uint32(b[unix.CmsgLen(0):]))
		}
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
	return 0
}

// kernelDrops returns how many datagrams the kernel dropped because the
// socket's receive buffer was full.
func (u *udpConn) kernelDrops() uint64 {
	var info [9]uint32 // SO_MEMINFO: the last is SK_MEMINFO_DROPS
	size := uint32(unsafe.Sizeof(info))
	var errno syscall.Errno
	err := u.raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err != nil || errno != 0 {
		return u.drops.Load()
	}
	u.drops.Store(uint64(info[8]))
	return uint64(info[8])
}
