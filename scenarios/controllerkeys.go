package scenarios

import (
	"time"

	"homefleet/fleet/metrics"
)

// controllerKeys are the keys of a [[controller]].
var controllerKeys = describe[Controllers](table{name: "[[controller]]", by: "arrival", choices: arrivals, keys: []key{
	{name: "name", form: text{what: "one topic level, without braces", empty: leaveOut}, defDoc: "`\"controllers-1\"`, by place",
		doc: "tells the group in results; no other group of controllers or watchers has it"},
	{name: "count", form: whole(1, MaxControllers), defDoc: "`1`; with `pair` the number of targets", doc: "how many"},
	{name: "client_id", form: template{text{empty: leaveOut}, controllerPlaces}, def: "{id}",
		doc: "Client Identifier; `{id}` is the name, with `-1`, `-2`, ... if there are several. No device's, no other's"},
	{name: "target", form: byRule{"table, below"}, defDoc: "all that have the attribute", doc: "whom to command",
		excludes: "group: want one of the two: all devices of the group are commanded"},
	{name: "pair", form: yesNo{}, def: false, excludes: "group: want one device each, or many at once",
		doc: "controller 1 commands the first target alone, 2 the second, ...; without it each request is for a target that the seed draws"},
	{name: "attribute", form: text{}, required: "controllers without an attribute to command", example: `"power"`,
		doc: "such as `\"power\"`; every commanded kind has it"},
	{name: "payload", form: single{}, field: "Payloads", defDoc: "`\"\"`, a query", doc: "what is sent"},
	{name: "payloads", form: list{of: "texts", empty: `leave it out for a query, which is the payload ""`},
		doc: "in place of `payload`: these in turn. The devices are asked when the file is checked, and one that all of them refuse is a fault"},
	{name: "payload_size", form: byteSize(0, maxPayload), defDoc: "as long as it is", doc: "pads each payload with spaces, which devices pass over"},
	{name: "correlation_size", form: byteSize(metrics.ShortIDSize, metrics.MaxIDSize), def: metrics.IDSize,
		doc: "Correlation Data. Where a device that may be commanded takes less, that is the most, and the default: a Tasmota takes `\"16B\"`"},
	{name: "qos", form: qos(), def: 0, doc: "QoS of the requests, and so of the answers, on the whole way: devices subscribe at 2 (or at the broker's Maximum QoS), " +
		"and answer at the QoS at which the request came. It is that of its sending unless the broker granted the subscription less, which is said"},
	{name: "retain", form: yesNo{}, def: false, doc: "RETAIN of the requests, as some hubs and apps have it: the broker keeps the latest on each topic, and devices have it again when they subscribe"},
	{name: "message_expiry", form: seconds(maxMessageExpiry, "none"), doc: "Message Expiry Interval of the requests: one that waited for longer for its device is not delivered any more"},
	{name: "user_properties", form: byRule{"table `[controller.user_properties]`, or pairs `[[\"key\", \"value\"], ...]`"},
		doc: "User Properties of the requests, in the order of the file; values are templates of the places of `client_id`"},
	mqttKey("they"),
	{name: "timeout", form: span(time.Millisecond, maxTimeout), def: 5 * time.Second, doc: "an answer after it is late"},
	{name: "arrival", form: oneOf{texts(Constant, Poisson, Bursts, Closed)}, def: Constant, doc: "when requests are due; it says which of the next keys there may be"},
	{name: "rate", form: rate(""), example: `"10/s"`, defDoc: "one of the three is required", doc: "requests of the whole group"},
	{name: "rate_per_controller", form: rate(""), excludes: "rate: want a rate for the group or for each of it", doc: "requests of each of it"},
	{name: "stage", form: byRule{"tables, `[[controller.stage]]`"}, field: "Stages", doc: "rates that follow one another"},
	{name: "burst", form: whole(1, maxBurst), example: "100", required: `arrival = "bursts" without burst, the number of requests at once`,
		doc: "requests at once, of the whole group"},
	{name: "every", form: span(time.Millisecond, 0), example: `"10s"`, required: `arrival = "bursts" without every, the time from one burst to the next`,
		doc: "from the start of one burst to the start of the next"},
	{name: "think", form: span(0, 0), defDoc: "`\"0s\"`", doc: "from an answer to the next request"},
	{name: "in_flight", form: whole(1, maxInFlight), def: 1, doc: "unanswered requests of each controller"},
	{name: "max_outstanding", form: whole(1, maxOutstanding), def: 10_000, doc: "unanswered requests of each controller; a slot that finds no room waits for it"},
	{name: "group", form: text{empty: leaveOut},
		doc: "one request goes to the group's topic for all devices with that name in their `groups`, and an answer of each is expected"},
	{name: "identify", form: yesNo{}, defDoc: "`true` with `group`, else `false`",
		doc: "each request has a User Property `identify`, to which the devices answer with a User Property `device`, their id. An answer of another device then is misrouted, " +
			"and one of a group's that answers twice is a duplicate. Without it an answer with the right Correlation Data counts, whichever device gave it. With MQTT 3.1.1 it marks requests and answers by white space: see [MQTT 3.1.1](#mqtt-311)"},
	{name: "share_replies", form: yesNo{}, def: false, doc: "the controllers share one Response Topic by a shared subscription"},
}})

// arrivals are the arrival models.
var arrivals = []choice{
	{name: string(Constant), doc: "evenly spaced", keys: planned, instead: openHints},
	{name: string(Poisson), doc: "with exponential gaps", keys: planned, instead: openHints},
	{name: string(Bursts), doc: "many at once, every so often", keys: []string{"burst", "every", "max_outstanding"}, instead: map[string]string{
		"rate": burstHint, "rate_per_controller": burstHint, "stage": burstHint, "in_flight": openHints["in_flight"]}},
	{name: string(Closed), doc: "the next request waits for an answer", keys: []string{"think", "in_flight"}, instead: map[string]string{
		"":                "a closed model has no plan: think and in_flight say how fast it can go at most",
		"max_outstanding": "in_flight says how many requests may be unanswered in a closed model"}},
}

var (
	planned   = []string{"rate", "rate_per_controller", "stage", "max_outstanding"}
	openHints = map[string]string{"in_flight": "max_outstanding bounds the unanswered requests of an open model"}
)

const burstHint = "burst and every say how many requests leave, and when"

// targetKeys are the keys of a target.
var targetKeys = describe[Target](table{name: "[controller.target]", keys: []key{
	{name: "kind", form: byRule{"a kind"}, defDoc: "any", doc: "the kind of device"},
	{name: "id", form: text{what: "pattern", empty: leaveOut}, defDoc: "any", doc: "`*` stands for any run of characters: `\"flat-*-light-1\"`"},
	{name: "home", form: text{what: "pattern", empty: leaveOut}, defDoc: "any", doc: "likewise"},
	{name: "share", form: share("nobody"), defDoc: "all",
		doc: "of those: each is drawn by the seed and its number alone, so that a device that is in stays in when devices are added behind it, or the share grows"},
}})
