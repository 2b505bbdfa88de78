package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// The notifications of SNMPv2-MIB and IF-MIB.
var (
	ColdStart             = snmp.MustParseOID("1.3.6.1.6.3.1.1.5.1")
	WarmStart             = snmp.MustParseOID("1.3.6.1.6.3.1.1.5.2")
	LinkDown              = snmp.MustParseOID("1.3.6.1.6.3.1.1.5.3")
	LinkUp                = snmp.MustParseOID("1.3.6.1.6.3.1.1.5.4")
	AuthenticationFailure = snmp.MustParseOID("1.3.6.1.6.3.1.1.5.5")
)

var (
	oidSysUpTime = snmp.MustParseOID("1.3.6.1.2.1.1.3.0")
	oidTrapOID   = snmp.MustParseOID("1.3.6.1.6.3.1.1.4.1.0")
)

// A Target is where notifications go. It makes rows in the tables of
// SNMP-TARGET-MIB and SNMP-NOTIFICATION-MIB.
type Target struct {
	// Address is what Config.Dial takes. The form "udp:192.0.2.1:162" and its
	// like can be seen in snmpTargetAddrTable.
	Address string

	Version   snmp.Version
	Community string            // of v1 and v2c
	User      string            // of v3: one of Config.Users
	Level     usm.SecurityLevel // of v3; 0 is the User's own

	// Inform asks for an answer, and sends again until one comes: Retries
	// times (negative is none, 0 is 3), each after Timeout (0 is 15 s). V1
	// has none.
	Inform  bool
	Timeout time.Duration
	Retries int

	// Filter is what is sent: a notification whose OID is in there, if all of
	// its objects that are in a family are not Excluded. The Names do not
	// count. Nil is everything (RFC 3413, section 6).
	Filter []View
}

// A target is a row of snmpTargetAddrTable with all that belongs to it.
type target struct {
	address   string
	timeout   time.Duration
	retries   int
	params    *paramsRow
	inform    bool
	filter    view
	hasFilter bool
}

// A notifier keeps what is known of those who get notifications.
type notifier struct {
	id      atomic.Int32
	failing atomic.Bool // an authenticationFailure is being sent

	mu    sync.Mutex
	peers map[string]*peerEngine // by address and user
}

// A peerEngine is the engine of one who gets informs in v3.
type peerEngine struct {
	mu    sync.Mutex
	user  *usm.LocalUser
	id    usm.EngineID
	clock usm.PeerClock
}

