package conformance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// played is what `homefleet run` says of a broker with a bug.
type played struct {
	scenario string // the shipped one that it fails at; "": none does
	fails    string // an expectation of it that is not met
	unseen   string // why none does
}

// playedScenarios are those that each bug is put before, until it fails at one: between them
// they have Wills, delays, resumed sessions, requests at each QoS, retained messages, telemetry,
// shared subscriptions and clients of MQTT 3.1.1.
var playedScenarios = []string{"will-consumed", "request-response", "id-fight", "retained-boot", "fan-in", "router-reboot", "flapping", "soak", "mass-offline", "before-mqtt5"}

// play runs a shipped scenario, in fake time, at the embedded broker through a liar, and
// returns the verdict and the expectations that are not met.
func play(t *testing.T, b *bug, scenario string) (verdict metrics.Verdict, fails []string) {
	t.Helper()
	src, ok := scenarios.ReadShipped(scenario)
	if !ok {
		t.Fatalf("there is no scenario %q", scenario)
	}
	sc, faults := scenarios.Load(scenario, src)
	if faults.Err() != nil {
		t.Fatal(faults.Err())
	}
	synctest.Test(t, func(t *testing.T) {
		config := variants[b.variant].config
		config.Limits, config.Anonymous = broker.Limits{}, true
		to, err := broker.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		l := newLiar(b, func() (net.Conn, error) { return to.Dial(context.Background()) })
		l.any = true
		defer l.close()
		f, err := fleet.New(sc, fleet.Options{Run: "one", EndIfNobody: true, Dial: func(context.Context) (net.Conn, error) {
			near, far := memconn.Pipe(0)
			l.all.Go(func() { l.serve(far) })
			return near, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Run(t.Context()) // it may end early
		res, err := f.Result()
		if res == nil {
			t.Fatalf("Result = %v; want a result", err)
		}
		verdict = res.Verdict
		for i := range res.Expectations {
			if x := &res.Expectations[i]; x.Status != metrics.Pass {
				fails = append(fails, fmt.Sprintf("%s (%s)", x.Metric, x.Actual))
			}
		}
	})
	return verdict, fails
}

// The bugs that the statements are tried with are put before the audit and the ledgers of
// `run`, too. Each that a home can meet fails a shipped scenario, by an expectation that names
// it; of the others the table says why none does. With HOMEFLEET_REFEREES=1 all scenarios are
// run with these as well: what is seen after all is to be in the table.
func TestBugsBeforeRun(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	rows := make([]string, len(bugs))
	slots := make(chan struct{}, 2)
	t.Run("bugs", func(t *testing.T) {
		for i := range bugs {
			b := &bugs[i]
			names[b.name] = true
			want, listed := bugsPlayed[b.name]
			switch {
			case !listed:
				t.Errorf("%q stands nowhere in the list of what run says", b.name)
				continue
			case (want.scenario == "") == (want.unseen == ""), want.scenario != "" && want.fails == "":
				t.Errorf("%q: %+v; want a scenario and what fails there, or why none does", b.name, want)
				continue
			case want.unseen != "" && !whole(), want.scenario != "" && i%some(5, 1) != 0:
				continue
			}
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				if want.scenario == "" {
					for _, s := range playedScenarios {
						if verdict, fails := play(t, b, s); !verdict.Good() {
							t.Errorf("it fails at %s, by %s; want it in the list", s, strings.Join(fails, ", "))
						}
					}
					rows[i] = b.name + "\tnothing: " + want.unseen
					return
				}
				verdict, fails := play(t, b, want.scenario)
				if verdict.Good() || !slices.ContainsFunc(fails, func(f string) bool { return strings.HasPrefix(f, want.fails+" (") }) {
					t.Errorf("%s: %q, of %q; want a failure of %s", want.scenario, verdict, fails, want.fails)
				}
				rows[i] = fmt.Sprintf("%s\t%s: %s", b.name, want.scenario, strings.Join(fails, ", "))
			})
		}
	})
	for name := range bugsPlayed {
		if !names[name] {
			t.Errorf("the list of what run says has %q, which is no bug", name)
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "bug\tseen by run")
	for _, r := range rows {
		if r != "" {
			fmt.Fprintln(w, r)
		}
	}
	_ = w.Flush()
	t.Log("\n" + table.String())
}

// Without a bug no scenario fails, through the liar either.
func TestNoBugBeforeRun(t *testing.T) {
	t.Parallel()
	for _, s := range some(playedScenarios[:2], playedScenarios) {
		if verdict, fails := play(t, &bug{}, s); !verdict.Good() {
			t.Errorf("%s: %q, of %q; want a good verdict", s, verdict, fails)
		}
	}
}
