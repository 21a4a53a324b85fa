package deliveries

import "homefleet/fleet/wire"

// User Properties by which those who ask and those who answer know each other's
// messages.
const (
	// A request of a controller with `identify` has the User Property IdentifyKey, and
	// the answer to it has AnswererKey with the id of the device that gave it. So the
	// ledger knows an answer of another device than was asked, and in a group which of
	// them is missing.
	IdentifyKey = "identify"
	AnswererKey = "device"

	// ErrorKey names that of an answer that says why a command was not carried out.
	ErrorKey = "error"

	// FaultKey names that of a request which says what is to become of its answer, where
	// the scenario lets requests say so.
	FaultKey = "homefleet-fault"

	// ConsumerKey names that of a watcher's answer to a Will that says who it is from.
	ConsumerKey = "by"
)

// HasError reports whether an answer has a User Property error.
func HasError(p *wire.Publish) bool {
	_, has := p.Props.UserProperty(ErrorKey)
	return has
}
