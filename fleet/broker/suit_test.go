package broker

import (
	"reflect"
	"strings"
	"testing"
)

// A fleet has room that is larger than what the defaults have room for; what is set stays, and
// what of it is too little is said.
func TestLimitsSuitAFleet(t *testing.T) {
	for _, of := range []struct {
		set     Limits
		clients int
		want    Limits
		lacks   string
	}{
		{Limits{}, 50_000, Limits{}, ""},
		{Limits{}, 1_000_000, Limits{MaximumConnections: 2_000_000, MaximumSessions: 2_000_000, MaximumUserSessions: 2_000_000, MaximumRetained: 8_000_000,
			MaximumRetainedBytes: 2_048_000_000, UserMemory: 8_192_000_000, TotalMemory: 16_384_000_000}, ""},
		{Limits{MaximumConnections: 10, MaximumSessions: 10, MaximumUserSessions: 10, MaximumRetained: 10, MaximumRetainedBytes: 10, UserMemory: 10, TotalMemory: 100_000}, 1_000_000,
			Limits{MaximumConnections: 10, MaximumSessions: 10, MaximumUserSessions: 10, MaximumRetained: 10, MaximumRetainedBytes: 10, UserMemory: 10, TotalMemory: 100_000},
			"maximum_connections is 10, and the fleet has 1000000 clients: the others are refused with 0x89; " +
				"maximum_sessions is 10, and the fleet has 1000000 clients: the others are refused with 0x97; " +
				"total_memory is 100000 bytes, which is enough for some 22 of the fleet's 1000000 clients: the others are turned away"},
		{Limits{MaximumConnections: 10, MaximumSessions: 10, TotalMemory: 1 << 20}, 10, Limits{MaximumConnections: 10, MaximumSessions: 10, TotalMemory: 1 << 20}, ""},
	} {
		if got := strings.Join(of.set.Lacks(of.clients), "; "); got != of.lacks {
			t.Errorf("%+v lacks %q for %d; want %q", of.set, got, of.clients, of.lacks)
		}
		got := of.set
		if got.Suit(of.clients); !reflect.DeepEqual(got, of.want) {
			t.Errorf("%+v suits %d clients as %+v; want %+v", of.set, of.clients, got, of.want)
		}
	}
}
