package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Homie is what devices of the Homie convention 5 have said so far. Its rules are those of
// the convention's text. Its zero value is ready.
type Homie struct {
	devices map[string]*homieDevice
}

type homieDevice struct {
	state      string
	properties map[string]homieProperty // by "node/property"; nil: not described
	said       map[string]bool
}

type homieProperty struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Format   *string `json:"format"`
	Unit     *string `json:"unit"`
	Settable *bool   `json:"settable"`
	Retained *bool   `json:"retained"`
}

type homieDescription struct {
	Homie      string   `json:"homie"`
	Version    *int64   `json:"version"`
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	Children   []string `json:"children"`
	Root       string   `json:"root"`
	Parent     string   `json:"parent"`
	Extensions []string `json:"extensions"`
	Nodes      map[string]struct {
		Name       string                   `json:"name"`
		Type       string                   `json:"type"`
		Properties map[string]homieProperty `json:"properties"`
	} `json:"nodes"`
}

var (
	homieTopic  = regexp.MustCompile(`^[^/]+/5/([a-z0-9-]+)/(\$state|\$description|[a-z0-9-]+/[a-z0-9-]+)$`)
	homieID     = regexp.MustCompile(`^[a-z0-9-]+$`)
	homieStates = []string{"init", "ready", "disconnected", "sleeping", "lost"}
	homieWhole  = regexp.MustCompile(`^-?[0-9]+$`)
	homieFloat  = regexp.MustCompile(`^-?[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?$`)
)

// Check returns what is wrong with a message that a device has said, in the order of the
// messages.
func (h *Homie) Check(topic string, payload []byte, qos byte, retained bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	m := homieTopic.FindStringSubmatch(topic)
	if m == nil {
		return []string{"it is no topic of the convention"}
	}
	if h.devices == nil {
		h.devices = make(map[string]*homieDevice)
	}
	d := h.devices[m[1]]
	if d == nil {
		d = &homieDevice{said: make(map[string]bool)}
		h.devices[m[1]] = d
	}
	if !retained {
		fault("it is not retained")
	}
	if qos < 1 {
		fault("it is said at QoS 0")
	}
	switch m[2] {
	case "$state":
		switch state := string(payload); {
		case !slices.Contains(homieStates, state):
			fault("%q is no state", state)
		case state == "ready" && d.properties == nil:
			fault("it is ready and not described")
		case state == "ready":
			for name := range d.properties {
				if !d.said[name] {
					fault("it is ready, and %s has no value", name)
				}
			}
		}
		d.state = string(payload)
	case "$description":
		if d.state != "init" && d.state != "disconnected" && d.state != "lost" {
			fault("the description comes in the state %q", d.state)
		}
		d.properties = make(map[string]homieProperty)
		for _, f := range d.describe(payload) {
			fault("%s", f)
		}
	default:
		p, ok := d.properties[m[2]]
		if !ok {
			fault("the property is not described")
			break
		}
		d.said[m[2]] = true
		if why := p.refuses(string(payload)); why != "" {
			fault("%q %s", payload, why)
		}
	}
	return faults
}

// describe takes a description.
func (d *homieDevice) describe(payload []byte) (faults []string) {
	var of homieDescription
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&of); err != nil {
		return []string{"the description: " + err.Error()}
	}
	if of.Homie != "5.0" {
		faults = append(faults, fmt.Sprintf("homie is %q; want 5.0", of.Homie))
	}
	if of.Version == nil {
		faults = append(faults, "there is no version")
	}
	for node, n := range of.Nodes {
		if !homieID.MatchString(node) {
			faults = append(faults, fmt.Sprintf("%q is no id", node))
		}
		for name, p := range n.Properties {
			d.properties[node+"/"+name] = p
			if !homieID.MatchString(name) {
				faults = append(faults, fmt.Sprintf("%q is no id", name))
			}
			if why := p.wrong(); why != "" {
				faults = append(faults, node+"/"+name+": "+why)
			}
		}
	}
	return faults
}

// wrong says what is wrong with the description of a property.
func (p *homieProperty) wrong() string {
	format := ""
	if p.Format != nil {
		if format = *p.Format; format == "" {
			return "the format is empty"
		}
	}
	parts := strings.Split(format, ",")
	distinct := slices.Compact(slices.Sorted(slices.Values(parts)))
	switch p.Datatype {
	case "integer", "float":
		for i, part := range strings.Split(format, ":") {
			if part != "" && (i > 2 || p.Datatype == "integer" && !homieWhole.MatchString(part) || !homieFloat.MatchString(part)) {
				return "the format " + format + " is none of numbers"
			}
		}
	case "enum":
		if format == "" || len(distinct) < len(parts) || slices.Contains(parts, "") {
			return "the format " + format + " is no list of different words"
		}
	case "boolean":
		if format != "" && (len(parts) != 2 || len(distinct) != 2) {
			return "the format " + format + " is no pair of words"
		}
	case "color":
		for _, part := range parts {
			if !slices.Contains([]string{"rgb", "hsv", "xyz"}, part) {
				return "the format " + format + " is none of colours"
			}
		}
	case "string", "datetime", "duration", "json":
	default:
		return "the datatype " + p.Datatype + " is none"
	}
	return ""
}

// refuses says why a value is illegal; "" if it is not.
func (p *homieProperty) refuses(value string) string {
	format := ""
	if p.Format != nil {
		format = *p.Format
	}
	switch p.Datatype {
	case "boolean":
		if value != "true" && value != "false" {
			return "is neither true nor false"
		}
	case "enum":
		if !slices.Contains(strings.Split(format, ","), value) {
			return "is none of " + format
		}
	case "integer", "float":
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || p.Datatype == "integer" && !homieWhole.MatchString(value) || !homieFloat.MatchString(value) {
			return "is no " + p.Datatype
		}
		limits := strings.Split(format+"::", ":")
		low, lowErr := strconv.ParseFloat(limits[0], 64)
		high, highErr := strconv.ParseFloat(limits[1], 64)
		if lowErr == nil && f < low || highErr == nil && f > high {
			return "is beyond " + format
		}
		if step, err := strconv.ParseFloat(limits[2], 64); err == nil && lowErr == nil {
			if n := (f - low) / step; math.Abs(n-math.Round(n)) > 1e-6 {
				return "is no step of " + format
			}
		}
	case "color":
		parts := strings.Split(value, ",")
		numbers := map[string]int{"rgb": 3, "hsv": 3, "xyz": 2}[parts[0]]
		if !slices.Contains(strings.Split(format, ","), parts[0]) || len(parts) != 1+numbers {
			return "is no colour of " + format
		}
		for _, part := range parts[1:] {
			if f, err := strconv.ParseFloat(part, 64); err != nil || f < 0 || f > 360 || parts[0] == "rgb" && f > 255 {
				return "is no colour"
			}
		}
	}
	return ""
}
