package scenarios

import (
	"fmt"
	"time"

	"homefleet/devices"
	"homefleet/fleet/metrics"
	"homefleet/scenarios/tomlfault"
)

// MaxControllers is the most controllers and watchers one scenario may have.
const MaxControllers = 1_000_000

const (
	defaultTimeout     = 5 * time.Second
	defaultOutstanding = 10_000
	maxPayload         = 16 << 20
	maxTimeout         = time.Hour // what the histograms hold
	maxNamed           = 255       // groups of controllers, stages and incidents: labels of the results
	maxRequests        = 1 << 40
)

// controllerPath is where faults of a group of controllers are reported.
func controllerPath(i int) string { return fmt.Sprintf("controller[%d]", i) }

// fill puts the defaults in the place of what is zero. place counts from 0.
func (c *Controllers) fill(place int) {
	c.Name = orText(c.Name, fmt.Sprintf("controllers-%d", place+1))
	c.ClientID = orText(c.ClientID, "{id}")
	c.Arrival = orText(c.Arrival, Constant)
	if c.Count == 0 && !c.Pair {
		c.Count = 1 // with Pair it is counted when the devices are known to be in order
	}
	if len(c.Payloads) == 0 {
		c.Payloads = []string{""}
	}
	if c.CorrelationSize == 0 {
		c.CorrelationSize = metrics.IDSize
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Arrival.open() && c.MaxOutstanding == 0 {
		c.MaxOutstanding = defaultOutstanding
	}
	if !c.Arrival.open() && c.InFlight == 0 {
		c.InFlight = 1
	}
	for i := range c.Stages {
		c.Stages[i].Name = orText(c.Stages[i].Name, fmt.Sprintf("stage-%d", i+1))
	}
}

func orText[T ~string](s, byDefault T) T {
	if s == "" {
		return byDefault
	}
	return s
}

func readControllers(r *reader) {
	for i, t := range r.top.Tables("controller") {
		var c Controllers
		readController(t, &c, r.kinds)
		c.fill(i)
		r.s.Controllers = append(r.s.Controllers, c)
	}
}

func readController(t *tomlfault.Table, c *Controllers, kinds []*devices.Kind) {
	notEmpty(t, "name", &c.Name)
	tomlfault.Int(t, "count", 1, MaxControllers, &c.Count)
	id := string(c.ClientID)
	notEmpty(t, "client_id", &id)
	c.ClientID = Template(id)
	readTarget(t.Table("target"), &c.Target, kinds)
	t.Bool("pair", &c.Pair)
	t.Text("attribute", &c.Attribute)
	readPayloads(t, c)
	readSize(t, "payload_size", 0, maxPayload, &c.PayloadSize)
	readSize(t, "correlation_size", metrics.IDSize, metrics.MaxIDSize, &c.CorrelationSize)
	tomlfault.Int(t, "qos", 0, 2, &c.QoS)
	readPositive(t, "timeout", &c.Timeout)
	readArrival(t, c)
	notEmpty(t, "group", &c.Group)
	c.Identify = c.Group != ""
	t.Bool("identify", &c.Identify)
	t.Bool("share_replies", &c.ShareReplies)
}

// notEmpty reads a text that has a default, or no meaning, when it is left out.
func notEmpty(t *tomlfault.Table, key string, dst *string) {
	if t.Text(key, dst) && *dst == "" {
		t.Errorf(key, "leave it out instead", "%s is empty", key)
	}
}

// readPositive reads a duration whose default stands for zero.
func readPositive(t *tomlfault.Table, key string, dst *time.Duration) {
	if t.Duration(key, dst) && *dst == 0 {
		t.Errorf(key, "", "%s is 0s; want more than 0", key)
	}
}

// readSize reads a size whose default stands for zero.
func readSize(t *tomlfault.Table, key string, least, most int64, dst *int) {
	var n int64
	if !t.Size(key, &n) {
		return
	}
	if n < least || n > most {
		t.Errorf(key, "", "%s is %s; want %s to %s", key, sizeText(n), sizeText(least), sizeText(most))
		return
	}
	*dst = int(n)
}

func sizeText(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return fmt.Sprintf("%dB", n)
}

func readTarget(t *tomlfault.Table, target *Target, kinds []*devices.Kind) {
	if t.Has("kind") {
		target.Kind = readKind(t, kinds)
	}
	notEmpty(t, "id", &target.ID)
	notEmpty(t, "home", &target.Home)
	if t.Percent("share", &target.Share) && target.Share == 0 {
		t.Errorf("share", "", `share is "0%%", which is nobody; want more`)
	}
}

// readPayloads reads payload or payloads.
func readPayloads(t *tomlfault.Table, c *Controllers) {
	var one string
	if t.Text("payload", &one) {
		c.Payloads = []string{one}
	}
	if t.Has("payloads") && t.Has("payload") {
		t.KeyErrorf("payloads", "remove one of them", "payloads stands beside payload; want one of the two")
		return
	}
	if t.Texts("payloads", &c.Payloads) && len(c.Payloads) == 0 {
		t.Errorf("payloads", `leave it out for a query, which is the payload ""`, "payloads is empty")
	}
}

func checkControllers(ch *checker) {
	if n := len(ch.s.Controllers); n > maxNamed {
		ch.rules(controllerPath(maxNamed)).errorf("", "one group may have a count", "that makes %d groups of controllers; want at most %d", n, maxNamed)
		return
	}
	for i := range ch.s.Controllers {
		c, r := &ch.s.Controllers[i], ch.rules(controllerPath(i))
		r.between("count", c.Count, btoi(!c.Pair), MaxControllers)
		r.between("payload_size", c.PayloadSize, 0, maxPayload)
		r.between("correlation_size", c.CorrelationSize, metrics.IDSize, metrics.MaxIDSize)
		r.between("qos", int(c.QoS), 0, 2)
		if c.Timeout < time.Millisecond || c.Timeout > maxTimeout {
			r.errorf("timeout", "", "timeout is %s; want 1ms to %s", tomlfault.FormatDuration(c.Timeout), tomlfault.FormatDuration(maxTimeout))
		}
		checkArrival(r, c)
		checkTarget(ch, r, c)
	}
	stages := make(map[string]bool)
	for i := range ch.s.Controllers {
		for _, st := range ch.s.Controllers[i].Stages {
			stages[st.Name] = true
		}
	}
	if len(stages) > maxNamed {
		ch.rules(controllerPath(len(ch.s.Controllers)-1)).errorf("stage", "", "that makes %d stages with different names; want at most %d", len(stages), maxNamed)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
