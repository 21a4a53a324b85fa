package exporter

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"homefleet/fleet/metrics"
)

// fixture is a snapshot with something in every place, and its info.
func fixture(t testing.TB) (*metrics.Snapshot, Info) {
	t.Helper()
	names := metrics.LabelNames{Kinds: []string{"light", "plug"}, Stages: []string{"busy"}, Controllers: []string{"phones"}}
	rec := metrics.NewRecorder(metrics.RecorderConfig{Names: names, Shards: 1})
	ledger, err := metrics.NewLedger(metrics.LedgerConfig{Run: 1, Timeout: time.Second, Late: time.Second, Capacity: 4096, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		at := time.Duration(i) * time.Millisecond
		req := metrics.Request{Planned: at, Sent: at + 50*time.Microsecond, Labels: metrics.Labels{Kind: uint8(i%2) + 1, Stage: 1, Controller: 1}}
		switch id, _ := ledger.Send(req); {
		case i%100 == 1:
			ledger.Acknowledged(at+time.Millisecond, id.Seq, 0x97)
		case i%100 != 2:
			ledger.Answer(at+time.Duration(i+1)*time.Millisecond, metrics.Answer{Correlation: id.Append(nil, 0), Checked: true})
		}
	}
	ledger.NotSent(metrics.Request{Planned: time.Second}, metrics.NotConnected)
	for _, m := range metrics.Metrics() {
		rec.Record(0, m, metrics.Labels{}, time.Millisecond)
	}
	s := rec.Snapshot(2 * time.Second)
	s.Totals.SentAway, s.Totals.LostAway = 9, 8
	s.Devices = metrics.Devices{Total: 10, Online: 7, Seen: 9, GaveUp: 1}
	counts := new(metrics.Counts)
	counts.Dials.Add(12)
	counts.Requests.Add(metrics.InMeasure, 900)
	counts.Requests.Add(metrics.InWarmUp, 80)
	counts.Refused.Add(0x88)
	counts.Disconnected.Add(0x8B)
	s.Counts, s.CountsApart = metrics.CountsByName(counts), metrics.CountsApart(counts)
	s.Audit = &metrics.Audit{
		Ways: []metrics.WayTotals{
			{Way: "orderly", WillTotals: metrics.WillTotals{Outages: 5, NotDue: 5, Messages: 1, Unexpected: 1}},
			{Way: "cut", WillTotals: metrics.WillTotals{
				Outages: 50, Due: 40, NotDue: 10, OnTime: 30, Early: 4, Late: 3, Missing: 2, Unwatched: 1,
				Messages: 44, Duplicate: 7, Altered: 6, Consumed: 20, Learned: 19,
			}},
		},
		Retained: &metrics.RetainedTotals{Checked: 10, Right: 4, Stale: 3, Missing: 2, Wrong: 1},
	}
	s.Deliveries = []metrics.Delivery{
		{Watcher: "servers", Shared: true, Watchers: 2, QoS: 1, DeliveryTotals: metrics.DeliveryTotals{
			Sent: 1500, Delivered: 1400, Altered: 3, Lost: 50, Refused: 7, Unconfirmed: 8, Unwatched: 9, Unfinished: 10, Outstanding: 13,
			Duplicate: 21, Redelivered: 22, Reordered: 23, OtherQoS: 24,
			NeverSent: 31, Misrouted: 32, Forgotten: 33, Unstamped: 34, BadStamp: 35, Foreign: 36, FromStore: 37,
		}},
		{Watcher: "servers", Watchers: 2, QoS: 0, DeliveryTotals: metrics.DeliveryTotals{Sent: 5, Lost: 5}},
	}
	s.Recoveries = []metrics.Recovery{
		{Incident: "power-cut", At: metrics.Span(time.Second), Affected: 1, Online: metrics.Times{Count: 1}},
		{Incident: "storm", Group: "naive", At: metrics.Span(time.Minute), Affected: 100,
			Online:    metrics.Times{Count: 98, Half: new(metrics.Span(1500 * time.Millisecond))},
			Answering: &metrics.Times{Count: 100, Half: new(metrics.Span(time.Second)), Most: new(metrics.Span(2 * time.Second)), All: new(metrics.Span(3 * time.Second))}},
		{Incident: "storm", Group: "full jitter", At: metrics.Span(time.Minute), Affected: 7, Online: metrics.Times{Count: 0}},
		{Incident: "storm", Group: "naive", At: metrics.Span(time.Minute), Affected: 3},
		{Incident: "cut", At: metrics.Span(time.Minute), To: metrics.Span(time.Hour), Affected: 2},
	}
	return s, Info{Version: "0.3.0", Scenario: "request-response", Run: "r1", Broker: "tcp://127.0.0.1:1883", Started: time.Unix(1_700_000_000, 0), Counts: counts}
}

// scrape returns what the handler says at a path.
func scrape(t testing.TB, h http.Handler, path, accept string) (*http.Response, []byte) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

// samples maps each line of the text format to its value.
func samples(t testing.TB, text []byte) map[string]float64 {
	t.Helper()
	m := make(map[string]float64)
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		line := sc.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			t.Fatalf("%q has no value: %v", line, err)
		}
		m[line[:i]] = v
	}
	return m
}

