package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// Config says what a collector collects.
type Config struct {
	Shards   int           // that there are to be, 1 to [MostShards]
	Run      string        // what the run is called where no shard has called it something
	Fixed    bool          // that Run is not open to what shards call it
	Token    string        // who knows it may take part; "": anybody who reaches the collector
	Lead     time.Duration // from the arrival of the last shard to the beginning
	Barrier  time.Duration // from the arrival of the first to that of the last, at most
	Patience time.Duration // for what is missing, once the results of all others are in
	Log      *slog.Logger
}

// Collector is the one place that all shards of a run know. It may be used from any goroutine.
type Collector struct {
	config Config
	epoch  time.Time // of its clock

	mu      sync.Mutex
	run     string
	plan    *Plan // of the first; nil: nobody has come
	members map[int]*member
	results map[int]*metrics.Result
	first   time.Time // arrival
	begin   time.Time // of the warm-up, once it is known
	lost    []Lost
	stop    string    // why all are to stop; "": they are not
	alone   time.Time // since when the results of all who live are in; zero: they are not
	fault   error
	changed chan struct{} // closed, and made anew, at each change
	done    chan struct{}
	over    bool
}

// member is a shard as the collector knows it.
type member struct {
	Member
	ready     bool
	heard     time.Time
	progress  Progress
	offset    time.Duration
	roundTrip time.Duration
	gone      time.Time // since when it is not heard of; zero: it is
}

// New makes a collector whose clock begins now.
func New(c Config) *Collector {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Collector{config: c, epoch: time.Now(), run: c.Run, members: make(map[int]*member), results: make(map[int]*metrics.Result),
		changed: make(chan struct{}), done: make(chan struct{})}
}

// nanos is a moment by the collector's clock.
func (c *Collector) nanos(t time.Time) int64 { return c.epoch.UnixNano() + int64(t.Sub(c.epoch)) }

// moment is the inverse of nanos.
func (c *Collector) moment(nanos int64) time.Time {
	return c.epoch.Add(time.Duration(nanos - c.epoch.UnixNano()))
}

// news tells all who wait that something is otherwise. The caller has the lock.
func (c *Collector) news() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// refusal is that a member cannot take part.
type refusal struct {
	status int
	what   string
}

func (r *refusal) Error() string { return r.what }

