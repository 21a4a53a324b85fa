package wire

import (
	"fmt"
	"strconv"
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

// ReasonName returns the standard's name of a reason code (section 2.4) in
// lower case, or its number in hex when the standard has none. 0x00 is
// "success" whatever packet it came in.
func ReasonName(code byte) string {
	switch code {
	case Success:
		return "success"
	case 0x01:
		return "granted qos 1"
	case 0x02:
		return "granted qos 2"
	case DisconnectWithWill:
		return "disconnect with will message"
	case NoMatchingSubscribers:
		return "no matching subscribers"
	case NoSubscriptionExisted:
		return "no subscription existed"
	case 0x18:
		return "continue authentication"
	case 0x19:
		return "re-authenticate"
	case UnspecifiedError:
		return "unspecified error"
	case MalformedPacket:
		return "malformed packet"
	case ProtocolError:
		return "protocol error"
	case ImplementationError:
		return "implementation specific error"
	case UnsupportedVersion:
		return "unsupported protocol version"
	case ClientIDNotValid:
		return "client identifier not valid"
	case BadUserNameOrPassword:
		return "bad user name or password"
	case NotAuthorized:
		return "not authorized"
	case ServerUnavailable:
		return "server unavailable"
	case ServerBusy:
		return "server busy"
	case Banned:
		return "banned"
	case ServerShuttingDown:
		return "server shutting down"
	case BadAuthMethod:
		return "bad authentication method"
	case KeepAliveTimeout:
		return "keep alive timeout"
	case SessionTakenOver:
		return "session taken over"
	case TopicFilterInvalid:
		return "topic filter invalid"
	case TopicNameInvalid:
		return "topic name invalid"
	case PacketIDInUse:
		return "packet identifier in use"
	case PacketIDNotFound:
		return "packet identifier not found"
	case ReceiveMaximumExceeded:
		return "receive maximum exceeded"
	case TopicAliasInvalid:
		return "topic alias invalid"
	case PacketTooLarge:
		return "packet too large"
	case MessageRateTooHigh:
		return "message rate too high"
	case QuotaExceeded:
		return "quota exceeded"
	case AdministrativeAction:
		return "administrative action"
	case PayloadFormatInvalid:
		return "payload format invalid"
	case RetainNotSupported:
		return "retain not supported"
	case QoSNotSupported:
		return "qos not supported"
	case UseAnotherServer:
		return "use another server"
	case ServerMoved:
		return "server moved"
	case SharedSubsNotSupported:
		return "shared subscriptions not supported"
	case ConnectionRateExceeded:
		return "connection rate exceeded"
	case MaximumConnectTime:
		return "maximum connect time"
	case SubIDsNotSupported:
		return "subscription identifiers not supported"
	case WildcardSubsNotSupported:
		return "wildcard subscriptions not supported"
	}
	return fmt.Sprintf("0x%02X", code)
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
