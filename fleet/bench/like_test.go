//go:build linux

package bench

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"homefleet/fleet/mosquitto"
)

// What tools that load a broker are commonly asked for, measured in the same way:
// plain lights, each with one subscription, whole client processes, user and
// system time together.
const (
	likeFew  = 1000 // connections of everything below
	likeMany = 5000 // and of the fleet that memory is compared with

	likeReceived = 60_000 // messages a second to one watcher: about what Mosquitto forwards
	likeBytes    = 128    // payload of those
	likeInFlight = 64
)

// likeEvery is the telemetry of each light when publishing, at each QoS: 40,000
// and 20,000 messages a second, which is about half of what Mosquitto takes here.
var likeEvery = [2]string{"25ms", "50ms"}

// like measures all of it.
func (d *driver) like() error {
	if built() {
		if err := d.likeHeld(); err != nil {
			return err
		}
	}
	for qos := range 2 {
		if built() {
			if err := d.likeSent(qos); err != nil {
				return err
			}
		}
		if err := d.likeTaken(qos); err != nil {
			return err
		}
		if err := d.likeAnswered("like", "", qos); err != nil {
			return err
		}
		if d.run > 1 {
			continue
		}
		if err := d.likeAnswered("like states", "ON", qos); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) likeNote(figure string, qos int, value float64) {
	d.note(figure, "fleet", likeFew, qos, value)
}

// lights runs the built program with lights against a Mosquitto. stop ends both.
func lights(j job, args ...string) (pid int, stop func(), err error) {
	m, err := startMosquitto()
	if err != nil {
		return 0, nil, err
	}
	file := filepath.Join(m.dir, "lights.toml")
	var end func()
	if err = os.WriteFile(file, []byte(lightsText(&j)), 0o600); err == nil {
		pid, _, end, err = run(file, append(args, "--broker", "mqtt://"+m.address)...)
	}
	if err != nil {
		m.stop()
		return 0, nil, err
	}
	return pid, func() { m.stop(); end() }, nil
}

// likeHeld measures a connection: the CPU until it is up, with the program's own
// start, and the memory of a further one.
func (d *driver) likeHeld() error {
	var held [2]uint64
	for i, n := range []int{likeFew, likeMany} {
		pid, stop, err := lights(job{Lights: n, KeepAlive: 60})
		if err != nil {
			return err
		}
		up, err := cpuClock(pid)
		if err == nil {
			time.Sleep(d.settle / 2)
			var status map[string]uint64
			status, err = colonFile(fmt.Sprintf("/proc/%d/status", pid))
			held[i] = status["VmRSS"] << 10
		}
		stop()
		if err != nil {
			return err
		}
		if n == likeFew {
			d.likeNote("like connect", 0, float64(up)/1e3/likeFew)
		}
	}
	d.likeNote("like memory", 0, (float64(held[1])-float64(held[0]))/(likeMany-likeFew)/1024)
	return nil
}

// likeSent measures publishing: the telemetry of lights, some 150 bytes of JSON
// that are made anew each time.
func (d *driver) likeSent(qos int) error {
	port, err := mosquitto.FreePort()
	if err != nil {
		return err
	}
	scrape := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	pid, stop, err := lights(job{Lights: likeFew, KeepAlive: 60, QoS: byte(qos), Every: likeEvery[qos]}, "--metrics", scrape)
	if err != nil {
		return err
	}
	defer stop()
	time.Sleep(2 * time.Second)
	// What a scrape costs is outside the time that is looked at.
	var sent, used [2]float64
	for i := range 2 {
		if i == 1 {
			time.Sleep(d.window)
		}
		for _, step := range []int{i, 1 - i} {
			if step == 0 {
				sent[i], err = published(scrape)
			} else {
				var t time.Duration
				t, err = cpuClock(pid)
				used[i] = float64(t) / 1e3
			}
			if err != nil {
				return err
			}
		}
	}
	d.likeNote("like publish", qos, (used[1]-used[0])/(sent[1]-sent[0]))
	d.likeNote("like publish rate", qos, (sent[1]-sent[0])/d.window.Seconds())
	return nil
}

// published asks a program how many telemetry messages it has sent.
func published(address string) (float64, error) {
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), `homefleet_messages_total{direction="sent",type="telemetry"} `); ok {
			return strconv.ParseFloat(n, 64)
		}
	}
	return 0, fmt.Errorf("http://%s/metrics does not tell how many telemetry messages were sent", address)
}

// likeTaken measures receiving: one watcher, to whom another process has a
// thousand connections publish.
func (d *driver) likeTaken(qos int) error {
	m, err := startMosquitto()
	if err != nil {
		return err
	}
	defer m.stop()
	j := job{Lights: likeFew, Broker: m.address, KeepAlive: 3600, QoS: byte(qos)}
	s, err := spawn("source", j)
	if err != nil {
		return err
	}
	defer s.stop()
	w, err := spawn("watcher", j)
	if err != nil {
		return err
	}
	defer w.stop()
	defer m.stop() // before its clients
	const lead = time.Second
	if _, err := s.say(order{Do: "load", QoS: byte(qos), Rate: likeReceived, Seconds: (2*lead + d.window).Seconds()}); err != nil {
		return err
	}
	time.Sleep(lead)
	from, err := w.figures("figures")
	if err != nil {
		return err
	}
	time.Sleep(d.window)
	to, err := w.figures("figures")
	if err != nil {
		return err
	}
	taken := float64(to.Counts["watched"] - from.Counts["watched"])
	if taken == 0 || to.Counts["failed"] > 0 {
		return fmt.Errorf("%w: the watcher took %g messages and lost %d connections", errVoid, taken, to.Counts["failed"])
	}
	d.likeNote("like receive", qos, (to.cpu()-from.cpu())/taken)
	d.likeNote("like receive rate", qos, taken/(float64(to.At-from.At)/1e9))
	return nil
}

