package cmd

import (
	"strings"

	"homefleet/devices/words"
	"homefleet/scenarios"
)

// misbehaviorDocument is what the devices of a group do wrong, as check prints it
// in JSON.
type misbehaviorDocument struct {
	First string `json:"first"` // device of the group
	Last  string `json:"last"`
	What  string `json:"what"` // in words
}

// misbehaviorsOf describes the groups that misbehave.
func misbehaviorsOf(sc *scenarios.Scenario) []misbehaviorDocument {
	var all []misbehaviorDocument
	for _, g := range sc.Plan() {
		if m := g.Group.Misbehave; m != nil {
			all = append(all, misbehaviorDocument{g.First.ID, g.Last.ID, misbehaviorWords(m)})
		}
	}
	return all
}

// misbehaviorWords names what goes wrong by the keys of the scenario: "drop 10%,
// late 5% (1s to 3s)".
func misbehaviorWords(m *scenarios.Misbehavior) string {
	var parts []string
	add := func(name string, share float64, more string) {
		if share > 0 {
			parts = append(parts, name+" "+words.Percent(100*share, 2)+more)
		}
	}
	add("drop", m.Drop, "")
	add("duplicate", m.Duplicate, "")
	add("wrong_correlation", m.WrongCorrelation, "")
	add("no_correlation", m.NoCorrelation, "")
	add("wrong_topic", m.WrongTopic, "")
	add("error", m.Error, "")
	add("reorder", m.Reorder, " (for at most "+setting(m.ReorderFor)+")")
	add("late", m.Late, " (by "+setting(max(m.LateMin, 0))+" to "+setting(m.LateMax)+")")
	add("withhold_puback", m.WithholdPuback, "")
	if m.Flood > 0 {
		parts = append(parts, "flood "+words.Rate(m.Flood))
	}
	switch skew := m.ClockSkew; {
	case skew > 0:
		parts = append(parts, "clock_skew "+setting(skew))
	case skew < 0:
		parts = append(parts, "clock_skew -"+setting(-skew))
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// auditWords says how Will Messages are judged.
func auditWords(a *scenarios.Audit) string {
	text := "of Will Messages; slack by the broker that is met"
	if a.Slack > 0 {
		text = "of Will Messages; slack " + setting(a.Slack)
	}
	if a.SilenceSlack > 0 {
		text += ", after a silence " + setting(a.SilenceSlack)
	}
	if a.Early > 0 {
		text += ", early " + setting(a.Early)
	}
	return text
}
