package conformance

// Level is how strongly the standard wants something.
type Level string

// The levels. A broker that deviates in what it should do conforms all the same.
const (
	Must   Level = "must"   // what a numbered statement requires, or what follows from some
	Should Level = "should" // what is recommended, allowed, or said without a requirement
)

// recommended are the statements that are no more, with what the standard says of them.
var recommended = map[string]string{
	"3.1.2.11.10 Authentication Data without Method":                          "a Protocol Error in the prose alone",
	"3.1.4-3 the DISCONNECT of a take-over says 0x8E":                         "that it sends one is told; what it must do is close",
	"3.14.4 the server closes after DISCONNECT":                               "it SHOULD close, if the client has not",
	"3.2.2-15 a CONNECT over the server's Maximum Packet Size":                "a client cannot know of the limit before its CONNACK",
	"3.2.2.3.15 Response Information: another user's answers cannot be read":  "what Response Information is for is told, and not required (4.10)",
	"3.2.2.3.15 Response Information":                                         "the server MAY give some",
	"3.3.2.3.2 Payload Format 2":                                              "only 0 and 1 have a meaning; what to do about others is not said",
	"3.4.2.1 PUBACK says whether there are subscribers, or 0":                 "the server MAY use 0x10",
	"3.6.2.1 PUBREC of an unknown identifier":                                 "the table of reason codes has one for it",
	"3.7.2.1 PUBREL of an unknown identifier":                                 "the table of reason codes has one for it",
	"4.8 a connection that says nothing is not for ever":                      "the server SHOULD close it (3.1.4)",
	"4.8.2 shared: QoS 1 that a session leaves behind goes to another member": "the server SHOULD send it to another",
	"3.1: 3.1 a client of version 3.1":                                        "no server has to speak it",
	"3.1.1: 3.14.4-2 the server closes after DISCONNECT":                      "it SHOULD close, if the client has not",
}

// Level is how strongly the standard wants it.
func (s *Statement) Level() Level {
	if recommended[s.Name()] != "" {
		return Should
	}
	return Must
}

// Because is why a statement is no more than recommended; "" where it is required.
func (s *Statement) Because() string { return recommended[s.Name()] }
