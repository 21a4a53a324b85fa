package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"homefleet/fleet"
	"homefleet/fleet/cluster"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// collectorFlags say where the shards of a run meet.
type collectorFlags struct {
	url      string
	tokenEnv string
	patience spanFlag
}

// collectorVariable is where the token of a collector is looked for that no flag names.
const collectorVariable = "HOMEFLEET_COLLECTOR_TOKEN"

// defaultPatience is how long a shard waits for a collector that does not answer.
const defaultPatience = time.Minute

func (f *collectorFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.url, "collector", "", "`URL` of \"homefleet collect\", where the shards of the run begin together and leave their results")
	fs.StringVar(&f.tokenEnv, "collector-token-env", "", "`NAME` of the variable with the collector's token (default "+collectorVariable+", or what a collector on this machine has)")
	fs.Var(&f.patience, "collector-patience", "how long a collector that does not answer is asked again (default 1m)")
}

// shardClient is a shard's way to the collector; nil where there is none.
type shardClient struct {
	*cluster.Client
	*app
	patience time.Duration
	begun    atomic.Pointer[cluster.Beginning]
	followed sync.WaitGroup
	unfollow context.CancelFunc
}

// join asks the collector which run this is a shard of, and settles which shard. Without
// --collector it does nothing.
func (a *app) join(ctx context.Context, sc *scenarios.Scenario, f *runFlags) error {
	c := &f.collector
	switch {
	case c.url == "" && (c.tokenEnv != "" || c.patience.set):
		return misused("", "--collector-token-env and --collector-patience are for --collector")
	case c.url == "" && f.shard == autoShard:
		var err error
		f.shard, err = a.whichShard(f.shard, 0)
		return err
	case c.url == "" && f.shard != "":
		_, err := a.whichShard(f.shard, 0)
		return err
	case c.url == "":
		return nil
	case f.runs.wanted() > 0:
		return misused("", "--runs is for runs in one process, not for shards")
	case !sc.Measured():
		return misused("a [[controller]], [phases] or [expect] makes the run a measurement", "--collector is for scenarios that measure, and %s does not", sc.Name)
	case sc.Broker.URL == "":
		return misused("--broker names it; `homefleet broker` starts one that all can reach", "the shards of a collector share a broker, but the devices are to use the embedded one")
	}
	if _, err := a.collectorToken(c); err != nil {
		return err
	}
	client, err := cluster.NewClient(c.url, func() string { token, _ := a.collectorToken(c); return token })
	if err != nil {
		return misused("", "--collector: %w", err)
	}
	f.joined = &shardClient{Client: client, app: a, patience: defaultPatience}
	if c.patience.set {
		f.joined.patience = c.patience.d
	}
	of, err := client.Run(ctx, f.joined.patience)
	if err != nil {
		return f.joined.fault(err)
	}
	if f.run != "" && f.run != of.Run {
		return misused("", "--run is %q, but run %q is collected at %s", f.run, printable(of.Run), client)
	}
	f.run = of.Run
	if f.shard, err = a.whichShard(f.shard, of.Shards); err != nil {
		return err
	}
	part, err := scenarios.ParseShard(f.shard) // Kubernetes may start again what has ended well
	if err != nil || !slices.Contains(of.Delivered, part.K) {
		return err
	}
	done := fmt.Errorf("the result of shard %s is at the collector already: there is nothing to do", part)
	a.warn("%v", done)
	return &exitError{code: exitOK, err: done, said: true}
}

// collectorToken is the token for the collector: of the variable, or that of a collector on this
// machine, which may be another one from one time to the next.
func (a *app) collectorToken(f *collectorFlags) (string, error) {
	name := f.tokenEnv
	if name == "" {
		name = collectorVariable
	}
	if token, _ := a.LookupEnv(name); token != "" || f.tokenEnv != "" {
		if token == "" {
			return "", misused("", "--collector-token-env names %s, which is not set", name)
		}
		return token, nil
	}
	return a.enteredCollector(f.url), nil
}

