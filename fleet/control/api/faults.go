package api

// NamedFaults are the faults that connections of devices have by somebody's will.
type NamedFaults struct {
	Faults []NamedFault `json:"faults" doc:"by name"`
}

// NamedFault is one of them.
type NamedFault struct {
	Name    string        `json:"name"`
	Devices int           `json:"devices" doc:"that it was put on"`
	Fault   FaultSettings `json:"fault"`
}

// FaultSettings is what a fault does to a connection, in each direction.
type FaultSettings struct {
	Latency    string `json:"latency,omitempty"`
	Jitter     string `json:"jitter,omitempty"`
	Bandwidth  int64  `json:"bandwidth,omitempty" doc:"bytes a second"`
	Slice      int    `json:"slice,omitempty" doc:"bytes of the pieces that are passed on apart, on average"`
	SliceDelay string `json:"slice_delay,omitempty"`
	Blackhole  bool   `json:"blackhole,omitempty" doc:"nothing passes"`
}
