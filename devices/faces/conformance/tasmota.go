package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Tasmotas is what devices with Tasmota have announced to one Home Assistant, whose
// integration of Tasmota takes it through hatasmota. The rules are those of hatasmota
// 0.10.1: which members there must be and of what type, and what it makes of them. Where
// hatasmota takes what the firmware would never send, so does Check not. Its zero value
// is ready.
type Tasmotas struct {
	devices map[string]string // the topic of each, by its MAC
	Lights  int
	Relays  int
	Sensors int // single measurements
}

var tasmotaTopic = regexp.MustCompile(`^tasmota/discovery/([A-Z0-9]{12})/(config|sensors)$`)

// Check returns what is wrong with a message on a discovery topic, each fault in a
// sentence; nil if nothing is. An empty one takes an announcement back.
func (a *Tasmotas) Check(topic string, payload []byte) []string {
	m := tasmotaTopic.FindStringSubmatch(topic)
	if m == nil {
		return []string{fmt.Sprintf("%q is no discovery topic of Tasmota", topic)}
	}
	if len(payload) == 0 {
		delete(a.devices, m[1])
		return nil
	}
	c := tasmotaCheck{all: a, mac: m[1]}
	if err := json.Unmarshal(payload, &c.config); err != nil {
		return []string{"the payload is no JSON object: " + err.Error()}
	}
	if string(c.config["ver"]) != "1" {
		c.fault("ver is %s; want 1", c.config["ver"])
	}
	if m[2] == "config" {
		c.device()
	} else {
		c.sensors()
	}
	return c.faults
}

type tasmotaCheck struct {
	all    *Tasmotas
	mac    string
	config map[string]json.RawMessage
	faults []string
}