func refused(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// Statuses of refusals: what is wrong for good, who came when it was too late, and whose place
// another has, of whom nothing may be heard any more: he was started again (RFC 4918, 11.3).
const (
	conflict = 409
	gone     = 410
	occupied = 423
)

// enter takes a member in, or finds the one that it is. The caller has the lock.
func (c *Collector) enter(q *Member, now time.Time) (*member, error) {
	switch {
	case q.Shard < 1 || q.Shard > c.config.Shards || q.Plan.Shards != c.config.Shards:
		return nil, refused(conflict, "there is no shard %d of %d here: %s are collected", q.Shard, q.Plan.Shards, words.Plural(int64(c.config.Shards), "shard", "shards"))
	case q.Run != c.run && c.plan == nil && !c.config.Fixed:
		c.run = q.Run // this collector is new, and the run is not
	case q.Run != c.run:
		return nil, refused(conflict, "shard %s is of run %q, and run %q is collected here", q.name(), words.Short(q.Run), c.run)
	}
	if c.plan == nil {
		plan := q.Plan
		c.plan, c.first = &plan, now
	} else if what := q.Plan.differs(*c.plan); what != "" {
		return nil, refused(conflict, "shard %s on %s does not go with the others: %s", q.name(), q.place(), what)
	}
	m := c.members[q.Shard]
	switch {
	case m == nil:
		m = &member{Member: *q}
		c.members[q.Shard] = m
		c.config.Log.Info("a shard is there", "shard", q.name(), "host", q.Host, "devices", q.Devices)
	case m.Attempt == q.Attempt:
	case c.results[q.Shard] != nil:
		return nil, refused(gone, "the result of shard %s is in; what is started in its place has nothing to do", q.name())
	case now.Sub(m.heard) < heardWithin:
		return nil, refused(occupied, "shard %s is here already, on %s", q.name(), m.place())
	default:
		c.config.Log.Warn("a shard was started again", "shard", q.name(), "host", q.Host, "before", m.Host)
		c.replaced(m, now)
		m.Member, m.ready, m.gone, m.progress = *q, false, time.Time{}, Progress{}
	}
	m.heard, m.gone = now, time.Time{}
	return m, nil
}

// replaced notes that a member was away from when it was last heard of until now.
func (c *Collector) replaced(m *member, now time.Time) {
	if c.begin.IsZero() {
		return // the run has not begun: nothing is lost
	}
	l := c.lostOf(m)
	l.To = now.Sub(c.begin)
	c.lost = append(c.lost, l)
}

// lostOf is a member that was last heard of when it was.
func (c *Collector) lostOf(m *member) Lost {
	l := Lost{Shard: m.name(), Host: m.Host, Devices: m.Devices, First: m.First, Last: m.Last}
	if !c.begin.IsZero() {
		l.From = m.heard.Sub(c.begin)
	}
	return l
}

// ready has a member wait for the others. The answer has no moment while some are missing.
func (c *Collector) ready(q *readyQuestion, now time.Time) (*readyAnswer, <-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.members[q.Shard]; m != nil && m.Attempt != q.Attempt && c.results[q.Shard] == nil && c.sinceEnd(now) > 0 {
		return nil, nil, c.late(&q.Member, now) // it takes nobody's place: who had that is lost until the end
	}
	m, err := c.enter(&q.Member, now)
	if err != nil {
		return nil, nil, err
	}
	if err := c.barred(); err != nil {
		return nil, nil, err
	}
	if !m.ready {
		m.ready, m.offset, m.roundTrip = true, q.Offset, q.RoundTrip
		if c.begin.IsZero() && len(c.missing(now)) == 0 {
			c.begin = now.Add(c.config.Lead)
			c.config.Log.Info("all shards are there", "begin in", c.config.Lead)
		}
		c.news()
	}
	if !c.begin.IsZero() {
		if c.sinceEnd(now) > 0 {
			return nil, nil, c.late(&q.Member, now)
		}
		return &readyAnswer{Begin: c.nanos(c.begin)}, nil, nil
	}
	return &readyAnswer{Missing: c.missing(now)}, c.changed, nil
}

// left notes that a member has gone while it waited for the others: they do not begin without
// it, and another may take its place. It may ask again.
func (c *Collector) left(q *Member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.members[q.Shard]; m != nil && m.Attempt == q.Attempt && m.ready && c.begin.IsZero() {
		m.ready, m.heard = false, time.Time{}
		c.config.Log.Warn("a shard has gone", "shard", m.name(), "host", m.Host)
		c.news()
	}
}

// sinceEnd is how long the measuring has been over; not more than 0: it is not.
func (c *Collector) sinceEnd(now time.Time) time.Duration {
	if c.begin.IsZero() {
		return 0
	}
	return now.Sub(c.begin.Add(c.plan.WarmUp + c.plan.Measure))
}

func (c *Collector) late(q *Member, now time.Time) error {
	return refused(gone, "shard %s came %v after the end of the measuring", q.name(), c.sinceEnd(now).Round(time.Millisecond))
}

// barred is why nobody may begin any more.
func (c *Collector) barred() error {
	switch {
	case c.fault != nil:
		return refused(gone, "%s", c.fault)
	case c.over:
		return refused(gone, "run %q is over", c.run)
	case c.stop != "":
		return refused(gone, "the run was stopped: %s", c.stop)
	}
	return nil
}

// missing are the shards that are not ready, or were not heard of lately.
func (c *Collector) missing(now time.Time) (names []string) {
	for k := 1; k <= c.config.Shards; k++ {
		if m := c.members[k]; m == nil || !m.ready || now.Sub(m.heard) >= heardWithin {
			names = append(names, fmt.Sprintf("%d/%d", k, c.config.Shards))
		}
	}
	return names
}

// hears takes in how far a member is, and says whether it is to stop.
func (c *Collector) hears(q *progressQuestion, now time.Time) (*progressAnswer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, err := c.enter(&q.Member, now)
	if err != nil {
		return nil, err
	}
	m.progress = q.Progress
	if q.Begin != 0 {
		begin := c.moment(q.Begin)
		switch {
		case c.begin.IsZero():
			c.begin, m.ready = begin, true // another collector, before this one, named it
			c.config.Log.Warn("the run has begun already: another collector was here before", "shard", m.name())
			c.news()
		case begin.Sub(c.begin).Abs() < time.Minute:
			m.ready = true
		}
	}
	return &progressAnswer{Stop: c.stop}, nil
}

// take takes in the result of a member. It may come several times.
func (c *Collector) take(q *Member, r *metrics.Result, now time.Time) error {
	if len(r.Shards) != 1 || r.Shards[0] != q.name() || r.Run != q.Run {
		return refused(conflict, "the result is not that of shard %s of run %q, but of %s of run %q",
			q.name(), words.Short(q.Run), cmp.Or(metrics.ShardText(r.Shards), "a whole run"), words.Short(r.Run))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := q.Shard; c.results[k] != nil && c.members[k].Attempt == q.Attempt {
		return nil // its answer was lost on the way
	}
	m, err := c.enter(q, now)
	if err != nil {
		return err
	}
	if c.over {
		return refused(gone, "run %q is over: the result of shard %s is too late to be a part of it", c.run, q.name())
	}
	c.results[q.Shard] = r
	m.progress.Phase = "over"
	c.config.Log.Info("a result is in", "shard", q.name(), "verdict", r.Verdict)
	c.finish(now)
	c.news()
	return nil
}

// finish ends the collecting where there is nothing more to wait for. The caller has the lock.
func (c *Collector) finish(now time.Time) {
	if c.over {
		return
	}
	switch {
	case len(c.results) == c.config.Shards, c.fault != nil:
	case len(c.results) > 0 && c.allGone(now):
		if c.alone.IsZero() {
			c.alone = now
		}
		if now.Sub(c.alone) < c.config.Patience {
			return
		}
	case len(c.results) == 0 && !c.begin.IsZero() && c.allGone(now) && now.After(c.begin.Add(c.plan.WarmUp+c.plan.Measure+c.config.Patience)):
	default:
		c.alone = time.Time{}
		return
	}
	c.over = true
	close(c.done)
}

// allGone reports whether everybody whose result is missing is not heard of.
func (c *Collector) allGone(now time.Time) bool {
	for k, m := range c.members {
		if c.results[k] == nil && now.Sub(m.heard) < heardWithin {
			return false
		}
	}
	return true
}

// Watch looks after what no question tells: who does not come, and who is not heard of any more. It
// returns when the collecting is over, or stopped is closed.
func (c *Collector) Watch(stopped <-chan struct{}) {
	tick := time.NewTicker(tellEvery / 4)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-c.done:
			return
		case now := <-tick.C:
			c.look(now)
		}
	}
}

func (c *Collector) look(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, m := range c.members {
		if c.results[k] == nil && m.gone.IsZero() && now.Sub(m.heard) >= heardWithin {
			m.gone = m.heard
			c.config.Log.Warn("a shard is not heard of any more", "shard", m.name(), "host", m.Host)
			c.news()
		}
	}
	if c.plan != nil && c.begin.IsZero() && c.fault == nil && now.Sub(c.first) >= c.config.Barrier {
		c.fault = fmt.Errorf("%s did not come within %v of the first: %s", words.Plural(int64(len(c.missing(now))), "shard", "shards"), c.config.Barrier, strings.Join(some(c.missing(now)), ", "))
		c.news()
	}
	c.finish(now)
}

// some of many names, for a sentence.
func some(names []string) []string {
	const most = 5
	if n := len(names); n > most {
		return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", n-most))
	}
	return names
}

// Stop has all shards stop, as with Ctrl-C; their results are still taken.
func (c *Collector) Stop(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = why
	if c.begin.IsZero() {
		c.fault = errors.New("the run was stopped before it began")
		c.finish(time.Now())
	}
	c.news()
}

// Done returns a channel that is closed when no more can come.
func (c *Collector) Done() <-chan struct{} { return c.done }
