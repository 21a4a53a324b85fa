package export

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"homefleet/fleet/metrics"
)

// someRun is a run that began a number of minutes after the first, with a time
// for each request around a middle.
func someRun(minute int, middle time.Duration, requests int) (*metrics.Result, []time.Duration) {
	random := rand.New(rand.NewPCG(uint64(minute), uint64(middle)))
	response, one := new(metrics.Histogram), new(metrics.Histogram)
	var all []time.Duration
	for range requests {
		d := time.Duration((0.5 + random.Float64()) * float64(middle)).Round(time.Microsecond)
		all = append(all, d)
		response.Record(d)
	}
	one.Record(time.Millisecond)
	n := int64(requests)
	return &metrics.Result{
		Tool: "v1.2.3", Run: "run-" + strconv.Itoa(minute), Verdict: metrics.VerdictPass,
		Scenario: metrics.ScenarioFacts{Name: "my load.toml", Digest: "abc"},
		Broker:   metrics.BrokerFacts{URL: "mqtt://127.0.0.1:1883"},
		Hosts:    []metrics.HostFacts{{OS: "linux", Arch: "amd64", GOMAXPROCS: 4}},
		Started:  time.Date(2026, 3, 4, 5, minute, 6, 7e6, time.UTC),
		Snapshot: metrics.Snapshot{
			Measured: metrics.Span(10 * time.Second), Totals: metrics.Totals{Planned: n, Sent: n, Answered: n, Answers: n},
			Series: metrics.Distributions{
				{Metric: metrics.ResponseTime}: response,
				{Metric: metrics.ServiceTime, Label: metrics.Label{Dimension: metrics.ByController, Name: "a, b"}}: one,
				{Metric: metrics.ScheduleDelay}: new(metrics.Histogram),
			},
		},
	}, all
}

// The library's own reader takes the log, and finds in it what was measured.
func TestHLogByTheLibrary(t *testing.T) {
	later, times := someRun(9, 20*time.Millisecond, 5000) // dense
	first, firstTimes := someRun(2, 3*time.Millisecond, 100)
	var log bytes.Buffer
	if err := HLog(&log, []*metrics.Result{later, first}); err != nil {
		t.Fatal(err)
	}
	rd := hdr.NewHistogramLogReader(&log)
	for _, want := range []struct {
		tag   string
		times []time.Duration
		at    time.Time
	}{
		{"service{controller=a__b}", []time.Duration{time.Millisecond}, first.Started},
		{"response", firstTimes, first.Started},
		{"service{controller=a__b}", []time.Duration{time.Millisecond}, later.Started},
		{"response", times, later.Started},
	} {
		h, err := rd.NextIntervalHistogram()
		if err != nil || h == nil {
			t.Fatalf("%s: %v, %v; want an interval", want.tag, h, err)
		}
		if h.Tag() != want.tag || h.StartTimeMs() != want.at.UnixMilli() || h.EndTimeMs() != want.at.Add(10*time.Second).UnixMilli() {
			t.Errorf("an interval is %q from %d to %d; want %q from %d for 10 s", h.Tag(), h.StartTimeMs(), h.EndTimeMs(), want.tag, want.at.UnixMilli())
		}
		same := hdr.New(1, int64(time.Hour/time.Microsecond), 3)
		for _, d := range want.times {
			if err := same.RecordValue(d.Microseconds()); err != nil {
				t.Fatal(err)
			}
		}
		if h.TotalCount() != int64(len(want.times)) {
			t.Errorf("%s has %d samples; want %d", want.tag, h.TotalCount(), len(want.times))
		}
		for _, p := range []float64{0, 50, 90, 99, 99.9, 100} {
			if got, want := h.ValueAtPercentile(p), same.ValueAtPercentile(p); got != want {
				t.Errorf("p%v is %d µs; want %d", p, got, want)
			}
		}
	}
	if h, err := rd.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("after the last interval there is %v, %v; want nothing", h, err)
	}
}

