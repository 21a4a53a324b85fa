package fleet

import "homefleet/scenarios"

// OfflineMode is a way for a device to go offline; see package scenarios for what each
// is on the wire.
type OfflineMode = scenarios.OfflineMode

// The ways to go.
const (
	Orderly   = scenarios.Orderly
	WithWill  = scenarios.WithWill
	Cut       = scenarios.Cut
	Reset     = scenarios.Reset
	Silence   = scenarios.Silence
	Unplugged = scenarios.Unplugged
	Exit      = scenarios.Exit
)
