package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// pagesDir is where TestPages leaves the pages, to be looked at in a browser.
var pagesDir = flag.String("pages", "", "directory to leave the rendered pages in")

// element is what the tests look at of a page.
type element struct {
	name  string
	attrs map[string]string
	depth int
	text  string // directly in it
}

// parse reads a page as strict as XML but for HTML's empty elements, so that an
// element that is not closed or a quote that is not escaped is an error.
func parse(t testing.TB, page []byte) []element {
	t.Helper()
	// HTML lets control characters stand in text, XML does not.
	page = []byte(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r >= 0xfffe && r <= 0xffff {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(page), "?")))
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict = false
	d.AutoClose = []string{"meta", "link"}
	d.Entity = xml.HTMLEntity
	var all []element
	var open []int
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				t.Fatalf("<%s> is not closed", all[open[len(open)-1]].name)
			}
			return all
		}
		if err != nil {
			t.Fatalf("the page cannot be read: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			e := element{name: tok.Name.Local, attrs: make(map[string]string), depth: len(open)}
			for _, a := range tok.Attr {
				if _, twice := e.attrs[a.Name.Local]; twice {
					t.Errorf("<%s> has %s twice", e.name, a.Name.Local)
				}
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			if last := all[open[len(open)-1]].name; last != tok.Name.Local {
				t.Fatalf("</%s> closes <%s>", tok.Name.Local, last)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(tok)
			}
		}
	}
}

// isNumber reports whether a coordinate is one as num writes them.
func isNumber(s string) bool {
	whole, tenth, pointed := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return whole != "" && strings.Trim(whole, "0123456789") == "" && (!pointed || len(tenth) == 1 && strings.Trim(tenth, "0123456789") == "")
}

// known are the elements that a page may have.
func known() []string {
	return strings.Fields(`html head meta link title style body header p h1 h2 h3 small main section ul ol li dl div dt dd
		table caption thead tbody tr th td figure figcaption details summary span b footer script
		svg desc defs pattern rect path circle line text g`)
}

// check finds what must hold for every page, whatever is in the result.
func check(t testing.TB, page []byte) []element {
	t.Helper()
	all := parse(t, page)
	count := make(map[string]int)
	ids := make(map[string]bool)
	heading := 0
	for i, e := range all {
		count[e.name]++
		if !slices.Contains(known(), e.name) {
			t.Errorf("there is <%s>, which the templates do not have", e.name)
		}
		for name, value := range e.attrs {
			switch {
			case strings.HasPrefix(name, "on"), slices.Contains([]string{"src", "srcset", "action", "style", "srcdoc", "poster", "background"}, name):
				t.Errorf("<%s> has the attribute %s=%q", e.name, name, value)
			case name == "href" && value != "data:,":
				t.Errorf("<%s> refers to %q; want nothing but the empty icon", e.name, value)
			case name == "id":
				if ids[value] {
					t.Errorf("the id %q is there twice", value)
				}
				ids[value] = true
			}
		}
		switch e.name {
		case "h1", "h2", "h3":
			level := int(e.name[1] - '0')
			if level > heading+1 {
				t.Errorf("<%s> %q follows a heading of level %d", e.name, e.text, heading)
			}
			heading = level
		case "th":
			if e.attrs["scope"] == "" {
				t.Errorf("<th> %q has no scope", e.text)
			}
		case "table":
			if i+1 >= len(all) || all[i+1].name != "caption" {
				t.Error("a table has no caption")
			}
		case "svg":
			if e.attrs["role"] == "img" {
				if all[i+1].name != "title" || all[i+2].name != "desc" || strings.TrimSpace(all[i+2].text) == "" {
					t.Errorf("the drawing %q has no title or description", e.attrs["class"])
				}
			} else if e.attrs["aria-hidden"] != "true" {
				t.Errorf("the drawing %q is neither an image with a name nor hidden", e.attrs["class"])
			}
		case "path":
			if strings.Trim(e.attrs["d"], "MLHVZ0123456789 .lhv-") != "" {
				t.Errorf("the path %.80q is none", e.attrs["d"])
			}
		}
		for _, name := range []string{"x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy"} {
			if v, ok := e.attrs[name]; ok && e.name != "pattern" && !isNumber(v) {
				t.Errorf("<%s> has %s=%q; want a number", e.name, name, v)
			}
		}
	}
	for _, e := range all {
		for id := range strings.FieldsSeq(e.attrs["aria-labelledby"]) {
			if !ids[id] {
				t.Errorf("<%s> is labelled by %q, which is not there", e.name, id)
			}
		}
	}
	for name, want := range map[string]int{"html": 1, "head": 1, "body": 1, "style": 1, "script": 1, "h1": 1, "main": 1} {
		if count[name] != want {
			t.Errorf("there are %d <%s>; want %d", count[name], name, want)
		}
	}
	for _, e := range all {
		if e.name == "script" && e.text != hoverSource {
			t.Errorf("the script is %q", e.text)
		}
		if e.name == "style" && e.text != styleSource {
			t.Error("the style is not that of the style sheet")
		}
	}
	return all
}

