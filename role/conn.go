package role

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	// batchLen is the greatest number of messages in one system call.
	batchLen = 64

	// maxMessageLen is the greatest length in octets of a message on any
	// network.
	maxMessageLen = 65535

	// socketBufferLen is what is asked of the system for each direction. The
	// kernel takes memory only for what waits there.
	socketBufferLen = 8 << 20
)

// A Message is one datagram, or one message on a stream, with its addresses.
type Message struct {
	Addr  Addr   // the source of a received message, the destination of one to send
	Local Addr   // where a received message came to, where one to send leaves from; may be zero
	Buf   []byte // the octets

	// Err, if not nil, says that this is not a message that came but one
	// that could not be delivered to Addr. Buf then holds the start of it,
	// as far as the network gave it back.
	Err error

	via int // the PacketConn of the agent that it came by, plus one
}

// A PacketConn is a transport: a socket, or anything that moves messages. It
// is used by one reader and one writer at a time. After Close all its calls
// return an error that wraps [net.ErrClosed].
type PacketConn interface {
	// ReadBatch waits for at least one message and reads up to len(ms) that
	// are there. It fills ms[i].Buf up to its capacity and sets its length,
	// as well as Addr, Local and Err. After a read deadline has passed it
	// returns an error that wraps [os.ErrDeadlineExceeded].
	ReadBatch(ms []Message) (n int, err error)

	// WriteBatch sends messages in order. It returns how many it sent; if
	// not all, err says why ms[n] was not. It must not wait for the peer.
	WriteBatch(ms []Message) (n int, err error)

	// LocalAddr returns the address that others send to.
	LocalAddr() Addr

	// SetReadDeadline bounds the current and later calls of ReadBatch. The
	// zero time takes the bound away.
	SetReadDeadline(t time.Time) error

	Close() error
}

// A KeyFunc returns the number that a message and the answer to it share, and
// whether msg has one at all. It is called with octets from strangers, and
// with the start of a message that the network gave back.
type KeyFunc func(msg []byte) (key uint32, ok bool)

// A SplitFunc returns the length of the first message in data, which is the
// start of what a stream brought, or 0 if more is needed to tell. The length
// may exceed len(data). An error ends the connection.
type SplitFunc func(data []byte) (msgLen int, err error)

// A Config holds the settings of a manager or agent. A nil *Config means all
// defaults. It must not be changed after it is passed.
type Config struct {
	// Local is the address that a manager sends from. The default is any
	// address and any port of the destination's family; for a manager
	// without default destination, of both families.
	Local Addr

	// Timeout is the length of one attempt of an exchange, and of a
	// manager's Receive. The default is 1 s. Negative means no bound but the
	// context's.
	Timeout time.Duration

	// Retries is the number of further attempts after the first. The default
	// is 3; negative means none.
	Retries int

	// Key pairs answers with requests. Without it, any message from the
	// destination answers, and one exchange at a time may go to each.
	Key KeyFunc

	// Split finds the messages in a stream. TCP and Unix stream sockets need
	// it.
	Split SplitFunc

	// AnySource accepts an answer from another address than the one that the
	// request went to, as some agents with several addresses send it. The
	// key alone then pairs them.
	AnySource bool

	// RetryRefused goes on with the attempts of an exchange after the
	// destination refused one. The default is to report that at once.
	RetryRefused bool

	// Handlers is the greatest number of handlers that an agent runs at once
	// on each of its local addresses. The default is 64.
	Handlers int
}

// withDefaults returns a copy of cfg in which every setting has its value.
func (cfg *Config) withDefaults() Config {
	var c Config
	if cfg != nil {
		c = *cfg
	}
	if c.Timeout == 0 {
		c.Timeout = time.Second
	}
	if c.Retries == 0 {
		c.Retries = 3
	}
	if c.Handlers <= 0 {
		c.Handlers = 64
	}
	return c
}

// Listen opens a transport on local: a UDP or Unix datagram socket, or a
// listening TCP or Unix stream socket. Cfg may be nil but for the stream
// sockets, which need its Split.
//
// If the port is taken or needs privileges, the error names a free one.
func Listen(ctx context.Context, local Addr, cfg *Config) (PacketConn, error) {
	c := cfg.withDefaults()
	var (
		conn PacketConn
		err  error
	)
	switch local.Network() {
	case netUDP:
		conn, err = listenUDP(ctx, local)
	case netUnixgram:
		conn, err = listenUnixgram(ctx, local)
	case netTCP, netUnix:
		if c.Split == nil {
			return nil, badArgument("listen", local, "a stream needs Config.Split")
		}
		conn, err = listenStream(ctx, local, c.Split)
	case "":
		return nil, badArgument("listen", local, "no address")
	default:
		return nil, badArgument("listen", local, "unknown network; use NewManager or NewAgent with a PacketConn of your own")
	}
	if err != nil {
		return nil, &Error{Op: "listen", Addr: local.String(), Kind: ErrNetwork, Err: suggestPort(ctx, local, err)}
	}
	return conn, nil
}

// suggestPort adds a free port to the error of a local address whose port is
// taken or needs privileges.
func suggestPort(ctx context.Context, local Addr, err error) error {
	var why string
	switch {
	case !local.isIP():
		return err
	case errors.Is(err, os.ErrPermission):
		why = "ports below 1024 need privileges"
	case errors.Is(err, syscall.EADDRINUSE):
		why = "the port is in use"
	default:
		return err
	}
	// 161 becomes 16161, if that is free.
	for _, port := range []uint16{local.ap.Port()%1000 + 16000, 0} {
		try := Addr{netip.AddrPortFrom(local.ap.Addr(), port), local.id}
		var free net.Addr
		if local.id == tcpName {
			if ln, err := new(net.ListenConfig).Listen(ctx, try.goNetwork(), try.hostPort()); err == nil {
				free = ln.Addr()
				ln.Close()
			}
		} else if c, err := new(net.ListenConfig).ListenPacket(ctx, try.goNetwork(), try.hostPort()); err == nil {
			free = c.LocalAddr()
			c.Close()
		}
		if free != nil {
			_, text, _ := net.SplitHostPort(free.String())
			return fmt.Errorf("%w; %s, try port %s", err, why, text)
		}
	}
	return fmt.Errorf("%w; %s", err, why)
}
