package broker

import "fmt"

// perClient is what a client of a fleet in memory takes at most, in bytes, with its
// connection, session, subscriptions, Will, retained messages, and a few that are under way.
const perClient = 8 << 10

// perClientRetained is how many messages such a client may have retained.
const perClientRetained = 8

// Suit sets the limits that are not set to what a fleet of so many clients needs, with as
// much again for others, where the defaults are less than that.
func (l *Limits) Suit(clients int) {
	enough := func(n *int, def, want int) {
		if *n == 0 && want > def {
			*n = want
		}
	}
	enough(&l.MaximumConnections, defaultConnections, 2*clients)
	enough(&l.MaximumSessions, defaultSessions, 2*clients)
	enough(&l.MaximumUserSessions, defaultUserSessions, 2*clients)
	enough(&l.MaximumRetained, defaultRetained, perClientRetained*clients)
	enough(&l.MaximumRetainedBytes, defaultRetainedBytes, perClient/4*clients)
	if l.TotalMemory == 0 && l.UserMemory == 0 {
		enough(&l.UserMemory, defaultTotalMemory/2, perClient*clients)
	}
	enough(&l.TotalMemory, defaultTotalMemory, 2*perClient*clients)
}

// Lacks says which of the limits that are set keep a fleet of so many clients from coming up,
// each in a sentence; there are none where there is room.
func (l *Limits) Lacks(clients int) (sentences []string) {
	if n := l.MaximumConnections; n > 0 && n < clients {
		sentences = append(sentences, fmt.Sprintf("maximum_connections is %d, and the fleet has %d clients: the others are refused with 0x89", n, clients))
	}
	if n := l.MaximumSessions; n > 0 && n < clients {
		sentences = append(sentences, fmt.Sprintf("maximum_sessions is %d, and the fleet has %d clients: the others are refused with 0x97", n, clients))
	}
	const least = costConn + costSession + costState
	if n := l.TotalMemory; n > 0 && n < least*clients {
		sentences = append(sentences, fmt.Sprintf("total_memory is %d bytes, which is enough for some %d of the fleet's %d clients: the others are turned away", n, n/least, clients))
	}
	return sentences
}
