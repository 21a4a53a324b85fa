//go:build linux

package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// extent is how much is measured.
type extent struct {
	runs     int   // of what is compared
	homes    []int // sizes of the fleets that are commanded, in homes
	idle     int   // homes of the idle fleet
	large    int   // homes of the largest fleet, which is compared with 40 homes
	city     int   // homes in one process with the embedded broker
	settle   time.Duration
	reported bool // the idle fleet is looked at when each device has sent telemetry
	rest     time.Duration
	window   time.Duration
}

var extents = map[string]extent{
	"quick": {runs: 1, homes: []int{80}, idle: 80, large: 0, city: 800,
		settle: 2 * time.Second, rest: 5 * time.Second, window: 3 * time.Second},
	"full": {runs: 5, homes: []int{80, 400}, idle: 400, large: 760, city: 4000,
		settle: 3 * time.Second, reported: true, rest: 30 * time.Second, window: 4 * time.Second},
}

var contenders = []string{"floor", "paho", "fleet"}

// driver makes the measurements one after the other.
type driver struct {
	extent
	report
	keep *json.Encoder // nil: single results are not kept
	run  int
}

// measurements in the order in which they are made. What is compared between
// contenders is made in every run, in turns, the rest in the first alone.
var measurements = []struct {
	name  string
	every bool
	make  func(*driver) error
}{
	{"commands", true, (*driver).commands},
	{"idle", true, (*driver).idleFleets},
	{"program", false, (*driver).programs},
	{"generator", true, (*driver).generators},
	{"scale", true, (*driver).scale},
	{"brokers", false, (*driver).brokers},
	{"tls", false, (*driver).secure},
	{"city", false, (*driver).cities},
	{"start", false, (*driver).starts},
	{"like", true, (*driver).like},
	{"faces", true, (*driver).faces},
}

// driveAll measures and prints the tables.
func driveAll(much string) error {
	e, ok := extents[much]
	if !ok {
		return fmt.Errorf("-drive is %q; want quick or full", much)
	}
	d := &driver{extent: e}
	if *runs > 0 {
		d.runs = *runs
	}
	var err error
	if d.machine, err = thisMachine(much); err != nil {
		return err
	}
	if *results != "" {
		f, err := os.Create(*results)
		if err != nil {
			return err
		}
		defer f.Close()
		d.keep = json.NewEncoder(f)
		if err := d.keep.Encode(d.machine); err != nil {
			return err
		}
	}
	for d.run = 1; d.run <= d.runs; d.run++ {
		for _, m := range measurements {
			if !wanted(m.name) || d.run > 1 && !m.every {
				continue
			}
			start := time.Now()
			if err := d.again(m.make); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			fmt.Fprintf(os.Stderr, "run %d of %d: %s, %.0f s\n", d.run, d.runs, m.name, time.Since(start).Seconds())
		}
	}
	return d.write(os.Stdout, *markdown)
}

func wanted(name string) bool {
	return *only == "" || slices.ContainsFunc(strings.Split(*only, ","), func(p string) bool { return strings.HasPrefix(name, p) })
}

// errVoid is a measurement that says nothing, because answers were lost.
var errVoid = errors.New("void")

// again makes a measurement once more if it was void, and says so.
func (d *driver) again(measure func(*driver) error) error {
	for try := 1; ; try++ {
		kept := len(d.records)
		err := measure(d)
		if err == nil {
			for _, r := range d.records[kept:] {
				if d.keep == nil {
					continue
				}
				if err := d.keep.Encode(r); err != nil {
					return err
				}
			}
			return nil
		}
		if !errors.Is(err, errVoid) || try == 3 {
			return err
		}
		d.records = d.records[:kept]
		d.machine.Void++
		fmt.Fprintln(os.Stderr, "bench: made again:", err)
	}
}

// note keeps one result.
func (d *driver) note(figure, contender string, devices int, qos int, value float64) {
	d.records = append(d.records, record{figure, contender, devices, qos, d.run, value})
}