// Notify sends a notification to all targets: sysUpTime.0, snmpTrapOID.0 and
// objects. It returns when all informs are answered, or the context ends. The
// errors of the targets are joined.
func (a *Agent) Notify(ctx context.Context, trap snmp.OID, objects ...snmp.VarBind) error {
	if a.cfg.Dial == nil {
		return fmt.Errorf("agent: notification without Config.Dial: %w", ErrBadArgument)
	}
	vbs := append([]snmp.VarBind{
		{OID: oidSysUpTime, Value: snmp.TimeTicksValue(a.UpTime())},
		{OID: oidTrapOID, Value: snmp.OIDValue(trap)},
	}, objects...)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, t := range a.own.targets() {
		if !t.passes(trap, objects) || !a.mayNotify(&t, vbs) {
			continue
		}
		wg.Go(func() {
			if err := a.send(ctx, &t, vbs); err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("agent: notify %s: %w", t.address, err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// passes reports whether the target's filter lets a notification pass (RFC
// 3413, section 6).
func (t *target) passes(trap snmp.OID, objects []snmp.VarBind) bool {
	if !t.hasFilter {
		return true
	}
	if !t.filter.has([]byte(enc(trap))) {
		return false
	}
	for _, vb := range objects {
		if i := t.filter.find([]byte(enc(vb.OID))); i >= 0 && t.filter[i].Excluded {
			return false
		}
	}
	return true
}

// mayNotify reports whether the target may get all of vbs (RFC 3413, section
// 3.3). What the Config says need not be allowed once more.
func (a *Agent) mayNotify(t *target, vbs []snmp.VarBind) bool {
	p := t.params
	if p.trusted {
		return true
	}
	e := a.acl.Load().find(SecurityModel(p.model), []byte(p.name), usm.SecurityLevel(p.level), nil)
	if e == nil || e.notify == nil {
		return false
	}
	for _, vb := range vbs {
		if !e.notify.has([]byte(enc(vb.OID))) {
			return false
		}
	}
	trap, _ := vbs[1].Value.OID()
	return e.notify.has([]byte(enc(trap)))
}

func (a *Agent) send(ctx context.Context, t *target, vbs []snmp.VarBind) error {
	conn, err := a.cfg.Dial(ctx, t.address)
	if err != nil {
		return err
	}
	a.stats.snmpOutTraps.Add(1)
	pdu := snmp.PDU{Type: snmp.TrapV2, RequestID: a.nextID(), VarBinds: vbs}
	if t.inform {
		pdu.Type = snmp.InformRequest
	}
	m := snmp.Message{Version: snmp.V2c, Community: t.params.community, PDU: pdu}
	switch t.params.mp {
	case 0:
		m.Version = snmp.V1
		if m.PDU, err = pdu.ToV1(); err != nil {
			return err
		}
	case 3:
		return a.sendV3(ctx, conn, t, pdu)
	}
	msg, err := m.Append(nil)
	switch {
	case err != nil:
		return err
	case !t.inform || m.Version == snmp.V1:
		return conn.Send(ctx, msg)
	}
	_, err = conn.Exchange(ctx, uint32(pdu.RequestID), msg, nil, t.timeout, t.retries)
	return err
}

// nextID returns a number for a message.
func (a *Agent) nextID() int32 { return a.notifier.id.Add(1) & (1<<31 - 1) }

// sendV3 sends a trap of this engine, or an inform to that of the target.
func (a *Agent) sendV3(ctx context.Context, conn snmp.Conn, t *target, pdu snmp.PDU) error {
	level := usm.SecurityLevel(t.params.level)
	m := snmp.Message{PDU: pdu, ContextEngineID: string(a.engine.id)}
	data, err := m.AppendScopedPDU(nil)
	if err != nil {
		return err
	}
	if !t.inform {
		user := (*a.engine.users.Load())[t.params.name]
		if user == nil {
			return fmt.Errorf("agent: no user %q: %w", t.params.name, ErrBadArgument)
		}
		boots, now := a.engine.clock.At(a.now())
		msg, _, err := a.protect(a.engine.id, boots, now, user, level, false, data)
		if err != nil {
			return err
		}
		return conn.Send(ctx, msg)
	}

	peer, err := a.peer(ctx, conn, t)
	if err != nil {
		return err
	}
	peer.mu.Lock()
	defer peer.mu.Unlock()
	// A second attempt with the time that a Report has told.
	for range 2 {
		boots, now := peer.clock.At(a.now())
		msg, id, err := a.protect(peer.id, boots, now, peer.user, level, true, data)
		if err != nil {
			return err
		}
		rsp, err := conn.Exchange(ctx, uint32(id), msg, nil, t.timeout, t.retries)
		if err != nil {
			return err
		}
		typ, stat, err := a.answer(peer, level, rsp)
		switch {
		case err != nil:
			return err
		case typ == snmp.Response:
			return nil
		case stat != usm.ErrNotInTimeWindow:
			return stat
		}
	}
	return usm.ErrNotInTimeWindow
}

// protect makes a message of a scoped PDU, which it leaves as it is.
func (a *Agent) protect(engineID usm.EngineID, boots, now uint32, user *usm.LocalUser, level usm.SecurityLevel, reportable bool, data []byte) (msg []byte, id int32, err error) {
	h := snmp.HeaderData{MsgID: a.nextID(), MaxSize: int32(a.cfg.MaxSize), Reportable: reportable, Auth: level >= usm.AuthNoPriv, Priv: level == usm.AuthPriv}
	sp := usm.SecurityParameters{EngineID: engineID, Boots: boots, Time: now}
	if user != nil {
		sp.UserName = []byte(user.User().Name)
	}
	msg, err = h.Seal(nil, slices.Clone(data), &sp, user)
	return msg, h.MsgID, err
}

// peer returns the engine of a target, which it asks for its ID if need be (RFC
// 3414, section 4).
func (a *Agent) peer(ctx context.Context, conn snmp.Conn, t *target) (*peerEngine, error) {
	key := t.address + "\x00" + t.params.name
	a.notifier.mu.Lock()
	peer := a.notifier.peers[key]
	a.notifier.mu.Unlock()
	if peer != nil {
		return peer, nil
	}
	var user *usm.User
	for i := range a.cfg.Users {
		if a.cfg.Users[i].Name == t.params.name {
			user = &a.cfg.Users[i].User
		}
	}
	if user == nil {
		return nil, fmt.Errorf("agent: no user %q with a pass phrase: %w", t.params.name, ErrBadArgument)
	}
	m := snmp.Message{PDU: snmp.PDU{Type: snmp.GetRequest}}
	data, err := m.AppendScopedPDU(nil)
	if err != nil {
		return nil, err
	}
	msg, id, err := a.protect(nil, 0, 0, nil, usm.NoAuthNoPriv, true, data)
	if err != nil {
		return nil, err
	}
	rsp, err := conn.Exchange(ctx, uint32(id), msg, nil, t.timeout, t.retries)
	if err != nil {
		return nil, err
	}
	var p snmp.Parser
	if err := p.Start(rsp); err != nil {
		return nil, err
	}
	params, _ := p.RawSecurityParams()
	sp, err := usm.SecurityParametersFromBER(params)
	if err != nil {
		return nil, err
	}
	peer = &peerEngine{id: append(usm.EngineID(nil), sp.EngineID...)}
	if peer.user, err = user.Localize(sp.EngineID); err != nil {
		return nil, err
	}
	a.notifier.mu.Lock()
	defer a.notifier.mu.Unlock()
	if a.notifier.peers == nil {
		a.notifier.peers = make(map[string]*peerEngine)
	}
	a.notifier.peers[key] = peer
	return peer, nil
}

// answer reads the answer to an inform: a Response, or a Report of a Stat. It
// believes nothing that is not authenticated, if it could be.
func (a *Agent) answer(peer *peerEngine, level usm.SecurityLevel, rsp []byte) (typ snmp.PDUType, stat usm.Stat, err error) {
	var p snmp.Parser
	if err := p.Start(rsp); err != nil {
		return 0, 0, err
	}
	params, off := p.RawSecurityParams()
	sp, err := usm.SecurityParametersFromBER(params)
	if err != nil {
		return 0, 0, err
	}
	h := p.HeaderData()
	if level >= usm.AuthNoPriv && h.Auth {
		if err := peer.user.Verify(rsp[:len(rsp)-p.TrailingLen()], off+sp.MACOffset, len(sp.MAC)); err != nil {
			return 0, 0, err
		}
		if err := peer.clock.Update(sp.Boots, sp.Time, a.now()); err != nil {
			return 0, 0, err
		}
	}
	if h.Priv {
		plain, err := peer.user.Decrypt(nil, p.RawEncryptedPDU(), sp.Boots, sp.Time, sp.Salt)
		if err != nil {
			return 0, 0, err
		}
		if err := p.StartScopedPDU(plain); err != nil {
			return 0, 0, err
		}
	}
	typ = p.PDU().Type
	if typ == snmp.Response && level >= usm.AuthNoPriv && !h.Auth {
		return 0, 0, usm.ErrWrongDigest
	}
	if typ == snmp.Report && p.Next() {
		stat, _ = usm.StatFromOID(p.OID().String())
	}
	if typ != snmp.Response && stat == 0 {
		return 0, 0, snmp.ErrBadAnswer
	}
	return typ, stat, nil
}

// authFailure tells of a message with a wrong community, user or key. One
// notification is under way at a time: strangers decide how many there are.
func (a *Agent) authFailure(src netip.AddrPort) {
	if a.cfg.OnAuthFailure != nil {
		a.cfg.OnAuthFailure(src)
	}
	if a.cfg.Dial == nil || a.own.authenTraps.Value() != snmp.IntegerValue(1) || !a.notifier.failing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer a.notifier.failing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), authFailureTimeout)
		defer cancel()
		if err := a.Notify(ctx, AuthenticationFailure); err != nil && a.cfg.OnError != nil {
			a.cfg.OnError(err)
		}
	}()
}

const authFailureTimeout = 10 * time.Second

// transport domains of RFC 3417 and RFC 3419.
var (
	domainUDP  = snmp.MustParseOID("1.3.6.1.6.1.1")
	domainUDP6 = snmp.MustParseOID("1.3.6.1.2.1.100.1.2")
	domainTCP  = snmp.MustParseOID("1.3.6.1.2.1.100.1.5")
	domainTCP6 = snmp.MustParseOID("1.3.6.1.2.1.100.1.6")
)

// toTAddress returns the domain and TAddress of an address such as
// "udp:192.0.2.1:162", and the zero OID for one that has none.
func toTAddress(address string) (domain snmp.OID, taddress string) {
	network, rest, _ := strings.Cut(address, ":")
	ap, err := netip.ParseAddrPort(rest)
	if err != nil {
		return snmp.OID{}, ""
	}
	v4 := ap.Addr().Unmap().Is4()
	switch {
	case network == "udp" && v4:
		domain = domainUDP
	case (network == "udp" || network == "udp6") && !v4:
		domain = domainUDP6
	case network == "tcp" && v4:
		domain = domainTCP
	case (network == "tcp" || network == "tcp6") && !v4:
		domain = domainTCP6
	default:
		return snmp.OID{}, ""
	}
	return domain, string(append(ap.Addr().Unmap().AsSlice(), byte(ap.Port()>>8), byte(ap.Port())))
}

// fromTAddress returns the address of a domain and TAddress, or "".
func fromTAddress(domain snmp.OID, taddress string) string {
	network := ""
	switch domain {
	case domainUDP, domainUDP6, snmp.MustParseOID("1.3.6.1.2.1.100.1.1"):
		network = "udp:"
	case domainTCP, domainTCP6:
		network = "tcp:"
	}
	n := len(taddress) - 2
	if network == "" || n < 0 {
		return ""
	}
	addr, ok := netip.AddrFromSlice([]byte(taddress[:n]))
	if !ok {
		return ""
	}
	return network + netip.AddrPortFrom(addr, uint16(taddress[n])<<8|uint16(taddress[n+1])).String()
}
