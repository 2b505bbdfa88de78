package mib

import "strconv"

// A Type says what a [Node] is. The numbers are those of Net-SNMP.
type Type uint8

// The types of nodes: base types of objects, then the other macros.
const (
	TypeOther Type = iota // a name only, a table or a row
	TypeOID
	TypeOctetString
	TypeInteger
	TypeNetworkAddress
	TypeIPAddress
	TypeCounter32
	TypeGauge32
	TypeTimeTicks
	TypeOpaque
	TypeNull
	TypeCounter64
	TypeBits
	TypeNSAPAddress
	TypeUInteger32
	TypeUnsigned32
	TypeInteger32

	TypeTrap              Type = 20
	TypeNotification      Type = 21
	TypeObjectGroup       Type = 22
	TypeNotificationGroup Type = 23
	TypeModuleIdentity    Type = 24
	TypeAgentCapabilities Type = 25
	TypeModuleCompliance  Type = 26
	TypeObjectIdentity    Type = 27
)

var typeNames = [...]string{
	TypeOID: "OBJECT IDENTIFIER", TypeOctetString: "OCTET STRING", TypeInteger: "INTEGER",
	TypeNetworkAddress: "NetworkAddress", TypeIPAddress: "IpAddress", TypeCounter32: "Counter32",
	TypeGauge32: "Gauge32", TypeTimeTicks: "TimeTicks", TypeOpaque: "Opaque", TypeNull: "NULL",
	TypeCounter64: "Counter64", TypeBits: "BITS", TypeNSAPAddress: "NsapAddress",
	TypeUInteger32: "UInteger32", TypeUnsigned32: "Unsigned32", TypeInteger32: "Integer32",
	TypeTrap: "TRAP-TYPE", TypeNotification: "NOTIFICATION-TYPE", TypeObjectGroup: "OBJECT-GROUP",
	TypeNotificationGroup: "NOTIFICATION-GROUP", TypeModuleIdentity: "MODULE-IDENTITY",
	TypeAgentCapabilities: "AGENT-CAPABILITIES", TypeModuleCompliance: "MODULE-COMPLIANCE",
	TypeObjectIdentity: "OBJECT-IDENTITY",
}

// String returns the name that modules use, or "" for [TypeOther].
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}

// isSyntax reports whether t is the type of a value, or none at all.
func (t Type) isSyntax() bool { return t <= TypeInteger32 }

var kindTypes = [...]Type{
	kObjID: TypeOID, kOctetString: TypeOctetString, kInteger: TypeInteger,
	kNetworkAddress: TypeNetworkAddress, kIPAddress: TypeIPAddress, kCounter: TypeCounter32,
	kGauge: TypeGauge32, kTimeTicks: TypeTimeTicks, kOpaque: TypeOpaque, kNull: TypeNull,
	kCounter64: TypeCounter64, kBits: TypeBits, kNSAPAddress: TypeNSAPAddress,
	kUInteger32: TypeUInteger32, kUnsigned32: TypeUnsigned32, kInteger32: TypeInteger32,
	kTrapType: TypeTrap, kNotificationType: TypeNotification, kObjectGroup: TypeObjectGroup,
	kNotificationGroup: TypeNotificationGroup, kModuleIdentity: TypeModuleIdentity,
	kCapabilities: TypeAgentCapabilities, kCompliance: TypeModuleCompliance,
	kObjectIdentity: TypeObjectIdentity,
}

func typeOfKind(k kind) Type {
	if int(k) < len(kindTypes) {
		return kindTypes[k]
	}
	return TypeOther
}

// kindOfType is the inverse of typeOfKind.
func kindOfType(t Type) kind {
	for k, x := range kindTypes {
		if x == t && t != TypeOther {
			return kind(k)
		}
	}
	return kEOF
}

// Access is what a manager may do with an object.
type Access uint8

// The values of MAX-ACCESS and ACCESS.
const (
	NotAccessible Access = iota + 1
	AccessibleForNotify
	ReadOnly
	ReadWrite
	ReadCreate
	WriteOnly
)

var accessNames = [...]string{"", "not-accessible", "accessible-for-notify", "read-only", "read-write", "read-create", "write-only"}

// String returns the name that modules use, or "" for none.
func (a Access) String() string { return accessNames[min(int(a), len(accessNames)-1)] }

func accessOf(k kind) Access {
	switch k {
	case kNotAccessible:
		return NotAccessible
	case kForNotify:
		return AccessibleForNotify
	case kReadOnly:
		return ReadOnly
	case kReadWrite:
		return ReadWrite
	case kReadCreate:
		return ReadCreate
	case kWriteOnly:
		return WriteOnly
	}
	return 0
}

// Status says whether a definition should still be used.
type Status uint8

// The values of STATUS.
const (
	Current Status = iota + 1
	Deprecated
	Obsolete
	Mandatory // SMIv1
	Optional  // SMIv1
)

var statusNames = [...]string{"", "current", "deprecated", "obsolete", "mandatory", "optional"}

// String returns the name that modules use, or "" for none.
func (s Status) String() string { return statusNames[min(int(s), len(statusNames)-1)] }

func statusOf(k kind) Status {
	switch k {
	case kCurrent:
		return Current
	case kDeprecated:
		return Deprecated
	case kObsolete:
		return Obsolete
	case kMandatory:
		return Mandatory
	case kOptional:
		return Optional
	}
	return 0
}
