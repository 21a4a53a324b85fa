package deploy

import (
	"fmt"
	"strings"
)

// Slurm returns a batch script for sbatch: the collector on the first node, and the shards by
// srun, which starts all of them together. The scenario is a file that all nodes see.
func Slurm(p *Plan) (string, error) { return fill(batch, p) }

// Limit is the longest time as Slurm has it.
func (p *Plan) Limit() string {
	s := p.Seconds()
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Shell are the arguments of a shard for a shell.
func (p *Plan) Shell() string {
	var all []string
	for _, arg := range p.command(p.Scenario.Name) {
		all = append(all, Quote(arg))
	}
	return strings.Join(all, " ")
}

// Quote returns a word as a shell takes it for one (POSIX, 2.2.2).
func Quote(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// batch is a template for a Plan.
const batch = `#!/usr/bin/env bash
# {{.Shards}} shards of a scenario against {{.Broker}}, and the collector that has them begin together
# and judges the whole. Look it over, then: homefleet deploy slurm … | sbatch
#
# homefleet has to be in the PATH of all nodes, and the scenario, with the files that it names,
# where all of them see it: in the directory that sbatch is called in.
#SBATCH --job-name={{.Name}}
#SBATCH --ntasks={{.Shards}}
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu={{.MemoryMiB}}M
#SBATCH --time={{.Limit}}
#SBATCH --output={{.Name}}-%j.log
set -euo pipefail

# Who takes part has to know the token. It is in the environment only, which srun hands on.{{if .Password}}
# So it does with the broker's password: sbatch --export=ALL,{{.Password}} takes it along.{{end}}
{{.Token}}=${ {{- .Token}}:-$(head -c 18 /dev/urandom | base64)}
export {{.Token}}

# The first node has the collector. What it writes is the result, and its exit code the verdict.
run={{.Name}}-$SLURM_JOB_ID
homefleet collect --shards {{.Shards}} --listen "0.0.0.0:{{.Port}}" --run "$run" --result "$run.json" --report "$run.html" &
collector=$!

# Each task is one shard, and finds its number in SLURM_PROCID. One that is lost is told by the
# collector, so that the others go on.
srun --kill-on-bad-exit=0 --output="$run-%t.log" \
  homefleet {{.Shell}} --collector "http://$(hostname):{{.Port}}" || true
wait "$collector"
`

// MemoryMiB is what a shard needs.
func (p *Plan) MemoryMiB() int { return p.memory() }
