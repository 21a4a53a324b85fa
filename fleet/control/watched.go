package control

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/fleet/responder"
)

// mostWatched bounds the devices of which a stream has all that they say of themselves.
const mostWatched = 100

// How often a watched device is looked at, and asked although nothing shows.
const (
	watchEach = 250 * time.Millisecond
	askAnyway = time.Second
)

// watched are the devices that a stream watches. It belongs to the stream's goroutine.
type watched struct {
	devices []*watchedDevice
	answers chan answered // of devices, which never wait: each has room for one
}

type watchedDevice struct {
	*fleet.Device
	look  responder.Look // when it was asked last
	asked time.Time      // zero: it has answered
	last  time.Time      // asked
	told  []byte         // what was sent of it last
}

type answered struct {
	i   int
	out *api.Device
}

// watch reads from the query which devices a stream watches; nil: none.
func (c *call) watch() (*watched, error) {
	text := c.r.URL.Query().Get("watch")
	if text == "" {
		return nil, nil
	}
	ids := strings.Split(text, ",")
	if len(ids) > mostWatched {
		return nil, badQuery.because("", "watch has %d devices; want at most %d", len(ids), mostWatched)
	}
	w := &watched{answers: make(chan answered, len(ids))}
	for _, id := range ids {
		d, err := c.named(id)
		if err != nil {
			return nil, err
		}
		w.devices = append(w.devices, &watchedDevice{Device: d})
	}
	return w, nil
}

// ask asks those that have changed, and all of them now and then, since what they measure
// does not show in their looks. It waits for nobody.
func (w *watched) ask(now time.Time, looks responder.Looks) {
	for i, d := range w.devices {
		look := responder.Look(0)
		if looks != nil {
			look = looks.Of(d.Number())
		}
		if !d.asked.IsZero() || !d.last.IsZero() && look == d.look && now.Sub(d.last) < askAnyway {
			continue
		}
		out := &api.Device{DeviceLine: lineOf(d.Device), HeldBy: []string{}, Slow: []string{}}
		d.look, d.last = look, now
		if d.Tell(func(r *responder.Responder) {
			describe(out, r)
			w.answers <- answered{i, out} // it is asked again only when that was taken
		}) {
			d.asked = now
		}
	}
}

// take returns what a device has answered; nil if it is as before.
func (w *watched) take(s *Server, a answered) *api.Device {
	d := w.devices[a.i]
	d.asked = time.Time{}
	s.addWill(a.out, d.Device)
	text, err := json.Marshal(a.out)
	if err != nil || bytes.Equal(text, d.told) {
		return nil
	}
	d.told = text
	return a.out
}

// news are the answers; nil where nobody is watched.
func (w *watched) news() <-chan answered {
	if w == nil {
		return nil
	}
	return w.answers
}
