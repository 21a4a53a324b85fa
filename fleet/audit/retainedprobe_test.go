package audit

import (
	"testing"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Who only watches takes all that comes at once: a broker may lose what it has
// to keep back for a smaller Receive Maximum (3.1.2.11.3).
func TestProbeReceivesAllAtOnce(t *testing.T) {
	p := &retainedProbe{Probing: Probing{Credentials: func(*wire.Connect) error { return nil }}, got: make(chan Retained, 1)}
	var c wire.Connect
	if err := p.FillConnect(&c); err != nil || c.ReceiveMaximum != 65535 || !c.CleanStart || c.SessionExpiry != 0 {
		t.Errorf("FillConnect() = %v, %+v; want a new session that ends with the connection, and Receive Maximum 65535, said aloud", err, c)
	}
}

// An altered announcement is wrong, not stale: it says itself that it is the last
// one. An earlier one that came back is stale.
func TestRetainedWrongOrStale(t *testing.T) {
	const (
		made            = 5 * time.Second
		online, offline = "Online", "Offline"
	)
	x := ExpectedRetained{Topic: "t", Values: []string{online}, Since: made, Number: 3}
	for _, tt := range []struct {
		name string
		got  Retained
		want string
	}{
		{"as it was made", Retained{Topic: "t", Payload: online, Made: made}, "right"},
		{"altered", Retained{Topic: "t", Payload: "Onlime", Made: made}, "wrong"},
		{"altered, without its stamp", Retained{Topic: "t", Payload: "Onlime"}, "wrong"},
		{"an earlier one", Retained{Topic: "t", Payload: offline, Made: made - time.Millisecond}, "stale"},
		{"the Will of an earlier connection", Retained{Topic: "t", Payload: offline, Number: 2}, "stale"},
		{"its own Will, though it lives", Retained{Topic: "t", Payload: offline, Number: 3}, "wrong"},
	} {
		var got = map[string]Retained{"t": tt.got}
		if v := verdictOf(&x, got); v != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, v, tt.want)
		}
	}
	if v := verdictOf(&x, nil); v != "missing" {
		t.Errorf("nothing: %s; want missing", v)
	}
	x.Absent = true
	if v := verdictOf(&x, nil); v != "right" {
		t.Errorf("nothing, where the Will has expired: %s; want right", v)
	}
}

func verdictOf(x *ExpectedRetained, found map[string]Retained) string {
	var got metrics.RetainedTotals
	x.Count(&got, found)
	switch {
	case got.Right == 1:
		return "right"
	case got.Stale == 1:
		return "stale"
	case got.Missing == 1:
		return "missing"
	}
	return "wrong"
}
