package cmd

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"homefleet/devices/words"
)

// readyFile is written when everything is up, for whoever waits to begin. It is removed
// at the end, since nothing that it says is true any more; one that is left from a run that
// was killed is removed at the start.
type readyFile struct {
	wholeFile
	written bool
}

// readyDocument is what a ready file says.
type readyDocument struct {
	PID       int      `json:"pid"`
	Broker    string   `json:"broker,omitempty"`    // URL for other clients
	Listeners []string `json:"listeners,omitempty"` // further URLs of the embedded broker
	WebSocket string   `json:"websocket,omitempty"` // the first of all these for MQTT over WebSocket, as browsers want it
	Scenario  string   `json:"scenario,omitempty"`
	Seed      *uint64  `json:"seed,omitempty,string"` // as in the result
	Run       string   `json:"run,omitempty"`
	Devices   int      `json:"devices,omitempty"`
	ReadyIn   string   `json:"ready_in,omitempty"`

	Control   *controlDocument `json:"control,omitempty"`   // nil: the run cannot be controlled
	Collector *controlDocument `json:"collector,omitempty"` // of "homefleet collect" alone
}

// prepareReadyFile removes an old ready file and makes sure that a new one can be
// written: to learn that after a long ramp would be late.
func (a *app) prepareReadyFile(name string) (*readyFile, error) {
	if name == "" {
		return nil, nil
	}
	r := &readyFile{wholeFile: a.wholeFile(name)}
	if err := errors.Join(r.remove(), r.check()); err != nil {
		return nil, misused("", "--ready-file: %s", unPath(err, name))
	}
	return r, nil
}

// write puts the file in its place. A nil readyFile writes nothing.
func (r *readyFile) write(d readyDocument) error {
	if r == nil {
		return nil
	}
	d.PID = os.Getpid()
	for _, url := range append([]string{d.Broker}, d.Listeners...) {
		if d.WebSocket == "" && strings.HasPrefix(url, "ws") {
			d.WebSocket = url
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	r.secret = d.Control != nil || d.Collector != nil
	err = r.put(func(w io.Writer) error {
		_, err := w.Write(append(words.PlainJSON(text), '\n'))
		return err
	})
	if err != nil {
		return failed("", "writing the ready file: %s", unPath(err, r.name))
	}
	r.written = true
	return nil
}

// end removes the file that was written. A nil readyFile has none.
func (r *readyFile) end() {
	if r != nil && r.written {
		_ = r.remove() // whoever reads it finds that nobody is there
	}
}