// likeAnswered measures round trips: one controller keeps so many requests in
// flight to the lights of another process. A light answers a query with one
// message, and a command with a state message beside it.
func (d *driver) likeAnswered(figure, payload string, qos int) error {
	m, err := startMosquitto()
	if err != nil {
		return err
	}
	defer m.stop()
	j := job{Lights: likeFew, Broker: m.address, KeepAlive: 3600, QoS: byte(qos)}
	c, err := spawn("fleet", j)
	if err != nil {
		return err
	}
	defer c.stop()
	defer m.stop() // before its clients
	from, err := c.figures("figures")
	if err != nil {
		return err
	}
	j.InFlight, j.Payload, j.Measure = likeInFlight, payload, int(d.window/time.Second)
	g, err := spawn("generator", j)
	if err != nil {
		return err
	}
	defer g.stop()
	to, err := c.figures("figures")
	if err != nil {
		return err
	}
	t := g.up.Counts
	if t["failed"] > 0 || t["stray"] > 0 {
		return fmt.Errorf("%w: of %d requests %d were not answered; %d controllers went astray", errVoid, t["sent"], t["failed"], t["stray"])
	}
	d.likeNote(figure+" trips", qos, float64(t["sent"])/float64(j.Measure))
	d.likeNote(figure+" lights", qos, (to.cpu()-from.cpu())/float64(to.Counts["answered"]-from.Counts["answered"]))
	d.likeNote(figure+" requester", qos, float64(t["user_ns"]+t["system_ns"])/1e3/float64(t["sent"]))
	return nil
}

// cpuClock returns the CPU time of a process so far, more finely than its stat
// file has it.
func cpuClock(pid int) (time.Duration, error) {
	var t unix.Timespec
	// The id of that clock, as clock_getcpuclockid(3) makes it.
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(t.Nano()), nil
}

// liked is a row of the comparison. The figures of others were measured on
// another machine with two cores, against the same version of Mosquitto, whole
// client processes as here; none of them is installed for this. So the order of
// magnitude compares, and no more.
type liked struct {
	title, figure string
	qos           int
	others        []other
	more          bool // is better
}

// other is what another tool was seen to take; of a range, the least.
type other struct {
	name  string
	value float64
	text  string // instead of the value
}

var likedAll = []liked{
	{"memory of a further idle connection, KiB", "like memory", 0,
		[]other{{"MQTTX", 12.5, ""}, {"emqtt_bench", 28.6, ""}, {"mqtt-stresser", 33, ""}, {"k6", 181, ""}}, false},
	{"CPU a connection, us", "like connect", 0,
		[]other{{"mqtt-stresser", 210, ""}, {"emqtt_bench", 540, "540-730"}, {"MQTTX", 1100, "1,100-2,800"}}, false},
	{"publishing at QoS 0, CPU-us a message", "like publish", 0, []other{{"best", 19.5, ""}, {"others", 37, ""}, {"", 52, ""}}, false},
	{"publishing at QoS 1", "like publish", 1, []other{{"best", 45, ""}, {"others", 67, ""}, {"", 95, ""}}, false},
	{"receiving at QoS 0, CPU-us a message", "like receive", 0, []other{{"best", 4.8, ""}}, false},
	{"receiving at QoS 1", "like receive", 1, []other{{"best", 12.1, ""}}, false},
	{"round trips a second at QoS 0", "like trips", 0, []other{{mqttJS, 14000, ""}}, true},
	{"  the lights' side, CPU-us", "like lights", 0, []other{{mqttJS, 55, ""}}, false},
	{"  the requester's side", "like requester", 0, []other{{mqttJS, 44, ""}}, false},
	{"  round trips with a state message beside each answer", "like states trips", 0, nil, true},
	{"  the lights' side then", "like states lights", 0, nil, false},
	{"round trips a second at QoS 1", "like trips", 1, []other{{mqttJS, 9000, ""}}, true},
	{"  the lights' side, CPU-us", "like lights", 1, []other{{mqttJS, 95, ""}}, false},
	{"  the requester's side", "like requester", 1, []other{{mqttJS, 65, ""}}, false},
	{"  round trips with a state message beside each answer", "like states trips", 1, nil, true},
	{"  the lights' side then", "like states lights", 1, nil, false},
}

const mqttJS = "hand-written MQTT.js"

func (r *report) likeTable() table {
	t := table{title: fmt.Sprintf("Beside other tools: %s connections, CPU and memory of whole client processes", number(likeFew)),
		columns: []string{"", "homefleet", "others, elsewhere", "ahead of"}}
	for _, l := range likedAll {
		s := r.sample(l.figure, "fleet", likeFew, l.qos)
		if len(s) == 0 {
			continue
		}
		t.rows = append(t.rows, append([]string{l.title, s.String()}, l.compare(s.median())...))
	}
	return t
}

// compare names the others, and says how many of them a value is ahead of.
func (l *liked) compare(value float64) []string {
	if len(l.others) == 0 {
		return []string{"", ""}
	}
	ahead := 0
	var text []string
	for _, o := range l.others {
		if l.more && value > o.value || !l.more && value < o.value {
			ahead++
		}
		figure := o.text
		if figure == "" {
			figure = strconv.FormatFloat(o.value, 'f', -1, 64)
			if o.value >= 1000 {
				figure = short(o.value)
			}
		}
		text = append(text, strings.TrimSpace(o.name+" "+figure))
	}
	return []string{strings.Join(text, ", "), fmt.Sprintf("%d of %d", ahead, len(l.others))}
}
