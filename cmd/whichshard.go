package cmd

import (
	"fmt"
	"strconv"

	"homefleet/scenarios"
)

// autoShard is what --shard takes beside K/N: the environment says which.
const autoShard = "auto"

// shardSource is one of the systems that start several processes alike and number them.
type shardSource struct {
	what  string
	index string // variable with the number
	first int    // of the first process, where no variable says so
	low   string // variable with the first number; "": there is none
	step  string // variable with the step from number to number; likewise
	count string // variable with how many there are; "": nothing says so
	when  string // variable that has to be there, too
}

// shardSources are the known ones.
//
// Kubernetes: kubernetes.io/docs/concepts/workloads/controllers/job (Indexed). Slurm: the pages of
// srun (output environment) and sbatch (job arrays); a batch script has SLURM_PROCID as well, and is no
// task. AWS: docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html.
var shardSources = []shardSource{
	{what: "an Indexed Job of Kubernetes", index: "JOB_COMPLETION_INDEX"},
	{what: "srun", index: "SLURM_PROCID", count: "SLURM_STEP_NUM_TASKS", when: "SLURM_STEP_NUM_TASKS"},
	{what: "a job array of Slurm", index: "SLURM_ARRAY_TASK_ID", low: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP", count: "SLURM_ARRAY_TASK_COUNT"},
	{what: "an array job of AWS Batch", index: "AWS_BATCH_JOB_ARRAY_INDEX", count: "AWS_BATCH_JOB_ARRAY_SIZE"},
}

// foundShard is a shard by the environment; n is 0 where that does not say how many there are.
type foundShard struct {
	k, n   int
	source *shardSource
}

func (f *foundShard) String() string {
	if f.n == 0 {
		return fmt.Sprintf("shard %d by %s (%s)", f.k, f.source.what, f.source.index)
	}
	return fmt.Sprintf("shard %d/%d by %s (%s)", f.k, f.n, f.source.what, f.source.index)
}

// environmentShard is which shard the environment has this process be; nil if it says nothing. Two
// sources that do not agree are an error that names both.
func (a *app) environmentShard() (*foundShard, error) {
	var found *foundShard
	for i := range shardSources {
		one, err := a.shardBy(&shardSources[i])
		switch {
		case err != nil:
			return nil, err
		case one == nil:
		case found == nil:
			found = one
		case found.k != one.k || found.n != 0 && one.n != 0 && found.n != one.n:
			return nil, misused("unset the variables of one of them", "the environment has this process be two shards: %s, and %s", found, one)
		case found.n == 0:
			found = one // which knows how many there are
		}
	}
	return found, nil
}

// shardBy is the shard by one source; nil if that is not there.
func (a *app) shardBy(s *shardSource) (*foundShard, error) {
	number := func(variable string, otherwise int) (int, error) {
		text, _ := a.LookupEnv(variable)
		if variable == "" || text == "" {
			return otherwise, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, misused("", "%s is %q; want a number, as %s sets it", variable, printable(text), s.what)
		}
		return n, nil
	}
	if text, _ := a.LookupEnv(s.index); text == "" {
		return nil, nil
	}
	if s.when != "" {
		if text, _ := a.LookupEnv(s.when); text == "" {
			return nil, nil
		}
	}
	index, err := number(s.index, 0)
	if err != nil {
		return nil, err
	}
	low, err := number(s.low, s.first)
	if err != nil {
		return nil, err
	}
	step, err := number(s.step, 1)
	if err != nil {
		return nil, err
	}
	n, err := number(s.count, 0)
	if err != nil {
		return nil, err
	}
	step = max(step, 1)
	if index < low || (index-low)%step != 0 || n > 0 && (index-low)/step >= n {
		return nil, misused("", "%s is %d, which is none of %d numbers from %d on in steps of %d", s.index, index, n, low, step)
	}
	return &foundShard{(index-low)/step + 1, n, s}, nil
}

// whichShard settles --shard: with what the environment says, which has to agree, and of how many
// the shards are where something else knows that. 0 is not known.
func (a *app) whichShard(given string, of int) (string, error) {
	found, err := a.environmentShard()
	if err != nil {
		return "", err
	}
	if given == "" || given == autoShard {
		if found == nil {
			return "", misused("--shard K/N says it", "which shard this is nobody says: neither --shard nor the environment of Kubernetes, Slurm or AWS Batch")
		}
		switch {
		case found.n != 0 && of != 0 && found.n != of:
			return "", misused("", "the collector collects %d shards, but this is %s", of, found)
		case found.n == 0 && of == 0:
			return "", misused("--shard K/N says it", "this is %s, but of how many shards nobody says", found)
		case found.n == 0:
			found.n = of
		}
		given = scenarios.Shard{K: found.k, N: found.n}.String()
	}
	part, err := scenarios.ParseShard(given)
	switch {
	case err != nil:
		return "", misused("", "--shard: %w", err)
	case found != nil && (found.k != part.K || found.n != 0 && found.n != part.N):
		return "", misused("", "--shard is %s, but this is %s", given, found)
	case of != 0 && part.N != of:
		return "", misused("", "--shard is %s, but the collector collects %d shards", given, of)
	}
	return given, nil
}
