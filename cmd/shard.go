package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// addShard adds the flag that chooses a part of a scenario.
func addShard(f *pflag.FlagSet, shard *string, more string) {
	f.StringVar(shard, "shard", "", "`K/N` of the scenario alone, such as 2/4 for the second of four parts"+more)
}

// shardOf takes the part of a scenario that --shard names; without --shard all
// of it. run is that of all parts.
func shardOf(sc *scenarios.Scenario, shard, run string) (*scenarios.Scenario, error) {
	if shard == "" {
		return sc, nil
	}
	part, err := scenarios.ParseShard(shard)
	if err != nil {
		return nil, misused("", "--shard: %w", err)
	}
	if sc, err = sc.Shard(part, run); err != nil {
		return nil, misused("", "--shard %s: %w", part, err)
	}
	return sc, nil
}

// shardOfRun is shardOf for a run, which the others have to know their part of.
func (f *runFlags) shardOfRun(sc *scenarios.Scenario) (*scenarios.Scenario, error) {
	switch {
	case f.shard == "":
	case sc.Broker.URL == "":
		return nil, misused("--broker names it; `homefleet broker` starts one that all can reach",
			"--shard is for a broker that all shards share, but the devices are to use the embedded one")
	case f.run == "":
		return nil, misused("", "--shard wants --run, with the same ID for all shards, by which `homefleet report` knows them again")
	}
	part, err := shardOf(sc, f.shard, f.run)
	if err == nil && f.joined == nil && part.AnswersOthers() {
		return nil, misused("`homefleet collect` is where they meet, --collector names it",
			"--shard %s: a message to a group of devices asks those of several shards, and all of them are to be up when the first asks: that wants a collector", f.shard)
	}
	return part, err
}

// shardList is a scenario's part as results have it.
func shardList(sc *scenarios.Scenario) []string {
	if sc.Part == (scenarios.Shard{}) {
		return nil
	}
	return []string{sc.Part.String()}
}

// alone has an expectation that failed in a shard say of what that is true.
func (r *running) alone(res *metrics.Result, end error) error {
	if e, ok := errors.AsType[*exitError](end); ok && res.Verdict == metrics.VerdictFail && r.sc.Part.N > 1 {
		e.hint = "that is so in " + metrics.ShardText(res.Shards) + " alone; `homefleet report` judges the whole from the results of all shards"
	}
	return end
}

// tellMissing says of which runs a part is missing, and refuses parts that
// cannot be of one run.
func (a *app) tellMissing(all []named) error {
	const most = 5
	for i := range all {
		missing, of, err := metrics.MissingShards(all[i].Shards)
		if err != nil {
			return misused("", "%s: %w", all[i].name(), err)
		}
		if n := len(missing); n > most {
			missing = append(missing[:most], fmt.Sprintf("and %d more", n-most))
		}
		if len(missing) > 0 {
			a.warn("%s: %d of the %d shards of run %s alone; missing: %s", all[i].name(), len(all[i].Shards), of,
				printable(all[i].Run), strings.Join(missing, ", "))
		}
	}
	return nil
}

// wholeVerdict is the verdict of a result as the end of a command: a pass needs all shards,
// and one broker for all of them.
func wholeVerdict(res *metrics.Result, oneBroker bool) error {
	if end := verdictError(res); end != nil {
		return end
	}
	if at := res.Broker.Addresses; len(at) > 1 && !oneBroker {
		return &exitError{code: exitExpectation, hint: "--one-broker says that these are addresses of one broker",
			err: fmt.Errorf("the shards had brokers at different addresses (%s), so that the run as a whole is no pass", printable(strings.Join(at, ", ")))}
	}
	missing, of, err := metrics.MissingShards(res.Shards)
	if err != nil || len(missing) == 0 {
		return nil
	}
	return &exitError{code: exitExpectation, err: fmt.Errorf("%d of the %d shards are missing, so that the run as a whole is no pass", len(missing), of)}
}
