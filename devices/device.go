// Package devices says what a virtual device is: its state, the commands it
// obeys and the physics it follows. It knows nothing of networks, MQTT, clocks
// or goroutines: whoever owns a device tells it what was asked and how much
// simulated time has passed.
//
// A [Device] is not safe for concurrent use; it belongs to one goroutine.
package devices

import (
	"math"
	"time"
)

// Device is one virtual light, thermostat or plug.
//
// Attributes are addressed by their index in the kind's table
// ([Kind.Attributes]); [Kind.Attribute] finds the index of a name.
type Device interface {
	// Kind returns the literal table entry that describes the device.
	Kind() *Kind

	// Do carries out one command: payload is the new value as plain text, and
	// an empty payload is a query. It returns the attributes whose reported
	// value changed, which for a query are none. A command that cannot be
	// carried out changes nothing and returns an error that says what was
	// wrong and what was wanted. White space around the value does not count,
	// nor does the case of a word. Do keeps no reference to payload.
	Do(attr int, payload []byte) (Changes, error)

	// Step lets dt of simulated time pass and returns the attributes whose
	// reported value changed by itself (a fade that ended, a heater that
	// switched). The state is the same, to the bit, however a span is cut into
	// steps, and the changes of the parts together are those of the whole. The
	// one exception bounds the work: of a single step of more than 432,000
	// samples (50 days by default) a thermostat leaves out whole days.
	// A dt of zero or less does nothing. Simulated time ends after some 290
	// years and stands still from there on.
	Step(dt time.Duration) Changes

	// Next returns how much simulated time may pass before Step has something
	// of its own to report, or [Never]; it is never zero or less. It is a hint
	// for the owner's timer: stepping earlier or later is correct, only less
	// timely.
	Next() time.Duration

	// AppendValue appends the attribute's present value as plain text, and
	// nothing if there is no such attribute.
	AppendValue(dst []byte, attr int) []byte

	// AppendTelemetry appends the JSON object of the whole state and its
	// measurements, as published on tele/<id>/state.
	AppendTelemetry(dst []byte) []byte
}

// Never is what [Device.Next] returns when nothing will happen by itself.
const Never = time.Duration(math.MaxInt64)

// Changes is a set of attribute indexes.
type Changes uint32

// Has reports whether the set holds attr.
func (c Changes) Has(attr int) bool { return c&(1<<attr) != 0 }
