package cmd

import (
	"testing"

	"homefleet/fleet"
	"homefleet/fleet/retained"
)

// What is said of a clearing adds up: what is still there, or there again, was not emptied.
func TestClearedWords(t *testing.T) {
	o := &fleet.Options{BrokerName: "mqtt://b"}
	eight := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, tt := range []struct {
		done         retained.Cleared
		words, fault string // "": there is none
	}{
		{retained.Cleared{Topics: eight, Looked: true, Held: eight}, "emptied 8 retained topics on mqtt://b", ""},
		{retained.Cleared{Topics: eight, Looked: true}, "emptied 8 retained topics on mqtt://b; none of them held anything", ""},
		{retained.Cleared{Topics: eight, Looked: true, Held: eight[:3]}, "emptied 8 retained topics on mqtt://b; 3 of them held something", ""},
		{retained.Cleared{Topics: eight}, "emptied 8 retained topics on mqtt://b; it does not let be seen what it keeps", ""},
		{retained.Cleared{Topics: eight, Looked: true, Held: eight, Left: eight[1:]}, "emptied 1 of 8 retained topics on mqtt://b",
			"mqtt://b keeps something on 7 of them, or again, such as on b"},
		{retained.Cleared{Topics: eight, Looked: true, Held: eight, Left: eight}, "emptied 0 of 8 retained topics on mqtt://b",
			"mqtt://b keeps something on 8 of them, or again, such as on a"},
		{retained.Cleared{Topics: eight, Looked: true, Held: eight, Left: eight, Refused: 8, Why: "not authorized"}, "emptied 0 of 8 retained topics on mqtt://b",
			"mqtt://b refused to empty 8 topics: not authorized"},
		{retained.Cleared{Topics: eight, Looked: true, Held: eight, Left: eight[:3], Refused: 3, Why: "not authorized"}, "emptied 5 of 8 retained topics on mqtt://b",
			"mqtt://b refused to empty 3 topics: not authorized"},
	} {
		fault := ""
		if err := clearedFault(o, &tt.done, false); err != nil {
			fault = err.Error()
		}
		if words := clearedWords(o, &tt.done); words != tt.words || fault != tt.fault {
			t.Errorf("of %+v: %q and %q; want %q and %q", tt.done, words, fault, tt.words, tt.fault)
		}
	}
}
