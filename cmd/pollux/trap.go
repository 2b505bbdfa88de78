package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v4/host"
	"github.com/spf13/cobra"

	"github.com/pollux-snmp/pollux"
	"github.com/pollux-snmp/pollux/internal/cli"
	"github.com/pollux-snmp/pollux/role"
	"github.com/pollux-snmp/pollux/snmp"
)

var (
	sysUpTime   = snmp.MustParseOID("1.3.6.1.2.1.1.3.0")
	snmpTrapOID = snmp.MustParseOID("1.3.6.1.6.3.1.1.4.1.0")

	// defaultEnterprise is what Net-SNMP sends if the enterprise is "".
	defaultEnterprise = snmp.MustParseOID("1.3.6.1.4.1.3.1.1")
)

const trapHelp = `
Arguments of version 1:  ENTERPRISE AGENT GENERIC SPECIFIC UPTIME [OID TYPE VALUE]...
Arguments of 2c and 3:   UPTIME TRAP [OID TYPE VALUE]...

UPTIME is in hundredths of a second; "" means how long this machine has been up.
ENTERPRISE and AGENT may be "" too. TYPE and VALUE are those of set. The port is
162 if the target names none. A trap of version 3 needs the engine ID of the
sender: -e.`

func (p *program) trapCommand() *cobra.Command {
	cmd := p.command("trap [OPTIONS] TARGET ARGUMENTS...", "Send a notification and expect no answer", 1, missingAgent, func(ctx context.Context, args []string) error {
		inform := false
		err := p.opts.CommandOptions(func(letter byte, _ string) (int, bool) {
			inform = true
			return 0, letter == 'i'
		})
		if err != nil {
			return err
		}
		return p.notify(ctx, inform, args[1:])
	})
	cmd.Long = "Send a notification and expect no answer.\n" + trapHelp
	p.opts.BindCommandOptions(cmd.Flags(), "i: send an inform, which is answered")
	return cmd
}

func (p *program) informCommand() *cobra.Command {
	cmd := p.command("inform [OPTIONS] TARGET UPTIME TRAP [OID TYPE VALUE]...", "Send a notification and wait for its acknowledgement", 1, missingAgent, func(ctx context.Context, args []string) error {
		return p.notify(ctx, true, args[1:])
	})
	cmd.Long = "Send a notification and wait for its acknowledgement.\n" + trapHelp
	return cmd
}

// notify sends the notification that args describe.
func (p *program) notify(ctx context.Context, inform bool, args []string) error {
	return p.sessionAt(ctx, pollux.NotificationPort, func(s *cli.Session) error {
		var (
			pdu snmp.PDU
			err error
		)
		switch {
		case s.Version == snmp.V1 && inform:
			return &cli.UsageError{Text: "Cannot send INFORM as SNMPv1 PDU"}
		case s.Version == snmp.V1:
			pdu, args, err = trapV1(s, args)
		default:
			pdu, args, err = trapV2(s, args)
			if inform {
				pdu.Type = snmp.InformRequest
			}
		}
		if err != nil {
			return err
		}
		vbs, err := readVarBinds(s, args)
		if err != nil {
			return err
		}
		pdu.VarBinds = append(pdu.VarBinds, vbs...)
		rsp, err := s.Do(ctx, pdu)
		if err == nil && rsp.ErrorStatus != snmp.NoError {
			err = &snmp.ResponseError{Status: rsp.ErrorStatus, Index: rsp.ErrorIndex}
		}
		return err
	})
}

// trapV2 reads UPTIME and TRAP, and returns the rest.
func trapV2(s *cli.Session, args []string) (snmp.PDU, []string, error) {
	if len(args) < 1 {
		return snmp.PDU{}, nil, &cli.UsageError{Text: "Missing system uptime parameter"}
	}
	if len(args) < 2 {
		return snmp.PDU{}, nil, &cli.UsageError{Text: "Missing trap-oid parameter"}
	}
	up, err := uptime(args[0])
	if err != nil {
		return snmp.PDU{}, nil, err
	}
	trap, err := s.OID(args[1])
	if err != nil {
		return snmp.PDU{}, nil, err
	}
	return snmp.PDU{Type: snmp.TrapV2, VarBinds: []snmp.VarBind{
		{OID: sysUpTime, Value: snmp.TimeTicksValue(up)},
		{OID: snmpTrapOID, Value: snmp.OIDValue(trap)},
	}}, args[2:], nil
}

// trapV1 reads ENTERPRISE AGENT GENERIC SPECIFIC UPTIME, and returns the rest.
func trapV1(s *cli.Session, args []string) (snmp.PDU, []string, error) {
	pdu := snmp.PDU{Type: snmp.TrapV1, Enterprise: defaultEnterprise}
	for i, name := range []string{"enterprise", "agent", "generic-trap", "specific-trap", "uptime"} {
		if i >= len(args) {
			return pdu, nil, &cli.UsageError{Text: "Missing " + name + " parameter"}
		}
	}
	var err error
	if args[0] != "" {
		if pdu.Enterprise, err = s.OID(args[0]); err != nil {
			return pdu, nil, err
		}
	}
	if pdu.AgentAddr, err = agentAddr(s, args[1]); err != nil {
		return pdu, nil, err
	}
	if pdu.GenericTrap, err = strconv.Atoi(args[2]); err != nil || pdu.GenericTrap < 0 || pdu.GenericTrap > 6 {
		return pdu, nil, &cli.UsageError{Text: "Invalid generic-trap parameter (0 to 6): " + args[2]}
	}
	if pdu.SpecificTrap, err = strconv.Atoi(args[3]); err != nil {
		return pdu, nil, &cli.UsageError{Text: "Invalid specific-trap parameter: " + args[3]}
	}
	pdu.Timestamp, err = uptime(args[4])
	return pdu, args[5:], err
}

// agentAddr returns the IPv4 address that a trap of version 1 says it is from.
func agentAddr(s *cli.Session, text string) (netip.Addr, error) {
	if text == "" {
		if ip := s.LocalAddr().AddrPort().Addr(); ip.Is4() {
			return ip, nil
		}
		return netip.IPv4Unspecified(), nil
	}
	a, err := role.ResolveAddr(context.Background(), "udp4:"+text+":0")
	if err != nil {
		return netip.Addr{}, &cli.UsageError{Text: "Unknown agent address: " + text}
	}
	return a.AddrPort().Addr(), nil
}

// uptime reads a number of hundredths of a second. It is this machine's if text
// is empty.
func uptime(text string) (uint32, error) {
	if text == "" {
		boot, err := host.BootTime()
		if err != nil {
			return 0, fmt.Errorf("this machine's uptime: %w", err)
		}
		return uint32(time.Since(time.Unix(int64(boot), 0)) / (10 * time.Millisecond)), nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, &cli.UsageError{Text: "Invalid uptime parameter: " + text}
	}
	return uint32(n), nil
}
