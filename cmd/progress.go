package cmd

import (
	"fmt"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/metrics"
)

// The phases of a measured run are shown as a block of lines at the bottom of a
// terminal, or as a line from time to time where there is none.
const (
	blockEvery     = 250 * time.Millisecond
	loadPlainEvery = 5 * time.Second
)

// liveLoad is what is remembered to show how a measured run goes.
type liveLoad struct {
	pulse    pulse
	underWay underWay
	drawnAt  time.Time
	plain    plainLines
	phase    fleet.Phase
	begun    time.Time // of the phase
	ascii    bool
	checked  bool // what the broker does not allow
}

// shownSeries is what live progress shows of the distributions.
func shownSeries() []metrics.Series {
	return []metrics.Series{{Metric: metrics.ResponseTime}, {Metric: metrics.TelemetryPuback}, {Metric: metrics.StateDelivery}}
}

// loadProgress tells how a measured run goes.
func (r *running) loadProgress(now time.Time) {
	l := &r.load
	phase := r.fleet.Phase()
	if phase != l.phase || l.begun.IsZero() {
		l.phase, l.begun = phase, now
		l.drawnAt, l.plain = time.Time{}, plainLines{at: now}
		if !r.Stderr.Terminal && phase > fleet.Connecting && phase < fleet.Running {
			fmt.Fprintf(r.screen, "%s\n", r.inSeries()+r.phaseBegins(phase))
		}
	}
	if r.Stderr.Terminal {
		if now.Sub(l.drawnAt) < blockEvery {
			return
		}
		l.drawnAt = now
		r.screen.Block(r.block(now, phase))
		return
	}
	if l.plain.turn(now, loadPlainEvery) {
		l.plain.say(r.screen, now, r.inSeries()+r.plainLine(now, phase))
	}
}

// inSeries is what a line about one run of several begins with.
func (r *running) inSeries() string {
	if r.series == nil {
		return ""
	}
	return r.series.words() + ": "
}

// checkLoad says once, when everybody has had time to connect, what the broker does
// not allow.
func (r *running) checkLoad() {
	if r.load.checked || r.fleet.Phase() == fleet.Connecting {
		return
	}
	r.load.checked = true
	for _, wall := range r.fleet.LimitWalls() {
		r.warn("%s", wall)
	}
}

// phaseBegins says in a line what is going to happen.
func (r *running) phaseBegins(phase fleet.Phase) string {
	p := &r.sc.Phases
	switch phase {
	case fleet.WarmingUp:
		if p.WarmUp == 0 {
			return "starting the load"
		}
		return "warm-up: " + setting(p.WarmUp) + "; nothing is recorded yet"
	case fleet.Measuring:
		return "measure: " + setting(p.Measure)
	}
	if len(r.sc.Controllers) == 0 && r.sc.Audit.On {
		return "drain: " + waitingForWills + ", at most " + setting(r.sc.Audit.Wait)
	}
	return "drain: waiting for the last answers, at most " + setting(p.Drain)
}

// waitingForWills is what the draining is for where nobody waits for answers.
const waitingForWills = "waiting for Wills that are due and for devices to return"

// plainLine says in a line how things stand.
func (r *running) plainLine(now time.Time, phase fleet.Phase) string {
	switch phase {
	case fleet.Connecting:
		return "connecting: " + r.upSoFar()
	case fleet.WarmingUp:
		return "warm-up: " + shortTime(r.timeLeft(now, phase)) + " left"
	}
	snap := r.fleet.Progress(shownSeries()...)
	head := phase.String()
	if phase == fleet.Measuring {
		head += fmt.Sprintf(" %s of %s", shortTime(r.fleet.Elapsed()), setting(r.sc.Phases.Measure))
	}
	what := r.devicesNow()
	if len(r.sc.Controllers) > 0 {
		what = r.outcomes(&snap.Totals)
	}
	parts := []string{head + ": " + plainPieces(what)}
	for _, s := range shownSeries() {
		if times := plainPieces(timesSoFar(snap.Series[s])); times != "" {
			parts = append(parts, s.Metric.String()+" "+times)
		}
	}
	if errs := plainPieces(r.errorsSoFar(&snap.Totals)); errs != "" {
		parts = append(parts, "errors: "+errs)
	}
	return strings.Join(parts, "; ")
}

