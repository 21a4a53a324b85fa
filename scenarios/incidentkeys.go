package scenarios

import (
	"slices"
	"time"

	"homefleet/scenarios/tomlfault"
)

// incidentKeys are the keys of an [[incident]].
var incidentKeys = describe[Incident](table{name: "[[incident]]", by: "kind", choices: incidentKinds, keys: []key{
	{name: "kind", form: oneOf{kindNames(incidentKinds)}, example: `"power-cut"`,
		required: "an incident without a kind; want " + tomlfault.Join(kindNames(incidentKinds)), doc: "what happens; it says which of the next keys there may be"},
	{name: "name", form: text{what: "one topic level, without braces", fault: nameFault, empty: leaveOut}, defDoc: "the kind, numbered if there are several",
		doc: "no other incident has it"},
	{name: "target", form: byRule{"`{ kind, id, home, share }`, as of controllers"}, defDoc: "every device",
		doc: "whom it affects; a `share` is drawn anew each time"},
	{name: "at", form: moment{span(0, maxPhase)}, defDoc: "`\"0s\"`", doc: "from the start of measuring; or a time of day by the simulated clock, which shows `start` as the measuring begins: " +
		"on each of the days, or each simulated day, unless `every` says otherwise, or `times`"},
	{name: "for", form: span(1, maxPhase), example: `"30s"`, required: "an incident without a length", doc: "how long it lasts"},
	{name: "every", form: span(1, maxPhase), example: `"1m"`, defDoc: "once",
		doc: "from the start of one time to the start of the next, at least `for` and `spread` together"},
	{name: "times", form: whole(1, maxTimes), defDoc: "as often as it is over before the measuring is", doc: "how often at most; with `every` or a time of day"},
	{name: "chance", form: share("never"), def: 1.0, doc: "of each time that it happens; drawn from the seed"},
	{name: "spread", form: span(0, maxPhase), defDoc: "`\"0s\"`", doc: "time over which devices are struck one by one, and over which they are let go"},
	{name: "way", form: oneOf{texts(OfflineModes()...)}, defDoc: "by kind", doc: "how they go"},
	{name: "return", form: oneOf{texts(WithBackoff, AtOnce)}, defDoc: "by kind", doc: "when they connect that may again"},
	{name: "session", form: oneOf{texts(Same, Clean)}, def: Same, doc: "which session they take up; by default of `firmware-roll` `\"clean\"`. Of an `id-fight`, that of the second client"},
	{name: "rename", form: yesNo{}, def: false, doc: "they come back under another client id"},
	{name: "up", form: span(time.Millisecond, maxPhase), def: 10 * time.Second, doc: "how long they are there at a time, on average"},
	{name: "down", form: span(time.Millisecond, maxPhase), def: 5 * time.Second, doc: "how long they are away at a time, on average"},
	{name: "batch", form: share("nobody"), def: 0.1, doc: "how many are away at a time"},
	{name: "latency", form: span(0, maxDelay), defDoc: "`\"0s\"`", doc: "in each direction"},
	{name: "jitter", form: span(0, maxDelay), defDoc: "`\"0s\"`", most: "latency, around which it is drawn", doc: "how much the latency may be longer or shorter"},
	{name: "bandwidth", form: bytesPerSecond(maxBandwidth), defDoc: "no bound", doc: "in each direction"},
	{name: "slice", form: byteSize(1, maxSlice), example: `"16B"`, defDoc: "not sliced", doc: "pieces that are passed on apart, on average"},
	{name: "slice_delay", form: span(0, maxDelay), needs: "slice", defDoc: "`\"0s\"`", doc: "the time between them"},
}})

// incidentKinds are the kinds of incident: what a new one needs here is its name
// in incident.go and its row.
var incidentKinds = []choice{
	{name: string(Offline), doc: "the devices go in the given way",
		keys: []string{"target", "spread", "way", "return", "session", "rename"}, defaults: map[string]any{"way": Cut, "return": AtOnce}},
	{name: string(PowerCut), doc: "they are gone without a word, and start anew when power is back",
		keys: []string{"target", "spread", "way", "return", "session", "rename"}, defaults: map[string]any{"way": Unplugged, "return": AtOnce}},
	{name: string(RouterReboot), doc: "they run without a network; the router that is back knows none of the old connections",
		keys: []string{"target", "spread", "return", "session"}, defaults: map[string]any{"return": WithBackoff}, instead: map[string]string{"way": stayHint}},
	{name: string(WiFiLoss), doc: "they run without a network; connections go on if it is back in time",
		keys: []string{"target", "spread", "return", "session"}, defaults: map[string]any{"return": WithBackoff}, instead: map[string]string{"way": stayHint}},
	{name: string(FirmwareRoll), doc: "they restart in batches that together take the given time",
		keys: []string{"target", "way", "return", "session", "rename", "batch"}, defaults: map[string]any{"way": Orderly, "return": AtOnce, "session": Clean},
		instead: map[string]string{"spread": "batch says how many are restarted at a time"}},
	{name: string(Flapping), doc: "they come and go by themselves",
		keys: []string{"target", "spread", "way", "return", "session", "up", "down"}, defaults: map[string]any{"way": Cut, "return": AtOnce}},
	{name: string(BrokerOutage), doc: "the embedded broker is away; its sessions outlive it",
		instead: map[string]string{"target": "a broker that is away is away for everybody"}},
	{name: string(IDFight), doc: "a second client uses their client ids, and both connect whenever they are thrown off",
		keys: []string{"target", "spread", "session"}},
	{name: string(SlowLink), doc: "their connections are slow",
		keys: []string{"target", "spread", "latency", "jitter", "bandwidth", "slice", "slice_delay"}},
}

const stayHint = `the devices go on running, without a network; with kind = "offline" they leave`

// kindNames returns the names of choices.
func kindNames(of []choice) []string {
	all := make([]string, len(of))
	for i := range of {
		all[i] = of[i].name
	}
	return all
}

// IncidentFacts returns the keys of an incident that somebody asks for.
func IncidentFacts() []KeyFacts {
	all := slices.DeleteFunc(factsOf(incidentKeys), func(k KeyFacts) bool {
		return k.Name == "every" || k.Name == "times" || k.Name == "chance"
	})
	at := &all[slices.IndexFunc(all, func(k KeyFacts) bool { return k.Name == "at" })]
	at.Doc, at.Want = "from now", span(0, maxPhase).words()
	target := &all[slices.IndexFunc(all, func(k KeyFacts) bool { return k.Name == "target" })]
	target.Type, target.Keys = "object", factsOf(targetKeys)
	return all
}
