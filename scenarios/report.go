package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/scenarios/tomlfault"
)

// Values are what the places of telemetry_payload stand for that differ from report to report.
type Values struct {
	Model    devices.Device
	Readings []float64 // of the model, in the order of its kind's
	Now      time.Time
	Sequence uint64 // of the report, from 1
}

// Measure reads the model once for all places.
func (v *Values) Measure() {
	v.Readings = v.Readings[:0]
	if m, ok := v.Model.(devices.Measures); ok {
		v.Readings = m.AppendReadings(v.Readings)
	}
}

// momentPlaces are the places of a report that no device has.
var momentPlaces = []string{"time", "unix", "unix-ms", "sequence"}

// reportPlaces are all places of a report's payload. What is a reading and an attribute, too,
// is the same.
func reportPlaces(k *devices.Kind) []string {
	places := append(slices.Clone(devicePlaces), momentPlaces...)
	for i := range k.Readings {
		places = append(places, k.Readings[i].Name)
	}
	for i := range k.Attributes {
		if name := k.Attributes[i].Name; !k.HasReading(name) {
			places = append(places, name)
		}
	}
	return places
}

// append appends what a place of a report stands for; false: it is none. An attribute is in
// the words in which the device tells it, a reading with its decimals.
func (v *Values) append(dst []byte, name string) ([]byte, bool) {
	switch name {
	case "time":
		return v.Now.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00"), true
	case "unix":
		return strconv.AppendInt(dst, v.Now.Unix(), 10), true
	case "unix-ms":
		return strconv.AppendInt(dst, v.Now.UnixMilli(), 10), true
	case "sequence":
		return strconv.AppendUint(dst, v.Sequence, 10), true
	}
	k := v.Model.Kind()
	for i := range k.Readings {
		if k.Readings[i].Name == name && i < len(v.Readings) {
			return strconv.AppendFloat(dst, v.Readings[i], 'f', k.Readings[i].Decimals, 64), true
		}
	}
	for i := range k.Attributes {
		if k.Attributes[i].Name == name {
			return v.Model.AppendValue(dst, i), true
		}
	}
	return dst, false
}

// OwnReport says that the devices' telemetry is not all as their face has it.
func (g *Group) OwnReport() bool {
	return g.TelemetryTopic != "" || g.TelemetryPayload != "" || g.TelemetrySize > 0
}

// AppendReport appends topic and payload of a report: what the group says of them, and what
// the face has for the rest.
func (g *Group) AppendReport(topic, payload []byte, vars *Vars) ([]byte, []byte) {
	topic = cmp.Or(g.TelemetryTopic, reportTopic).Append(topic, *vars)
	if g.TelemetryPayload == "" {
		payload = vars.Values.Model.AppendTelemetry(payload)
	} else {
		payload = g.TelemetryPayload.Append(payload, *vars)
	}
	for len(payload) < g.TelemetrySize {
		payload = append(payload, ' ')
	}
	return topic, payload
}

const mostReport = 64 << 10 // bytes of a payload with its places filled in

func reportFault(s string) string {
	if len(s) > mostReport {
		return fmt.Sprintf("has %d bytes; want at most %d, which telemetry_size can make longer", len(s), mostReport)
	}
	return ""
}

// reportTopic is where devices report that speak homefleet's own dialect.
var reportTopic = nativeTelemetry()

func nativeTelemetry() Template {
	f, _ := faces.ByName(faces.Default)
	v, _ := f.New(faces.Settings{Kind: new(devices.Kind)})
	return Template(v.Outline(&faces.Who{ID: "{id}"}).Telemetry)
}

// checkReport checks what a group says of its telemetry, for the given devices.
func checkReport(r rules, g *Group, ends []Vars) {
	if g.Kind == nil || !g.OwnReport() {
		return
	}
	r.noHomes = g.Homes == 0 && r.ok("homes")
	for _, k := range []struct {
		name  string
		given bool
	}{{"telemetry_topic", g.TelemetryTopic != ""}, {"telemetry_payload", g.TelemetryPayload != ""}, {"telemetry_size", g.TelemetrySize > 0}} {
		switch {
		case !k.given || !r.ok("face"):
		case g.Dialect().Name != faces.Default:
			r.errorf(k.name, "", "%s does not go with face %q, whose devices report as the product does; want face %q", k.name, g.Dialect().Name, faces.Default)
		case g.Telemetry == 0 && r.ok("telemetry"):
			r.errorf(k.name, `add telemetry = "30s", say`, "%s, but the devices make no reports", k.name)
		}
	}
	if r.ok("telemetry_payload") && r.template("telemetry_payload", g.TelemetryPayload, reportPlaces(g.Kind), reportFault, ends...) {
		r.homeless("telemetry_payload", g.TelemetryPayload)
	}
	if g.TelemetryTopic == "" || !r.ok("telemetry_topic") || !r.template("telemetry_topic", g.TelemetryTopic, devicePlaces, topicFault, ends...) || !r.homeless("telemetry_topic", g.TelemetryTopic) {
		return
	}
	for _, v := range ends {
		switch topic := g.TelemetryTopic.Expand(v); {
		case g.Voice().Owns(v.who(), []byte(topic)):
			r.errorf("telemetry_topic", "", "telemetry_topic: %q is one of the device's own command topics, %s",
				tomlfault.Short(topic), tomlfault.Short(g.Voice().AppendFilters(nil, v.who(), true)[0]))
			return
		case strings.HasPrefix(topic, "$"):
			r.warnf("telemetry_topic", "", "telemetry_topic: %q begins with $; brokers keep such topics to themselves", tomlfault.Short(topic))
			return
		}
	}
}

// Reports says where the devices of the group say what: as their face has it, but for
// telemetry of the scenario's own.
func (g *Group) Reports() faces.Reports {
	reports := g.Voice().Reports()
	if g.TelemetryTopic != "" {
		filter := g.Filter(g.TelemetryTopic)
		reports.Telemetry = []string{filter}
		reports.All = append(reports.All, filter)
	}
	return reports
}

// Outline is where a device of the group hears and says what, for people.
func (d *Device) Outline() faces.Outline {
	who := d.Who()
	o := d.Group.Voice().Outline(&who)
	if t := d.Group.TelemetryTopic; t != "" {
		o.Telemetry = t.Expand(d.Vars(sampleRun))
	}
	return o
}
