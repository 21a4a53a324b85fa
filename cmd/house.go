package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"homefleet/fleet"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
)

// Keyboard is a terminal that hands over single keys.
type Keyboard struct {
	Keys  <-chan string // what one key sends, such as "k" or "\x1b[A"
	Close func()        // puts the terminal back as it was, and ends Keys
}

// house is the table of devices of a run that a person plays with, and the keys that do
// something to them. It belongs to the goroutine that watches the run.
type house struct {
	r        *running
	keyboard *Keyboard
	devices  []*fleet.Device
	chosen   int
	top      int // of the devices, the first that is shown

	mu    sync.Mutex   // held for what devices report
	rows  map[int]*row // of the devices, by their numbers
	note  string       // what came of the last key
	noted time.Time

	askedAt time.Time
	drawnAt time.Time
}

// row is what is known of a device.
type row struct {
	values string // in words
	asked  bool   // it has yet to answer
}

// How often devices are asked for their values, and the table is drawn.
const (
	askEvery  = 500 * time.Millisecond
	drawEvery = 200 * time.Millisecond
	noteFor   = 5 * time.Second // what came of a key is shown
)

// hasTable reports whether the terminal is to have a table of devices: a run of a small
// fleet that measures nothing, for a person who can see it and press keys.
func (r *running) hasTable() bool {
	return r.Keyboard != nil && r.Stderr.Terminal && !r.quiet && !r.sc.Measured() && r.series == nil && r.sc.Count() <= smallFleet && r.arg != "-"
}

// openHouse begins a table, if there is to be one.
func (r *running) openHouse() {
	if !r.hasTable() {
		return
	}
	k := r.Keyboard()
	if k == nil {
		return
	}
	r.house = &house{r: r, keyboard: k, rows: make(map[int]*row)}
	r.house.look()
}

// look finds out who is there: devices may be added and removed while the run lasts.
func (h *house) look() {
	chosen := -1
	if h.chosen < len(h.devices) {
		chosen = h.devices[h.chosen].Number()
	}
	h.devices = slices.DeleteFunc(h.r.fleet.Devices(), (*fleet.Device).Removed)
	h.chosen = min(h.chosen, max(len(h.devices)-1, 0))
	for i, d := range h.devices {
		if d.Number() == chosen {
			h.chosen = i
		}
	}
}

// keys are what the watch of a run hears; nil where there is no table.
func (h *house) keys() <-chan string {
	if h == nil {
		return nil
	}
	return h.keyboard.Keys
}

// close gives the terminal back.
func (h *house) close() {
	if h != nil {
		h.keyboard.Close()
	}
}

// press does what a key is for. It is true for the one that stops the run.
func (h *house) press(key string) (stops bool) {
	n := len(h.devices)
	if n == 0 { // all were removed
		return key == "q"
	}
	switch key {
	case "\x1b[A", "\x1bOA", "\x1b[D", "\x1bOD":
		h.chosen = (h.chosen + n - 1) % n
	case "\x1b[B", "\x1bOB", "\x1b[C", "\x1bOC", "\t":
		h.chosen = (h.chosen + 1) % n
	case "\x1b[H", "\x1b[1~":
		h.chosen = 0
	case "\x1b[F", "\x1b[4~":
		h.chosen = n - 1
	case "\x1b[5~":
		h.chosen = max(0, h.chosen-h.room())
	case "\x1b[6~":
		h.chosen = min(n-1, h.chosen+h.room())
	case " ":
		h.toggle()
	case "k":
		h.kill()
	case "r":
		h.revive()
	case "q":
		return true
	default:
		return false
	}
	h.draw(time.Now())
	return false
}

// intervene has a device do something that the result will tell of. The request is that of
// the same over HTTP. do says what came of it, and whether that was anything; the device's
// goroutine calls it.
func (h *house) intervene(op string, request map[string]any, do func(r *responder.Responder) (said string, done bool)) {
	d, f := h.devices[h.chosen], h.r.fleet
	body, err := json.Marshal(request)
	if err != nil {
		return // texts, which cannot fail
	}
	id := d.ID()
	one := metrics.Intervention{N: f.Interventions().Next(), At: metrics.Span(f.Clock()), By: "terminal", Op: op, Request: body, Selected: 1}
	f.Interventions().Begin(one)
	h.say(id + ": " + op)
	if !d.Tell(func(r *responder.Responder) {
		said, done := do(r)
		if done {
			one.Done = 1
		}
		f.Interventions().Note(one)
		h.say(id + " " + said)
	}) {
		f.Interventions().Note(one)
		h.say(id + " has ended")
	}
}

// selected is the selection of the chosen device in a request.
func (h *house) selected() map[string]any {
	return map[string]any{"ids": []string{h.devices[h.chosen].ID()}}
}

