package scenarios

import (
	"fmt"
	"reflect"
	"strings"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/scenarios/tomlfault"
)

// Face is the dialect that the devices of a group speak. What is zero is as the product
// comes with it.
type Face struct {
	Name string // "": homefleet's own
	faces.Options
}

// faceKeys are the keys of a [device.face].
var faceKeys = describe[Face](table{name: "[device.face]", by: "name", choices: theFaces, keys: []key{
	{name: "name", form: oneOf{faceNames}, def: faces.Default, doc: "which face; without other keys `face = \"...\"` in the `[[device]]` says the same"},
	{name: "base_topic", form: text{what: "a topic name", fault: baseFault, empty: leaveOut}, doc: "what the devices' own topics begin with"},
	{name: "discovery_prefix", form: text{what: "a topic name", fault: baseFault, empty: leaveOut}, doc: "what the topics begin with on which they announce themselves"},
	{name: "discovery", form: oneOf{[]string{"device", "components", "none"}},
		doc: "how they announce themselves: a device in one message, or each component of it in its own, as older versions of Home Assistant want it"},
	{name: "manufacturer", form: text{fault: lineFault, empty: leaveOut}, doc: "as they announce themselves"},
	{name: "model", form: text{fault: lineFault, empty: leaveOut}, doc: "as they announce themselves"},
	{name: "full_topic", form: text{what: "a topic name", fault: fullTopicFault, empty: leaveOut},
		doc: "where the devices have their topics, as `FullTopic` of the product: with `%prefix%`, which becomes cmnd, stat or tele, and `%topic%`, which is the device"},
	{name: "status_ntf", form: yesNo{}, doc: "each change of a component is told on a topic of its own, too, as `status_ntf` of the product has it"},
}})

var (
	theFaces  = faceChoices()
	faceNames = kindNames(theFaces)
)

// faceChoices are the faces with their keys and defaults.
func faceChoices() []choice {
	var all []choice
	for _, f := range faces.All() {
		c := choice{name: f.Name, doc: f.Doc, keys: f.Keys, defaults: make(map[string]any)}
		v := reflect.ValueOf(f.Defaults)
		for _, k := range f.Keys {
			field := v.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, strings.ReplaceAll(k, "_", "")) })
			if !field.IsZero() {
				c.defaults[k] = field.Interface()
			}
		}
		all = append(all, c)
	}
	return all
}

// baseFault returns what is wrong with a text as the beginning of topic names, or "".
func baseFault(s string) string {
	switch problem := topicFault(s); {
	case problem != "":
		return problem
	case strings.ContainsAny(s, "{}"):
		return "has a brace; it is no template"
	case strings.HasPrefix(s, "$"):
		return "begins with $; brokers keep such topics to themselves"
	case strings.HasSuffix(s, "/"):
		return "ends in /; want it without"
	}
	return ""
}

// fullTopicFault returns what is wrong with a text as a full topic, or "". That its places
// are there is for the face to say.
func fullTopicFault(s string) string { return baseFault(strings.TrimSuffix(s, "/")) }

// readDialect reads face = "...", or [device.face].
func (g *Group) readDialect(t *tomlfault.Table) {
	if t.IsTable("face") {
		faceKeys.read(t.Table("face"), &g.Face)
	} else {
		t.Choice("face", faceNames, &g.Face.Name)
	}
	faceKeys.fill(&g.Face)
}

// readFace reads the dialect, and what the group leaves to the face.
func (g *Group) readFace(t *tomlfault.Table) {
	g.readDialect(t)
	if f, ok := faces.ByName(g.Face.Name); ok {
		if !t.Holds("retain") {
			g.Retain = f.Retains
		}
		if !t.Holds("accept_retained") {
			g.AcceptRetained, g.DeafAtFirst = f.ObeysRetained, f.DeafAtFirst
		}
		if !t.Holds("telemetry") {
			g.Telemetry = f.Telemetry
		}
	}
	g.makeVoice()
}

// makeVoice makes the face up for the group, which has one of which errors tell if that
// cannot be.
func (g *Group) makeVoice() {
	faceKeys.fill(&g.Face)
	g.voice, g.voiceErr = nil, nil
	if g.Kind != nil {
		g.voice, g.voiceErr = g.NewVoice()
	}
	if g.voice == nil {
		native, _ := faces.ByName(faces.Default)
		g.voice, _ = native.New(faces.Settings{Kind: new(devices.Kind)})
	}
}

// NewVoice makes the face up for the devices of the group as it is now.
func (g *Group) NewVoice() (faces.Voice, error) {
	s := faces.Settings{Options: g.Face.Options, Kind: g.Kind, QoS: g.QoS, Retain: g.Retain, Groups: g.Groups, Telemetry: g.Telemetry, Homes: g.Home != ""}
	if g.external {
		return g.Dialect().Target(s)
	}
	return g.Dialect().New(s)
}

// Prepare returns what speaks for the devices of the group as it is now, and what makes their
// models.
func (g *Group) Prepare() (faces.Voice, devices.Maker, error) {
	voice, err := g.NewVoice()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", g.Face.Name, err)
	}
	maker, err := g.Kind.Prepare(g.Params)
	return voice, maker, err
}

// Voice returns the face as it was made up when the group was checked: where it has its
// topics.
func (g *Group) Voice() faces.Voice {
	if g.voice == nil {
		g.makeVoice()
	}
	return g.voice
}

// Dialect returns the face that the group has.
func (g *Group) Dialect() *faces.Face {
	f, ok := faces.ByName(g.Face.Name)
	if !ok {
		f, _ = faces.ByName(faces.Default)
	}
	return f
}

// checkFace checks the face, and that it can express the group's devices.
func checkFace(r rules, g *Group) {
	own := r.beneath("face")
	faceKeys.check(own, &g.Face)
	if g.voiceErr != nil && r.ok("face", "kind") {
		r.errorf("face", "", "face %q: %v", tomlfault.Short(g.Face.Name), g.voiceErr)
		return
	}
	if p, ok := g.voice.(faces.Particular); ok && r.ok("face", "kind", "id") {
		first := (&Scenario{}).device(0, g, 0)
		if err := p.CheckID(first.ID); err != nil {
			r.errorf("id", "", "face %q cannot have a device %q: %v", tomlfault.Short(g.Face.Name), tomlfault.Short(first.ID), err)
		}
	}
}

// Request returns how a device is asked to set an attribute to a value, or with none what
// it is, in its own dialect. The error is a [*faces.AttributeError] where the kind has no such
// attribute.
func (d *Device) Request(attribute, value string) (topic string, payload []byte, err error) {
	voice, ok := d.Group.Voice().(faces.Requester)
	attr, known := d.Group.Kind.Attribute([]byte(attribute))
	switch {
	case !ok:
		return "", nil, fmt.Errorf("%s cannot be commanded by attribute in its dialect", d.ID)
	case !known:
		return "", nil, faces.NewAttributeError([]byte(attribute), d.Group.Kind)
	}
	if choosy, ok := voice.(faces.Selective); ok {
		if err := choosy.CheckRequest(attr, value); err != nil {
			return "", nil, fmt.Errorf("%s cannot be asked for that in its dialect: %w", d.ID, err)
		}
	}
	who := d.Who()
	at, payload := voice.AppendRequest(nil, nil, &who, attr, value)
	return string(at), payload, nil
}

// who is the device that the places of a template stand for.
func (v *Vars) who() *faces.Who {
	return &faces.Who{ID: v.ID, Home: v.Home, Number: uint64(v.Number), Seed: v.Seed}
}
