package metrics

import (
	"slices"
	"strings"

	"homefleet/devices/words"
)

// fault is a count that is 0 where all is well.
type fault struct {
	metric string // of the catalogue
	text   string // how a sentence has it: "200 of 2,000 requests were lost"
	also   string // metrics whose expectations are about this, too
	beside bool   // it came beside what is counted: it is no part of a whole
}

// faultTable is what a run is asked for of which nothing is expected. What an
// expectation is about has been judged, and is left out.
var faultTable = []fault{
	{"requests.not_sent", "requests were not sent", "requests.failed requests.sent", false},
	{"requests.refused", "requests were refused", "requests.failed requests.answered", false},
	{"requests.lost", "requests were lost", "requests.failed requests.answered", false},
	{"requests.late", "requests were answered late", "requests.failed requests.answered", false},
	{unacknowledgedMetric, "requests were not acknowledged", "", false},
	{"requests.altered", "answers were to altered requests", "", true},
	{"answers.errors", "answers had an error", "", false},
	{"answers.duplicate", "answers too many", "", true},
	{"answers.missing_parts", "parts of answers were missing", "", true},
	{"answers.misrouted", "answers were misrouted", "", true},
	{"answers.mistaken", "answers were mistaken for others", "answers.of_others", true},
	{"answers.corrupted", "answers were corrupted", "", true},
	{"answers.unknown", "unknown answers", "", true},
	{"answers.other_qos", "answers, or their requests, had another QoS", "", true},
	{"answers.other_retain", "answers had RETAIN 1", "", true},
	{"answers.unchecked", "answers had no checksum", "", false},
	{"delivery.lost", "deliveries were lost", "delivery.delivered", false},
	{"delivery.altered", "deliveries were altered", "delivery.delivered", false},
	{"delivery.refused", "deliveries were refused", "", false},
	{"delivery.duplicate", "deliveries too many", "", true},
	{"delivery.reordered", "deliveries came out of order", "", false},
	{"delivery.other_qos", "deliveries had another QoS", "", false},
	{"delivery.other_retain", "deliveries had RETAIN 1", "", false},
	{"wills.missing", "Wills were missing", "wills.on_time", false},
	{"wills.early", "Wills were early", "wills.on_time", false},
	{"wills.late", "Wills were late", "wills.on_time", false},
	{"wills.duplicate", "Wills too many", "", true},
	{"wills.unexpected", "Wills were not due", "", true},
	{"wills.altered", "Wills were altered", "", false},
	{"wills.answers_altered", "answers to Wills were altered", "", true},
	{"wills.answers_doubled", "answers to Wills too many", "", true},
	{"retained.stale", "retained messages were stale", "", false},
	{"retained.missing", "retained messages were missing", "", false},
	{"retained.wrong", "retained messages were wrong", "", false},
	{"devices.gave_up", "devices gave up", "devices.online", false},
	{"devices.offline", "devices were offline in the end, and nothing kept them so", "devices.online", false},
	{"devices.refused", "messages of devices were refused", "delivery.refused telemetry.refused state.refused replies.refused", true},
	{"connect.unexplained", "tries to connect came to nothing, which no incident explains", "connect.failed connect.refused", false},
	{"connections.unexplained", "connections were lost, which no incident explains", "connections.lost", false},
	{"connections.bad_packets", "bad packets of the broker", "", true},
	{"acks.stray", "acknowledgements of nothing", "", true},
	{"acks.missing", "acknowledgements that did not come", "", true},
}

// faults says what went wrong of which nothing is expected, or "".
func (r *Result) faults() string {
	var all []string
	for _, f := range faultTable {
		if slices.Contains(r.Without, f.metric) || slices.ContainsFunc(r.Expectations, f.judgedBy) {
			continue
		}
		n, whole := f.count(&r.Snapshot)
		if n == 0 {
			continue
		}
		text := words.Grouped(n) + " " + f.text
		if n == 1 {
			text = "1 " + ofOne.Replace(f.text)
		}
		if whole > n && !f.beside {
			text = words.Grouped(n) + " of " + words.Grouped(whole) + " " + f.text + " (" + words.Percent(share(float64(n), float64(whole)), 1) + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// ofOne makes a fault's text one of a single thing.
var ofOne = strings.NewReplacer("answers, or their requests, had", "answer, or its request, had", "answers were to altered requests", "answer was to an altered request",
	"messages of devices were", "message of a device was", "parts of answers were", "part of an answer was", "nothing kept them so", "nothing kept it so",
	"requests were", "request was", "answers were", "answer was", "answers", "answer", "deliveries were", "delivery was", "deliveries", "delivery",
	"Wills were", "Will was", "Wills", "Will", "messages were", "message was", "devices were", "device was", "devices", "device",
	"tries", "try", "connections were", "connection was", "packets", "packet", "acknowledgements", "acknowledgement")

// judgedBy reports whether an expectation is about this.
func (f *fault) judgedBy(x Expected) bool {
	return x.Metric == f.metric || slices.Contains(strings.Fields(f.also), x.Metric)
}

// count is how often it happened, and of how many of the same there were; 0: of none
// that would say something.
func (f *fault) count(s *Snapshot) (n, whole int64) {
	for i := range figureTable {
		if figureTable[i].Name != f.metric {
			continue
		}
		v, of, _ := figureTable[i].value(s, Label{})
		return int64(v), int64(of)
	}
	return s.Counts[f.metric], 0
}
