package fleet

// role is what a session plays in a run.
type role int

// The roles.
const (
	deviceRole role = iota
	controllerRole
	watcherRole
	auditorRole   // 0 is the auditor, 1 the retained probe
	duplicateRole // another client with the client id of a device
)

// identity is who a session is: what it plays, and which one of those it is, from 0;
// a duplicate has the number of its device.
type identity struct {
	role   role
	number int
}

// stream is the number of its random choices, which no two sessions share.
func (i identity) stream() int {
	const most = 1 << 28 // of a role
	return i.number + most*int(i.role)
}