// upSoFar says how far the ramp is.
func (r *running) upSoFar() string {
	up, others, watchers := r.fleet.Presence(), r.fleet.Controllers(), r.fleet.Watchers()
	text := fmt.Sprintf("%s of %s up", words.Grouped(int64(up.Seen)), plural(up.Devices, "device"))
	if up.GaveUp > 0 {
		text += fmt.Sprintf(", %s refused", words.Grouped(int64(up.GaveUp)))
	}
	if up.Settled == up.Devices {
		if others.Seen < others.Devices {
			text += fmt.Sprintf(", %s of %s", words.Grouped(int64(others.Seen)), plural(others.Devices, "controller"))
		}
		if watchers.Seen < watchers.Devices {
			text += fmt.Sprintf(", %s of %s", words.Grouped(int64(watchers.Seen)), plural(watchers.Devices, "watcher"))
		}
	}
	return text
}

// timeLeft is how long a phase still takes, at most.
func (r *running) timeLeft(now time.Time, phase fleet.Phase) time.Duration {
	p := &r.sc.Phases
	left := time.Duration(0)
	switch phase {
	case fleet.Connecting:
		left = p.Connect - now.Sub(r.began)
	case fleet.WarmingUp:
		if zero, ok := r.fleet.MeasureStart(); ok {
			left = zero.Sub(now)
		}
	case fleet.Measuring:
		left = p.Measure - r.fleet.Elapsed()
	case fleet.Draining:
		left = p.Drain - now.Sub(r.load.begun)
	}
	// In whole seconds, the one that has begun counting as such.
	return (max(left, 0) + time.Second - 1).Truncate(time.Second)
}

// block is what stands at the bottom of the terminal.
func (r *running) block(now time.Time, phase fleet.Phase) []statusLine {
	p := r.errPaint()
	var lines []statusLine
	if r.series != nil {
		lines = append(lines, statusLine{{"  " + r.series.words(), p.bold}})
	}
	lines = append(lines, r.phaseLine(now, phase))
	if phase < fleet.Measuring || r.Stderr.rows() < 12 {
		return lines
	}
	add := func(name string, pieces ...piece) {
		lines = append(lines, append(statusLine{{"  " + pad(name, 10), p.dim}}, pieces...))
	}
	snap := r.fleet.Progress(shownSeries()...)
	r.load.pulse.beat(now, snap.Totals)
	if len(r.sc.Controllers) > 0 {
		if phase == fleet.Measuring {
			if text := r.stageWords(); text != "" {
				add("stage", piece{text, nil})
			}
			add("now", piece{r.rateWords(), nil})
		}
		add("so far", r.fitting(r.outcomes(&snap.Totals))...)
	}
	for _, series := range shownSeries() {
		if times := timesSoFar(snap.Series[series]); times != nil {
			name, _, _ := strings.Cut(series.Metric.String(), ".") // "response", "telemetry" or "state"
			add(name, times...)
		}
	}
	if text := r.load.underWay.words(r.sc, r.fleet.Elapsed()); text != "" && phase == fleet.Measuring {
		add("incident", piece{text, p.yellow})
	}
	add("devices", r.devicesNow()...)
	if errs := r.errorsSoFar(&snap.Totals); errs != nil {
		add("errors", errs...)
	}
	return lines
}

// devicesNow says how many devices are online, and what they and the watchers
// did so far.
func (r *running) devicesNow() []piece {
	p, up, c := r.errPaint(), r.fleet.Presence(), r.fleet.Counts()
	online := piece{fmt.Sprintf("%s of %s online", words.Grouped(int64(up.Online)), words.Grouped(int64(up.Devices))), nil}
	if up.Online < up.Devices {
		online.paint = p.yellow
	}
	pieces := []piece{online}
	if n := c.Messages.Total(metrics.Sent, metrics.Telemetry); n > 0 {
		pieces = append(pieces, piece{plural(n, "telemetry message"), nil})
	}
	if n := c.Watched.Load(); n > 0 {
		pieces = append(pieces, piece{words.Grouped(n) + " watched", nil})
	}
	return spaced(pieces)
}