// samplesOf reads an interval's histogram by the description of the format
// alone: base64 of a cookie, a length and zlib; in it another cookie, the
// settings, and ZigZag LEB128 counts, of which a negative one is a run of zeros.
func samplesOf(t *testing.T, text string) map[int64]int64 {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if cookie, n := binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:]); cookie != 0x1c849314 || int(n) != len(raw)-8 {
		t.Fatalf("the histogram begins with cookie %x and length %d of %d; want 1c849314 and all there is", cookie, n, len(raw)-8)
	}
	z, err := zlib.NewReader(bytes.NewReader(raw[8:]))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if cookie := binary.BigEndian.Uint32(b); cookie != 0x1c849313 {
		t.Fatalf("the payload begins with cookie %x; want 1c849313", cookie)
	}
	if digits, lowest := binary.BigEndian.Uint32(b[12:]), binary.BigEndian.Uint64(b[16:]); digits != 3 || lowest != 1 {
		t.Fatalf("the histogram has %d digits from %d on; want 3 from 1", digits, lowest)
	}
	const half = 1024 // of the 2,048 sub-buckets that three digits take
	samples := make(map[int64]int64)
	index := int64(0)
	for at := 40; at < len(b); {
		var word uint64
		for shift := 0; ; shift += 7 {
			c := b[at]
			at++
			word |= uint64(c&0x7f) << shift
			if c < 0x80 {
				break
			}
		}
		n := int64(word>>1) ^ -int64(word&1)
		if n < 0 {
			index -= n
			continue
		}
		if n > 0 {
			bucket, sub := index/half-1, index%half+half
			if bucket < 0 {
				bucket, sub = 0, index
			}
			samples[sub<<bucket] = n
		}
		index++
	}
	return samples
}

func TestHLogByTheFormat(t *testing.T) {
	r, times := someRun(2, 3*time.Millisecond, 3000)
	var log bytes.Buffer
	if err := HLog(&log, []*metrics.Result{r}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if lines[2] != "#[Histogram log format version 1.3]" || lines[4] != "#[BaseTime: 1772600526.007 (seconds since epoch)]" {
		t.Errorf("the log begins with\n%s", strings.Join(lines[:6], "\n"))
	}
	fields := strings.Split(lines[7], ",")
	if len(fields) != 5 || fields[0] != "Tag=response" || fields[1] != "0.000" || fields[2] != "10.000" {
		t.Fatalf("the second interval is %.60q; want response from 0 for 10 s", lines[7])
	}
	most := 0.0
	want := make(map[int64]int64)
	for _, d := range times {
		micros := d.Microseconds()
		for unit := int64(1); ; unit *= 2 { // three digits: 2,048 steps of 1 µs, then of 2, of 4
			if micros < 2048*unit {
				want[micros/unit*unit]++
				break
			}
		}
		most = max(most, float64(d)/1e6)
	}
	if got, _ := strconv.ParseFloat(fields[3], 64); got < most-0.001 || got > most+0.001 {
		t.Errorf("the greatest of the interval is %v ms; want %v", got, most)
	}
	got := samplesOf(t, fields[4])
	if len(got) != len(want) {
		t.Errorf("the histogram has %d values; want %d", len(got), len(want))
	}
	for v, n := range want {
		if got[v] != n {
			t.Errorf("%d µs is there %d times; want %d", v, got[v], n)
		}
	}
}

func TestBenchLines(t *testing.T) {
	a, _ := someRun(1, 3*time.Millisecond, 300)
	b, _ := someRun(2, 3*time.Millisecond, 200)
	delete(b.Series, metrics.Series{Metric: metrics.ResponseTime})
	var out bytes.Buffer
	if err := Bench(&out, []*metrics.Result{a, b}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"goos: linux\n", "goarch: amd64\n", "pkg: homefleet\n", "scenario: my load.toml\n", "broker: mqtt://127.0.0.1:1883\n",
		"Unit response.p50-sec better=lower\n", "Unit answers.rate/s better=higher\n",
		"\nBenchmarkMy_load-4 \t300 \t", " \t30 answers.rate/s", "\nBenchmarkMy_load-4 \t200 \t", " \t0 requests.lost-%",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the lines have no %q:\n%s", want, text)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	first, second := lines[len(lines)-2], lines[len(lines)-1]
	// By the format's description: a name, a count, and pairs of value and unit.
	fields := strings.Fields(first)
	if len(fields)%2 != 0 {
		t.Errorf("%q has %d fields; want pairs", first, len(fields))
	}
	for i := 2; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || strings.HasPrefix(fields[i+1], "response.p50") && (v < 0.002 || v > 0.004) {
			t.Errorf("%s %s: %v; want a number, and 3 ms of the response time", fields[i], fields[i+1], err)
		}
	}
	if strings.Contains(second, "response.p50") || strings.Contains(text, "NaN") {
		t.Errorf("a run without response time has %q; want none", second)
	}
}

func TestBenchName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"steady.toml", "Steady-4"}, {"soak-2", "Soak-2-4"}, {"", "Homefleet-4"}, {"42.toml", "S_42-4"}, {"été\nx", "Été_x-4"}, {"日", "S_日-4"},
	} {
		r := &metrics.Result{Scenario: metrics.ScenarioFacts{Name: c.name}, Hosts: []metrics.HostFacts{{GOMAXPROCS: 4}}}
		if got := benchName(r); got != c.want {
			t.Errorf("benchName(%q) = %q; want %q", c.name, got, c.want)
		}
	}
}

