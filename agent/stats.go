package agent

import "sync/atomic"

// stats are the counters of SNMPv2-MIB, SNMP-MPD-MIB, SNMP-TARGET-MIB and
// SNMP-USER-BASED-SM-MIB, by their names there.
type stats struct {
	snmpInPkts, snmpOutPkts, snmpInBadVersions, snmpInBadCommunityNames, snmpInBadCommunityUses,
	snmpInASNParseErrs, snmpInTotalReqVars, snmpInTotalSetVars, snmpInGetRequests, snmpInGetNexts,
	snmpInSetRequests, snmpOutTooBigs, snmpOutNoSuchNames, snmpOutBadValues, snmpOutGenErrs,
	snmpOutGetResponses, snmpOutTraps, snmpSilentDrops, snmpProxyDrops atomic.Uint32

	snmpUnknownSecurityModels, snmpInvalidMsgs, snmpUnknownPDUHandlers atomic.Uint32

	snmpUnavailableContexts, snmpUnknownContexts atomic.Uint32

	usm [7]atomic.Uint32 // by usm.Stat
}
