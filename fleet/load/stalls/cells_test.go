//go:build linux

package stalls

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"homefleet/fleet/mosquitto"
)

// cell is one measurement.
type cell struct {
	qos, controllers, most int // most: the broker's Receive Maximum
	rate                   int // requests a second, of all controllers
}

func (c cell) String() string {
	return fmt.Sprintf("QoS %d, controllers %d, Receive Maximum %d", c.qos, c.controllers, c.most)
}

// cells are all there are. Fifty controllers send so many that, in a second without
// acknowledgements, each of them meets a Receive Maximum of 20.
func cells() (all []cell) {
	for _, most := range []int{20, 65535} {
		for qos := range 3 {
			for _, n := range []int{1, 4, 50} {
				all = append(all, cell{qos, n, most, max(200, 24*n)})
			}
		}
	}
	return all
}

// scenario is the fleet of a cell. Mosquitto exceeds a small Receive Maximum of a client
// whose PUBCOMPs are slow.
func (c cell) scenario(d time.Duration) string {
	return fmt.Sprintf(`
[phases]
measure = "%v"
[connect]
receive_maximum = 65535
[[device]]
kind = "plug"
count = 48
[[controller]]
name = "phone"
count = %d
client_id = "phone-{n}"
attribute = "power"
rate = "%d/s"
qos = %d
timeout = "10s"
`, d, c.controllers, c.rate, c.qos)
}

// planned is when request i of controller n of them, both from 0, is due: the slots of a
// constant rate go round.
func (c cell) planned(n, i int) time.Duration {
	return time.Duration(float64(n+i*c.controllers) / float64(c.rate) * float64(time.Second))
}

// outcome is what was reported of a cell, and what it has to be.
type outcome struct {
	reported map[string]time.Duration // by the name of the percentile
	counted  []time.Duration          // every response time by plan and books, in order
	held     int                      // requests that flow control held back, as reported
	soonest  time.Duration            // after its planned moment a request came to the proxy
	hops     []time.Duration          // what a message takes from the proxy to a reader, in order
}

// document is what is read of a result.
type document struct {
	Started   time.Time `json:"started"`
	Sentences []string  `json:"sentences"`
	Ledger    struct {
		Planned  int `json:"planned"`
		Answered int `json:"answered"`
		Held     int `json:"held"`
	} `json:"ledger"`
	Series []struct {
		Metric    string `json:"metric"`
		By        string `json:"by"`
		Histogram struct {
			Max         string            `json:"max"`
			Percentiles map[string]string `json:"percentiles"`
		} `json:"histogram"`
	} `json:"series"`
}

// measure runs the program behind a proxy, before a broker of its own.
func (c cell) measure(dir, program string, lag, d time.Duration) (*outcome, error) {
	broker, err := mosquitto.Start(dir, fmt.Sprintf("max_inflight_messages %d\nmax_queued_messages 0", c.most))
	if err != nil {
		return nil, err
	}
	defer broker.Stop()
	p, err := listen(broker.Address(), lag, 5*time.Second, time.Second)
	if err != nil {
		return nil, err
	}
	h, err := startHops(20 * time.Millisecond)
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	file := filepath.Join(dir, "stalls.toml")
	if err := os.WriteFile(file, []byte(c.scenario(d)), 0o600); err != nil {
		return nil, errors.Join(err, p.end())
	}
	run := exec.Command(program, "run", file, "-q", "--json", "--broker", "mqtt://"+p.address())
	var out, errs bytes.Buffer
	run.Stdout, run.Stderr = &out, &errs
	err = run.Run()
	hops, err2 := h.end()
	if err := errors.Join(err, err2, p.end()); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, &errs)
	}
	var doc document
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		return nil, fmt.Errorf("reading the result: %w", err)
	}
	o, err := c.outcome(&doc, p.links)
	if err == nil {
		o.hops = hops
	}
	return o, err
}

// outcome makes one of the program's result and the proxy's books.
func (c cell) outcome(doc *document, links []*link) (*outcome, error) {
	o := &outcome{reported: make(map[string]time.Duration), held: doc.Ledger.Held, soonest: math.MaxInt64}
	if doc.Ledger.Planned == 0 || doc.Ledger.Answered != doc.Ledger.Planned {
		return nil, fmt.Errorf("%d of %d requests were answered; want all: %s", doc.Ledger.Answered, doc.Ledger.Planned, strings.Join(doc.Sentences, "; "))
	}
	for _, s := range doc.Series {
		if s.Metric != "response" || s.By != "" {
			continue
		}
		s.Histogram.Percentiles["max"] = s.Histogram.Max
		for name, text := range s.Histogram.Percentiles {
			d, err := time.ParseDuration(text)
			if err != nil {
				return nil, fmt.Errorf("%s of the response time: %w", name, err)
			}
			o.reported[name] = d
		}
	}
	controllers := 0
	for _, k := range links {
		var n int
		if _, err := fmt.Sscanf(k.client, "phone-%d", &n); err != nil {
			continue
		}
		controllers++
		if k.most != c.most || k.highest > c.most {
			return nil, fmt.Errorf("%s has a Receive Maximum of %d, and %d under way at a time; want %d", k.client, k.most, k.highest, c.most)
		}
		for i, r := range k.requests {
			planned := doc.Started.Add(c.planned(n-1, i))
			left, ok := k.answered[r.correlation]
			if !ok {
				return nil, fmt.Errorf("no answer to request %d of %s passed", i, k.client)
			}
			o.counted = append(o.counted, left.Round(0).Sub(planned))
			o.soonest = min(o.soonest, r.came.Round(0).Sub(planned))
		}
	}
	if controllers != c.controllers || len(o.counted) != doc.Ledger.Planned {
		return nil, fmt.Errorf("%d requests of %d controllers passed; want %d of %d", len(o.counted), controllers, doc.Ledger.Planned, c.controllers)
	}
	slices.Sort(o.counted)
	return o, nil
}
