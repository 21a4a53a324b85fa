//go:build linux

package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

// job is what a process in a role is told at the start.
type job struct {
	Homes     int    `json:"homes"`            // of 25 devices each
	Lights    int    `json:"lights,omitempty"` // instead of homes
	Face      string `json:"face,omitempty"`   // that the lights speak; each is commanded in its dialect
	Broker    string `json:"broker"`           // host:port
	TLS       bool   `json:"tls,omitempty"`
	KeepAlive int    `json:"keep_alive"`          // seconds; 0 is off
	Telemetry int    `json:"telemetry,omitempty"` // seconds; 0 is off
	Every     string `json:"every,omitempty"`     // telemetry of lights, as scenarios write it
	States    bool   `json:"states,omitempty"`    // a second message with each answer, for watchers
	QoS       byte   `json:"qos,omitempty"`       // for the generator and the watcher
	Rate      int    `json:"rate,omitempty"`      // for the generator: requests a second
	InFlight  int    `json:"in_flight,omitempty"` // instead: unanswered requests of one controller, which does not wait otherwise
	Payload   string `json:"payload,omitempty"`   // likewise, of its requests; "" asks
	Measure   int    `json:"measure,omitempty"`   // likewise: seconds
}

// order is one line to a process in a role; it answers each with one line.
type order struct {
	Do   string `json:"do"`             // figures, collect, free, heap, goroutines, profile, load, end
	File string `json:"file,omitempty"` // profile: of the CPU, for Seconds
	QoS  byte   `json:"qos,omitempty"`  // load
	Own  bool   `json:"own,omitempty"`  // load: to the device's own state topic
	Rate int    `json:"rate,omitempty"` // load: requests a second
	// load: how long; profile: how long
	Seconds float64 `json:"seconds,omitempty"`
}

// answer is one line back.
type answer struct {
	Error   string  `json:"error,omitempty"`
	Figures figures `json:"figures"`
	Before  figures `json:"before"` // with the first answer: before anything was done
}

// part is a role once it is up.
type part interface {
	// counts are what the role counts; it may be nil.
	counts() map[string]int64
}

// loader is a part that sends requests.
type loader interface {
	// load begins to send and returns at once.
	load(order) error
}

// roles are what a process can be for another. Each returns once it is up.
var roles = map[string]func(*job) (part, error){
	"floor":     startFloor,
	"paho":      startPaho,
	"fleet":     startFleet,
	"requester": startRequester,
	"generator": startGenerator,
	"broker":    startBroker,
	"in-memory": startInMemory,
	"city":      startCity,
	"watcher":   startWatcher,
	"source":    startSource,
}

// play is the whole life of a process in a role.
func play(name string, in io.Reader, out io.Writer) error {
	begin, ok := roles[name]
	if !ok {
		return fmt.Errorf("role %q is not known", name)
	}
	if err := tune(); err != nil {
		return err
	}
	// Nobody waits for a process whose driver has gone, and none lasts for ever.
	time.AfterFunc(15*time.Minute, func() { os.Exit(3) })
	lines := bufio.NewScanner(in)
	replies := json.NewEncoder(out)
	if !lines.Scan() {
		return fmt.Errorf("no job on stdin")
	}
	var j job
	if err := json.Unmarshal(lines.Bytes(), &j); err != nil {
		return fmt.Errorf("the job: %w", err)
	}
	runtime.GC()
	before, err := take()
	if err != nil {
		return err
	}
	p, err := begin(&j)
	if err != nil {
		return err
	}
	steady()
	a := answer{Before: before}
	for {
		if a.Figures, err = take(); err != nil {
			return err
		}
		a.Figures.Counts = p.counts()
		if err := replies.Encode(a); err != nil {
			return err
		}
		if !lines.Scan() {
			return lines.Err()
		}
		a = answer{}
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return fmt.Errorf("an order: %w", err)
		}
		switch o.Do {
		case "end":
			return nil
		case "figures":
		case "collect":
			runtime.GC()
			runtime.GC()
		case "free":
			debug.FreeOSMemory()
		case "heap":
			runtime.GC()
			err = writeProfile(o.File, "heap")
		case "goroutines":
			err = writeProfile(o.File, "goroutine")
		case "profile":
			err = profileCPU(o)
		case "load":
			err = fmt.Errorf("this role sends nothing")
			if l, ok := p.(loader); ok {
				err = l.load(o)
			}
		default:
			err = fmt.Errorf("order %q is not known", o.Do)
		}
		if err != nil {
			a.Error = err.Error()
		}
	}
}

func writeProfile(file, name string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return pprof.Lookup(name).WriteTo(f, 0)
}

// profileCPU takes a profile in the background.
func profileCPU(o order) error {
	f, err := os.Create(o.File)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	time.AfterFunc(time.Duration(o.Seconds*float64(time.Second)), func() {
		pprof.StopCPUProfile()
		f.Close()
	})
	return nil
}