// fault is an error of the way to the collector as the end of the command.
func (c *shardClient) fault(err error) error {
	if lost, ok := errors.AsType[*cluster.Unreachable](err); ok {
		return &exitError{code: exitAgain, err: lost, hint: "`homefleet collect` starts one; " + collectorVariable + " holds its token"}
	}
	if errors.Is(err, context.Canceled) {
		return interrupted()
	}
	return failed("", "%w", err)
}

// member says who this shard is.
func (r *running) member(c *shardClient) {
	host, _ := os.Hostname() // without a name it has none
	c.Member = cluster.Member{
		Run: r.id, Shard: r.sc.Part.K, Attempt: randomHex(8), Host: host, PID: os.Getpid(), Devices: r.sc.Count(),
		First: r.sc.Device(0).ID, Last: r.sc.Device(r.sc.Count() - 1).ID,
		Plan: cluster.Plan{
			Tool: thisVersion(), Scenario: r.sc.Name, Digest: r.sc.Digest, Size: r.sc.Size, Seed: r.sc.Seed, Shards: r.sc.Part.N,
			WarmUp: r.sc.Phases.WarmUp, Measure: r.sc.Phases.Measure,
		},
	}
}

// together has the fleet begin with the other shards.
func (r *running) together(c *shardClient, o *fleet.Options) {
	if c == nil {
		return
	}
	r.member(c)
	o.Together = func(ctx context.Context) (fleet.Beginning, error) {
		b, err := c.Begin(ctx, c.patience, func(missing []string) {
			if !r.quiet {
				fmt.Fprintf(r.screen, "waiting for %s of %d: %s\n", plural(len(missing), "shard"), r.sc.Part.N, strings.Join(someNames(missing), ", "))
			}
		})
		if err != nil {
			return fleet.Beginning{}, c.fault(err)
		}
		c.begun.Store(&b)
		return fleet.Beginning{At: b.At, Facts: metrics.Start{
			Shard: r.sc.Part.String(), Host: c.Member.Host, Offset: metrics.Span(b.Offset), RoundTrip: metrics.Span(b.RoundTrip),
		}}, nil
	}
}

// someNames are the first few of many.
func someNames(all []string) []string {
	const most = 5
	if n := len(all); n > most {
		return append(all[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	return all
}

// follow tells the collector how the run goes, until unfollow. A nil client tells nobody.
func (c *shardClient) follow(f *fleet.Fleet, stop context.CancelCauseFunc) {
	if c == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.unfollow = cancel
	c.followed.Go(func() {
		c.Follow(ctx, func() (cluster.Progress, *cluster.Beginning) {
			totals := f.Progress().Totals
			return cluster.Progress{
				Phase: f.Phase().String(), Online: f.Presence().Online,
				Planned: totals.Planned, Sent: totals.Sent, Answered: totals.Answered,
			}, c.begun.Load()
		}, func(why string) {
			c.warn("the collector wants this shard to stop: %s", why)
			stop(errInterrupted)
		})
	})
}

// deliver hands the result over to the collector, which judges the whole: what this shard's own
// expectations say decides nothing. end is how the run ended.
func (c *shardClient) deliver(res *metrics.Result, end error) error {
	if c == nil {
		return end
	}
	defer func() {
		c.unfollow()
		c.followed.Wait()
	}()
	if c.begun.Load() == nil {
		return end // there was no run
	}
	var text bytes.Buffer
	if err := res.Encode(&text); err != nil {
		return failed("", "%w", err)
	}
	if err := c.Deliver(context.Background(), text.Bytes(), c.patience); err != nil {
		kept := fmt.Sprintf("shard-%d-of-%d-of-%s.json", c.Member.Shard, c.Member.Plan.Shards, c.Member.Run)
		hint := "`homefleet report` merges the results of shards"
		if err := os.WriteFile(c.path(kept), text.Bytes(), 0o600); err == nil {
			hint = "it is in " + kept + "; " + hint
		}
		return failed(hint, "the result could not be delivered: %w", err)
	}
	if !c.quiet {
		fmt.Fprintf(c.screen, "the result is at the collector, %s\n", c)
	}
	switch exitCode(end) {
	case exitExpectation, exitInterrupted:
		return nil // it is in the result; who would start this shard again has nothing to gain
	}
	return end
}
