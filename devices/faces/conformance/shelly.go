package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// shellyTopic is where a Shelly says something of its own accord.
var shellyTopic = regexp.MustCompile(`^(shelly[a-z0-9]+-[0-9a-f]{12})/(events/rpc|online|announce|status/([a-z]+(:[0-9]+)?))$`)

// shellyFields are what a component's status may have, and how each looks.
var shellyFields = map[string]map[string]func(any) bool{
	"switch": {
		"id": isNumber, "source": isText, "output": isFlag, "apower": isNumber, "voltage": isNumber, "freq": isNumber, "current": isNumber, "pf": isNumber,
		"aenergy": isCounter, "ret_aenergy": isCounter, "temperature": hasNumbers("tC", "tF"), "timer_started_at": isNumber, "timer_duration": isNumber, "errors": isList,
	},
	"rgbcct": {
		"id": isNumber, "source": isText, "output": isFlag, "brightness": within(0, 100), "mode": oneOf("rgb", "cct"), "rgb": isColor, "ct": within(2700, 6500),
		"temperature": hasNumbers("tC", "tF"), "aenergy": isCounter, "apower": isNumber, "voltage": isNumber, "current": isNumber,
		"transition": isObject, "timer_started_at": isNumber, "timer_duration": isNumber, "errors": isList,
	},
	"sys":   {"mac": isText, "restart_required": isFlag, "time": isText, "unixtime": isNumber, "uptime": isNumber, "available_updates": isObject},
	"wifi":  {"sta_ip": isText, "status": isText, "ssid": isText, "rssi": isNumber},
	"mqtt":  {"connected": isFlag},
	"cloud": {"connected": isFlag},
	"ble":   {},
}

// whole are the components that always say everything; more than is listed they may have.
var whole = []string{"sys", "wifi", "mqtt", "cloud"}

// CheckShelly returns what is wrong with a message that a Shelly has said of its own accord. Its
// rules are those of Shelly's documentation of the RPC and of its notifications.
func CheckShelly(topic string, payload []byte) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	m := shellyTopic.FindStringSubmatch(topic)
	if m == nil {
		return []string{"it is no topic of a Shelly's"}
	}
	if m[2] == "online" {
		if text := string(payload); text != "true" && text != "false" {
			fault("%q is neither true nor false", text)
		}
		return faults
	}
	var frame map[string]any
	if err := json.Unmarshal(payload, &frame); err != nil {
		return []string{"the payload is no JSON object: " + err.Error()}
	}
	if m[3] != "" {
		return checkComponent(m[3], frame, true)
	}
	if m[2] == "announce" {
		for _, key := range []string{"id", "mac", "model", "gen", "fw_id", "ver", "app", "auth_en"} {
			if frame[key] == nil {
				fault("there is no %s", key)
			}
		}
		return faults
	}
	method, _ := frame["method"].(string)
	params, _ := frame["params"].(map[string]any)
	if frame["src"] != m[1] || frame["dst"] != m[1]+"/events" || frame["id"] != nil {
		fault("a notification from %v to %v, with the id %v; want %s, %s/events and none", frame["src"], frame["dst"], frame["id"], m[1], m[1])
	}
	if !slices.Contains([]string{"NotifyStatus", "NotifyFullStatus", "NotifyEvent"}, method) {
		fault("the method %q is no notification", method)
	}
	if _, ok := params["ts"].(float64); !ok {
		fault("there is no ts")
	}
	delete(params, "ts")
	if len(params) == 0 {
		fault("it tells of nothing")
	}
	for name, of := range params {
		status, ok := of.(map[string]any)
		if !ok {
			fault("%s is no object", name)
			continue
		}
		faults = append(faults, checkComponent(name, status, method == "NotifyFullStatus")...)
	}
	return faults
}

// checkComponent checks the status of a component, or of all that belongs to one.
func checkComponent(name string, status map[string]any, all bool) (faults []string) {
	kind, number, numbered := strings.Cut(name, ":")
	fields, known := shellyFields[kind]
	if !known {
		return []string{name + " is no component"}
	}
	if id := status["id"]; numbered && fmt.Sprint(id) != number {
		faults = append(faults, fmt.Sprintf("%s has the id %v", name, id))
	}
	for key, value := range status {
		switch is := fields[key]; {
		case is == nil && !slices.Contains(whole, kind):
			faults = append(faults, name+" has no "+key)
		case is != nil && !is(value):
			faults = append(faults, fmt.Sprintf("%s.%s is %v", name, key, value))
		}
	}
	if all && slices.Contains(whole, kind) {
		for key := range fields {
			if _, ok := status[key]; !ok {
				faults = append(faults, name+" lacks "+key)
			}
		}
	}
	return faults
}

func isNumber(v any) bool { _, ok := v.(float64); return ok }
func isText(v any) bool   { _, ok := v.(string); return ok }
func isFlag(v any) bool   { _, ok := v.(bool); return ok }
func isList(v any) bool   { _, ok := v.([]any); return ok }
func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

func within(low, high float64) func(any) bool {
	return func(v any) bool { f, ok := v.(float64); return ok && f >= low && f <= high }
}

func oneOf(words ...string) func(any) bool {
	return func(v any) bool { s, ok := v.(string); return ok && slices.Contains(words, s) }
}

func hasNumbers(keys ...string) func(any) bool {
	return func(v any) bool {
		o, _ := v.(map[string]any)
		return !slices.ContainsFunc(keys, func(key string) bool { return !isNumber(o[key]) })
	}
}

func isColor(v any) bool {
	all, _ := v.([]any)
	return len(all) == 3 && !slices.ContainsFunc(all, func(v any) bool { return !within(0, 255)(v) })
}

func isCounter(v any) bool {
	o, _ := v.(map[string]any)
	minutes, given := o["by_minute"]
	return isNumber(o["total"]) && (!given || isList(minutes))
}
