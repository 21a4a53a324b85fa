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
	return shardOf(sc, f.shard, f.run)
}

// fleetRun tells a fleet from all others on its broker, and so from the other
// shards of its run as well. What {run} stands for has been filled in already
// where there are any.
func fleetRun(run string, part scenarios.Shard) string {
	if part == (scenarios.Shard{}) {
		return run
	}
	return fmt.Sprintf("%s-%dof%d", run, part.K, part.N)
}

// shardList is a scenario's part as results have it.
func shardList(sc *scenarios.Scenario) []string {
	if sc.Part == (scenarios.Shard{}) {
		return nil
	}
	return []string{sc.Part.String()}
}

// shardWords names the parts of a run that a result is of: "shard 2 of 4", or ""
// if it is of a run in one piece.
func shardWords(shards []string) string {
	missing, of, err := missingShards(shards)
	switch {
	case len(shards) == 0:
		return ""
	case of > 1 && len(missing) == 0 && err == nil:
		return fmt.Sprintf("all %d shards", of)
	case len(shards) == 1:
		return "shard " + printable(strings.Replace(shards[0], "/", " of ", 1))
	}
	return "shards " + printable(strings.Join(shards, ", "))
}

// ofGroup is how many of a group's controllers a shard has: ", 2 of 7
// controllers", or "" if it has them all.
func ofGroup(c *scenarios.Controllers) string {
	_, of := c.Place(0)
	if of == c.Count {
		return ""
	}
	return fmt.Sprintf(", %d of %s", c.Count, plural(of, "controller"))
}

// alone has an expectation that failed in a shard say of what that is true.
func (r *running) alone(res *metrics.Result, end error) error {
	if e, ok := errors.AsType[*exitError](end); ok && res.Verdict == metrics.VerdictFail && r.sc.Part.N > 1 {
		e.hint = "that is so in " + shardWords(res.Shards) + " alone; `homefleet report` judges the whole from the results of all shards"
	}
	return end
}

// missingShards returns which shards of a run are not among those given, and how
// many it has. There are none where nothing is a shard, or not by our names. The
// error is of shards of which the run cannot have both.
func missingShards(shards []string) (missing []string, of int, err error) {
	given := make(map[scenarios.Shard]bool)
	for _, text := range shards {
		s, err := scenarios.ParseShard(text)
		if err != nil {
			return nil, 0, nil // another tool's
		}
		if of != 0 && s.N != of {
			return nil, 0, fmt.Errorf("shard %s does not go with %s: the run is in %d parts or in %d", s, shards[0], of, s.N)
		}
		of, given[s] = s.N, true
	}
	for k := 1; k <= of; k++ {
		if s := (scenarios.Shard{K: k, N: of}); !given[s] {
			missing = append(missing, s.String())
		}
	}
	return missing, of, nil
}

// tellMissing says of which runs a part is missing, and refuses parts that
// cannot be of one run.
func (a *app) tellMissing(all []named) error {
	const most = 5
	for i := range all {
		missing, of, err := missingShards(all[i].Shards)
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

// wholeVerdict is the verdict of a result as the end of a command: a pass needs
// all shards.
func wholeVerdict(res *metrics.Result) error {
	missing, of, err := missingShards(res.Shards)
	if end := verdictError(res); end != nil || err != nil || len(missing) == 0 {
		return end
	}
	return &exitError{code: exitExpectation, err: fmt.Errorf("%d of the %d shards are missing, so that the run as a whole is no pass", len(missing), of)}
}