func TestScrape(t *testing.T) {
	s, info := fixture(t)
	res, body := scrape(t, New(func() *metrics.Snapshot { return s }, info), "/metrics", "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics = %d %s; want 200", res.StatusCode, body)
	}
	got := samples(t, body)
	for name, want := range map[string]float64{
		`homefleet_run_info{broker="tcp://127.0.0.1:1883",run="r1",scenario="request-response",version="0.3.0"}`: 1,
		`homefleet_requests_planned_total`:                                                1001,
		`homefleet_requests_sent_total`:                                                   1000,
		`homefleet_requests_total{outcome="answered"}`:                                    980,
		`homefleet_requests_total{outcome="late"}`:                                        0,
		`homefleet_requests_total{outcome="lost"}`:                                        0,
		`homefleet_requests_total{outcome="refused"}`:                                     10,
		`homefleet_requests_total{outcome="not_sent"}`:                                    1,
		`homefleet_requests_outstanding`:                                                  10,
		`homefleet_requests_not_sent_total{cause="not connected"}`:                        1,
		`homefleet_requests_refused_total{reason="quota exceeded"}`:                       10,
		`homefleet_requests_by_kind_total{kind="light",outcome="answered"}`:               490,
		`homefleet_requests_by_controller_total{controller="phones",outcome="refused"}`:   10,
		`homefleet_answers_total`:                                                         980,
		`homefleet_stray_answers_total{fault="duplicate"}`:                                0,
		`homefleet_devices{state="online"}`:                                               7,
		`homefleet_devices{state="offline"}`:                                              2,
		`homefleet_devices{state="gave_up"}`:                                              1,
		`homefleet_devices_seen`:                                                          9,
		`homefleet_connect_tried_total`:                                                   12,
		`homefleet_messages_total{direction="received",type="command"}`:                   980,
		`homefleet_reason_codes_total{packet="CONNACK",reason="server unavailable"}`:      1,
		`homefleet_reason_codes_total{packet="DISCONNECT",reason="server shutting down"}`: 1,
		`homefleet_measured_seconds`:                                                      2,
		`homefleet_response_time_seconds_count`:                                           981,
		`homefleet_response_time_seconds_bucket{le="+Inf"}`:                               981,
		`homefleet_response_time_seconds_bucket{le="0.0005"}`:                             0,
		`homefleet_response_time_by_stage_seconds_count{stage="busy"}`:                    980,

		`homefleet_requests_sent_away_total`:                                                    9,
		`homefleet_requests_lost_away_total`:                                                    8,
		`homefleet_outages{way="orderly"}`:                                                      5,
		`homefleet_outages{way="cut"}`:                                                          50,
		`homefleet_will_messages{way="cut"}`:                                                    44,
		`homefleet_wills{verdict="on_time",way="cut"}`:                                          30,
		`homefleet_wills{verdict="early",way="cut"}`:                                            4,
		`homefleet_wills{verdict="late",way="cut"}`:                                             3,
		`homefleet_wills{verdict="missing",way="cut"}`:                                          2,
		`homefleet_wills{verdict="unwatched",way="cut"}`:                                        1,
		`homefleet_will_faults{fault="duplicate",way="cut"}`:                                    7,
		`homefleet_will_faults{fault="altered",way="cut"}`:                                      6,
		`homefleet_will_faults{fault="unexpected",way="orderly"}`:                               1,
		`homefleet_wills_consumed{way="cut"}`:                                                   20,
		`homefleet_wills_learned{way="cut"}`:                                                    19,
		`homefleet_retained_topics{state="right"}`:                                              4,
		`homefleet_retained_topics{state="wrong"}`:                                              1,
		`homefleet_recoveries`:                                                                  5,
		`homefleet_recovery_devices{group="",incident="cut",state="affected"}`:                  2,
		`homefleet_recovery_seconds{group="naive",incident="storm",of="online",share="50"}`:     1.5,
		`homefleet_recovery_seconds{group="naive",incident="storm",of="answering",share="100"}`: 3,
		`homefleet_recovery_devices{group="naive",incident="storm",state="affected"}`:           100,
		`homefleet_recovery_devices{group="naive",incident="storm",state="online"}`:             98,
		`homefleet_recovery_devices{group="full jitter",incident="storm",state="affected"}`:     7,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "process_start_time_seconds"} {
		if got[name] <= 0 {
			t.Errorf("%s = %v; want more than 0", name, got[name])
		}
	}
	// The kernel counts in hundredths of a second: a process that has only begun has 0.
	age := float64(time.Now().Unix()) + 1 - got["process_start_time_seconds"]
	if cpu, ok := got["process_cpu_seconds_total"]; !ok || cpu < 0 || cpu > age*float64(runtime.NumCPU()) {
		t.Errorf("process_cpu_seconds_total = %v, %v; want at most what all cores can have worked in %v s", cpu, ok, age)
	}
	for name := range got {
		if strings.Contains(name, "power-cut") || strings.Contains(name, `of="online",share="99"`) || strings.Contains(name, `group="full jitter",incident="storm",state="answering"`) {
			t.Errorf("%s is there; want nothing of earlier incidents, nor of what did not come to be", name)
		}
	}
	if _, ok := got[`homefleet_devices_commands_total`]; ok {
		t.Error("homefleet_devices_commands_total is there; want it as homefleet_messages_total only")
	}
}

