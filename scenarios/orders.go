package scenarios

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

// Order is something that somebody wants of a fleet that runs: who is meant, and what
// is to become of them. It is said as one JSON object, in the words, the units and with
// the defaults of a scenario: the way of a kill is that of an [[incident]], what a
// device does wrong is what [device.misbehave] has. Which fields an order has depends
// on its [Verb]; the others are zero.
type Order struct {
	Select Selector

	Attribute, Payload string        // of a command; an empty payload asks
	Via                Via           // how the command gets to the device
	QoS                byte          // of a command by MQTT
	Timeout            time.Duration // how long an answer, or what is waited for, is waited for

	Way         OfflineMode   // how they go
	For, Spread time.Duration // how long they stay away, 0: until they are revived; and over which time they go one by one

	Return  Return // how they come back
	Session SessionChoice
	Rename  bool

	Misbehavior     Misbehavior
	Until           Until
	Latency, Jitter time.Duration // of a fault of connections, as of a slow-link
	Bandwidth       int64
	Slice           int
	SliceDelay      time.Duration
	Blackhole       bool // nothing passes

	Clear bool // what the broker retains of removed devices is emptied

	Paused *bool // of a load; and what it is to be from now on, 0: as it is
	Rate   float64
	Factor float64
	Burst  int
	Every  time.Duration
}

// Verb is what is to be done.
type Verb string

// The verbs.
const (
	Command    Verb = "command"
	Kill       Verb = "kill"
	Revive     Verb = "revive"
	Misbehave  Verb = "misbehave"
	Behave     Verb = "behave"
	ResetAll   Verb = "reset"
	Remove     Verb = "remove"
	FaultOrder Verb = "fault"
	Wait       Verb = "wait"
	LoadOrder  Verb = "load"
)

// Via is how a command gets to a device.
type Via string

// The ways of a command.
const (
	ByMQTT Via = "mqtt" // as a request through the broker
	ByHand Via = "hand" // at the device itself, as by a hand on its switch
)

// Selector says which devices are meant. Everything that it says must hold.
type Selector struct {
	Target
	IDs    []string // ids, without patterns
	Online *bool    // those that are online, or those that are not
	All    bool     // everybody, where nothing else is said
}

// empty reports whether the selector says nothing at all.
func (s *Selector) empty() bool {
	return s.Target == Target{} && len(s.IDs) == 0 && s.Online == nil && !s.All
}

// Until is what is waited for.
type Until struct {
	Online *bool
	Values map[string]string // by attribute, as state/<id>/<attribute> has them
	Will   string            // the verdict on the Will of the latest outage, one of [WillVerdicts]
	Count  int               // of how many of the devices it must hold; 0: of all
}

// WillVerdicts are the words for what became of a Will Message.
var WillVerdicts = []string{"pending", "not-due", "on-time", "early", "late", "missing", "unwatched", "unexpected"}

const (
	mostIDs         = 10_000
	longestWait     = 10 * time.Minute
	defaultPatience = 5 * time.Second
)

var selectorKeys = describe[Selector](table{name: "select", keys: append(plain(targetKeys.keys),
	key{name: "ids", form: list{of: "ids", empty: leaveOut}, doc: "ids of devices, without patterns"},
	key{name: "online", form: yesNo{}, defDoc: "both", doc: "those that are online, or those that are not"},
	key{name: "all", form: yesNo{}, def: false, doc: "everybody, where nothing else is said"},
)})

var untilKeys = describe[Until](table{name: "until", keys: []key{
	{name: "online", form: yesNo{}, doc: "they are online, or they are not"},
	{name: "values", form: byRule{"object of attributes and their values"}, doc: "their attributes have these values, in the words of homefleet's own face"},
	{name: "will", form: oneOf{WillVerdicts}, doc: "the verdict on the Will Message of the latest outage"},
	{name: "count", form: whole(1, 1_000_000), defDoc: "all of them", doc: "of how many of the devices it must hold"},
}})