func (c *tasmotaCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// read reads a member, which must be there and of the type of into.
func (c *tasmotaCheck) read(name string, into any) bool {
	raw, ok := c.config[name]
	if !ok {
		c.fault("it has no %s", name)
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil || string(raw) == "null" {
		c.fault("%s is %s, which is of another type", name, raw)
		return false
	}
	return true
}

func (c *tasmotaCheck) text(name string) (s string) {
	c.read(name, &s)
	return s
}

// bit reads a member that is 0 or 1.
func (c *tasmotaCheck) bit(name string) (n int) {
	if c.read(name, &n) && n != 0 && n != 1 {
		c.fault("%s is %d; want 0 or 1", name, n)
	}
	return n
}

// numbers reads an array of whole numbers from low to high.
func (c *tasmotaCheck) numbers(name string, low, high int) (all []int) {
	c.read(name, &all)
	for _, n := range all {
		if n < low || n > high {
			c.fault("%s has %d; want %d to %d", name, n, low, high)
		}
	}
	return all
}

// names reads an array of texts, of which some may be null.
func (c *tasmotaCheck) names(name string) (all []*string) {
	c.read(name, &all)
	return all
}

func (c *tasmotaCheck) device() {
	known := strings.Fields("ip dn fn hn mac md ty if cam ofln onln state sw t ft tp rl swc swn btn so lk lt_st bat dslp sho sht ver")
	for _, k := range slices.Sorted(maps.Keys(c.config)) {
		if !slices.Contains(known, k) {
			c.fault("it has the member %q, which the firmware does not send", k)
		}
	}
	c.identity()
	c.options()
	relays, light := c.numbers("rl", 0, 3), 0
	c.read("lt_st", &light)
	linked := c.bit("lk")
	lights := 0
	for _, r := range relays {
		switch r {
		case 1:
			c.all.Relays++
		case 2:
			lights++
		case 3:
			c.fault("a relay is a shutter, of which there is none here")
		}
	}
	c.all.Lights += lights
	switch {
	case light < 0 || light > 5:
		c.fault("lt_st is %d; want 0 to 5", light)
	case lights > 0 && light == 0:
		c.fault("a relay is a light, and lt_st is 0: that one is only on or off")
	case lights == 0 && (light != 0 || linked != 0):
		c.fault("no relay is a light, and lt_st is %d, lk %d", light, linked)
	case lights == 1 && light >= 4 && linked == 0:
		c.fault("one light of subtype %d that is not linked: it would be two", light)
	}
	if len(relays) == 0 || relays[0] == 0 {
		c.fault("the first relay is none")
	}
	for _, n := range c.numbers("swc", -1, 20) {
		if n >= 0 {
			c.fault("a switch is announced, of which there is none here")
		}
	}
	c.numbers("btn", 0, 1)
	c.names("swn")
	for _, name := range []string{"ty", "if", "cam", "bat", "dslp"} {
		if c.bit(name) != 0 {
			c.fault("%s is 1, which is another product", name)
		}
	}
	c.numbers("sho", 0, 255)
}

// identity checks what the device is called and where it has its topics.
func (c *tasmotaCheck) identity() {
	if mac := c.text("mac"); mac != c.mac {
		c.fault("mac is %q, and the topic has %q", mac, c.mac)
	}
	if !strings.Contains("26AE", c.mac[1:2]) {
		c.fault("the MAC %s is not administered locally", c.mac)
	}
	if ip := c.text("ip"); !regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`).MatchString(ip) {
		c.fault("ip is %q", ip)
	}
	for _, name := range []string{"dn", "hn", "md", "sw"} {
		if c.text(name) == "" {
			c.fault("%s is empty", name)
		}
	}
	if names := c.names("fn"); len(names) == 0 || names[0] == nil || *names[0] == "" {
		c.fault("the first friendly name is none")
	}
	topic := c.text("t")
	if want := "tasmota_" + c.mac[6:]; topic != want {
		c.fault("t is %q; want %q", topic, want)
	}
	full := c.text("ft")
	if !strings.Contains(full, "%topic%") || !strings.Contains(full, "%prefix%") || !strings.HasSuffix(full, "/") {
		c.fault("ft is %q; want %%prefix%% and %%topic%%, and a / at its end", full)
	}
	if c.all.devices == nil {
		c.all.devices = make(map[string]string)
	}
	for mac, other := range c.all.devices {
		if other == topic && mac != c.mac {
			c.fault("the topic %s is that of %s, too", topic, mac)
		}
	}
	c.all.devices[c.mac] = topic
	for name, want := range map[string]string{"ofln": "Offline", "onln": "Online"} {
		if got := c.text(name); got != want {
			c.fault("%s is %q; want %q", name, got, want)
		}
	}
	for name, want := range map[string][]string{"state": {"OFF", "ON", "TOGGLE", "HOLD"}, "tp": {"cmnd", "stat", "tele"}} {
		var got []string
		if c.read(name, &got); !slices.Equal(got, want) {
			c.fault("%s is %q; want %q", name, got, want)
		}
	}
}

// options checks the SetOptions that hatasmota reads.
func (c *tasmotaCheck) options() {
	all := c.config
	defer func() { c.config = all }()
	var so map[string]json.RawMessage
	if !c.read("so", &so) {
		return
	}
	c.config = so
	for _, n := range []string{"4", "11", "13", "17", "20", "30", "68", "73", "82", "114", "117"} {
		c.bit(n)
	}
}

// sensors checks what is measured: each measurement stands in the object of its sensor.
func (c *tasmotaCheck) sensors() {
	var sn map[string]json.RawMessage
	if !c.read("sn", &sn) {
		return
	}
	if sn["Time"] == nil {
		c.fault("sn has no Time")
	}
	for _, name := range slices.Sorted(maps.Keys(sn)) {
		if name == "Time" || name == "TempUnit" {
			continue
		}
		var of map[string]json.RawMessage
		if json.Unmarshal(sn[name], &of) != nil {
			c.fault("%s is %s; want an object of measurements", name, sn[name])
			continue
		}
		for what, value := range of {
			var f float64
			switch text := what == "Id" || what == "TotalStartTime"; {
			case text && (len(value) < 2 || value[0] != '"'):
				c.fault("%s of %s is %s; want a text", what, name, value)
			case text:
			case json.Unmarshal(value, &f) != nil:
				c.fault("%s of %s is %s; want a number", what, name, value)
			default:
				c.all.Sensors++
			}
			if unit := string(sn["TempUnit"]); what == "Temperature" && unit != `"C"` && unit != `"F"` {
				c.fault("there is a temperature, and TempUnit is %s; want C or F", unit)
			}
			if what == "Period" {
				c.fault("Period is in the announcement; it belongs into the report alone")
			}
		}
	}
	if energy := sn["ENERGY"]; energy != nil {
		c.energy(energy)
	}
}

// energy checks that everything is there of which Home Assistant makes a sensor.
func (c *tasmotaCheck) energy(raw json.RawMessage) {
	var of map[string]json.RawMessage
	_ = json.Unmarshal(raw, &of) // as has been tried
	for what := range strings.FieldsSeq("TotalStartTime Total Yesterday Today Power ApparentPower ReactivePower Factor Voltage Current") {
		if of[what] == nil {
			c.fault("ENERGY has no %s", what)
		}
	}
}
