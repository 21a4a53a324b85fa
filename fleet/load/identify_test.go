package load

import (
	"testing"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// With identify, an answer counts that is from the device that was asked, and no
// other; without it, whoever gave it.
func TestAnswerOfAnotherDevice(t *testing.T) {
	for _, tt := range []struct {
		keys, from string
		want       metrics.Outcome
	}{
		{"identify = true\n", "light-1", metrics.Answered},
		{"identify = true\n", "light-2", metrics.MisroutedAnswer},
		{"identify = true\n", "stranger", metrics.MisroutedAnswer},
		{"identify = true\n", "", metrics.MisroutedAnswer},
		{"", "light-2", metrics.Answered},
		{"", "", metrics.Answered},
	} {
		sc, faults := scenarios.Load("test.toml", []byte("[[device]]\nkind = \"light\"\nid = \"light-{n}\"\ncount = 2\n[[controller]]\nattribute = \"power\"\nrate = \"1/s\"\n"+tt.keys))
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		names := sc.LabelNames()
		g := NewGroup(sc, &names, 0, 0)
		g.profile = new(client.Profile)
		r, err := newController(&Env{Client: &client.Env{Recorder: metrics.NewRecorder(metrics.RecorderConfig{Names: names})}}, g, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := r.ledger.Send(metrics.Request{Target: g.expected(0)})
		if !ok {
			t.Fatal("the ledger is full")
		}
		var p wire.Publish
		if tt.from != "" {
			p.Props.User = wire.AppendUserProperty(nil, "device", tt.from)
		}
		target, member := g.answerer(&p)
		got := r.ledger.Answer(0, metrics.Answer{Correlation: id.Append(nil, g.Spec.CorrelationSize), Target: target, Member: member})
		if got != tt.want {
			t.Errorf("%qan answer of %q is %v; want %v", tt.keys, tt.from, got, tt.want)
		}
	}
}
