package retained

import (
	"testing"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Who only watches takes all that comes at once: a broker may lose what it has
// to keep back for a smaller Receive Maximum (3.1.2.11.3).
func TestProbeReceivesAllAtOnce(t *testing.T) {
	p := &probe{Probing: Probing{Credentials: func(*wire.Connect) error { return nil }}, got: make(chan Message, 1)}
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
	x := Expected{Topic: "t", Values: []string{online}, Since: made, Number: 3, Marked: true}
	for _, tt := range []struct {
		name string
		got  Message
		want string
	}{
		{"as it was made", Message{Topic: "t", Payload: online, Marks: Marks{Own: true, Made: made}}, "right"},
		{"altered", Message{Topic: "t", Payload: "Onlime", Marks: Marks{Own: true, Made: made}}, "wrong"},
		{"altered, without its stamp", Message{Topic: "t", Payload: "Onlime"}, "wrong"},
		{"an earlier one", Message{Topic: "t", Payload: offline, Marks: Marks{Own: true, Made: made - time.Millisecond}}, "stale"},
		{"the Will of an earlier connection", Message{Topic: "t", Payload: offline, Marks: Marks{Own: true, Number: 2}}, "stale"},
		{"with other properties", Message{Topic: "t", Payload: online, Marks: Marks{Own: true, Made: made, Altered: true}}, "wrong"},
		{"without its properties", Message{Topic: "t", Payload: online}, "wrong"},
		{"its own Will, though it lives", Message{Topic: "t", Payload: offline, Marks: Marks{Own: true, Number: 3}}, "wrong"},
	} {
		var got = map[string]Message{"t": tt.got}
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

func verdictOf(x *Expected, found map[string]Message) string {
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
