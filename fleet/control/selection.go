package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// patience is how long devices have to do what they are told. It is what a device needs
// that is waiting for a dial.
const patience = 10 * time.Second

// device returns the device in the path.
func (c *call) device() (*fleet.Device, error) {
	id := c.r.PathValue("id")
	return c.named(id)
}

// named returns the device with an id.
func (s *Server) named(id string) (*fleet.Device, error) {
	d, ok := s.Fleet.Device(id)
	switch {
	case !ok:
		return nil, s.noSuchDevice(id)
	case d.Removed():
		return nil, wasRemoved(id)
	}
	return d, nil
}

// mostNear bounds the ids among which the nearest is looked for.
const mostNear = 20_000

func (s *Server) noSuchDevice(id string) *api.Problem {
	var ids []string
	for d := range s.Scenario.Devices() {
		if s.Fleet.At(d.Number).Removed() {
			continue
		}
		if ids = append(ids, d.ID); len(ids) == mostNear {
			break
		}
	}
	if detail, hint := s.behind(id); detail != "" {
		return noSuchDevice.because(hint, "%s", detail)
	}
	hint := "GET /v1/devices lists them"
	if near, ok := words.Nearest(id, ids); ok {
		hint = "did you mean " + quoted(near) + "?"
	}
	return noSuchDevice.because(hint, "no device %s", quoted(id))
}

func quoted(text string) string { return `"` + short(text) + `"` }

// selected returns the devices that are meant, in the order of their numbers. A share is
// drawn for the choice. It is a problem if there is none.
func (s *Server) selected(sel *scenarios.Selector, choice int) ([]*fleet.Device, error) {
	numbers := s.Scenario.Selected(sel.Target, uint64(choice))
	if len(numbers) == 0 {
		f := s.Scenario.WhyNobody(sel.Target, uint64(choice))
		if detail, hint := s.behind(sel.ID); detail != "" {
			f.Message, f.Hint = detail, hint
		}
		p := nothingSelected.because(f.Hint, "%s", f.Message)
		p.Errors = []api.Fault{{Pointer: pointer(f.Path), Detail: f.Message, Hint: f.Hint}}
		return nil, p
	}
	if len(sel.IDs) > 0 {
		named := make(map[int]bool, len(sel.IDs))
		for _, id := range sel.IDs {
			d, err := s.named(id)
			if err != nil {
				return nil, err
			}
			named[d.Number()] = true
		}
		numbers = slices.DeleteFunc(numbers, func(n int) bool { return !named[n] })
		if len(numbers) == 0 {
			return nil, nothingSelected.because("", "none of the devices in ids is what else is selected")
		}
	}
	all := s.there(numbers)
	if len(all) == 0 {
		return nil, allRemoved(len(numbers))
	}
	if sel.Online != nil {
		all = slices.DeleteFunc(all, func(d *fleet.Device) bool { return d.Online() != *sel.Online })
	}
	if len(all) == 0 {
		state := "offline"
		if *sel.Online {
			state = "online"
		}
		return nil, nothingSelected.because("", "none of %s is %s", words.Plural(int64(len(numbers)), "device", "devices"), state)
	}
	return all, nil
}

// outcome is what became of one device.
type outcome struct {
	already bool // there was nothing to do
	refused string
	told    bool // it has carried it out
}