// Every count of the catalogue must be shown, so that a new one is not
// forgotten here.
func TestScrapeHasEveryCount(t *testing.T) {
	s, info := fixture(t)
	_, body := scrape(t, New(func() *metrics.Snapshot { return s }, info), "/metrics", "")
	got := samples(t, body)
	for name := range s.Counts {
		want := "homefleet_" + identifier(name) + "_total"
		if m, ok := messageTypes[name]; ok {
			want = fmt.Sprintf(`homefleet_messages_total{direction=%q,type=%q}`, m[0], m[1])
		}
		if _, ok := got[want]; !ok {
			t.Errorf("the count %s is not shown; want %s", name, want)
		}
	}
	for name := range messageTypes {
		if _, ok := s.Counts[name]; !ok {
			t.Errorf("messageTypes has %q, which is no count", name)
		}
	}
	for _, m := range metrics.Metrics() {
		if _, ok := timings[m]; !ok {
			t.Errorf("timings lacks %v", m)
		}
	}
}

// Every figure of the ledger of one-way messages is shown, by group of watchers and
// QoS, and what is decided and what is not add up to what was sent.
func TestScrapeOfDeliveries(t *testing.T) {
	s, info := fixture(t)
	_, body := scrape(t, New(func() *metrics.Snapshot { return s }, info), "/metrics", "")
	got := samples(t, body)
	sum := 0.0
	for name, want := range map[string]float64{
		`homefleet_deliveries_total{outcome="delivered",qos="1",watcher="servers"}`:         1400,
		`homefleet_deliveries_total{outcome="altered",qos="1",watcher="servers"}`:           3,
		`homefleet_deliveries_total{outcome="lost",qos="1",watcher="servers"}`:              50,
		`homefleet_deliveries_total{outcome="refused",qos="1",watcher="servers"}`:           7,
		`homefleet_deliveries_total{outcome="unconfirmed",qos="1",watcher="servers"}`:       8,
		`homefleet_deliveries_total{outcome="unwatched",qos="1",watcher="servers"}`:         9,
		`homefleet_deliveries_total{outcome="unfinished",qos="1",watcher="servers"}`:        10,
		`homefleet_deliveries_outstanding{qos="1",watcher="servers"}`:                       13,
		`homefleet_deliveries_total{outcome="lost",qos="0",watcher="servers"}`:              5,
		`homefleet_delivery_faults_total{fault="duplicate",qos="1",watcher="servers"}`:      21,
		`homefleet_delivery_faults_total{fault="redelivered",qos="1",watcher="servers"}`:    22,
		`homefleet_delivery_faults_total{fault="reordered",qos="1",watcher="servers"}`:      23,
		`homefleet_delivery_faults_total{fault="other_qos",qos="1",watcher="servers"}`:      24,
		`homefleet_stray_deliveries_total{fault="never_sent",qos="1",watcher="servers"}`:    31,
		`homefleet_stray_deliveries_total{fault="misrouted",qos="1",watcher="servers"}`:     32,
		`homefleet_stray_deliveries_total{fault="forgotten",qos="1",watcher="servers"}`:     33,
		`homefleet_stray_deliveries_total{fault="unstamped",qos="1",watcher="servers"}`:     34,
		`homefleet_stray_deliveries_total{fault="bad_stamp",qos="1",watcher="servers"}`:     35,
		`homefleet_stray_deliveries_total{fault="foreign",qos="1",watcher="servers"}`:       36,
		`homefleet_stray_deliveries_total{fault="from_retained",qos="1",watcher="servers"}`: 37,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
		}
		if strings.HasPrefix(name, "homefleet_deliveries_") {
			sum += got[name]
		}
	}
	if sum != 1505 {
		t.Errorf("what became of the messages adds up to %v; want the 1,505 that were sent", sum)
	}
	for _, family := range []string{"homefleet_deliveries_total", "homefleet_deliveries_outstanding", "homefleet_delivery_faults_total", "homefleet_stray_deliveries_total"} {
		if !bytes.Contains(body, []byte("# HELP "+family+" ")) {
			t.Errorf("%s has no help", family)
		}
	}
}

