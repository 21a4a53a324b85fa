package conformance

// mosquittoDeviations are the statements that Mosquitto 2.0.11 does not keep,
// with what it does instead.
var mosquittoDeviations = map[string]string{
	// Form: it lets pass what the standard forbids.
	"1.5.5-1 a Remaining Length longer than it needs to be":         "takes it",
	"2.1.2 a server's packet, SUBACK":                               "ignores it",
	"2.1.2 a server's packet, PINGRESP":                             "ignores it",
	"2.1.3-1 PUBACK with flags 1":                                   "does not look at the flags",
	"2.1.3-1 PINGREQ with flags 1":                                  "does not look at the flags",
	"3.1.2.11.10 Authentication Data without Method":                "ignores the data",
	"3.12 PINGREQ with a payload":                                   "does not look at the length",
	"3.3.1-2 DUP at QoS 0":                                          "takes it",
	"3.3.2.3.2 Payload Format 2":                                    "passes it on",
	"3.3.2-14 a Response Topic with a wildcard":                     "passes it on",
	"3.3.2-8 Topic Alias 0":                                         "says 0x81 in place of 0x94",
	"3.3.4-6 a Subscription Identifier from a client":               "ignores it",
	"3.8.3-4 No Local on a shared subscription":                     "grants it",
	`4.7.1 the filter "$share/" is not granted`:                     "grants it as a plain filter",
	`4.7.1 the filter "$share/g" is not granted`:                    "grants it as a plain filter",
	`4.7.1 the filter "$share/g/" is not granted`:                   "grants it",
	`4.7.1 the filter "$share//a" is not granted`:                   "grants it",
	"3.6.2.1 PUBREC of an unknown identifier":                       "says success in place of 0x92",
	"3.7.2.1 PUBREL of an unknown identifier":                       "says success in place of 0x92",
	"3.1.4-3 the DISCONNECT of a take-over says 0x8E":               "closes without a word when the new client has Clean Start",
	"3.2.2-15 a packet over the server's Maximum Packet Size":       "leaves the first byte out of the size, so takes one byte more",
	"3.1.2-24 a packet exactly as large as the Maximum Packet Size": "leaves the first byte out of the size, so sends one byte more",
	"3.3.4-8 more than the server's Receive Maximum":                "refuses the message with 0x97 in place of closing with 0x93",

	// Behaviour.
	"3.1.2.5 the Will after DISCONNECT 0x80":                                  "drops the Will at every code but 0x04",
	"3.1.3.2.2 a Will Delay without a session is none":                        "waits for the delay although the session has ended",
	"3.1.3-9 Clean Start ends the session and so the delay":                   "drops the Will",
	"3.1.3-9 a take-over with Clean Start ends the delay":                     "drops the Will",
	"3.1.2-25 a message that was too large does not use up the quota":         "counts it, and stalls",
	"4.3.3-7 a message does not expire once it was sent":                      "drops it as the session is resumed",
	"3.1.2-8 the Will after a take-over that resumes the session":             "drops the Will",
	"3.3.4-9 the client's Receive Maximum under load":                         "counts an acknowledgement twice",
	"3.3.4-9 the client's Receive Maximum holds QoS 1 back":                   "counts an acknowledgement twice",
	"4.9.0-1 the quota starts anew with each connection":                      "sends everything again at once, whatever the new Receive Maximum",
	"4.8.2 shared: no retained messages on SUBSCRIBE":                         "sends them",
	"4.8.2 shared: QoS 1 that a session leaves behind goes to another member": "drops it",
	"3.1.1: 3.3.5-1 overlapping subscriptions":                                "delivers once at the QoS of the first match, not the highest",
	"5.4.2 what a user may subscribe to":                                      "grants every SUBSCRIBE with an ACL file, and holds the messages back",
	"3.1.1: 3.9.3 a refused subscription is 0x80":                             "grants every SUBSCRIBE with an ACL file, and holds the messages back",
}

// mosquittoSometimes are the statements that Mosquitto 2.0.11 keeps or not, as
// it happens.
var mosquittoSometimes = map[string]string{}
