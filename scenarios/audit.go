package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

const (
	defaultAuditWait = 30 * time.Second
	maxAudit         = time.Hour
)

// Audit says how the audit of Will Messages judges. It is on when there are
// incidents, or an [audit] table. All times are at most an hour.
type Audit struct {
	On  bool // default: whether there are incidents
	Off bool // not even then
	// Slack is how late a Will may be that is due to a closed connection; 0: by
	// the broker that is met.
	Slack time.Duration
	// SilenceSlack is the same for Wills due to silence, which brokers look for
	// every so often; 0: by the broker that is met.
	SilenceSlack time.Duration
	// Early is how much too early a Will may be; 0: by the broker that is met.
	Early time.Duration
	// Wait bounds how long the end of the run waits for Wills that are due yet;
	// default 30s; None: not at all.
	Wait time.Duration

	filled bool
}

// fill puts the defaults in the place of what is zero.
func (a *Audit) fill(incidents bool) {
	a.On = a.On || incidents && !a.Off
	if a.On && !a.filled {
		a.Wait = orDefault(a.Wait, defaultAuditWait)
		a.filled = true
	}
}

// readAudit reads audit = false, audit = true, or [audit].
func readAudit(r *reader) {
	a := &r.s.Audit
	if on, ok := r.top.IsBool("audit"); ok {
		a.On, a.Off = on, !on
	} else {
		a.On = r.top.IsTable("audit")
		t := r.top.Table("audit")
		readPositive(t, "slack", &a.Slack)
		readPositive(t, "silence_slack", &a.SilenceSlack)
		readPositive(t, "early", &a.Early)
		if t.Duration("wait", &a.Wait) && a.Wait == 0 {
			a.Wait = None
		}
	}
	a.fill(len(r.s.Incidents) > 0)
}

func checkAudit(c *checker) {
	a, r := &c.s.Audit, c.rules("audit")
	if a.On && a.Off {
		r.errorf("", "leave On as it is for the default, whether there are incidents", "the audit is both on and off")
	}
	for _, f := range []struct {
		key string
		d   time.Duration
	}{{"slack", a.Slack}, {"silence_slack", a.SilenceSlack}, {"early", a.Early}, {"wait", a.Wait}} {
		if f.d < 0 || f.d > maxAudit {
			r.errorf(f.key, "", "%s is %s; want 0s to %s", f.key, tomlfault.FormatDuration(f.d), tomlfault.FormatDuration(maxAudit))
		}
	}
}