// plain are the keys of another table, to be described anew.
func plain(of []key) []key {
	all := slices.Clone(of)
	for i := range all {
		all[i].index, all[i].with = nil, nil
	}
	return all
}

// again is a key as another table has it, with its choices taken off.
func again(of *table, name, def, doc string) key {
	k := *of.key(name)
	k.with, k.index, k.required, k.needs = nil, nil, "", ""
	k.def, k.defDoc = nil, def
	if doc != "" {
		k.doc = doc
	}
	return k
}

// withDefault is a key with a default.
func (k key) withDefault(def any) key {
	k.def, k.defDoc = def, ""
	return k
}

// orderKeys are the keys of each order beside select.
var orderKeys = map[Verb]*table{
	Command: describe[Order](table{name: "command", keys: []key{
		{name: "attribute", form: text{what: "an attribute of the kind"}, example: `"power"`, required: "a command without an attribute", doc: "what is commanded"},
		{name: "payload", form: text{what: "text"}, defDoc: "`\"\"`, which asks", doc: "the new value, in the words of homefleet's own face"},
		{name: "via", form: oneOf{texts(ByMQTT, ByHand)}, def: ByMQTT, doc: "as a request through the broker, or at the device itself as by a hand on its switch"},
		{name: "qos", form: qos(), def: byte(1), doc: "of the request"},
		{name: "timeout", form: span(time.Millisecond, time.Minute), def: defaultPatience, doc: "how long an answer is waited for"},
	}}),
	Kill: describe[Order](table{name: "kill", keys: []key{
		again(incidentKeys, "way", "", "").withDefault(Cut),
		again(incidentKeys, "for", "until they are revived", "how long they stay away"),
		again(incidentKeys, "spread", "`\"0s\"`", "time over which they go one by one"),
	}}),
	Revive: describe[Order](table{name: "revive", keys: []key{
		again(incidentKeys, "return", "", "").withDefault(AtOnce),
		again(incidentKeys, "session", "", "which session they take up").withDefault(Same),
		again(incidentKeys, "rename", "", "").withDefault(false),
	}}),
	FaultOrder: describe[Order](table{name: "fault", keys: []key{
		again(incidentKeys, "latency", "`\"0s\"`", ""), again(incidentKeys, "jitter", "`\"0s\"`", ""), again(incidentKeys, "bandwidth", "no bound", ""),
		again(incidentKeys, "slice", "not sliced", ""), again(incidentKeys, "slice_delay", "`\"0s\"`", ""),
		{name: "blackhole", form: yesNo{}, def: false, doc: "nothing passes, and neither side is told: as when a network is lost"},
	}}),
	Misbehave: describe[Order](table{name: "misbehave"}),
	Behave:    describe[Order](table{name: "behave"}),
	ResetAll:  describe[Order](table{name: "reset"}),
	Remove: describe[Order](table{name: "remove", keys: []key{
		{name: "clear", form: yesNo{}, def: false, doc: "empty every topic that they may have left retained: presence, Will, states, and what their faces keep"},
	}}),
	Wait: describe[Order](table{name: "wait", keys: []key{
		{name: "until", form: byRule{"object, see below"}, doc: "what is waited for; all that it says must hold"},
		{name: "timeout", form: span(0, longestWait), def: 2 * defaultPatience, doc: "how long at most"},
	}}),
	LoadOrder: describe[Order](table{name: "load", keys: []key{
		{name: "paused", form: yesNo{}, defDoc: "as it is", doc: "requests that come due meanwhile are not sent: paused. They keep their places in the plan"},
		again(controllerKeys, "rate", "as it is", "requests of the whole group from now on, in the place of the scenario's rates"),
		{name: "factor", form: factorOrNumber(), excludes: "rate: want one of the two", defDoc: "as it is", doc: "how many times the scenario's own rates it is from now on; `1` takes back a rate, too"},
		again(controllerKeys, "burst", "as it is", "requests at once from now on, of a group with bursts"),
		again(controllerKeys, "every", "as it is", "from the start of one burst to the start of the next; the first is now"),
	}}),
}