// toggle switches a device, as a hand on its switch does.
func (h *house) toggle() {
	h.intervene("command-device "+h.devices[h.chosen].ID(), map[string]any{"attribute": "power", "payload": "TOGGLE", "via": "hand"}, func(r *responder.Responder) (string, bool) {
		value, err := r.Do(time.Now(), "power", "TOGGLE")
		if err != nil {
			return "has nothing to switch: " + err.Error(), false
		}
		return "is " + value, true
	})
}

func (h *house) kill() {
	h.intervene("kill", map[string]any{"select": h.selected(), "way": string(client.ModeCut)}, func(r *responder.Responder) (string, bool) {
		off, _ := r.HeldBy()
		switch {
		case slices.Contains(off, client.NotPresent):
			return "is not there yet; r brings it", false
		case slices.Contains(off, client.ByHand):
			return "is killed already", false
		}
		r.Disconnect(client.ByHand, client.ModeCut)
		return "is killed: its connection is cut; r revives it", true
	})
}

func (h *house) revive() {
	h.intervene("revive", map[string]any{"select": h.selected()}, func(r *responder.Responder) (string, bool) {
		if !r.ReconnectByHand(client.Reconnect{}) {
			return "was not killed", false
		}
		return "is revived", true
	})
}

// say notes what came of a key.
func (h *house) say(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note, h.noted = text, time.Now()
}

// ask asks devices for their values, without waiting for any.
func (h *house) ask(now time.Time) {
	if now.Sub(h.askedAt) < askEvery {
		return
	}
	h.askedAt = now
	h.look()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.devices {
		one := h.rows[d.Number()]
		if one == nil {
			one = new(row)
			h.rows[d.Number()] = one
		}
		if one.asked {
			continue
		}
		one.asked = d.Tell(func(r *responder.Responder) {
			text := valuesText(r.Snapshot(time.Now()).Values)
			h.mu.Lock()
			defer h.mu.Unlock()
			one.values, one.asked = text, false
		})
	}
}

// valuesText is what a device is like, the switch first.
func valuesText(values map[string]string) string {
	var all []string
	if power, ok := values["power"]; ok {
		all = append(all, power)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if v := values[name]; name != "power" && v != "" {
			all = append(all, name+" "+v)
		}
	}
	return strings.Join(all, ", ")
}

// room is how many devices are shown at a time.
func (h *house) room() int {
	const others = 8 // the heading, the line below, and some of what scrolls above
	return min(len(h.devices), max(3, h.r.Stderr.rows()-others))
}

// draw draws the table, and below it what the keys do and how the run stands.
func (h *house) draw(now time.Time) {
	h.drawnAt = now
	rows := h.room()
	h.top = min(max(h.top, h.chosen-rows+1), h.chosen, len(h.devices)-rows)
	p := h.r.errPaint()
	wide := len("device")
	for _, d := range h.devices {
		wide = max(wide, utf8.RuneCountInString(printable(d.ID())))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := []statusLine{{{"  " + pad("device", wide) + "  state    " + pad("values", mostValues) + "  last command", p.dim}}}
	for i := h.top; i < h.top+rows; i++ {
		lines = append(lines, h.line(i, wide, p))
	}
	where := ""
	if rows < len(h.devices) {
		where = fmt.Sprintf("%d to %d of %d  ", h.top+1, h.top+rows, len(h.devices))
	}
	help := "arrows choose, space switches, k kills, r revives, q stops"
	if h.note != "" && now.Sub(h.noted) < noteFor {
		help = printable(h.note)
	}
	h.r.screen.Block(append(lines, statusLine{{"  " + where + help, p.dim}}, statusLine{{"  " + h.r.statusText(now), p.dim}}))
}

// mostValues is how wide the values of a device are shown.
const mostValues = 34

// line is the row of a device.
func (h *house) line(i, wide int, p paint) statusLine {
	d := h.devices[i]
	mark, state, colour, values := "  ", "online ", p.green, ""
	if !d.Online() {
		state, colour = "offline", p.red
	}
	if one := h.rows[d.Number()]; one != nil {
		values = one.values
	}
	name := func(text string) string { return text }
	if i == h.chosen {
		mark, name = "> ", p.bold
	}
	line := statusLine{{mark + pad(printable(d.ID()), wide), name}, {"  " + state, colour}, {"  " + pad(clip(values, mostValues), mostValues), nil}}
	if last := h.r.onlooker.lastOf(d.ID()); last != "" {
		line = append(line, piece{"  " + last, p.dim})
	}
	return line
}

// lastOf is what became of the last command to a device.
func (o *onlooker) lastOf(id string) string {
	if o == nil {
		return ""
	}
	return o.last[id]
}

// tick keeps the table up to date.
func (h *house) tick(now time.Time) {
	h.ask(now)
	if now.Sub(h.drawnAt) >= drawEvery {
		h.draw(now)
	}
}
