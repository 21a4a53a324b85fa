package faces

// Options are what a scenario may set in [device.face]; which of them a face has, its
// Keys say. What a scenario leaves out is as the face's Defaults have it.
type Options struct{}