// benchstat itself reads the lines and sees a slowdown.
func TestBenchByBenchstat(t *testing.T) {
	if os.Getenv("HOMEFLEET_INTEROP") != "1" || os.Getenv("HOMEFLEET_FULL") != "1" {
		t.Skip("benchstat is fetched, built and run with HOMEFLEET_INTEROP=1 and HOMEFLEET_FULL=1 alone; TestBenchLines reads the lines by their description")
	}
	dir := t.TempDir()
	for name, middle := range map[string]time.Duration{"old.txt": 3 * time.Millisecond, "new.txt": 4 * time.Millisecond} {
		var rs []*metrics.Result
		for i := range 10 {
			r, _ := someRun(i, middle, 500)
			rs = append(rs, r)
		}
		var out bytes.Buffer
		if err := Bench(&out, rs); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("go", "run", "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da", "-format", "csv", "old.txt", "new.txt")
	run.Dir = dir
	var stderr bytes.Buffer
	run.Stderr = &stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("benchstat: %v\n%s", err, stderr.String())
	}
	rd := csv.NewReader(bytes.NewReader(out))
	rd.FieldsPerRecord = -1
	unit, found := "", false
	for {
		row, err := rd.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			continue // between tables
		}
		if len(row) > 1 && row[0] == "" && row[1] != "" && row[1] != "old.txt" {
			unit = row[1]
		}
		if len(row) > 6 && row[0] == "My_load-4" && unit == "response.p50-sec" {
			found = true
			old, _ := strconv.ParseFloat(row[1], 64)
			now, _ := strconv.ParseFloat(row[3], 64)
			if old < 0.0025 || old > 0.0035 || now < 0.0035 || now > 0.0045 || !strings.HasPrefix(row[5], "+") || !strings.Contains(row[6], "p=0.000") || !strings.Contains(row[6], "n=10") {
				t.Errorf("benchstat says %q; want 3 ms, 4 ms and a slowdown of ten runs", row)
			}
		}
	}
	if !found || strings.Contains(stderr.String(), "syntax") {
		t.Errorf("benchstat shows no response.p50-sec:\n%s%s", out, stderr.String())
	}
}

// Otava's importer finds its columns by their names, wants as many cells in each
// row as in the first, and numbers in those of metrics.
func TestOtava(t *testing.T) {
	a, _ := someRun(7, 3*time.Millisecond, 300)
	b, _ := someRun(2, 3*time.Millisecond, 200)
	b.Scenario.Name = "a \"b\",\nc.toml"
	delete(b.Series, metrics.Series{Metric: metrics.ServiceTime, Label: metrics.Label{Dimension: metrics.ByController, Name: "a, b"}})
	var out bytes.Buffer
	if err := Otava(&out, []*metrics.Result{a, b}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("there are %d rows, %v; want 3", len(rows), err)
	}
	column := make(map[string]int)
	for i, name := range rows[0] {
		column[name] = i
	}
	if _, ok := column["service.p50"]; ok {
		t.Errorf("the columns are %q; want no service.p50, which one run does not have", rows[0])
	}
	for i, want := range []struct{ time, run, scenario string }{
		{"2026-03-04T05:02:06Z", "run-2", "a \"b\", c.toml"}, {"2026-03-04T05:07:06Z", "run-7", "my load.toml"},
	} {
		row := rows[i+1]
		if row[column["time"]] != want.time || row[column["run"]] != want.run || row[column["scenario"]] != want.scenario || row[column["verdict"]] != "pass" {
			t.Errorf("row %d is %q; want %+v", i+1, row, want)
		}
		for j := 6; j < len(row); j++ {
			if _, err := strconv.ParseFloat(row[j], 64); err != nil {
				t.Errorf("%s is %q; want a number", rows[0][j], row[j])
			}
		}
		if p, _ := strconv.ParseFloat(row[column["response.p50"]], 64); p < 0.002 || p > 0.004 {
			t.Errorf("response.p50 is %v; want 3 ms in seconds", p)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrors(t *testing.T) {
	r, _ := someRun(1, time.Millisecond, 10)
	for name, write := range map[string]func(io.Writer, []*metrics.Result) error{"histogram log": HLog, "benchmark lines": Bench, "CSV": Otava} {
		if err := write(full{}, []*metrics.Result{r}); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("writing the %s where there is no room: %v; want what and why", name, err)
		}
	}
}
