package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MergeResults returns one result for the shards of one run. Counts add up,
// histograms are merged (percentiles are never averaged), time lines are
// aligned at the start of measuring, expectations and verdict are worked out
// anew. The totals of the audit add up, way by way, and the slack is the widest
// of any shard. Recoveries stand side by side, each with its shard: when half of
// all devices were back cannot be told from when half of each shard's were, so a
// metric such as recovery.half is the worst of the shards. The shards must be of the same run, scenario and seed, and none may be
// given twice. The given results are not changed.
func MergeResults(rs ...*Result) (*Result, error) {
	if len(rs) == 0 {
		return nil, errors.New("there is no result to merge")
	}
	first := rs[0]
	m := &Result{
		Version: ResultVersion, Tool: first.Tool, Scenario: first.Scenario, Seed: first.Seed, Run: first.Run, Size: first.Size,
		Broker: first.Broker.alone(), Load: first.Load, Started: first.Started, WarmUp: first.WarmUp, Duration: first.Duration,
		Snapshot: Snapshot{Series: make(Distributions)},
	}
	m.Load.QoS = slices.Clone(first.Load.QoS)
	var whole *line
	byLabel := make(map[Label]Outcomes)
	bound, missing := time.Duration(0), false
	for _, r := range rs {
		if err := m.addShards(first, r); err != nil {
			return nil, err
		}
		if len(rs) > 1 && len(r.Shards) == 0 {
			return nil, errors.New("one of the results is of the whole fleet: there is nothing to merge with it")
		}
		if apart := time.Duration(r.Measured - first.Measured).Abs(); apart > time.Second {
			m.Remark(fmt.Sprintf("two shards measured for %v and %v; what is a second is over the longest of all",
				time.Duration(first.Measured).Round(time.Millisecond), time.Duration(r.Measured).Round(time.Millisecond)))
		}
		m.addFacts(r)
		m.Totals.Add(r.Totals)
		m.WarmUpLedger.Add(r.WarmUpLedger)
		for _, b := range r.ByLabel {
			sum := byLabel[b.Label]
			sum.Add(b.Outcomes)
			byLabel[b.Label] = sum
		}
		for w, h := range r.Series {
			if m.Series[w] == nil {
				m.Series[w] = new(Histogram)
			}
			m.Series[w].Merge(h)
		}
		if r.TimeLine == nil {
			missing = true
		} else {
			l := r.TimeLine.line()
			if whole == nil {
				whole = l
			} else if err := whole.merge(l); err != nil {
				return nil, fmt.Errorf("merging the time lines: %w", err)
			}
			if apart := r.Started.Sub(first.Started).Abs(); apart > time.Duration(r.TimeLine.Interval) {
				m.Remark(fmt.Sprintf("two shards began to measure %v apart; the time line shows them as if they had begun together", apart.Round(time.Millisecond)))
			}
		}
		m.addAudit(r.Audit)
		m.Deliveries = addDeliveries(m.Deliveries, r.Deliveries)
		m.addRecoveries(r)
		bound = max(bound, time.Duration(r.Generator.Bound))
	}
	for l, o := range byLabel {
		m.ByLabel = append(m.ByLabel, LabelOutcomes{l, o})
	}
	slices.SortFunc(m.ByLabel, func(a, b LabelOutcomes) int {
		return cmp.Or(cmp.Compare(a.Label.Dimension, b.Label.Dimension), cmp.Compare(a.Label.Name, b.Label.Name))
	})
	switch {
	case whole != nil && !missing:
		m.TimeLine = whole.timeLine()
	case whole != nil:
		m.Remark("one of the shards has no time line, so the whole has none")
	}
	m.Load.Arrival = arrivals(rs)
	slices.SortStableFunc(m.Recoveries, func(a, b Recovery) int { return cmp.Compare(a.At, b.At) })
	m.Without = slices.Clone(first.Without)
	m.Expectations = again(&m.Snapshot, rs)
	m.Generator = JudgeGenerator(&m.Snapshot, bound)
	m.settleGenerator()
	m.Judge()
	return m, nil
}

// arrivals are the groups of controllers of several shards. What several say alike is of
// each of them.
func arrivals(rs []*Result) (all []string) {
	shards := make(map[string]int)
	for _, r := range rs {
		for _, text := range r.Load.Arrival {
			shards[text]++
		}
		all = union(all, r.Load.Arrival)
	}
	for i, text := range all {
		if n := shards[text]; n > 1 {
			all[i] = fmt.Sprintf("%s, in each of %d shards", text, n)
		}
	}
	return all
}

// addShards adds which shards a result is of. It must be of the same run as the first, and
// of none that is there already.
func (r *Result) addShards(first, o *Result) error {
	if err := sameRun(first, o); err != nil {
		return err
	}
	for _, s := range o.Shards {
		if slices.Contains(r.Shards, s) {
			return fmt.Errorf("shard %s is given twice", s)
		}
		r.Shards = append(r.Shards, s)
	}
	return nil
}