// phaseLine names the phase and draws how much of it is over.
func (r *running) phaseLine(now time.Time, phase fleet.Phase) statusLine {
	p := r.errPaint()
	const nameWidth = 10
	share, words := 0.0, ""
	left := r.timeLeft(now, phase)
	switch phase {
	case fleet.Connecting:
		up := r.fleet.Presence()
		share = float64(up.Settled) / float64(max(up.Devices, 1))
		words = r.upSoFar()
	case fleet.WarmingUp:
		share = 1
		if zero, ok := r.fleet.MeasureStart(); ok && r.sc.Phases.WarmUp > 0 {
			share = 1 - zero.Sub(now).Seconds()/r.sc.Phases.WarmUp.Seconds()
		}
		words = shortTime(left) + " left, nothing is recorded yet"
	case fleet.Measuring:
		share = r.fleet.Elapsed().Seconds() / max(r.sc.Phases.Measure.Seconds(), 0.001)
		words = fmt.Sprintf("%s of %s, %s left", shortTime(r.fleet.Elapsed()), setting(r.sc.Phases.Measure), shortTime(left))
	default:
		share, words = 1, "waiting for the last answers"
		most := r.sc.Phases.Drain
		if len(r.sc.Controllers) == 0 && r.sc.Audit.On {
			words, most = waitingForWills, r.sc.Audit.Wait
		}
		if most > 0 {
			share = now.Sub(r.load.begun).Seconds() / most.Seconds()
		}
	}
	width := min(40, max(10, r.Stderr.columns()-nameWidth-6-len(words)))
	done, rest := bar(share, width, r.load.ascii)
	return statusLine{
		{"  " + pad(phase.String(), nameWidth), p.bold},
		{done, p.cyan}, {rest, p.dim},
		{"  " + words, nil},
	}
}

// bar draws a share of a width.
func bar(share float64, width int, ascii bool) (done, rest string) {
	full, empty := "━", "─"
	if ascii {
		full, empty = "#", "."
	}
	n := int(min(max(share, 0), 1)*float64(width) + 0.5)
	return strings.Repeat(full, n), strings.Repeat(empty, width-n)
}

// stageWords names the stages that the groups are in.
func (r *running) stageWords() string {
	var all []string
	at := r.fleet.Elapsed()
	for i := range r.sc.Controllers {
		c := &r.sc.Controllers[i]
		if len(c.Stages) == 0 {
			continue
		}
		s, into, ok := stageAt(c, at)
		text := "all over"
		if ok {
			st := c.Stages[s]
			text = fmt.Sprintf("%d of %d, %s, %s, %s left", s+1, len(c.Stages), printable(st.Name), st.RateText(), shortTime(st.For-into))
		}
		if len(r.sc.Controllers) > 1 {
			text = printable(c.Name) + ": " + text
		}
		all = append(all, text)
	}
	return strings.Join(all, "   ")
}

// rateWords says what is planned, sent and answered at present.
func (r *running) rateWords() string {
	sent, answered, over := r.load.pulse.rates()
	// Of the middle of the time that the other two are of, so that they compare
	// while the rate moves.
	planned, open := plannedRate(r.sc, r.fleet.Elapsed()-over/2)
	text := ""
	if open {
		text = words.Rate(planned) + " planned  "
	}
	if over == 0 {
		return strings.TrimSpace(text)
	}
	return text + words.Rate(sent) + " sent  " + words.Rate(answered) + " answered"
}

// asciiOnly reports whether the terminal may not know how to draw lines.
func (a *app) asciiOnly() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v, _ := a.LookupEnv(name); v != "" {
			v = strings.ToLower(v)
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
