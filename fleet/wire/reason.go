package wire

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/eclipse/paho.golang/packets"
)

// Reason codes (section 2.4) that this project acts on by name.
const (
	Success                  = 0x00
	DisconnectWithWill       = 0x04
	NoMatchingSubscribers    = 0x10
	NoSubscriptionExisted    = 0x11
	UnspecifiedError         = 0x80
	MalformedPacket          = 0x81
	ProtocolError            = 0x82
	ImplementationError      = 0x83
	UnsupportedVersion       = 0x84
	ClientIDNotValid         = 0x85
	BadUserNameOrPassword    = 0x86
	NotAuthorized            = 0x87
	ServerUnavailable        = 0x88
	ServerBusy               = 0x89
	Banned                   = 0x8A
	ServerShuttingDown       = 0x8B
	BadAuthMethod            = 0x8C
	KeepAliveTimeout         = 0x8D
	SessionTakenOver         = 0x8E
	TopicFilterInvalid       = 0x8F
	TopicNameInvalid         = 0x90
	PacketIDInUse            = 0x91
	PacketIDNotFound         = 0x92
	ReceiveMaximumExceeded   = 0x93
	TopicAliasInvalid        = 0x94
	PacketTooLarge           = 0x95
	MessageRateTooHigh       = 0x96
	QuotaExceeded            = 0x97
	AdministrativeAction     = 0x98
	PayloadFormatInvalid     = 0x99
	RetainNotSupported       = 0x9A
	QoSNotSupported          = 0x9B
	UseAnotherServer         = 0x9C
	ServerMoved              = 0x9D
	SharedSubsNotSupported   = 0x9E
	ConnectionRateExceeded   = 0x9F
	MaximumConnectTime       = 0xA0
	SubIDsNotSupported       = 0xA1
	WildcardSubsNotSupported = 0xA2
)

// reasonNames are the names of section 2.4 in lower case.
var reasonNames = [256]string{
	Success:                  "success",
	0x01:                     "granted qos 1",
	0x02:                     "granted qos 2",
	DisconnectWithWill:       "disconnect with will message",
	NoMatchingSubscribers:    "no matching subscribers",
	NoSubscriptionExisted:    "no subscription existed",
	0x18:                     "continue authentication",
	0x19:                     "re-authenticate",
	UnspecifiedError:         "unspecified error",
	MalformedPacket:          "malformed packet",
	ProtocolError:            "protocol error",
	ImplementationError:      "implementation specific error",
	UnsupportedVersion:       "unsupported protocol version",
	ClientIDNotValid:         "client identifier not valid",
	BadUserNameOrPassword:    "bad user name or password",
	NotAuthorized:            "not authorized",
	ServerUnavailable:        "server unavailable",
	ServerBusy:               "server busy",
	Banned:                   "banned",
	ServerShuttingDown:       "server shutting down",
	BadAuthMethod:            "bad authentication method",
	KeepAliveTimeout:         "keep alive timeout",
	SessionTakenOver:         "session taken over",
	TopicFilterInvalid:       "topic filter invalid",
	TopicNameInvalid:         "topic name invalid",
	PacketIDInUse:            "packet identifier in use",
	PacketIDNotFound:         "packet identifier not found",
	ReceiveMaximumExceeded:   "receive maximum exceeded",
	TopicAliasInvalid:        "topic alias invalid",
	PacketTooLarge:           "packet too large",
	MessageRateTooHigh:       "message rate too high",
	QuotaExceeded:            "quota exceeded",
	AdministrativeAction:     "administrative action",
	PayloadFormatInvalid:     "payload format invalid",
	RetainNotSupported:       "retain not supported",
	QoSNotSupported:          "qos not supported",
	UseAnotherServer:         "use another server",
	ServerMoved:              "server moved",
	SharedSubsNotSupported:   "shared subscriptions not supported",
	ConnectionRateExceeded:   "connection rate exceeded",
	MaximumConnectTime:       "maximum connect time",
	SubIDsNotSupported:       "subscription identifiers not supported",
	WildcardSubsNotSupported: "wildcard subscriptions not supported",
}

// ReasonName returns the standard's name of a reason code (section 2.4) in
// lower case, or its number in hex when the standard has none. 0x00 is
// "success" whatever packet it came in.
func ReasonName(code byte) string {
	if name := reasonNames[code]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%02X", code)
}

// HasReason reports whether a packet of a type may have a reason code: PUBACK, PUBREC,
// PUBREL, PUBCOMP or SUBACK (3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1, 3.9.3-2). It is true of
// every other type.
func HasReason(typ, code byte) bool {
	switch typ {
	case packets.PUBACK, packets.PUBREC:
		return slices.Contains([]byte{Success, NoMatchingSubscribers, UnspecifiedError, ImplementationError, NotAuthorized,
			TopicNameInvalid, PacketIDInUse, QuotaExceeded, PayloadFormatInvalid}, code)
	case packets.PUBREL, packets.PUBCOMP:
		return code == Success || code == PacketIDNotFound
	case packets.SUBACK:
		return code <= 2 || slices.Contains([]byte{UnspecifiedError, ImplementationError, NotAuthorized, TopicFilterInvalid,
			PacketIDInUse, QuotaExceeded, SharedSubsNotSupported, SubIDsNotSupported, WildcardSubsNotSupported}, code)
	}
	return true
}

// Error is a packet that breaks the standard. Code is the reason code that a
// DISCONNECT (or CONNACK) for it carries (section 4.13).
type Error struct {
	Code byte
	Text string // what was wrong, in lower case
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (0x%02X %s)", e.Text, e.Code, ReasonName(e.Code))
}

func malformed(text string) *Error     { return &Error{MalformedPacket, text} }
func protocolError(text string) *Error { return &Error{ProtocolError, text} }

func itoa(n int) string { return strconv.Itoa(n) }