// ParseOrder reads an order from its JSON object. Where selects is false the order is
// for one device that is known already, and there is no select. The error is of type
// [Faults], and each names its place by a path: "select.id".
func ParseOrder(verb Verb, body []byte, selects bool) (*Order, error) {
	doc := tomlfault.ParseJSON("body", body)
	if doc.Broken() {
		return nil, doc.Faults()
	}
	o, t, r := new(Order), doc.Root(), rules{doc: doc}
	if selects {
		o.Select = readSelector(t, r)
	}
	keys := orderKeys[verb]
	keys.read(t, o)
	switch verb {
	case Misbehave:
		n := t.Len()
		readMisbehavior(t, &o.Misbehavior)
		checkMisbehavior(r, &o.Misbehavior)
		if n <= btoi(selects) {
			r.errorf("", `add drop = "10%", say`, "a misbehave that says nothing of what they are to do wrong")
		}
	case Wait:
		readUntil(t, r, &o.Until)
	case LoadOrder:
		if t.Len() == 0 {
			r.errorf("", `add "paused": true, say`, "nothing is said of the load; want paused, rate, factor, burst or every")
		}
	}
	doc.Unknown()
	keys.check(r, o)
	if verb == FaultOrder && doc.Faults().Err() == nil && !o.Blackhole && o.Latency == 0 && o.Bandwidth == 0 && o.Slice == 0 {
		r.errorf("", `add "latency": "200ms", "bandwidth": "8KiB/s", "slice": "16B" or "blackhole": true, say`, "a fault that does nothing")
	}
	if err := doc.Faults().Err(); err != nil {
		return nil, err
	}
	return o, nil
}

func readSelector(t *tomlfault.Table, r rules) Selector {
	var s Selector
	there := t.Has("select")
	sub := t.Table("select")
	selectorKeys.read(sub, &s)
	if sub.Has("kind") {
		s.Kind = readKind(sub, devices.Kinds())
	}
	at := r.beneath("select")
	selectorKeys.check(at, &s)
	switch {
	case len(s.IDs) > mostIDs:
		at.errorf("ids", "", "ids has %d of them; want at most %d", len(s.IDs), mostIDs)
	case s.empty() && (!there || sub.Len() == 0 || sub.Len() == 1 && sub.Holds("all")) && r.doc.Clean("select"):
		r.errorf("select", `everybody is "select": {"all": true}`, "nobody is selected; want kind, id, ids, home, share or online")
	}
	return s
}

func readUntil(t *tomlfault.Table, r rules, u *Until) {
	sub := t.Table("until")
	untilKeys.read(sub, u)
	if values := sub.Table("values"); values.Len() > 0 {
		u.Values = make(map[string]string)
		for _, name := range values.Keys() {
			var v string
			if values.Text(name, &v) {
				u.Values[name] = v
			}
		}
	}
	untilKeys.check(r.beneath("until"), u)
	if u.Online == nil && u.Will == "" && u.Values == nil && r.doc.Clean("until") {
		r.errorf("until", `add "until": {"online": true}, say`, "nothing is waited for; want online, values or will")
	}
}

// ParseIncident reads an incident from a JSON object with the keys of an [[incident]],
// whose at counts from now. It happens once.
func ParseIncident(body []byte) (Incident, error) {
	var i Incident
	doc := tomlfault.ParseJSON("body", body)
	if doc.Broken() {
		return i, doc.Faults()
	}
	t := doc.Root()
	incidentKeys.read(t, &i)
	if i.takeClock(); i.Clock != nil {
		t.Errorf("at", `such as "10s", from now`, "at is a time of day, which is for incidents of a scenario")
	}
	for _, key := range []string{"every", "times", "chance"} {
		if t.Holds(key) {
			t.KeyErrorf(key, "leave it out, and ask again when it is to happen again", "%s is for incidents of a scenario; one that is asked for happens once", key)
		}
	}
	i.Every, i.Times, i.Chance = 0, 0, 0
	if readTarget(t.Table("target"), &i.Target, devices.Kinds()); i.Kind == BrokerOutage {
		i.Target = Target{}
	}
	doc.Unknown()
	return i, doc.Faults().Err()
}

