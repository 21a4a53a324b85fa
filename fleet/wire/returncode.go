package wire

// The return codes of a CONNACK of MQTT 3.1.1 (its table 3.1).
const (
	returnAccepted = iota
	returnBadVersion
	returnIDRejected
	returnServerUnavailable
	returnBadUserNameOrPassword
	returnNotAuthorized
)

// ReturnCodeOfReason is the return code of a CONNACK of MQTT 3.1.1 that comes nearest
// to a reason code of MQTT 5.
func ReturnCodeOfReason(reason byte) byte {
	switch reason {
	case Success:
		return returnAccepted
	case UnsupportedVersion:
		return returnBadVersion
	case ClientIDNotValid:
		return returnIDRejected
	case BadUserNameOrPassword:
		return returnBadUserNameOrPassword
	case NotAuthorized, Banned:
		return returnNotAuthorized
	}
	return returnServerUnavailable
}

// ReasonOfReturnCode is the reason code of MQTT 5 that means what a return code of a
// CONNACK of MQTT 3.1.1 does. Those from 6 are reserved, and [Decode] refuses them.
func ReasonOfReturnCode(code byte) byte {
	switch code {
	case returnAccepted:
		return Success
	case returnBadVersion:
		return UnsupportedVersion
	case returnIDRejected:
		return ClientIDNotValid
	case returnServerUnavailable:
		return ServerUnavailable
	case returnBadUserNameOrPassword:
		return BadUserNameOrPassword
	case returnNotAuthorized:
		return NotAuthorized
	}
	return UnspecifiedError
}

// ReturnCodeName returns what table 3.1 of MQTT 3.1.1 calls a return code.
func ReturnCodeName(code byte) string {
	switch code {
	case returnAccepted:
		return "connection accepted"
	case returnBadVersion:
		return "unacceptable protocol version"
	case returnIDRejected:
		return "identifier rejected"
	case returnServerUnavailable:
		return "server unavailable"
	case returnBadUserNameOrPassword:
		return "bad user name or password"
	case returnNotAuthorized:
		return "not authorized"
	}
	return "return code " + itoa(int(code))
}