func TestScrapeBeforeTheRun(t *testing.T) {
	res, body := scrape(t, New(func() *metrics.Snapshot { return nil }, Info{}), "/metrics", "")
	if res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("homefleet_run_info{")) || bytes.Contains(body, []byte("homefleet_requests")) {
		t.Errorf("GET /metrics = %d %s; want 200 with homefleet_run_info and no requests", res.StatusCode, body)
	}
}

func TestScrapeHostileText(t *testing.T) {
	const text = "a\"b\\c\nd\xffe"
	s, info := fixture(t)
	info.Scenario, info.Run, info.Broker, info.Version = text, text, text, text
	s.Totals.RefusedBy = map[string]int64{text: 1}
	s.ByLabel = append(s.ByLabel, metrics.LabelOutcomes{Label: metrics.Label{Dimension: metrics.ByKind, Name: text}})
	s.Counts[text] = 1
	s.Deliveries[1].Watcher = text
	s.Audit.Ways = append(s.Audit.Ways, metrics.WayTotals{Way: text}, metrics.WayTotals{Way: text})
	s.Recoveries[1].Incident, s.Recoveries[1].Group, s.Recoveries[1].Shard = text, text, text
	s.Recoveries[1].At = metrics.Span(time.Hour)
	res, body := scrape(t, New(func() *metrics.Snapshot { return s }, info), "/metrics", "")
	if want := []byte(`scenario="a\"b\\c\nd` + "\uFFFD" + `e"`); res.StatusCode != http.StatusOK || !bytes.Contains(body, want) {
		t.Errorf("GET /metrics = %d %.600s; want 200 with %s", res.StatusCode, body, want)
	}
}

func TestOtherPaths(t *testing.T) {
	h := New(func() *metrics.Snapshot { return nil }, Info{})
	for _, test := range []struct {
		path, kind string
		status     int
	}{
		{"/", "text/plain; charset=utf-8", http.StatusOK},
		{"/dashboard.json", "application/json", http.StatusOK},
		{"/elsewhere", "", http.StatusNotFound},
	} {
		res, _ := scrape(t, h, test.path, "")
		if res.StatusCode != test.status || test.kind != "" && res.Header.Get("Content-Type") != test.kind {
			t.Errorf("GET %s = %d %s; want %d %s", test.path, res.StatusCode, res.Header.Get("Content-Type"), test.status, test.kind)
		}
	}
}