func render1(t testing.TB, r *metrics.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fixtures are the results that the tests render.
// fixtures are results of all sorts, to be read only.
func fixtures() map[string]*metrics.Result { return maps.Clone(allFixtures()) }

var allFixtures = sync.OnceValue(func() map[string]*metrics.Result {
	return map[string]*metrics.Result{
		"stalled": stalled(), "steady": steady(), "lossy": lossy(), "tiny": tiny(), "saturated": saturated(), "empty": empty(),
		"telemetry": telemetry(), "power-cut": powerCut(),
		"mass-offline": massOffline(), "storm": storm(),
	}
})

func TestPages(t *testing.T) {
	all := fixtures()
	pages := make(map[string][]byte)
	for name, r := range all {
		if slices.Contains(some([]string{"steady", "saturated", "telemetry", "tiny", "storm"}, nil), name) {
			continue // what is on them is on the others, too
		}
		pages[name] = render1(t, r)
	}
	var b bytes.Buffer
	if err := Compare(&b, metrics.Compare(all["steady"], all["stalled"]), all["steady"], all["stalled"]); err != nil {
		t.Fatal(err)
	}
	pages["compare"] = b.Bytes()
	var same bytes.Buffer
	if err := Compare(&same, metrics.Compare(empty(), empty()), empty(), empty()); err != nil {
		t.Fatal(err)
	}
	pages["compare-empty"] = same.Bytes()
	pages["hostile"] = render1(t, hostile(hostileTexts()[0]))
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		t.Run(name, func(t *testing.T) {
			check(t, pages[name])
			if name != "hostile" && regexp.MustCompile(`https?://|url\(['"]?[^#]`).Match(pages[name]) {
				t.Error("the page has an address of the net")
			}
			if *pagesDir != "" {
				if err := os.WriteFile(filepath.Join(*pagesDir, name+".html"), pages[name], 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestCompareFigures(t *testing.T) {
	c := madeUp()
	c.Deltas = append(c.Deltas, metrics.Delta{Name: "requests.late", Unit: metrics.UnitShare, After: 3, Noise: 1, Method: "counts", Verdict: metrics.Worse})
	var b bytes.Buffer
	if err := Compare(&b, c, steady(), stalled()); err != nil {
		t.Fatal(err)
	}
	check(t, b.Bytes())
	text := plain(b.Bytes())
	for _, want := range []string{
		"The payload sizes differ: 64 and 128",
		// Below the name stands what a phone has no columns for.
		"response.p99 worse ▲ × 205 4.40 ms 900 ms ▲ × 205 ± 20.0 ms worse",
		"service.p99 better ▼ -20.0% 10.0 ms 8.00 ms ▼ -20.0% ± 1.00 ms better",
		"requests.rate different ▼ -20.0% 500/s 400/s ▼ -20.0% ± 5/s different",
		"response.max cannot tell ▲ × 12 80.0 ms 1.00 s ▲ × 12 – cannot tell",
		"requests.lost within noise 0% 0% none ± 0% within noise",
		"requests.late worse ▲ from 0 0% 3% ▲ from 0 ± 1% worse",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if worse, within := strings.Index(text, "▲ × 205"), strings.Index(text, "requests.lost within noise"); worse > within {
		t.Error("what is within noise stands before what is worse")
	}
}

// The parts of the page, and their order, are promised.
func TestHTMLOrder(t *testing.T) {
	var got []string
	for _, e := range check(t, render1(t, lossy())) {
		if e.name == "h2" {
			got = append(got, e.attrs["id"])
		}
	}
	want := []string{"verdict", "expectations", "figures", "time-line", "curve", "groups", "ledger", "errors", "others", "generator", "run"}
	if !slices.Equal(got, want) {
		t.Errorf("the sections are %v; want %v", got, want)
	}
}

// What the page says must be what the result says.
func TestHTMLFigures(t *testing.T) {
	r := lossy()
	text := plain(render1(t, r))
	for _, want := range []string{
		"Fail", "308", "requests.lost is 308; want == 0", "1 of 6 hold", "2.41% of sent", "p99 > 2.01 s", "2,599 of 15,000 (17.33%) had no answer",
		"quota exceeded", "server shutting down", "the broker refuses for lack of quota", "Receive Maximum", "thermostat",
		"Kept to its plan", strings.Repeat("4f1c9a02", 8), "go1.26.8", "0.3.0", "phones: open, constant 400/s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	var failed, passed = strings.Index(text, "requests.lost == 0"), strings.Index(text, "devices.online >= 99.9%")
	if failed < 0 || passed < failed {
		t.Errorf("the failed expectation is at %d and the passed one at %d; want the failed one first", failed, passed)
	}
	if sum := "12,800 sent = 12,235 answered + 166 late + 308 lost + 91 refused holds"; !strings.Contains(text, sum) {
		t.Errorf("the page does not have the sum %q", sum)
	}
	if sum := "15,000 planned = 12,800 sent + 2,200 not sent holds"; !strings.Contains(text, sum) {
		t.Errorf("the page does not have the sum %q", sum)
	}
}

// A sum that does not hold must be seen.
func TestHTMLBrokenSum(t *testing.T) {
	r := tiny()
	r.Totals.Lost++
	r.Judge()
	text := plain(render1(t, r))
	for _, want := range []string{"Broken: sums do not hold", "1 lost + 0 refused does not hold"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Percentiles of few samples are on the page with their intervals, and marked
// where these are wide.
func TestHTMLFewSamples(t *testing.T) {
	r := tiny()
	h := r.Series[metrics.Series{Metric: metrics.ResponseTime}]
	text := plain(render1(t, r))
	for _, want := range []string{
		"over 30 planned requests",
		"p99 ~" + words.Span(h.Max()),
		"what a user waits; over planned requests: what has no answer is slower than every answer 30 ",
		"95% interval",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	low, high := h.Interval(50)
	if want := words.Span(low) + " to " + words.Span(high); !strings.Contains(text, want) {
		t.Errorf("the page does not say that the median lies within %q", want)
	}
	if !strings.Contains(text, words.Span(h.Max())) {
		t.Errorf("the page does not say the maximum %s", words.Span(h.Max()))
	}
}

// plain is the text of a page, with single spaces.
func plain(page []byte) string {
	s := regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>`).ReplaceAllString(string(page), " ")
	s = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#39;", "'", "&#34;", `"`, "&#43;", "+").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

func hostileTexts() []string {
	return []string{
		`"><script>alert(1)</script>`, `</title></style></script><img src=x onerror=alert(1)>`, `' onload='alert(1)`,
		"javascript:alert(1)", `{{.Title}}`, "<!--", "]]>", "&lt;b&gt;", "\x00\x01\x1b[2J\u202e\ufeff\uffff", "\xff\xfe", strings.Repeat("w", 3000),
		"expression(alert(1));}body{display:none", "مرحبا 你好 🏠",
	}
}

// However a text reads, the page must have the same elements and attributes.
func TestHTMLEscapes(t *testing.T) {
	shape := func(text string) []string {
		var s []string
		for _, e := range check(t, render1(t, hostile(text))) {
			s = append(s, fmt.Sprint(e.depth, e.name, slices.Sorted(maps.Keys(e.attrs))))
		}
		slices.Sort(s) // names are sorted, so texts stand elsewhere
		return s
	}
	want := shape("harmless")
	texts := hostileTexts()
	if some(true, false) {
		texts = slices.Concat(texts[:2], texts[8:9]) // some that can break out, and one that is no text
	}
	for _, text := range texts {
		if got := shape(text); !slices.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Errorf("with %.60q everywhere the page has other elements (%d; want %d), first %v; want %v",
				text, len(got), len(want), got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range hostileTexts()[:some(2, len(hostileTexts()))] { // TestHTMLEscapes has all of them
		f.Add(s, int64(1), uint64(3))
	}
	f.Add("pass", int64(-1), uint64(1<<63))
	f.Add("connect.x", int64(time.Hour), uint64(0))
	f.Fuzz(func(t *testing.T, text string, at int64, n uint64) {
		r := hostile(text)
		r.Measured, r.Duration, r.WarmUp = metrics.Span(at), metrics.Span(at), metrics.Span(at)
		r.Totals.Lost, r.Devices.Total = int64(n), int(n)
		r.Phases[0].From, r.Incidents[0].To = metrics.Span(at), metrics.Span(at)
		r.Audit.Wills.Due, r.Audit.Ways[1].Late, r.Audit.Retained.Right = int64(n), int64(n), at
		x := &r.Recoveries[0]
		x.Affected, x.Attempts, x.To, x.Online.Half = int64(n>>2), int64(n), metrics.Span(at), new(metrics.Span(at))
		x.Reconnects.Interval = metrics.Span(max(at>>8, 1))
		x.Reconnects.Attempts[0], x.Reconnects.Online[0] = int64(n>>2), int64(n>>3)
		if r.TimeLine != nil && len(r.TimeLine.Points) > 0 {
			r.TimeLine.Points[0].Planned = int64(n >> 1)
			r.TimeLine.Interval = metrics.Span(max(at, 1))
		}
		check(t, render1(t, r))
		var b bytes.Buffer
		if err := Text(&b, r, TextOptions{}); err != nil {
			t.Fatal(err)
		}
		checkText(t, b.String(), 80)
		b.Reset()
		if err := JUnit(&b, r); err != nil {
			t.Fatal(err)
		}
		checkJUnit(t, b.Bytes(), r)
	})
}

// Text on its ground must have a contrast of 4.5, lines of 3 (WCAG 2.2, 1.4.3
// and 1.4.11), in the light and in the dark.
func TestContrast(t *testing.T) {
	blocks := regexp.MustCompile(`(?s):root \{(.*?)color-scheme: (\w+)`).FindAllStringSubmatch(styleSource, -1)
	if len(blocks) != 3 {
		t.Fatalf("there are %d sets of colours; want light, dark and print", len(blocks))
	}
	light := make(map[string]string)
	for i, b := range blocks {
		colours := maps.Clone(light)
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+)`).FindAllStringSubmatch(b[1], -1) {
			colours[m[1]] = m[2]
		}
		if i == 0 {
			light = colours
		}
		for _, test := range []struct {
			front, ground string
			least         float64
		}{
			{"ink", "page", 4.5}, {"soft", "page", 4.5}, {"soft", "panel", 4.5}, {"soft", "band", 4.5}, {"blue", "page", 4.5},
			{"red", "page", 4.5}, {"red", "red-ground", 4.5}, {"ink", "red-ground", 4.5}, {"soft", "red-ground", 4.5},
			{"green", "page", 4.5}, {"green", "green-ground", 4.5}, {"amber", "page", 4.5}, {"amber", "amber-ground", 4.5}, {"soft", "amber-ground", 4.5},
			{"soft", "green-ground", 4.5}, {"page", "ink", 4.5},
			{"blue", "band", 3}, {"blue", "range", 3}, {"orange", "page", 3}, {"purple", "page", 3}, {"soft", "range", 3}, {"grey", "page", 3}, {"purple", "range", 3}, {"orange", "range", 3},
			{"blue", "amber-ground", 3}, {"green", "amber-ground", 3}, {"orange", "amber-ground", 3}, {"purple", "amber-ground", 3}, {"ink", "amber-ground", 4.5},
			{"orange", "blue-fill", 3}, {"purple", "blue-fill", 3}, {"green", "blue-fill", 3}, {"green", "page", 3},
		} {
			if got := contrast(t, colours[test.front], colours[test.ground]); got < test.least {
				t.Errorf("set %d (%s): %s on %s has a contrast of %.2f; want %v", i+1, b[2], test.front, test.ground, got, test.least)
			}
		}
	}
}
