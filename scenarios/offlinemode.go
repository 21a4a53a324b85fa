package scenarios

// OfflineMode is a way to go offline, each exact on the wire.
type OfflineMode string

// The ways to go.
const (
	// Orderly publishes Offline and sends DISCONNECT 0x00: no Will (3.1.2-10).
	Orderly OfflineMode = "orderly"
	// WithWill sends DISCONNECT 0x04: the Will is published (3.14.2.1).
	WithWill OfflineMode = "with-will"
	// Cut closes the socket (FIN) without a DISCONNECT.
	Cut OfflineMode = "cut"
	// Reset resets the connection (RST).
	Reset OfflineMode = "reset"
	// Silence keeps the connection, but nothing is read or written any more: the
	// stuck device. The broker finds out after 1.5 times the Keep Alive
	// (3.1.2-22); a device that comes back closes the connection first.
	Silence OfflineMode = "silence"
	// Unplugged is a device whose cable is pulled: nothing reaches the broker, not
	// even the acknowledgements of TCP where the system allows it, and the old
	// connection is still open at the broker when the device comes back.
	Unplugged OfflineMode = "unplugged"
	// Exit is what the system does for a process that is gone: it closes the
	// socket at once, with whatever is unread or unsent in it.
	Exit OfflineMode = "process-exit"
)

// OfflineModes returns all of them, in the order in which reports show them.
func OfflineModes() []OfflineMode {
	return []OfflineMode{Orderly, WithWill, Cut, Reset, Silence, Unplugged, Exit}
}

// Return says when a device connects that may again.
type Return string

// The ways to return.
const (
	WithBackoff Return = "back-off" // after a delay of its back-off
	AtOnce      Return = "at-once"  // all together: the herd
)

// SessionChoice says which session a device takes up when it is back.
type SessionChoice string

// The sessions.
const (
	Same  SessionChoice = "resume" // the one it had, with Clean Start 0, if it can still be there
	Clean SessionChoice = "clean"  // a new one, with Clean Start 1
)
