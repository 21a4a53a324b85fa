package faces

// Options are what a scenario may set in [device.face]; which of them a face has, its
// Keys say. What a scenario leaves out is as the face's Defaults have it.
type Options struct {
	BaseTopic       string // where a face has its topics, where it has no fixed place
	DiscoveryPrefix string // where it announces itself
	Discovery       string // how: "device", "components" or "none"
	Manufacturer    string // as it announces itself
	Model           string // likewise; "": the kind
	FullTopic       string // where a Tasmota has its topics, with %prefix% and %topic%
	StatusNtf       bool   // each component has a topic for its status, too
}
