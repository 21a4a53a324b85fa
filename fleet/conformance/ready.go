package conformance

import (
	"fmt"

	"homefleet/devices/words"
)

// Client is somebody whom a broker can be fit for.
type Client struct {
	Name  string // as --for has it
	Title string
	// Requires are the statements without which it does not work, and what for.
	Requires map[string]string
	Old      bool // it speaks no more than MQTT 3.1.1
}

// Clients are those that --for knows.
func Clients() []Client { return []Client{homeAssistant} }

// homeAssistant is the MQTT integration of Home Assistant, which speaks nothing
// but MQTT 5 from 2027.1 on: one session with Clean Start, a Will and a birth
// message, subscriptions with wildcards, many in a SUBSCRIBE, and retained messages.
var homeAssistant = Client{
	Name: "home-assistant", Title: "Home Assistant 2027.1",
	Requires: map[string]string{
		"3.1.3-5 a client identifier of 23 letters and digits":                           "it connects under an identifier of its own",
		"3.12.4-1 PINGREQ is answered":                                                   "it drops a connection without PINGRESP",
		"3.1.2-20 Keep Alive: any packet counts":                                         "it sends a PINGREQ only where nothing else was to be sent",
		"3.1.4-3 a second client with the identifier takes over":                         "it comes back before the broker knows that it was gone",
		"3.1.2-4 Clean Start 1 discards the session":                                     "it connects with Clean Start each time, and subscribes again",
		"3.2.2.3 the CONNACK's properties have values that they may have":                "its client library closes at a CONNACK that it cannot read",
		"3.3.4 a message comes as it was sent, and once":                                 "states and commands are messages",
		"4.3 every QoS to every QoS":                                                     "each entity has the QoS that its discovery message says",
		"2.2.1-5 acknowledgements carry the identifier of what they acknowledge":         "it waits for SUBACK and UNSUBACK",
		"4.6.0-5 order, and nothing lost":                                                "the last state is the one that is shown",
		"3.8.4-6 one SUBACK with a code for each filter, in order":                       "it subscribes to many topics in one packet",
		"3.8.4-5 a SUBSCRIBE of 1,000 filters":                                           "it subscribes to hundreds of topics in one packet",
		"3.8.4-8 a subscription works from the SUBACK on":                                "it asks devices for their state as soon as it has subscribed",
		"3.8.4-3 the same filter again replaces the subscription":                        "entities that share a topic raise its QoS",
		"3.3.4-2 overlapping subscriptions: the highest QoS":                             "discovery and entities have filters that overlap",
		"3.10.4-4 UNSUBACK has a code for each filter, in order":                         "it unsubscribes when entities go",
		"4.7.1-1 wildcards match as they should":                                         "discovery is subscribed to with wildcards",
		"4.7.2-1 a leading wildcard does not match $":                                    "what the broker says of itself is no device",
		"3.3.1-5 retained: the last message is kept":                                     "discovery and availability are retained messages",
		"3.3.1-5 the retained message outlives its publisher":                            "discovery and availability are retained messages",
		"3.3.1-6 retained: an empty payload removes, and is passed on":                   "so a device is removed",
		"3.3.1-9 retained messages of a wildcard subscription":                           "so devices are discovered",
		"3.3.1-9 Retain Handling 0: at every SUBSCRIBE":                                  "an entity that is set up later wants the state, too",
		"3.3.1-9 the QoS of a retained message is bounded by the subscription's":         "discovery messages have any QoS",
		"3.3.1-12 Retain As Published 0: RETAIN is cleared":                              "a retained state is treated as an old one",
		"3.3.1.3 RETAIN is set on what a SUBSCRIBE brings, whatever Retain As Published": "a retained state is treated as an old one",
		"3.3.3 an empty payload":                                                         "an empty discovery message removes a device",
		"3.3.2-4 a payload that is no UTF-8":                                             "pictures of cameras are messages",
		"3.1.2-8 the Will after FIN":                                                     "devices are unavailable when their Will says so",
		"3.1.2-8 the Will after RST":                                                     "devices are unavailable when their Will says so",
		"3.1.2-8 the Will after a Keep Alive time-out":                                   "devices are unavailable when their Will says so",
		"3.1.2-15 a Will that is retained":                                               "a device that is away has to be so after a restart, too",
		"3.14.4-3 no Will after DISCONNECT 0x00":                                         "it disconnects so when its settings are loaded again",
		"3.1.1: 4.3 every QoS to every QoS":                                              "most devices still speak MQTT 3.1.1",
		"3.1.1: 3.3 a version 5 message to a 3.1.1 client loses its properties":          "most devices still speak MQTT 3.1.1",
		"3.1.1: 3.3 a 3.1.1 message to a version 5 client has no properties":             "most devices still speak MQTT 3.1.1",
		"3.1.1: 3.3 retained by one version, read by the other":                          "most devices still speak MQTT 3.1.1",
		"3.1.1: 3.1.2-8 the Will":                                                        "most devices still speak MQTT 3.1.1",
		"3.1.1: 3.1.2-17 a retained Will":                                                "most devices still speak MQTT 3.1.1",
		"3.1.1: 3.1.2-4 Clean Session 0 keeps the session, 1 ends it":                    "some devices keep a session of MQTT 3.1.1",
		"3.1.1: 4.6.0-6 messages of a topic and QoS stay in order":                       "most devices still speak MQTT 3.1.1",
	},
}

// Statements returns those that the client needs.
func (c *Client) Statements() (all []Statement) {
	for _, s := range Statements() {
		if c.Requires[s.Name()] != "" {
			all = append(all, s)
		}
	}
	return all
}

// Ready says whether the client can work with the broker: "yes", "no" or "not
// decided", and why not.
func (c *Client) Ready(r *Report) ReadyDocument {
	d := ReadyDocument{Client: c.Title, Ready: "yes"}
	if r.Facts.OldOnly && !c.Old {
		return ReadyDocument{c.Title, "no", []string{"the broker speaks MQTT 3.1.1 only, and " + c.Title + " speaks MQTT 5 only"}}
	}
	var open []string
	found := 0
	for i := range r.Results {
		x := &r.Results[i]
		why := c.Requires[x.Name()]
		if why == "" {
			continue
		}
		found++
		switch {
		case x.Status == Deviates, x.Status == Flaky, x.Status == NotSupported:
			d.Because = append(d.Because, fmt.Sprintf("%s (%s): %s; %s", x.Title, x.Clause, x.Line(), why))
		case x.Status == NotDecided:
			open = append(open, fmt.Sprintf("%s (%s) is not decided: %s", x.Title, x.Clause, x.Line()))
		}
	}
	switch {
	case d.Because != nil:
		d.Ready = "no"
	case open != nil || found < len(c.Requires):
		d.Ready, d.Because = "not decided", open
		if n := len(c.Requires) - found; n > 0 {
			d.Because = append(d.Because, words.Plural(int64(n), "statement was", "statements were")+" not looked at")
		}
	}
	return d
}

// String is the first line of what is said.
func (d *ReadyDocument) String() string {
	text := fmt.Sprintf("ready for %s: %s", d.Client, d.Ready)
	switch {
	case len(d.Because) == 1:
		text += ", because " + d.Because[0]
	case len(d.Because) > 1:
		text += fmt.Sprintf(", because %s; and %s", d.Because[0], words.Plural(int64(len(d.Because)-1), "more reason", "more reasons"))
	}
	return text
}
