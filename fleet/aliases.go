package fleet

import (
	"homefleet/devices/faces"
	"homefleet/fleet/client"
	"homefleet/fleet/load"
	"homefleet/scenarios"
)

// What a session says of itself, by names of this package.
type (
	// Presence says how many sessions of a sort there are, are online now, and so on.
	Presence = client.Presence
	// Reconnect says how a device returns that was away.
	Reconnect = client.Reconnect
	// DeviceError is what went wrong with one device's connection.
	DeviceError = client.DeviceError
	// RefusedError is a reason code of 0x80 or more of the broker.
	RefusedError = client.RefusedError
	// ForeignError says that something else than MQTT is spoken at a broker's address.
	ForeignError = client.ForeignError
	// UnfitError says that a broker's limits do not allow what a scenario wants.
	UnfitError = client.UnfitError
	// AttributeError is a command to an attribute that the kind does not have.
	AttributeError = faces.AttributeError
)

// What is planned, likewise.
type (
	// Plan is every request that a scenario's open controllers will send, and when.
	Plan = load.Plan
	// PlanGroup is the plan of one group of controllers.
	PlanGroup = load.PlanGroup
	// PlanSlot is one planned request.
	PlanSlot = load.PlanSlot
)

// PlanOf makes the plan of a checked scenario.
func PlanOf(sc *scenarios.Scenario) *Plan { return load.PlanOf(sc) }