// Selected returns the numbers of the devices that a target means, in ascending order.
// A share is drawn from the seed and from what tells this choice from others.
func (s *Scenario) Selected(t Target, choice uint64) []int { return s.selected(s.chosen(t, choice)) }

func (s *Scenario) chosen(t Target, choice uint64) selection {
	return selection{
		target: t,
		may:    func(g *Group) bool { return t.Kind == nil || g.Kind == t.Kind },
		draw:   mix64(s.Seed^0x6f72646572) + choice,
		verb:   "select",
	}
}

// WhyNobody says why a target means none of the devices: which part of it is to blame,
// and what may have been meant.
func (s *Scenario) WhyNobody(t Target, choice uint64) Fault {
	c := &checker{doc: tomlfault.New("select"), s: s}
	if r := c.rules(""); c.targetedKind(r, &t) {
		c.noTarget(r, s.chosen(t, choice))
	}
	f := c.doc.Faults()[0]
	f.Path = strings.TrimPrefix(strings.Replace(f.Path, "target", "select", 1), ".")
	return f
}

// KeyFacts are what is to be known of a key of an order, or of an incident.
type KeyFacts struct {
	Name     string
	Doc      string // a sentence in Markdown, without its stop
	Want     string // what is wanted, likewise
	Default  string // likewise; "": none
	Type     string // of JSON: "string", "boolean", "integer", "array", "object"; "": string or number
	Required bool
	Keys     []KeyFacts // of an object
}

// OrderFacts returns the keys of an order.
func OrderFacts(verb Verb, selects bool) []KeyFacts {
	var all []KeyFacts
	if selects {
		all = append(all, KeyFacts{Name: "select", Doc: "who is meant; all that it says must hold", Want: "an object", Type: "object", Required: true, Keys: factsOf(selectorKeys)})
	}
	all = append(all, factsOf(orderKeys[verb])...)
	switch verb {
	case Misbehave:
		all = append(all, factsOf(misbehaviorKeys)...)
	case Wait:
		until := &all[slices.IndexFunc(all, func(k KeyFacts) bool { return k.Name == "until" })]
		until.Type, until.Required, until.Keys = "object", true, factsOf(untilKeys)
	}
	return all
}

func factsOf(d *table) []KeyFacts {
	all := make([]KeyFacts, len(d.keys))
	for i := range d.keys {
		k := &d.keys[i]
		def := k.defDoc
		if def == "" && k.def != nil {
			def = "`" + k.form.toml(k.def) + "`"
		}
		all[i] = KeyFacts{Name: k.name, Doc: k.doc, Want: k.form.words(), Default: def, Required: k.required != "", Type: jsonType(k)}
	}
	return all
}

// jsonType is how the value of a key is written in JSON.
func jsonType(k *key) string {
	switch f := k.form.(type) {
	case yesNo:
		return "boolean"
	case list:
		return "array"
	case number[int64]:
		if f.write == nil || strings.HasPrefix(f.write(f.low), `"`) { // a number with a unit
			return "string"
		}
		return "integer"
	case number[float64]:
		return "" // "10%" or 0.1
	case byRule:
		if k.name != "kind" {
			return "object"
		}
	}
	return "string"
}

// Settings returns what devices do wrong by the keys of a [device.misbehave], with the
// values as a file has them, without quotation marks; nil: nothing.
func (m *Misbehavior) Settings() map[string]string {
	if m == nil {
		return nil
	}
	var all map[string]string
	for i := range misbehaviorKeys.keys {
		k := &misbehaviorKeys.keys[i]
		if field := k.fieldOf(reflect.ValueOf(m).Elem()); !field.IsZero() {
			if all == nil {
				all = make(map[string]string)
			}
			all[k.name] = strings.Trim(k.form.toml(field.Interface()), `"`)
		}
	}
	return all
}