// addFacts adds what is neither ledger nor distribution.
func (r *Result) addFacts(o *Result) {
	r.Hosts = append(r.Hosts, o.Hosts...)
	r.Starts = append(r.Starts, o.Starts...)
	if o.Started.Before(r.Started) {
		r.Started = o.Started
	}
	r.Measured = max(r.Measured, o.Measured)
	r.Interrupted = r.Interrupted || o.Interrupted
	r.Aborted = cmp.Or(r.Aborted, o.Aborted)
	r.Devices.Total += o.Devices.Total
	r.Devices.Online += o.Devices.Online
	r.Devices.Seen += o.Devices.Seen
	r.Devices.GaveUp += o.Devices.GaveUp
	r.Devices.Offline += o.Devices.Offline
	r.Ran, r.ReadyIn = max(r.Ran, o.Ran), max(r.ReadyIn, o.ReadyIn)
	for _, k := range o.Kinds {
		r.AddKind(k.Kind, k.Devices)
	}
	addCounts(&r.Counts, o.Counts)
	addGroups(&r.CountsApart, o.CountsApart)
	addGroups(&r.Reasons, o.Reasons)
	r.Load.QoS = union(r.Load.QoS, o.Load.QoS)
	r.Load.Payload = max(r.Load.Payload, o.Load.Payload)
	for _, p := range o.Phases {
		i := slices.IndexFunc(r.Phases, func(q Phase) bool { return q.Name == p.Name })
		if i < 0 {
			r.Phases = append(r.Phases, p)
			continue
		}
		r.Phases[i].From, r.Phases[i].To = min(r.Phases[i].From, p.From), max(r.Phases[i].To, p.To)
	}
	r.Incidents = union(r.Incidents, o.Incidents)
	r.IncidentsLeftOut = max(r.IncidentsLeftOut, o.IncidentsLeftOut) // they strike in all shards
	slices.SortStableFunc(r.Incidents, func(a, b Incident) int { return cmp.Compare(a.At, b.At) })
	for _, text := range o.Remarks {
		r.Remark(text)
	}
	r.addBroker(&o.Broker)
	if r.Tool != o.Tool {
		r.Remark(fmt.Sprintf("the shards were run by different versions: %s and %s", r.Tool, o.Tool))
	}
}

// addAudit adds the audit of another shard.
func (r *Result) addAudit(o *Audit) {
	if o == nil {
		return
	}
	if r.Audit == nil {
		r.Audit = &Audit{Slack: o.Slack}
	}
	a := r.Audit
	if a.Slack != o.Slack {
		a.Slack.Early = max(a.Slack.Early, o.Slack.Early)
		a.Slack.Late = max(a.Slack.Late, o.Slack.Late)
		a.Slack.Silence = max(a.Slack.Silence, o.Slack.Silence)
		r.Remark("the shards judged Wills with different slack; the widest is shown")
	}
	a.Answerable = a.Answerable || o.Answerable
	if a.Tested != nil || a.Untested != nil || o.Tested != nil || o.Untested != nil {
		tested := append(slices.Clone(a.Tested), o.Tested...)
		a.SetTested(func(part int) bool { return slices.Contains(tested, WillParts[part]) })
	}
	a.Wills.Add(o.Wills)
	for _, w := range o.Ways {
		i := slices.IndexFunc(a.Ways, func(x WayTotals) bool { return x.Way == w.Way })
		if i < 0 {
			a.Ways = append(a.Ways, w)
		} else {
			a.Ways[i].Add(w.WillTotals)
		}
	}
	if t := o.Retained; t != nil {
		if a.Retained == nil {
			a.Retained = new(RetainedTotals)
		}
		a.Retained.Checked += t.Checked
		a.Retained.Right += t.Right
		a.Retained.Stale += t.Stale
		a.Retained.Missing += t.Missing
		a.Retained.Wrong += t.Wrong
	}
}

// addRecoveries adds those of another shard, which are told by its name.
func (r *Result) addRecoveries(o *Result) {
	if m := o.RecoveriesLeftOut; m != nil {
		if r.RecoveriesLeftOut == nil {
			r.RecoveriesLeftOut = new(RecoverySums)
		}
		r.RecoveriesLeftOut.Count += m.Count
		r.RecoveriesLeftOut.Affected += m.Affected
		r.RecoveriesLeftOut.Online += m.Online
		r.RecoveriesLeftOut.Attempts += m.Attempts
	}
	for _, x := range o.Recoveries {
		x.Shard = cmp.Or(x.Shard, strings.Join(o.Shards, ", "))
		r.Recoveries = append(r.Recoveries, x)
	}
}

// Remark adds what else should be known, once.
func (r *Result) Remark(text string) {
	if !slices.Contains(r.Remarks, text) {
		r.Remarks = append(r.Remarks, text)
	}
}

// union returns what is in either, each once, in order.
func union[T comparable](a, b []T) []T {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}

// addGroups adds counts that are kept under two names.
func addGroups(sum *map[string]map[string]int64, groups map[string]map[string]int64) {
	for group, counts := range groups {
		if *sum == nil {
			*sum = make(map[string]map[string]int64)
		}
		of := (*sum)[group]
		addCounts(&of, counts)
		(*sum)[group] = of
	}
}

func addCounts(sum *map[string]int64, counts map[string]int64) {
	if *sum == nil {
		*sum = make(map[string]int64, len(counts))
	}
	for name, n := range counts {
		(*sum)[name] += n
	}
}

// again evaluates the expectations of all shards for the whole.
func again(s *Snapshot, rs []*Result) []Expected {
	all := []Expected{}
	for _, r := range rs {
		for _, x := range r.Expectations {
			if slices.ContainsFunc(all, func(y Expected) bool { return x.Metric == y.Metric && x.Want == y.Want }) {
				continue
			}
			e, faults := ParseExpectation(x.Metric, x.Want, nil)
			if faults != nil {
				x.Status, x.Actual, x.Value = NoData, "", nil
				x.Sentence = fmt.Sprintf("%s %s cannot be looked at again: %v", x.Metric, x.Want, faults[0])
				all = append(all, x)
				continue
			}
			e.Abort, e.Implied = x.Abort, x.Implied
			all = append(all, e.Evaluate(s))
		}
	}
	return all
}
