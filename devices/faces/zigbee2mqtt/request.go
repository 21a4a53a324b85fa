package zigbee2mqtt

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// request is one of the bridge's, beneath bridge/request/. do returns the data of the
// response.
type request struct {
	do  func(b *Bridge, v any) (*object, error)
	how told
}

// fault is an error in Zigbee2MQTT's own words.
type fault string

func (f fault) Error() string { return string(f) }

func faultf(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

// told is how bridge/logging tells of a request that failed.
type told byte

const (
	toldBefore told = iota // with the request, before the response
	toldAfter              // the error alone, after it
	toldNever
)

var requests = map[string]request{
	"health_check": {do: func(*Bridge, any) (*object, error) { return members("healthy", true), nil }},
	"coordinator_check": {do: func(*Bridge, any) (*object, error) {
		return members("missing_routers", list{}), nil
	}},
	"permit_join":          {do: (*Bridge).permitJoin},
	"restart":              {do: (*Bridge).restart},
	"options":              {do: (*Bridge).setOptions},
	"backup":               {do: (*Bridge).backup},
	"networkmap":           {do: (*Bridge).networkmap, how: toldNever},
	"device/options":       {do: (*Bridge).deviceOptions},
	"device/rename":        {do: (*Bridge).renameDevice},
	"device/remove":        {do: (*Bridge).removeDevice},
	"device/configure":     {do: (*Bridge).configure, how: toldNever},
	"device/interview":     {do: (*Bridge).interview},
	"device/bind":          {do: nothingTo("bind"), how: toldAfter},
	"device/unbind":        {do: nothingTo("unbind"), how: toldAfter},
	"group/add":            {do: (*Bridge).addGroup},
	"group/remove":         {do: (*Bridge).removeGroup},
	"group/rename":         {do: (*Bridge).renameGroup},
	"group/options":        {do: (*Bridge).groupOptions},
	"group/members/add":    {do: (*Bridge).join, how: toldAfter},
	"group/members/remove": {do: (*Bridge).leave, how: toldAfter},
}

// Requests returns the names of all requests, in order.
func Requests() []string { return slices.Sorted(maps.Keys(requests)) }

var errPayload error = fault("Invalid payload")

// request carries out a request and answers it on bridge/response/, and the requester
// where it asked for that. Of a request that there is not nobody hears.
func (b *Bridge) request(key string, payload []byte) {
	r, known := requests[strings.ToLower(key)]
	if !known {
		return
	}
	v, err := parse(payload)
	if err != nil {
		v = string(payload)
	}
	data, err := r.do(b, v)
	response := members("data", data, "status", "ok")
	if err != nil {
		if r.how == toldBefore {
			b.fail(nil, "Request '"+b.topic("bridge/request/"+key)+"' failed with error: '"+err.Error()+"'")
		}
		response = members("data", &object{}, "error", err.Error(), "status", "error")
	}
	if o, ok := v.(*object); ok {
		if t, asked := o.get("transaction"); asked {
			response.set("transaction", t)
		}
	}
	answer := sorted(nil, response)
	b.say(Message{Topic: b.topic("bridge/response/" + key), Payload: answer, Reply: answer})
	if err != nil && r.how == toldAfter {
		b.fail(nil, err.Error())
	}
	after := b.after
	b.after = nil
	for _, f := range after {
		f()
	}
}

// text reads a member that names something; a number is a name as well.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return string(appendNumber(nil, v)), true
	}
	return "", false
}

// nameIn reads the name in a request that is a name itself, or an object that has it.
func nameIn(v any, key string) (string, error) {
	if o, ok := v.(*object); ok {
		v, _ = o.get(key)
	}
	s, ok := text(v)
	if !ok {
		return "", errPayload
	}
	return s, nil
}

func (b *Bridge) device(name string) (*member, error) {
	if m := b.memberOf(name); m != nil {
		return m, nil
	}
	return nil, faultf("Device '%s' does not exist", name)
}

func (b *Bridge) group(name string) (*group, error) {
	if g := b.groupOf(name); g != nil {
		return g, nil
	}
	return nil, faultf("Group '%s' does not exist", name)
}

func (b *Bridge) permitJoin(v any) (*object, error) {
	device := any(nil)
	if o, ok := v.(*object); ok {
		v, _ = o.get("time")
		device = have(o, "device")
	}
	f, ok := numeric(v)
	if !ok || f < 0 || f > 254 {
		return nil, errPayload
	}
	data := members("time", int(f))
	if name, named := text(device); named {
		if _, err := b.device(name); err != nil {
			return nil, err
		}
		data.set("device", name)
	}
	b.joinFor(int(f))
	return data, nil
}

func (b *Bridge) restart(any) (*object, error) {
	b.restarting = true
	return &object{}, nil
}

var logLevels = []string{"error", "warning", "info", "debug"}

// setOptions changes the bridge's settings, of which there is one here that shows.
func (b *Bridge) setOptions(v any) (*object, error) {
	o, _ := v.(*object)
	options, ok := objectIn(o, "options")
	if !ok {
		return nil, errPayload
	}
	if advanced, ok := objectIn(options, "advanced"); ok {
		if level, set := advanced.get("log_level"); set {
			s, _ := level.(string)
			if !slices.Contains(logLevels, s) {
				return nil, fault("advanced/log_level must be equal to one of the allowed values")
			}
			b.logLevel = s
		}
	}
	b.tellInfo()
	return members("restart_required", false), nil
}

// objectIn returns a member that is an object.
func objectIn(o *object, key string) (*object, bool) {
	v, _ := o.get(key)
	child, ok := v.(*object)
	return child, ok
}

