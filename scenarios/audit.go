package scenarios

import "time"

const maxAudit = time.Hour

// auditKeys are the keys of [audit].
var auditKeys = describe[Audit](table{name: "[audit]", keys: []key{
	{name: "slack", form: span(1, maxAudit), defDoc: "by the broker that is met", doc: "how late a Will may be"},
	{name: "silence_slack", form: span(1, maxAudit), defDoc: "by the broker that is met", doc: "the same for a silent connection, for which brokers look every so often"},
	{name: "early", form: span(1, maxAudit), defDoc: "by the broker that is met", doc: "how much too early a Will may be"},
	{name: "wait", form: span(0, maxAudit), def: 30 * time.Second, doc: "how long the end of the run waits for Wills that are due yet"},
}})

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
		auditKeys.fill(a)
		a.filled = true
	}
}

// readAudit reads audit = false, audit = true, or [audit].
func readAudit(r *reader) {
	a, incidents := &r.s.Audit, len(r.s.Incidents) > 0
	if on, ok := r.top.IsBool("audit"); ok {
		a.On, a.Off = on, !on
		a.fill(incidents)
		return
	}
	t := r.top.Table("audit")
	if a.On = incidents || r.top.IsTable("audit"); !a.On {
		auditKeys.known(t)
		return
	}
	auditKeys.read(t, a)
	a.filled = true
}

func checkAudit(c *checker) {
	a, r := &c.s.Audit, c.rules("audit")
	if a.On && a.Off {
		r.errorf("", "leave On as it is for the default, whether there are incidents", "the audit is both on and off")
	}
	auditKeys.check(r, a)
}
