package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"homefleet/fleet/control/api"
)

// noClock stands where the moment of an event is no more than an offset.
const noClock = "            "

// eventText is an event in a line; "" is none that is shown.
func eventText(lines *exchangeLines, e api.Event) (string, error) {
	switch e.Type {
	case "exchange", "refusal":
		return read(e, lines.text)
	case "presence":
		return read(e, func(p *api.PresenceChange) string { return presenceText(lines, p) })
	case "incident":
		return read(e, func(in *api.Incident) string {
			return fmt.Sprintf("%s  incident %d is %s: %s", noClock, in.Number, in.State, printable(cmp.Or(in.Text, in.Name)))
		})
	case "will":
		return read(e, func(w *api.Will) string {
			text := fmt.Sprintf("%s  %s  will %s, after %s", noClock, pad(printable(w.ID), max(lines.id, leastID)), strings.ReplaceAll(w.Verdict, "-", " "), w.Way)
			if w.SeenAt != "" {
				text += ", came at " + w.SeenAt
			}
			if w.Answered {
				text += ", answered"
			}
			return text
		})
	case "intervention":
		return read(e, func(i *api.Intervention) string {
			return fmt.Sprintf("%s  intervention %d: %s, %d of %s", noClock, i.N, printable(i.Op), i.Done, plural(i.Selected, "device"))
		})
	case "phase":
		return read(e, func(p *api.PhaseChange) string { return clock(p.Moment) + "  phase " + p.Phase })
	case "gap":
		return read(e, func(g *api.Gap) string { return noClock + "  " + printable(g.Text) })
	case "end":
		return read(e, func(end *api.End) string {
			text := clock(end.Moment) + "  the run is over"
			if end.Verdict != "" {
				text += ", verdict " + end.Verdict
			}
			return text
		})
	}
	return "", nil
}

// read reads what an event says.
func read[T any](e api.Event, text func(*T) string) (string, error) {
	v := new(T)
	if err := json.Unmarshal(e.Data, v); err != nil {
		return "", err
	}
	return text(v), nil
}

// presenceText says that a device came or went, and why.
func presenceText(lines *exchangeLines, p *api.PresenceChange) string {
	lines.id = min(max(lines.id, leastID, len(printable(p.ID))), mostID)
	text := fmt.Sprintf("%s  %s  ", clock(p.Moment), pad(printable(p.ID), lines.id))
	switch {
	case p.Online:
		return text + "online"
	case p.Way != "":
		text += "offline, by " + p.Way
	default:
		text += "offline"
	}
	if len(p.HeldBy) > 0 {
		text += ", kept off by " + strings.Join(p.HeldBy, ", ")
	}
	if p.Why != "" {
		text += ": " + printable(p.Why)
	}
	return text
}
