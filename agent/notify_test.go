package agent

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
)

// A network takes what is sent, by address.
type network struct {
	mu   sync.Mutex
	sent []string
	slow time.Duration // how long Send takes
}

func (n *network) dial(_ context.Context, address string) (snmp.Conn, error) {
	if address == "udp:192.0.2.99:162" {
		return nil, errors.New("no route")
	}
	return &wire{n, address}, nil
}

type wire struct {
	n       *network
	address string
}

func (w *wire) take(how string, msg []byte) {
	w.n.mu.Lock()
	defer w.n.mu.Unlock()
	text := how + " " + w.address
	if m, err := snmp.MessageFromBER(msg); err == nil && !m.Priv {
		text += " " + m.Version.String() + " " + m.Community + " " + m.PDU.Type.String()
		for _, vb := range m.PDU.VarBinds {
			text += "; " + vb.OID.String()
		}
	}
	w.n.sent = append(w.n.sent, text)
}

func (w *wire) Send(_ context.Context, msg []byte) error {
	w.take("send", msg)
	time.Sleep(w.n.slow)
	return nil
}

func (w *wire) Exchange(_ context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) ([]byte, error) {
	if k, ok := snmp.Key(req); !ok || k != key {
		return nil, errors.New("wrong key")
	}
	w.take("exchange", req)
	return req, nil
}

// TestNotify: each target gets its version, and what its filter passes.
func TestNotify(t *testing.T) {
	n := &network{}
	a := newAgent(t, func(cfg *Config) {
		cfg.Dial = n.dial
		cfg.Targets = []Target{
			{Address: "udp:192.0.2.1:162", Version: snmp.V1, Community: "one"},
			{Address: "udp:192.0.2.2:162", Version: snmp.V2c, Community: "two"},
			{Address: "udp:192.0.2.3:162", Version: snmp.V2c, Community: "three", Inform: true},
			{Address: "udp:192.0.2.4:162", Version: snmp.V2c, Community: "four", Filter: []View{{Subtree: ColdStart}, {Subtree: LinkUp}, {Subtree: oid("1.3.6.1.2.1.2.2.1.1.7"), Excluded: true}}},
			{Address: "udp:192.0.2.99:162", Version: snmp.V2c, Community: "none"},
		}
	})
	check := func(trap snmp.OID, objects []snmp.VarBind, want ...string) {
		t.Helper()
		n.sent = nil
		err := a.Notify(t.Context(), trap, objects...)
		if err == nil || !strings.Contains(err.Error(), "no route") {
			t.Errorf("Notify: %v, want the error of the last target", err)
		}
		slices.Sort(n.sent)
		if !slices.Equal(n.sent, want) {
			t.Errorf("sent\n%s\nwant\n%s", strings.Join(n.sent, "\n"), strings.Join(want, "\n"))
		}
	}
	const two = "; 1.3.6.1.2.1.1.3.0; 1.3.6.1.6.3.1.1.4.1.0"
	check(ColdStart, nil,
		"exchange udp:192.0.2.3:162 2c three InformRequest"+two,
		"send udp:192.0.2.1:162 1 one Trap",
		"send udp:192.0.2.2:162 2c two SNMPv2-Trap"+two,
		"send udp:192.0.2.4:162 2c four SNMPv2-Trap"+two)
	ifIndex := "1.3.6.1.2.1.2.2.1.1.7"
	check(LinkUp, []snmp.VarBind{{OID: oid(ifIndex), Value: snmp.IntegerValue(7)}},
		"exchange udp:192.0.2.3:162 2c three InformRequest"+two+"; "+ifIndex,
		"send udp:192.0.2.1:162 1 one Trap; "+ifIndex,
		"send udp:192.0.2.2:162 2c two SNMPv2-Trap"+two+"; "+ifIndex)

	if got := value(t, a, oidTarget.Append(2, 1, 3).AppendImpliedOctets("target2")); got != snmp.OctetsValue("\xc0\x00\x02\x02\x00\xa2") {
		t.Errorf("snmpTargetAddrTAddress is %v", got)
	}
}

