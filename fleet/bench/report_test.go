//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"homefleet/fleet/mosquitto"
)

// record is one result of one run.
type record struct {
	Figure    string  `json:"figure"`
	Contender string  `json:"contender"`
	Devices   int     `json:"devices"`
	QoS       int     `json:"qos"`
	Run       int     `json:"run"`
	Value     float64 `json:"value"`
}

// machine is where and when the results came about.
type machine struct {
	Date      string `json:"date"`
	Extent    string `json:"extent"`
	Cores     int    `json:"cores"`
	CPU       string `json:"cpu"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
	Mosquitto string `json:"mosquitto"`
	Files     uint64 `json:"files"` // descriptors a process may have
	Rate      int    `json:"rate"`  // commands a second
	Void      int    `json:"void"`  // measurements that were made again
}

func thisMachine(much string) (machine, error) {
	m := machine{Date: time.Now().UTC().Format("2006-01-02"), Extent: much, Cores: runtime.NumCPU(), Go: runtime.Version(), Rate: *rate}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, err
	}
	for line := range bytes.Lines(info) {
		if name, ok := strings.CutPrefix(string(line), "model name"); ok {
			m.CPU = strings.Trim(name, "\t :\n")
			break
		}
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	m.Kernel = strings.TrimSpace(string(release))
	path, err := mosquitto.Find()
	if err != nil {
		return m, err
	}
	help, _ := exec.Command(path, "-h").Output() // it exits with 3
	first, _, _ := strings.Cut(string(help), "\n")
	m.Mosquitto = strings.TrimPrefix(first, "mosquitto version ")
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return m, os.NewSyscallError("getrlimit", err)
	}
	m.Files = l.Cur
	return m, nil
}

// report is all that was measured.
type report struct {
	machine machine
	records []record
}

// sample is what several runs gave for one figure.
type sample []float64

func (r *report) sample(figure, contender string, devices, qos int) sample {
	var s sample
	for _, x := range r.records {
		if x.Figure == figure && x.Contender == contender && x.Devices == devices && x.QoS == qos {
			s = append(s, x.Value)
		}
	}
	slices.Sort(s)
	return s
}

// median of a sorted sample; of an even number, the mean of the middle two.
func (s sample) median() float64 {
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// String gives the median with the least and the most.
func (s sample) String() string {
	switch len(s) {
	case 0:
		return ""
	case 1:
		return short(s[0])
	}
	return short(s.median()) + " [" + short(s[0]) + "-" + short(s[len(s)-1]) + "]"
}

// short writes a figure with three digits or so.
func short(v float64) string {
	switch {
	case v < 0.005 && v > -0.005:
		return "0"
	case v < 10 && v > -10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100 && v > -100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// bound is what a figure must be at most, and what it is to be.
type bound struct {
	must, aim float64
	// slack is what does not count: of whole numbers per command, what the
	// runtime does now and then beside.
	slack float64
}

// judge says whether a value is within a bound.
func judge(value, most, slack float64) string {
	text := strconv.FormatFloat(most, 'f', -1, 64)
	// Half of the last digit that is shown does not count either.
	if value <= most+max(slack, 0.005) {
		return text + " met"
	}
	return text + " not met"
}

// judged are the two cells of a bound.
func (b *bound) judged(value float64, unit string) (must, aim string) {
	return unit + judge(value, b.must, b.slack), unit + judge(value, b.aim, b.slack)
}

// number writes a whole number.
func number(n int) string {
	if n < 100 {
		return strconv.Itoa(n)
	}
	return short(float64(n))
}

// table is a heading, the names of the columns, and the rows.
type table struct {
	title   string
	columns []string
	rows    [][]string
}

// write prints all tables.
func (r *report) write(w io.Writer, asMarkdown bool) error {
	var b strings.Builder
	m := &r.machine
	fmt.Fprintf(&b, "%s, %s run: %d cores (%s), Linux %s, %s, Mosquitto %s, %d file descriptors a process, GOGC 400 with a memory limit for all.\n",
		m.Date, m.Extent, m.Cores, m.CPU, m.Kernel, m.Go, m.Mosquitto, m.Files)
	fmt.Fprintf(&b, "Median [least-most] of the runs. Commands: %s a second over all devices, open loop, one message in and one out.\n", number(m.Rate))
	if m.Void > 0 {
		fmt.Fprintf(&b, "%d measurements were void, because answers or connections were lost, and made again.\n", m.Void)
	}
	for _, t := range r.tables() {
		if len(t.rows) == 0 {
			continue
		}
		if asMarkdown {
			t.markdown(&b)
		} else {
			t.plain(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n**%s**\n\n", t.title)
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.columns)
	rule := slices.Repeat([]string{"---:"}, len(t.columns))
	rule[0] = "---"
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
}

func (t *table) plain(b *strings.Builder) {
	widths := make([]int, len(t.columns))
	for _, row := range slices.Insert(slices.Clone(t.rows), 0, t.columns) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(b, "\n%s\n\n", t.title)
	line := func(cells []string) {
		var text strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				text.WriteString("  " + cell + pad)
			} else {
				text.WriteString("   " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	line(t.columns)
	for _, row := range t.rows {
		line(row)
	}
}

// tables are all there is to show.
func (r *report) tables() []table {
	all := []table{r.headTable()}
	for _, n := range r.sizes("rss", "floor") {
		all = append(all, r.idleTable(n))
	}
	for _, n := range r.sizes("cpu", "floor") {
		for qos := range 2 {
			all = append(all, r.commandTable(n, qos))
		}
	}
	return append(all, r.generatorTable(), r.scaleTable(), r.restTable(), r.likeTable(), r.facesTable())
}

// sizes are the numbers of devices for which a contender has a figure.
func (r *report) sizes(figure, contender string) []int {
	var all []int
	for _, x := range r.records {
		if x.Figure == figure && x.Contender == contender && !slices.Contains(all, x.Devices) {
			all = append(all, x.Devices)
		}
	}
	slices.Sort(all)
	return all
}

// against makes a row of the three contenders, with the ratios of homefleet to
// the others. The bounds are for the value, or for the ratio to the floor.
func (r *report) against(title, figure string, n, qos int, value, ratio *bound) []string {
	floor, paho, ours := r.sample(figure, "floor", n, qos), r.sample(figure, "paho", n, qos), r.sample(figure, "fleet", n, qos)
	row := []string{title, floor.String(), paho.String(), ours.String(), over(ours, floor), over(ours, paho), "", ""}
	switch {
	case len(ours) == 0:
	case value != nil:
		row[6], row[7] = value.judged(ours.median(), "")
	case ratio != nil && len(floor) > 0:
		row[6], row[7] = ratio.judged(ours.median()/floor.median(), "x")
	}
	return row
}

// over is the ratio of two medians.
func over(a, b sample) string {
	if len(a) == 0 || len(b) == 0 || b.median() == 0 {
		return ""
	}
	return short(a.median() / b.median())
}

var contenderColumns = []string{"", "floor", "paho.Client", "homefleet", "/ floor", "/ paho", "must", "aim"}

func (r *report) idleTable(n int) table {
	t := table{title: fmt.Sprintf("%s idle devices, what each holds; homefleet with Wills, Keep Alive and telemetry every 60 s", number(n)), columns: contenderColumns}
	rss := &bound{must: 8, aim: 5}
	t.rows = append(t.rows,
		r.against("RSS, KiB", "rss", n, 0, rss, nil),
		r.against("RSS when what is free is given back, KiB", "free rss", n, 0, nil, nil),
		r.against("live heap, KiB", "free heap", n, 0, nil, nil),
		r.against("stacks, KiB", "stacks", n, 0, nil, nil),
		r.against("stacks then, KiB", "free stacks", n, 0, nil, nil),
		r.against("goroutines", "goroutines", n, 0, &bound{1, 1, 0.01}, nil))
	if len(r.sample("idle cpu", "fleet", n, 0)) > 0 {
		t.rows = append(t.rows, r.against("CPU of all, % of one core", "idle cpu", n, 0, &bound{must: 2, aim: 1}, nil))
	}
	if len(r.sample("program rss", "fleet", n, 0)) > 0 {
		t.rows = append(t.rows,
			r.against("the built program: RSS, KiB", "program rss", n, 0, rss, nil),
			r.against("the built program: CPU of all, % of one core", "program cpu", n, 0, &bound{must: 2, aim: 1}, nil))
	}
	return t
}

func (r *report) commandTable(n, qos int) table {
	t := table{title: fmt.Sprintf("%s devices, a command and its answer at QoS %d", number(n), qos), columns: contenderColumns}
	var reads, writes *bound
	if qos == 0 {
		reads, writes = &bound{2, 2, 0.05}, &bound{1, 1, 0.05}
	}
	t.rows = append(t.rows,
		r.against("CPU, us", "cpu", n, qos, nil, &bound{must: 1.5, aim: 1.15}),
		r.against("  user, us", "user", n, qos, nil, nil),
		r.against("  system, us", "system", n, qos, nil, nil),
		r.against("allocations", "allocations", n, qos, &bound{4, 0, 0.05}, nil),
		r.against("bytes allocated", "bytes", n, qos, nil, nil),
		r.against("reads", "reads", n, qos, reads, nil),
		r.against("writes", "writes", n, qos, writes, nil))
	if qos == 0 {
		t.rows = append(t.rows, r.against("connects per CPU-second", "connects", n, 0, nil, nil))
	}
	return t
}

func (r *report) generatorTable() table {
	t := table{title: "The side that sends: CPU-us a request, sent and accounted for, " + strconv.Itoa(controllers) + " controllers against the floor",
		columns: []string{"", "generator", "device side", "ratio", "hand-made", "must", "aim"}}
	for _, n := range r.sizes("cpu", "generator") {
		for qos := range 2 {
			g, ours, hand := r.sample("cpu", "generator", n, qos), r.sample("cpu", "fleet", n, qos), r.sample("cpu", "requester", n, qos)
			row := []string{fmt.Sprintf("%s devices, QoS %d", number(n), qos), g.String(), ours.String(), over(g, ours), hand.String(), "", ""}
			if len(ours) > 0 {
				b := bound{must: 1.5, aim: 1}
				row[5], row[6] = b.judged(g.median()/ours.median(), "x")
			}
			t.rows = append(t.rows, row,
				[]string{"  allocations", r.sample("allocations", "generator", n, qos).String(), r.sample("allocations", "fleet", n, qos).String(), "", "", "", ""},
				[]string{"  reads + writes", short(r.sample("reads", "generator", n, qos).median()) + " + " + short(r.sample("writes", "generator", n, qos).median()),
					short(r.sample("reads", "fleet", n, qos).median()) + " + " + short(r.sample("writes", "fleet", n, qos).median()), "", "", "", ""})
		}
	}
	return t
}

// scaled are the figures that are compared between fleets of two sizes.
var scaled = []struct {
	title, figure string
	qos           int
}{{"RSS, KiB", "rss", 0}, {"live heap, KiB", "free heap", 0}, {"CPU a command, QoS 0, us", "cpu", 0}, {"CPU a command, QoS 1, us", "cpu", 1}}

func (r *report) scaleTable() table {
	n := slices.Max(append(r.sizes("rss", "fleet"), 0))
	t := table{title: "A device of a large fleet against one of a small fleet",
		columns: []string{"", "1,000 devices", number(n) + " devices", "ratio", "must", "aim"}}
	for _, x := range scaled {
		few, many := r.sample(x.figure, "fleet", small*perHome, x.qos), r.sample(x.figure, "fleet", n, x.qos)
		if len(few) == 0 || len(many) == 0 || n == small*perHome {
			continue
		}
		b := bound{must: 1.1, aim: 1.05}
		must, aim := b.judged(many.median()/few.median(), "x")
		t.rows = append(t.rows, []string{x.title, few.String(), many.String(), over(many, few), must, aim})
	}
	return t
}

func (r *report) restTable() table {
	t := table{title: "The rest", columns: []string{"", "homefleet", "must", "aim"}}
	add := func(title, figure, contender string, b *bound) {
		for _, n := range r.sizes(figure, contender) {
			s := r.sample(figure, contender, n, 0)
			row := []string{fmt.Sprintf(title, number(n)), s.String(), "", ""}
			if b != nil {
				row[2], row[3] = b.judged(s.median(), "")
			}
			t.rows = append(t.rows, row)
		}
	}
	add("embedded broker, %s idle connections in memory: RSS of each, KiB", "rss", "broker in memory", &bound{must: 12, aim: 6})
	add("embedded broker, %s idle connections on TCP: RSS of each, KiB", "rss", "broker on TCP", &bound{must: 10, aim: 5})
	add("goroutines a device on TLS, %s devices", "goroutines", "fleet on TLS", &bound{1, 1, 0.01})
	add("RSS a device on TLS, %s devices, KiB", "rss", "fleet on TLS", nil)
	add("%s devices and their broker in one process: up in, s", "city up", "fleet", &bound{must: 30, aim: 10})
	add("  the most memory until then, GiB (%s devices)", "city peak at up", "fleet", nil)
	add("  the most memory, GiB (%s devices)", "city peak", "fleet", &bound{must: 2.5, aim: 1.5})
	add("  CPU while idle, %% of one core (%s devices)", "city cpu", "fleet", nil)
	add("from `run bedroom` until its %s device is ready, ms", "start", "fleet", &bound{must: 150, aim: 50})
	return t
}