// What is shown as a native histogram must be what was recorded: every sample
// in the bucket it belongs to, to the histogram's own 0.1 %, and none lost.
func TestNativeHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 500, 12_000} { // sparse and dense
		h := new(metrics.Histogram)
		var all []float64
		var sum time.Duration
		for range n {
			d := time.Duration(math.Exp(rng.Float64()*20)) * time.Microsecond // 1 µs to 8 min
			h.Record(d)
			all = append(all, d.Seconds())
			sum += d
		}
		slices.Sort(all)
		desc := prometheus.NewDesc("x", "x", nil, nil)
		m, err := convert(desc, h, time.Time{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out dto.Metric
		if err := m.Write(&out); err != nil {
			t.Fatal(err)
		}
		got := out.GetHistogram()
		if got.GetSampleCount() != uint64(n) || math.Abs(got.GetSampleSum()-sum.Seconds()) > 1e-9*sum.Seconds() {
			t.Errorf("%d samples: count %d, sum %v; want %d, %v", n, got.GetSampleCount(), got.GetSampleSum(), n, sum.Seconds())
		}
		if got.GetCreatedTimestamp() != nil {
			t.Errorf("%d samples: created at %v; want no time", n, got.GetCreatedTimestamp())
		}
		index, at, total := int32(0), int64(0), int64(0)
		next := 0
		for k, delta := 0, got.GetPositiveDelta(); k < len(got.GetPositiveSpan()); k++ {
			span := got.GetPositiveSpan()[k]
			index += span.GetOffset()
			for range span.GetLength() {
				at += delta[next]
				next++
				total += at
				// All samples up to here must be below the bound, or 0.1 % above.
				bound := math.Exp2(float64(index) / (1 << schema))
				below := int64(0)
				for _, v := range all {
					if v <= bound {
						below++
					}
				}
				slack := int64(0)
				for _, v := range all {
					if v <= bound && v > bound*0.999 {
						slack++
					}
				}
				if total > below || total < below-slack {
					t.Fatalf("%d samples: %d up to %v; want %d to %d", n, total, bound, below-slack, below)
				}
				index++
			}
		}
		if total != int64(n) {
			t.Errorf("%d samples: the native buckets hold %d", n, total)
		}
		for _, b := range got.GetBucket() {
			if b.GetCumulativeCount() > uint64(n) {
				t.Errorf("%d samples: %d up to %v", n, b.GetCumulativeCount(), b.GetUpperBound())
			}
		}
		if len(got.GetBucket()) < len(classic()) {
			t.Errorf("%d samples: %d classic buckets; want at least %d", n, len(got.GetBucket()), len(classic()))
		}
	}
}

// A scrape that takes protocol buffers gets the native buckets.
func TestNativeHistogramOverHTTP(t *testing.T) {
	s, info := fixture(t)
	const accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text"
	_, body := scrape(t, New(func() *metrics.Snapshot { return s }, info), "/metrics", accept)
	for _, want := range []string{"homefleet_response_time_seconds", "schema", "positive_span", "upper_bound"} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("a scrape as protocol buffers has no %q", want)
		}
	}
}

// promtool says when a name or a unit is not as is usual.
func TestPromtoolCheckMetrics(t *testing.T) {
	tool := promtool(t)
	s, info := fixture(t)
	for name, h := range map[string]http.Handler{
		"a run":      New(func() *metrics.Snapshot { return s }, info),
		"before one": New(func() *metrics.Snapshot { return nil }, Info{}),
	} {
		_, body := scrape(t, h, "/metrics", "")
		cmd := exec.Command(tool, "check", "metrics")
		cmd.Stdin = bytes.NewReader(body)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: promtool check metrics = %v, %q; want silence", name, err, out)
		}
	}
}

// promtool finds the tool, or says why the test cannot be run.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err == nil {
		return path
	}
	const why = "promtool is not installed (Debian's package prometheus has it)"
	if os.Getenv("HOMEFLEET_INTEROP") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// A scrape must not disturb the run it looks at.
func BenchmarkScrape(b *testing.B) {
	s, info := fixture(b)
	h := New(func() *metrics.Snapshot { return s }, info)
	for b.Loop() {
		scrape(b, h, "/metrics", "")
	}
}