// TestNotifyTables: rows that SNMP writes are targets, if the notify view of
// their security name lets them, and outlive the agent.
func TestNotifyTables(t *testing.T) {
	n, s := &network{}, &memStore{}
	start := func() *Agent {
		return newAgent(t, func(cfg *Config) { cfg.Dial = n.dial; cfg.Store = s })
	}
	a := start()
	at := func(table snmp.OID, col uint32, name string) snmp.OID {
		return table.Append(1, col).AppendImpliedOctets(name)
	}
	addr, params, notify := oidTarget.Append(2), oidTarget.Append(3), oidNotification.Append(1)
	text, num := snmp.OctetsValue[string], snmp.IntegerValue
	for _, vbs := range [][]snmp.VarBind{
		{{OID: at(notify, 5, "all"), Value: num(4)}, {OID: at(notify, 2, "all"), Value: text("t1")}},
		{{OID: at(params, 7, "p"), Value: num(4)}, {OID: at(params, 2, "p"), Value: num(1)}, {OID: at(params, 3, "p"), Value: num(2)},
			{OID: at(params, 4, "p"), Value: text("comm3")}, {OID: at(params, 5, "p"), Value: num(1)}},
		{{OID: at(addr, 9, "x"), Value: num(4)}, {OID: at(addr, 2, "x"), Value: snmp.OIDValue(domainUDP)}, {OID: at(addr, 3, "x"), Value: text("\xc0\x00\x02\x08\x00\xa2")},
			{OID: at(addr, 6, "x"), Value: text("t0 t1")}, {OID: at(addr, 7, "x"), Value: text("p")}},
	} {
		if got := set(t, a, vbs...); got != "noError@0" {
			t.Fatalf("SET %v: %s", vbs, got)
		}
	}
	want := "send udp:192.0.2.8:162 2c admin SNMPv2-Trap; 1.3.6.1.2.1.1.3.0; 1.3.6.1.6.3.1.1.4.1.0"
	for _, a := range []*Agent{a, start()} {
		n.sent = nil
		if err := a.Notify(t.Context(), WarmStart); err != nil || !slices.Equal(n.sent, []string{want}) {
			t.Errorf("Notify: %v, sent %v, want %s", err, n.sent, want)
		}
	}
	// Without a notify view for the name, nothing is sent.
	if got := set(t, a, snmp.VarBind{OID: at(params, 4, "p"), Value: text("stranger")}); got != "noError@0" {
		t.Fatal(got)
	}
	n.sent = nil
	if err := a.Notify(t.Context(), WarmStart); err != nil || len(n.sent) != 0 {
		t.Errorf("Notify: %v, sent %v, want nothing", err, n.sent)
	}
}

// TestAuthenticationFailure: told if it is wanted, and one at a time.
func TestAuthenticationFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		var told []netip.AddrPort
		a := newAgent(t, func(cfg *Config) {
			cfg.Dial = n.dial
			cfg.Targets = []Target{{Address: "udp:192.0.2.2:162", Version: snmp.V2c, Community: "two"}}
			cfg.OnAuthFailure = func(src netip.AddrPort) { told = append(told, src) }
		})
		ask(t, a, snmp.V2c, "wrong", snmp.PDU{Type: snmp.GetRequest})
		synctest.Wait()
		if len(n.sent) != 0 || len(told) != 1 || told[0] != from {
			t.Errorf("by default: sent %v, told %v; want nothing and one of %v", n.sent, told, from)
		}
		if got := set(t, a, snmp.VarBind{OID: oidSnmp.Append(30, 0), Value: snmp.IntegerValue(1)}); got != "noError@0" {
			t.Fatalf("SET snmpEnableAuthenTraps: %s", got)
		}
		ask(t, a, snmp.V2c, "wrong", snmp.PDU{Type: snmp.GetRequest})
		synctest.Wait()
		if len(n.sent) != 1 {
			t.Errorf("with snmpEnableAuthenTraps: sent %v, want one", n.sent)
		}
		n.slow = time.Second
		for range 10 {
			ask(t, a, snmp.V2c, "wrong", snmp.PDU{Type: snmp.GetRequest})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		if len(n.sent) != 2 {
			t.Errorf("while one is under way: sent %v, want one more", n.sent)
		}
		if got := set(t, a, snmp.VarBind{OID: oidSnmp.Append(30, 0), Value: snmp.IntegerValue(3)}); got != "wrongValue@1" {
			t.Errorf("SET snmpEnableAuthenTraps to 3: %s, want wrongValue@1", got)
		}
	})
}