// backup is an empty ZIP archive: there is nothing to keep here.
func (b *Bridge) backup(any) (*object, error) {
	return members("zip", "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="), nil
}

func (b *Bridge) networkmap(v any) (*object, error) {
	kind, routes := v, any(false)
	if o, ok := v.(*object); ok {
		kind = have(o, "type")
		if r, ok := have(o, "routes").(bool); ok {
			routes = r
		}
	}
	name, ok := text(kind)
	switch {
	case name == "raw":
		return b.mapped(routes), nil
	case name == "graphviz":
		return members("routes", routes, "type", name, "value", b.drawn("digraph G {\n", " -> ", ";\n", "}")), nil
	case name == "plantuml":
		return members("routes", routes, "type", name, "value", b.drawn("@startuml\n", " --> ", "\n", "@enduml")), nil
	case !ok:
		name = "undefined"
	}
	return nil, faultf("Type '%s' not supported, allowed are: raw,graphviz,plantuml", name)
}

func (b *Bridge) drawn(begin, arrow, end, last string) string {
	var text strings.Builder
	text.WriteString(begin)
	for _, m := range b.members {
		text.WriteString(strconv.Quote(m.ieee) + arrow + strconv.Quote(b.cfg.Coordinator) + end)
	}
	return text.String() + last
}

// mostOptions bounds what requests can make the bridge remember of one device or group.
const mostOptions = 32

// setOptionsOf changes the options of a device or a group; it returns those of before
// and of now.
func setOptionsOf(now, change *object) (before, after *object, err error) {
	before = &object{keys: slices.Clone(now.keys), values: slices.Clone(now.values)}
	after = &object{keys: slices.Clone(now.keys), values: slices.Clone(now.values)}
	for i, key := range change.keys {
		if key != "friendly_name" {
			after.set(key, change.values[i])
		}
	}
	if len(after.keys) > mostOptions || len(sorted(nil, after)) > 64<<10 {
		return nil, nil, errPayload
	}
	return before, after, nil
}

// changeOptions carries out a request that changes the options of a device or a group, which
// of looks up.
func (b *Bridge) changeOptions(v any, of func(name string) (options **object, err error)) (*object, error) {
	o, _ := v.(*object)
	change, ok := objectIn(o, "options")
	name, err := nameIn(v, "id")
	if err != nil || !ok {
		return nil, errPayload
	}
	options, err := of(name)
	if err != nil {
		return nil, err
	}
	before, after, err := setOptionsOf(*options, change)
	if err != nil {
		return nil, err
	}
	*options = after
	b.tellInfo()
	return members("from", before, "id", name, "restart_required", false, "to", after), nil
}

func (b *Bridge) deviceOptions(v any) (*object, error) {
	data, err := b.changeOptions(v, func(name string) (**object, error) {
		m, err := b.device(name)
		if err != nil {
			return nil, err
		}
		return &m.options, nil
	})
	if err == nil {
		b.after = append(b.after, b.tellNetwork)
	}
	return data, err
}

func (b *Bridge) groupOptions(v any) (*object, error) {
	return b.changeOptions(v, func(name string) (**object, error) {
		g, err := b.group(name)
		if err != nil {
			return nil, err
		}
		return &g.options, nil
	})
}

// deviceIn reads whom a request is about that has a device's name for its id.
func (b *Bridge) deviceIn(v any) (name string, m *member, err error) {
	if name, err = nameIn(v, "id"); err == nil {
		m, err = b.device(name)
	}
	return name, m, err
}

func (b *Bridge) configure(v any) (*object, error) {
	name, m, err := b.deviceIn(v)
	if err != nil {
		return nil, err
	}
	b.changed(m, m.update(), nil)
	b.tellDevices()
	b.after = append(b.after, b.tellInfo, b.tellDefinitions)
	return members("id", name), nil
}

func (b *Bridge) interview(v any) (*object, error) {
	name, m, err := b.deviceIn(v)
	if err != nil {
		return nil, err
	}
	event := func(data *object) {
		b.say(Message{Topic: b.topic("bridge/event"), Payload: sorted(nil, members("data", data, "type", "device_interview"))})
	}
	b.tellDevices()
	event(members("friendly_name", m.name, "ieee_address", m.ieee, "status", "started"))
	b.after = append(b.after, func() {
		event(members("definition", have(device(m.kind()), "definition"), "friendly_name", m.name,
			"ieee_address", m.ieee, "status", "successful", "supported", true))
	})
	return members("id", name), nil
}

// nothingTo answers a request to bind clusters: no two devices here have one to bind.
func nothingTo(verb string) func(b *Bridge, v any) (*object, error) {
	return func(b *Bridge, v any) (*object, error) {
		o, _ := v.(*object)
		from, ok1 := text(have(o, "from"))
		to, ok2 := text(have(o, "to"))
		if !ok1 || !ok2 {
			return nil, errPayload
		}
		if b.memberOf(from) == nil {
			return nil, faultf("Source device '%s' does not exist", from)
		}
		if b.memberOf(to) == nil && b.groupOf(to) == nil && !strings.EqualFold(to, "coordinator") {
			return nil, faultf("Target device or group '%s' does not exist", to)
		}
		b.fail(nil, fmt.Sprintf("Nothing to %s from '%s' to '%s'", verb, from, to))
		return nil, fault("Nothing to " + verb)
	}
}

// whole reads a number without a fraction.
func whole(v any) (int, bool) {
	f, ok := numeric(v)
	return int(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<31
}
