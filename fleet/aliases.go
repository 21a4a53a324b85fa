package fleet

import "homefleet/fleet/client"

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
	// UnfitError says that a broker's limits do not allow what a scenario wants.
	UnfitError = client.UnfitError
)