// each has the goroutine of each device do something, and waits for all of them as long
// as patience lasts. The outcomes are in the order of the devices. Whoever has not begun by
// then does it no more: what is said to be undone stays undone.
func each(ctx context.Context, all []*fleet.Device, do func(int, *responder.Responder) outcome) []outcome {
	type answer struct {
		i int
		outcome
	}
	out := make([]outcome, len(all))
	answers := make(chan answer, len(all)) // so that no device waits
	taken := make([]atomic.Bool, len(all)) // by the device, or back by who has asked
	asked := 0
	for i, d := range all {
		if d.Tell(func(r *responder.Responder) {
			if taken[i].CompareAndSwap(false, true) {
				answers <- answer{i, do(i, r)}
			}
		}) {
			asked++
		} else {
			taken[i].Store(true)
			out[i] = outcome{refused: ended(d)}
		}
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	expired, gone := over.C, ctx.Done()
	for asked > 0 {
		select {
		case a := <-answers:
			asked--
			a.told = true
			out[a.i] = a.outcome
			continue
		case <-expired:
		case <-gone:
		}
		expired, gone = nil, nil // whoever has begun is waited for
		for i := range taken {
			if taken[i].CompareAndSwap(false, true) {
				asked--
				out[i].refused = "it has not begun in time, and does not any more"
			}
		}
	}
	return out
}

// told are those of the devices that have carried out what each had them do.
func told(all []*fleet.Device, out []outcome) (some []*fleet.Device) {
	for i, d := range all {
		if out[i].told {
			some = append(some, d)
		}
	}
	return some
}

// ended says why a device does nothing any more.
func ended(d *fleet.Device) string {
	if err := d.Ended(); err != nil {
		return err.Error()
	}
	return fleet.ErrEnded.Error()
}

// mostRefusals bounds those that a reply lists.
const mostRefusals = 20

// bulk has a selection of devices do something, and enters that as an intervention.
func (c *call) bulk(sel *scenarios.Selector, do func(n int, all []*fleet.Device) []outcome) (any, error) {
	dry, err := c.flag("dry_run")
	if err != nil {
		return nil, err
	}
	if err := c.running(); err != nil {
		return nil, err
	}
	n := 0
	if !dry {
		n = c.number()
	}
	all, err := c.selected(sel, c.choice(n))
	if err != nil {
		return nil, err
	}
	out := &api.Bulk{Selected: len(all), DryRun: dry, Refused: []api.Refusal{}, Took: span(0)}
	if dry {
		for _, d := range all[:min(len(all), mostRefusals)] {
			out.IDs = append(out.IDs, d.ID())
		}
		return out, nil
	}
	c.begin(n, len(all))
	start := time.Now()
	for i, o := range do(n, all) {
		switch {
		case o.refused != "":
			if out.RefusedCount++; len(out.Refused) < mostRefusals {
				out.Refused = append(out.Refused, api.Refusal{ID: all[i].ID(), Why: o.refused})
			}
		case o.already:
			out.Already++
		default:
			out.Done++
		}
	}
	out.Intervention, out.Took = n, span(time.Since(start))
	c.note(n, out.Selected, out.Done)
	if out.RefusedCount == out.Selected {
		p := allRefused.because("", "%s: %s", out.Refused[0].ID, out.Refused[0].Why)
		for _, r := range out.Refused {
			p.Errors = append(p.Errors, api.Fault{Pointer: "", Detail: r.ID + ": " + r.Why})
		}
		return nil, p
	}
	return out, nil
}

// choice is what a share is drawn for: a dry run draws as the next intervention would.
func (c *call) choice(n int) int {
	if n == 0 {
		return c.Fleet.Interventions().Given() + 1
	}
	return n
}

// running is a problem where the run is over.
func (c *call) running() error {
	if c.Fleet.Phase() == fleet.Ended {
		return notNow.because("", "the run is over")
	}
	return nil
}

// asDeviceProblem makes a problem of what a device said against a command.
func asDeviceProblem(d *fleet.Device, err error) error {
	if unknown, ok := errors.AsType[*faces.AttributeError](err); ok {
		return noAttribute(d, unknown)
	}
	if errors.Is(err, fleet.ErrEnded) {
		return notNow.because("", "%s: %s", d.ID(), ended(d))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return noAnswer.because("", "%s has not answered in time", d.ID())
	}
	return badPayload.because("", "%v", err)
}

func noAttribute(d *fleet.Device, err *faces.AttributeError) error {
	var names []string
	for _, a := range err.Kind.Attributes {
		names = append(names, a.Name)
	}
	hint := ""
	if near, ok := words.Nearest(strings.Trim(err.Name, `"`), names); ok {
		hint = "did you mean " + quoted(near) + "?"
	}
	return noSuchAttribute.because(hint, "%s: %v", d.ID(), err)
}
