package pollux

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pollux-snmp/pollux/internal/general"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
)

// ErrGeneral is the root of all errors of this module: errors.Is(err,
// ErrGeneral) tells whether an error came from any of its packages.
var ErrGeneral = general.Err

// A Client is an [snmp.Client] with a socket of its own.
type Client struct {
	*snmp.Client
	manager *role.Manager
}

// Dial returns a client for the agent at target, in any of the forms that
// [Resolve] takes. The client must be closed.
//
// A program that asks many agents opens one [role.Manager] for all of them, and
// makes a client for each with snmp.NewClient(manager.To(addr), cfg).
func Dial(ctx context.Context, target string, cfg *snmp.Config) (*Client, error) {
	addr, err := Resolve(ctx, target, AgentPort)
	if err != nil {
		return nil, err
	}
	m, err := role.Dial(ctx, addr, RoleConfig())
	if err != nil {
		return nil, err
	}
	c, err := snmp.NewClient(m.To(role.Addr{}), cfg)
	if err != nil {
		m.Close()
		return nil, err
	}
	return &Client{c, m}, nil
}

// Close closes the socket. Calls that wait end with an error that wraps
// [net.ErrClosed].
func (c *Client) Close() error { return c.manager.Close() }

// Stats returns what the client's socket has counted.
func (c *Client) Stats() role.Stats { return c.manager.Stats() }

// RoleConfig returns the Config with which package role speaks SNMP.
func RoleConfig() *role.Config { return &role.Config{Key: snmp.Key, Split: snmp.Split} }

// A Responder answers messages. [agent.Agent] is one.
type Responder interface {
	// Respond appends the answer to req to dst, or nothing for no answer.
	Respond(ctx context.Context, dst, req []byte, src, local netip.AddrPort) []byte
}

// Serve answers what comes to the local addresses given, in the forms that
// [Resolve] takes, with r, until the context ends. Without an address it
// listens on 127.0.0.1:161. Ready, if not nil, is called with the addresses
// once requests are taken.
func Serve(ctx context.Context, r Responder, ready func([]role.Addr), locals ...string) error {
	var addrs []role.Addr
	for _, l := range locals {
		a, err := Resolve(ctx, l, AgentPort)
		if err != nil {
			return err
		}
		addrs = append(addrs, a)
	}
	a, err := role.ListenAgent(ctx, RoleConfig(), addrs...)
	if err != nil {
		return err
	}
	defer a.Close()
	if ready != nil {
		ready(a.LocalAddrs())
	}
	return a.Serve(ctx, func(ctx context.Context, dst []byte, req *role.Message) []byte {
		return r.Respond(ctx, dst, req.Buf, req.Addr.AddrPort(), req.Local.AddrPort())
	})
}

// The ports of SNMP (RFC 3417, section 3.1).
const (
	AgentPort        = 161
	NotificationPort = 162
)

// netSNMPTransports maps Net-SNMP's names of transports to those of package
// role.
var netSNMPTransports = map[string]string{
	"udp": "udp4", "udp6": "udp6", "udpv6": "udp6", "udpipv6": "udp6",
	"tcp": "tcp4", "tcp6": "tcp6", "tcpv6": "tcp6", "tcpipv6": "tcp6",
	"unix": "unix", "unixgram": "unixgram",
}

// Resolve returns the address of an agent as Net-SNMP's programs take it:
// "[TRANSPORT:]HOST[:PORT]", where the transport is udp, udp6, tcp, tcp6, unix
// or unixgram. A path is a Unix socket. Without a transport, a name may have an
// address of either family; without a port, it is defaultPort.
func Resolve(ctx context.Context, target string, defaultPort uint16) (role.Addr, error) {
	network, rest, ok := strings.Cut(target, ":")
	network = netSNMPTransports[strings.ToLower(network)]
	if !ok || network == "" {
		network, rest = "udp", target
		if strings.HasPrefix(target, "/") {
			network = "unix"
		}
	}
	if strings.HasPrefix(network, "unix") {
		return role.ResolveAddr(ctx, network+":"+rest)
	}
	host, port := rest, strconv.Itoa(int(defaultPort))
	if ip, err := netip.ParseAddr(strings.Trim(rest, "[]")); err == nil {
		host = ip.String() // also an IPv6 address without brackets
		if ip.Unmap().Is6() {
			network = network[:3]
		}
	} else if h, p, err := net.SplitHostPort(rest); err == nil {
		host, port = h, p
		if ip, err := netip.ParseAddr(h); err == nil && ip.Unmap().Is6() {
			network = network[:3] // "udp:[::1]:161" says itself what it is
		}
	}
	return role.ResolveAddr(ctx, network+":"+net.JoinHostPort(host, port))
}