// commands measures what connecting and a command with its answer cost.
func (d *driver) commands() error {
	for _, homes := range d.homes {
		// Each run begins with another contender.
		for i := range contenders {
			if err := d.command(contenders[(i+d.run)%len(contenders)], homes); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *driver) command(role string, homes int) error {
	m, err := startMosquitto()
	if err != nil {
		return err
	}
	defer m.stop()
	// Neither telemetry nor pings: what a command costs is to be seen alone.
	j := job{Homes: homes, Broker: m.address, KeepAlive: 3600}
	c, err := spawn(role, j)
	if err != nil {
		return err
	}
	defer c.stop()
	defer m.stop() // before its clients
	n := homes * perHome
	d.note("connects", role, n, 0, float64(n)/(c.up.cpu()-c.before.cpu())*1e6)
	r, err := spawn("requester", j)
	if err != nil {
		return err
	}
	defer r.stop()
	// Each device has been commanded once before anything is measured.
	if err := d.pass(r, order{Do: "load", QoS: 1, Own: true, Rate: *rate, Seconds: max(2, float64(n)/float64(*rate))}); err != nil {
		return err
	}
	for qos := range 2 {
		if err := d.commandsAt(c, r, n, qos); err != nil {
			return fmt.Errorf("%s, %d devices, QoS %d: %w", role, n, qos, err)
		}
	}
	return nil
}

// pass has the requester send a load and waits for the last answer.
func (d *driver) pass(r *child, o order) error {
	if _, err := r.say(o); err != nil {
		return err
	}
	time.Sleep(time.Duration(o.Seconds * float64(time.Second)))
	return d.drain(r)
}

// drain waits until all is answered.
func (d *driver) drain(r *child) error {
	var f figures
	for range 50 {
		time.Sleep(100 * time.Millisecond)
		var err error
		if f, err = r.figures("figures"); err != nil {
			return err
		}
		if f.Counts["failed"] > 0 || f.Counts["strange"] > 0 {
			break
		}
		if f.Counts["outstanding"] == 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: %d of %d requests have no answer, %d answers belong to none, and the requester failed %d times",
		errVoid, f.Counts["outstanding"], f.Counts["sent"], f.Counts["strange"], f.Counts["failed"])
}

// commandsAt measures at one QoS.
func (d *driver) commandsAt(c, r *child, n, qos int) error {
	const lead = time.Second
	o := order{Do: "load", QoS: byte(qos), Own: true, Rate: *rate, Seconds: (lead + d.window + lead/4).Seconds()}
	if _, err := r.say(o); err != nil {
		return err
	}
	time.Sleep(lead)
	var from, to [2]figures
	var err error
	if *profiles != "" {
		name := filepath.Join(*profiles, fmt.Sprintf("%s-%d-qos%d.pprof", c.role, n, qos))
		if _, err := c.say(order{Do: "profile", File: name, Seconds: d.window.Seconds() - 0.2}); err != nil {
			return err
		}
	}
	for _, at := range []*[2]figures{&from, &to} {
		for i, p := range []*child{c, r} {
			if at[i], err = p.figures("figures"); err != nil {
				return err
			}
		}
		if at == &from {
			time.Sleep(d.window)
		}
	}
	var again [2]figures // what asking itself costs is nobody's
	for i, p := range []*child{c, r} {
		if again[i], err = p.figures("figures"); err != nil {
			return err
		}
	}
	time.Sleep(lead / 4)
	if err := d.drain(r); err != nil {
		return err
	}
	done := float64(to[1].Counts["answered"] - from[1].Counts["answered"])
	d.perCommand(c.role, n, qos, from[0], to[0], again[0], done)
	d.perCommand("requester", n, qos, from[1], to[1], again[1], done)
	if to[0].Counts["states"] != from[0].Counts["states"] {
		d.note("states", c.role, n, qos, float64(to[0].Counts["states"]-from[0].Counts["states"])/done)
	}
	return nil
}

// perCommand notes what one command and its answer cost. From to until again
// there was next to nothing but the asking for figures.
func (d *driver) perCommand(role string, n, qos int, from, to, again figures, done float64) {
	d.note("cpu", role, n, qos, (to.cpu()-from.cpu())/done)
	d.note("user", role, n, qos, (to.User-from.User)/done)
	d.note("system", role, n, qos, (to.System-from.System)/done)
	each := func(name string, from, to, again uint64) {
		d.note(name, role, n, qos, max(0, float64(to)-float64(from)-float64(again-to))/done)
	}
	each("allocations", from.Mallocs, to.Mallocs, again.Mallocs)
	each("bytes", from.Allocated, to.Allocated, again.Allocated)
	each("reads", from.Reads, to.Reads, again.Reads)
	each("writes", from.Writes, to.Writes, again.Writes)
}

// idleFleets measures what is held while nothing is asked.
func (d *driver) idleFleets() error {
	for i := range contenders {
		if err := d.idle1(contenders[(i+d.run)%len(contenders)], d.idle); err != nil {
			return err
		}
	}
	return nil
}

// idle1 measures one contender, against the same with a single home: what it
// takes to be there at all is no device's.
func (d *driver) idle1(role string, homes int) error {
	few, _, err := d.hold(role, 1, false)
	if err != nil {
		return err
	}
	// Long enough to see what it does when nothing is asked, once.
	watched := role == "fleet" && d.run == 1
	many, busy, err := d.hold(role, homes, watched)
	if err != nil {
		return err
	}
	n := homes * perHome
	d.perDevice("", role, n, few[0], many[0])
	d.perDevice("free ", role, n, few[1], many[1])
	if watched {
		d.note("idle cpu", role, n, 0, busy)
	}
	return nil
}

// perDevice notes what each device holds.
func (d *driver) perDevice(prefix, role string, n int, few, many figures) {
	each := func(name string, few, many uint64) {
		d.note(prefix+name, role, n, 0, (float64(many)-float64(few))/float64(n-perHome)/1024)
	}
	each("rss", few.RSS, many.RSS)
	each("heap", few.Heap, many.Heap)
	each("stacks", few.Stacks, many.Stacks)
	d.note(prefix+"goroutines", role, n, 0, float64(many.Goroutines-few.Goroutines)/float64(n-perHome))
}

// hold has an idle contender and returns its figures as they are, and those
// after it has collected its garbage and given back to the system what is free. One
// that is watched has sent its telemetry by then, and it is said what part of one
// core it takes, in per cent.
func (d *driver) hold(role string, homes int, watched bool) (f [2]figures, busy float64, err error) {
	m, err := startMosquitto()
	if err != nil {
		return f, 0, err
	}
	defer m.stop()
	c, err := spawn(role, job{Homes: homes, Broker: m.address, KeepAlive: 60, Telemetry: 60})
	if err != nil {
		return f, 0, err
	}
	defer c.stop()
	defer m.stop() // before its clients
	time.Sleep(d.settle)
	for range 100 { // each device reports once in a minute, as near as it likes
		if f[0], err = c.figures("figures"); err != nil {
			return f, 0, err
		}
		if !watched || !d.reported || f[0].Counts["telemetry"] >= int64(homes*perHome) {
			break
		}
		time.Sleep(time.Second)
	}
	if watched {
		from := f[0]
		time.Sleep(d.rest)
		if f[0], err = c.figures("figures"); err != nil {
			return f, 0, err
		}
		busy = (f[0].cpu() - from.cpu()) / (float64(f[0].At-from.At) / 1e3) * 100
	}
	if f[0].Counts["failed"] > 0 {
		return f, 0, fmt.Errorf("%w: %s lost %d connections", errVoid, role, f[0].Counts["failed"])
	}
	if *profiles != "" && homes > 1 {
		for _, kind := range []string{"heap", "goroutines"} {
			if _, err := c.say(order{Do: kind, File: filepath.Join(*profiles, role+"-idle-"+kind+".pprof")}); err != nil {
				return f, 0, err
			}
		}
	}
	f[1], err = c.figures("free")
	return f, busy, err
}

// generators measures the side that sends.
func (d *driver) generators() error {
	for qos := range 2 {
		m, err := startMosquitto()
		if err != nil {
			return err
		}
		if err := d.generate(m, qos); err != nil {
			m.stop()
			return err
		}
		m.stop()
	}
	return nil
}

func (d *driver) generate(m *mosquittoBroker, qos int) error {
	n := d.homes[0] * perHome // that answer; the device side to compare with has as many
	j := job{Homes: d.homes[0], Broker: m.address, KeepAlive: 3600, QoS: byte(qos), Rate: *rate, Measure: int(d.window / time.Second)}
	c, err := spawn("floor", j)
	if err != nil {
		return err
	}
	defer c.stop()
	defer m.stop() // before its clients
	j.Homes = generatorHomes
	g, err := spawn("generator", j)
	if err != nil {
		return err
	}
	defer g.stop()
	t := g.up.Counts
	if t["failed"] > 0 || t["not_sent"] > 0 || t["stray"] > 0 {
		return fmt.Errorf("%w: of %d requests of the generator %d were not answered, and %d more not sent; %d controllers went astray",
			errVoid, t["sent"], t["failed"], t["not_sent"], t["stray"])
	}
	for _, name := range []string{"mallocs", "allocated", "reads", "writes"} {
		to := map[string]string{"mallocs": "allocations", "allocated": "bytes"}[name]
		if to == "" {
			to = name
		}
		d.note(to, "generator", n, qos, float64(t[name])/float64(t["sent"]))
	}
	user, system := float64(t["user_ns"])/1e3, float64(t["system_ns"])/1e3
	d.note("cpu", "generator", n, qos, (user+system)/float64(t["sent"]))
	d.note("user", "generator", n, qos, user/float64(t["sent"]))
	d.note("system", "generator", n, qos, system/float64(t["sent"]))
	return nil
}

// small is the fleet, in homes, that a large one is compared with: 1,000
// devices.
const small = 40

// scale measures whether a device of a large fleet costs what one of a small
// fleet does.
func (d *driver) scale() error {
	if d.large == 0 {
		return nil
	}
	// Commands first: for a while after thousands of connections have ended, the
	// kernel has work left over from them.
	for _, homes := range []int{small, d.large} {
		if err := d.command("fleet", homes); err != nil {
			return err
		}
	}
	few, _, err := d.hold("fleet", 1, false)
	if err != nil {
		return err
	}
	for _, homes := range []int{small, d.large} {
		many, _, err := d.hold("fleet", homes, false)
		if err != nil {
			return err
		}
		d.perDevice("", "fleet", homes*perHome, few[0], many[0])
		d.perDevice("free ", "fleet", homes*perHome, few[1], many[1])
	}
	return nil
}

// brokers measures what an idle connection costs the embedded broker.
func (d *driver) brokers() error {
	var at [2][2]figures // few and many, on TCP and in memory
	for i, homes := range []int{1, d.idle} {
		b, err := spawn("broker", job{})
		if err != nil {
			return err
		}
		c, err := spawn("floor", job{Homes: homes, Broker: fmt.Sprintf("127.0.0.1:%d", b.up.Counts["port"]), KeepAlive: 3600})
		if err == nil {
			time.Sleep(d.settle)
			at[0][i], err = b.figures("figures")
			b.stop() // before its clients
			c.stop()
		} else {
			b.stop()
		}
		if err != nil {
			return err
		}
		m, err := spawn("in-memory", job{Homes: homes, KeepAlive: 3600})
		if err != nil {
			return err
		}
		time.Sleep(d.settle / 2)
		at[1][i], err = m.figures("figures")
		m.stop()
		if err != nil {
			return err
		}
	}
	for i, role := range []string{"broker on TCP", "broker in memory"} {
		d.perDevice("", role, d.idle*perHome, at[i][0], at[i][1])
	}
	return nil
}

// secure counts goroutines on TLS.
func (d *driver) secure() error {
	var at [2]figures
	for i, homes := range []int{1, small} {
		b, err := spawn("broker", job{TLS: true})
		if err != nil {
			return err
		}
		c, err := spawn("fleet", job{Homes: homes, Broker: fmt.Sprintf("127.0.0.1:%d", b.up.Counts["port"]), TLS: true, KeepAlive: 60, Telemetry: 60})
		if err == nil {
			time.Sleep(d.settle)
			at[i], err = c.figures("figures")
			b.stop() // before its clients
			c.stop()
		} else {
			b.stop()
		}
		if err != nil {
			return err
		}
	}
	d.perDevice("", "fleet on TLS", small*perHome, at[0], at[1])
	return nil
}

// cities runs a very large fleet in one process with its broker.
func (d *driver) cities() error {
	c, err := spawn("city", job{Homes: d.city, KeepAlive: 60, Telemetry: 60})
	if err != nil {
		return err
	}
	defer c.stop()
	n := d.city * perHome
	d.note("city up", "fleet", n, 0, float64(c.up.At-c.before.At)/1e9)
	d.note("city peak at up", "fleet", n, 0, float64(c.up.Peak)/(1<<30))
	time.Sleep(d.rest)
	f, err := c.figures("figures")
	if err != nil {
		return err
	}
	if f.Counts["failed"] > 0 {
		return fmt.Errorf("%w: %d connections of the city were lost", errVoid, f.Counts["failed"])
	}
	d.note("city peak", "fleet", n, 0, float64(f.Peak)/(1<<30))
	d.note("city cpu", "fleet", n, 0, (f.cpu()-c.up.cpu())/(float64(f.At-c.up.At)/1e3)*100)
	return nil
}
