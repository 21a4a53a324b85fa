package cmd

import (
	"maps"
	"slices"
	"strings"

	"homefleet/fleet/conformance"
	"homefleet/scenarios"
)

// fleetWord is what --for takes for a fleet, which the scenario behind it describes.
const fleetWord = "homefleet"

// part is something that a scenario may have, with the statements that it rests upon.
type part struct {
	has        func(*scenarios.Scenario) bool
	why        string
	statements []string
}

// parts of scenarios. A scenario is ready for a broker that keeps what its parts rest upon.
var parts = []part{
	{always, "each device is a client with an identifier of its own", []string{
		"3.1.3-5 a client identifier of 23 letters and digits", "3.2.0-2 one CONNACK",
		"3.2.2.3 the CONNACK's properties have values that they may have"}},
	{always, "devices and controllers subscribe, and use the subscription at once", []string{
		"3.8.4-8 a subscription works from the SUBACK on", "4.7.1-1 wildcards match as they should",
		"3.8.4-6 one SUBACK with a code for each filter, in order", "3.3.4-2 overlapping subscriptions: the highest QoS"}},
	{always, "commands, states and telemetry are messages", []string{
		"3.3.4 a message comes as it was sent, and once", "4.6.0-5 order, and nothing lost", "4.3 every QoS to every QoS",
		"2.2.1-5 acknowledgements carry the identifier of what they acknowledge", "3.3.2-17 User Properties in order, with repeated and empty ones"}},
	{func(s *scenarios.Scenario) bool { return s.Connect.KeepAlive > 0 }, "the devices have a Keep Alive", []string{
		"3.12.4-1 PINGREQ is answered", "3.1.2-20 Keep Alive: any packet counts", "3.1.2-22 Keep Alive: closed after one and a half times"}},
	{func(s *scenarios.Scenario) bool { return len(s.Controllers) > 0 }, "its controllers send requests and wait for the answers", []string{
		"4.10.1 a request and its response", "3.3.2-15 Response Topic, Correlation Data and the rest are passed on",
		"3.3.2-16 Correlation Data of all byte values", "3.1.2-28 no Response Information unless asked for",
		"4.9.0-1 as many as the server's Receive Maximum says", "3.3.4-7 the server's Receive Maximum can be used up and freed"}},
	{func(s *scenarios.Scenario) bool {
		return slices.ContainsFunc(s.Controllers, func(c scenarios.Controllers) bool { return c.QoS == 2 })
	}, "its controllers send at QoS 2", []string{
		"4.3.3-10 QoS 2: a repeated PUBLISH is not delivered again", "4.3.3-11 QoS 2: every PUBREL is answered", "4.9.0-2 QoS 2 counts until PUBCOMP"}},
	{func(s *scenarios.Scenario) bool {
		return slices.ContainsFunc(s.Watchers, func(w scenarios.Watchers) bool { return w.Share != "" }) ||
			slices.ContainsFunc(s.Controllers, func(c scenarios.Controllers) bool { return c.ShareReplies })
	}, "it has shared subscriptions", []string{
		"4.8.2 shared: each message to one of the group", "4.8.2 shared: who leaves or unsubscribes gets no more", "4.8.2 shared: a wildcard filter"}},
	{retains, "it has messages retained", []string{
		"3.3.1-5 retained: the last message is kept", "3.3.1-5 the retained message outlives its publisher",
		"3.3.1-6 retained: an empty payload removes, and is passed on", "3.3.1-9 Retain Handling 0: at every SUBSCRIBE",
		"3.3.1-11 Retain Handling 2: never", "3.3.1-12 Retain As Published 0: RETAIN is cleared"}},
	{wills, "its devices have Wills", []string{
		"3.1.2-8 the Will after FIN", "3.1.2-8 the Will after RST", "3.1.2-8 the Will after a Keep Alive time-out",
		"3.1.3-10 all properties of the Will arrive", "3.1.2-15 a Will that is retained", "3.14.4-3 no Will after DISCONNECT 0x00",
		"3.14.4-3 the Will after DISCONNECT 0x04", "3.1.2-10 a Will is not published twice"}},
	{delays, "its Wills have a Will Delay Interval", []string{
		"3.1.2-8 a Will Delay passes", "3.1.3-9 a Will Delay ends with a new connection", "3.1.3.2.2 a Will Delay does not outlive the session",
		"3.1.3-10 the properties of a delayed Will"}},
	{func(s *scenarios.Scenario) bool { return s.Connect.SessionExpiry > 0 || s.Connect.Resume }, "its devices come back to their sessions", []string{
		"3.1.2-5 Clean Start 0 resumes the session", "3.1.2-23 a session lives until its expiry",
		"4.1.0-1 messages of QoS 1 and 2 wait for a client that is away",
		"4.4.0-1 an unacknowledged PUBLISH is sent again on the next connection"}},
	{func(s *scenarios.Scenario) bool { return len(s.Incidents) > 0 }, "its devices come back before the broker knows that they were gone", []string{
		"3.1.4-3 a second client with the identifier takes over", "3.1.4-3 many take-overs in a row", "3.1.2-8 the Will after a take-over"}},
	{func(s *scenarios.Scenario) bool { return s.SomeSpeak311() }, "some of its devices speak MQTT 3.1.1", []string{
		"3.1.1: 4.3 every QoS to every QoS", "3.1.1: 3.3 a version 5 message to a 3.1.1 client loses its properties",
		"3.1.1: 3.3 a 3.1.1 message to a version 5 client has no properties", "3.1.1: 3.1.2-8 the Will", "3.1.1: 3.1.2-10 no Will after DISCONNECT",
		"3.1.1: 3.3.1-5 retained messages"}},
}

func always(*scenarios.Scenario) bool { return true }

func retains(s *scenarios.Scenario) bool {
	return slices.ContainsFunc(s.Groups, func(g scenarios.Group) bool { return g.Retain || !g.Will.Off && g.Will.Retain })
}

func wills(s *scenarios.Scenario) bool {
	return slices.ContainsFunc(s.Groups, func(g scenarios.Group) bool { return !g.Will.Off })
}

func delays(s *scenarios.Scenario) bool {
	return slices.ContainsFunc(s.Groups, func(g scenarios.Group) bool { return !g.Will.Off && g.Will.Delay > 0 })
}

// fleetOf is a scenario as somebody whom a broker can be fit for.
func fleetOf(s *scenarios.Scenario) *conformance.Client {
	c := &conformance.Client{Name: fleetWord, Title: "the scenario " + s.Name, Requires: make(map[string]string)}
	for _, p := range parts {
		if !p.has(s) {
			continue
		}
		for _, statement := range p.statements {
			if c.Requires[statement] == "" {
				c.Requires[statement] = p.why
			}
		}
	}
	if s.Broker.MQTT == scenarios.MQTT311 {
		maps.DeleteFunc(c.Requires, func(name, _ string) bool { return !strings.HasPrefix(name, "3.1.1: ") })
		c.Old = true
	}
	return c
}
