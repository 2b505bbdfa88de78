package main

import (
	"fmt"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// codecSuites compares what messages cost to make and to read, one suite for
// each kind. Gosnmp does not verify the signature of what it decodes here.
func codecSuites() []suite {
	var all []suite
	add := func(what string, theirs, ours func() error) {
		all = append(all, suite{"codec", "messages a second: " + what, func(*bench) ([]row, error) {
			return []row{{"gosnmp", repeat(theirs)}, {"Pollux", repeat(ours)}}, nil
		}})
	}
	their2c := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public", MaxOids: 100}
	for _, n := range []int{1, 10, 50} {
		msg, err := counters(snmp.Response, n).Append(nil)
		if err != nil {
			panic(err)
		}
		add(fmt.Sprintf("decode a response of %d counters, in place", n),
			func() error { _, err := their2c.SnmpDecodePacket(msg); return err },
			func() error {
				var p snmp.Parser
				if err := p.Start(msg); err != nil {
					return err
				}
				for p.Next() {
					p.Uint64()
				}
				return p.Err()
			})
		add(fmt.Sprintf("decode a response of %d counters, as copies", n),
			func() error { _, err := their2c.SnmpDecodePacket(msg); return err },
			func() error { _, err := snmp.MessageFromBER(msg); return err })
	}
	for _, n := range []int{1, 50} {
		ours, buf := counters(snmp.GetRequest, n), make([]byte, 0, 4096)
		theirs := theirPDUs(n)
		add(fmt.Sprintf("encode a Get of %d OIDs", n),
			func() error { _, err := their2c.SnmpEncodePacket(gosnmp.GetRequest, theirs, 0, 0); return err },
			func() error { _, err := ours.Append(buf); return err })
	}

	const engine = "\x80\x00\x1f\x88\x04engine"
	their3 := &gosnmp.GoSNMP{Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.AuthPriv, MaxOids: 100,
		ContextEngineID: engine, SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: "user", AuthoritativeEngineID: engine,
			AuthoritativeEngineBoots: 1, AuthoritativeEngineTime: 1,
			AuthenticationProtocol: gosnmp.SHA256, AuthenticationPassphrase: "auth pass phrase",
			PrivacyProtocol: gosnmp.AES, PrivacyPassphrase: "priv pass phrase"}}
	if err := their3.SecurityParameters.InitSecurityKeys(); err != nil {
		panic(err)
	}
	user, err := (&usm.User{Name: "user", Auth: usm.SHA256, AuthKey: usm.PassPhrase("auth pass phrase"),
		Priv: usm.AES128, PrivKey: usm.PassPhrase("priv pass phrase")}).Localize([]byte(engine))
	if err != nil {
		panic(err)
	}
	m := counters(snmp.GetRequest, 1)
	m.Version, m.ContextEngineID = snmp.V3, engine
	m.HeaderData = snmp.HeaderData{MsgID: 1, Auth: true, Priv: true, SecurityModel: 3}
	sp := usm.SecurityParameters{EngineID: usm.EngineID(engine), Boots: 1, Time: 1, UserName: []byte("user")}
	scoped, buf := make([]byte, 0, 512), make([]byte, 0, 512)
	seal := func() ([]byte, error) {
		scoped, err := m.AppendScopedPDU(scoped)
		if err != nil {
			return nil, err
		}
		return m.Seal(buf, scoped, &sp, user)
	}
	theirs := theirPDUs(1)
	add("encode a Get of 1 OID, v3, SHA-256 and AES",
		func() error { _, err := their3.SnmpEncodePacket(gosnmp.GetRequest, theirs, 0, 0); return err },
		func() error { _, err := seal(); return err })
	sealed, err := seal()
	if err != nil {
		panic(err)
	}
	sealed = append([]byte(nil), sealed...)
	work := make([]byte, len(sealed))
	add("decode the same, verified by Pollux",
		func() error { copy(work, sealed); _, err := their3.SnmpDecodePacket(work); return err },
		func() error {
			copy(work, sealed) // it is decrypted where it stands
			var p snmp.Parser
			if err := p.Start(work); err != nil {
				return err
			}
			sp, err := p.SecurityParameters()
			if err != nil {
				return err
			}
			if err := p.Verify(user, &sp); err != nil {
				return err
			}
			if err := p.Decrypt(user, &sp); err != nil {
				return err
			}
			for p.Next() {
				p.Uint64()
			}
			return p.Err()
		})
	return all
}

// counters returns a message of n counters.
func counters(t snmp.PDUType, n int) *snmp.Message {
	m := &snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: t, RequestID: 0x12345678}}
	ours, _ := oids(n)
	for i, o := range ours {
		vb := snmp.VarBind{OID: o}
		if t == snmp.Response {
			vb.Value = snmp.Counter32Value(uint32(i) * 40123792)
		}
		m.PDU.VarBinds = append(m.PDU.VarBinds, vb)
	}
	return m
}

func theirPDUs(n int) (pdus []gosnmp.SnmpPDU) {
	_, names := oids(n)
	for _, name := range names {
		pdus = append(pdus, gosnmp.SnmpPDU{Name: "." + name, Type: gosnmp.Null})
	}
	return pdus
}

// repeat does f over and over.
func repeat(f func() error) func(time.Duration) (float64, error) {
	return func(d time.Duration) (float64, error) {
		start, n := time.Now(), 0
		for time.Since(start) < d {
			for range 100 {
				if err := f(); err != nil {
					return 0, err
				}
			}
			n += 100
		}
		return float64(n) / time.Since(start).Seconds(), nil
	}
}
