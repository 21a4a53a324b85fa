// Package cluster has several processes, each with one shard of a scenario, begin to
// measure at the same moment, and gathers what they measured: a [Collector] stands
// somewhere that all can reach, and each shard has a [Client] of it. Who places,
// numbers and restarts the processes is not its business: a hand, ssh, Slurm and
// Kubernetes do that.
//
// The start is a barrier. Every shard says that its devices are up; when all have, the
// collector names one moment, a little ahead, and each finds that moment on its own
// monotonic clock, whose difference from the collector's it has measured before: the wall clocks
// of the machines may be hours apart. The barrier is not on the broker that is measured,
// and no shard is in charge of the others.
//
// A collector keeps nothing that the shards do not know. One that is started again in the
// place of another learns from them what has begun and when, and they deliver their results
// until somebody has taken them.
//
// It knows results ([homefleet/fleet/metrics]), and neither fleets nor flags.
package cluster

import (
	"fmt"
	"time"

	"homefleet/devices/words"
)

// MostShards is the most that one run may have.
const MostShards = 1000

// Plan is what all shards of a run have to have alike.
type Plan struct {
	Tool     string        `json:"tool"` // the version of homefleet
	Scenario string        `json:"scenario"`
	Digest   string        `json:"sha256"` // of the scenario's text
	Size     string        `json:"size,omitempty"`
	Seed     uint64        `json:"seed,string"`
	Shards   int           `json:"shards"`
	WarmUp   time.Duration `json:"warm_up_ns"`
	Measure  time.Duration `json:"measure_ns"`
}

// differs says in what one plan is not the other; "" if in nothing.
func (p Plan) differs(q Plan) string {
	switch {
	case p.Shards != q.Shards:
		return fmt.Sprintf("it is one of %d shards, and they are of %d", p.Shards, q.Shards)
	case p.Digest != q.Digest && p.Scenario == q.Scenario:
		return fmt.Sprintf("its scenario %s is another text (%.12s, and theirs %.12s)", words.Short(p.Scenario), words.Short(p.Digest), words.Short(q.Digest))
	case p.Digest != q.Digest:
		return fmt.Sprintf("its scenario is %s, and theirs %s", words.Short(p.Scenario), words.Short(q.Scenario))
	case p.Size != q.Size:
		return fmt.Sprintf("its size of the scenario is %q, and theirs %q", words.Short(p.Size), words.Short(q.Size))
	case p.Seed != q.Seed:
		return fmt.Sprintf("its seed is %d, and theirs %d", p.Seed, q.Seed)
	case p.WarmUp != q.WarmUp || p.Measure != q.Measure:
		return fmt.Sprintf("it is to measure for %v after %v, and they for %v after %v", p.Measure, p.WarmUp, q.Measure, q.WarmUp)
	case p.Tool != q.Tool:
		return fmt.Sprintf("it is homefleet %s, and they are %s", words.Short(p.Tool), words.Short(q.Tool))
	}
	return ""
}

// Member is a process with a shard of a run.
type Member struct {
	Run     string `json:"run"`
	Shard   int    `json:"shard"`   // 1 to Plan.Shards
	Attempt string `json:"attempt"` // of this process: one that is started again has another
	Plan    Plan   `json:"plan"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Devices int    `json:"devices"`
	First   string `json:"first,omitempty"` // ids of the first and the last of them
	Last    string `json:"last,omitempty"`
}

// name is the shard as results call it, "2/3".
func (m *Member) name() string { return fmt.Sprintf("%d/%d", m.Shard, m.Plan.Shards) }

// place is where a member runs.
func (m *Member) place() string { return fmt.Sprintf("%s, process %d", words.Short(m.Host), m.PID) }

// Progress is how far a shard is.
type Progress struct {
	Phase    string `json:"phase"`
	Online   int    `json:"online"` // devices
	Planned  int64  `json:"planned"`
	Sent     int64  `json:"sent"`
	Answered int64  `json:"answered"`
}

// add adds another shard's, whose phase is that of the whole if it is the first.
func (p *Progress) add(o Progress) {
	p.Online += o.Online
	p.Planned += o.Planned
	p.Sent += o.Sent
	p.Answered += o.Answered
}

// Lost is a shard that did not live to the end of the run, or was there for a part of it.
type Lost struct {
	Shard   string
	Host    string
	Devices int
	First   string
	Last    string
	From    time.Duration // from the start of the warm-up; negative before it
	To      time.Duration // when another process took its place; 0: none did
}
