package metrics

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sectionsOfReference are where the reference has the fields of each type. Those of a
// type that is not here stand with the one that has it, as "not_sent.no_room".
var sectionsOfReference = map[string]reflect.Type{
	"The document":               reflect.TypeFor[Result](),
	"`scenario`":                 reflect.TypeFor[ScenarioFacts](),
	"`broker`":                   reflect.TypeFor[BrokerFacts](),
	"`load`":                     reflect.TypeFor[LoadFacts](),
	"`hosts`":                    reflect.TypeFor[HostFacts](),
	"`kinds`":                    reflect.TypeFor[KindFacts](),
	"`phases`":                   reflect.TypeFor[Phase](),
	"`incidents`":                reflect.TypeFor[Incident](),
	"`interventions`":            reflect.TypeFor[Intervention](),
	"`generator`":                reflect.TypeFor[Generator](),
	"`expectations`":             reflect.TypeFor[Expected](),
	"`devices`":                  reflect.TypeFor[Devices](),
	"`ledger`, `warm_up_ledger`": reflect.TypeFor[Totals](),
	"`by_label`":                 reflect.TypeFor[LabelOutcomes](),
	"`series`":                   reflect.TypeFor[seriesJSON](),
	"`histogram`":                reflect.TypeFor[histogramJSON](),
	"`time_line`":                reflect.TypeFor[TimeLine](),
	"`time_line.points`":         reflect.TypeFor[Point](),
	"`deliveries`":               reflect.TypeFor[Delivery](),
	"`audit`":                    reflect.TypeFor[Audit](),
	"`wills`, `ways`":            reflect.TypeFor[WayTotals](),
	"`audit.retained`":           reflect.TypeFor[RetainedTotals](),
	"`recoveries`":               reflect.TypeFor[Recovery](),
	"`online`, `answering`":      reflect.TypeFor[Times](),
	"`herd`":                     reflect.TypeFor[ReconnectHistogram](),
	"`recoveries_left_out`":      reflect.TypeFor[RecoverySums](),
	"`run --runs`":               reflect.TypeFor[Runs](),
	"`figures`":                  reflect.TypeFor[RunsFigure](),
	"`deltas`":                   reflect.TypeFor[Delta](),
	"`deltas` of `--compare`":    reflect.TypeFor[RunsDelta](),
	"`report A.json B.json`":     reflect.TypeFor[Comparison](),
	"`report --compare`":         reflect.TypeFor[RunsComparison](),
}

// besideIt are fields that the command line adds to a document; its own test holds
// those that it has.
var besideIt = map[string][]string{"`report A.json B.json`": {"before", "after"}, "`report --compare`": {"before", "after"}}

var inCode = regexp.MustCompile("`([^`]+)`")

// referenceFields returns the fields in the tables of a Markdown text, by heading.
func referenceFields(text string) map[string][]string {
	fields := make(map[string][]string)
	heading := ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		first, ok := strings.CutPrefix(line, "| ")
		if !ok {
			continue
		}
		first, _, _ = strings.Cut(first, " |")
		for _, m := range inCode.FindAllStringSubmatch(first, -1) {
			fields[heading] = append(fields[heading], m[1])
		}
	}
	return fields
}

// documentFields returns the fields of a type as they stand in JSON. What is written
// in a way of its own, such as a Span, has none.
func documentFields(t reflect.Type, prefix string, elsewhere func(reflect.Type) bool) (all []string) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		of := f.Type
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		switch {
		case f.Anonymous && name == "":
			all = append(all, documentFields(of, prefix, elsewhere)...)
		case name == "" || !f.IsExported():
		case of.Kind() == reflect.Struct && !elsewhere(of) && of != reflect.TypeFor[time.Time]():
			all = append(all, documentFields(of, prefix+name+".", elsewhere)...)
		default:
			all = append(all, prefix+name)
		}
	}
	return all
}

// The reference has every field of every document, and no other: neither can change
// without the other.
func TestReferenceHasEveryField(t *testing.T) {
	stands := []reflect.Type{ // in a table of its own, or described in a row
		reflect.TypeFor[Histogram](), reflect.TypeFor[WillTotals](), reflect.TypeFor[Bounds](), reflect.TypeFor[Result](),
	}
	for _, typ := range sectionsOfReference {
		stands = append(stands, typ)
	}
	elsewhere := func(typ reflect.Type) bool { return slices.Contains(stands, typ) }
	documented := referenceFields(Reference)
	for heading, typ := range sectionsOfReference {
		want := append(documentFields(typ, "", elsewhere), besideIt[heading]...)
		got := documented[heading]
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("the reference lacks %s under %q; %v has it", name, heading, typ)
			}
		}
		for _, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("the reference has %s under %q; %v does not", name, heading, typ)
			}
		}
		if len(got) != len(slices.Compact(slices.Sorted(slices.Values(got)))) {
			t.Errorf("under %q a field stands twice: %q", heading, got)
		}
	}
	for heading := range documented {
		if sectionsOfReference[heading] == nil {
			t.Errorf("the reference has the table %q, which nothing is compared with", heading)
		}
	}
	for _, m := range Metrics() {
		if !strings.Contains(Reference, `"`+m.String()+`"`) {
			t.Errorf("the reference does not name the series %q", m)
		}
	}
	for _, v := range []Verdict{VerdictBroken, VerdictInterrupted, VerdictStopped, VerdictSaturated, VerdictFail, VerdictFaults, VerdictRan, VerdictPass} {
		if !strings.Contains(Reference, `"`+string(v)+`"`) {
			t.Errorf("the reference does not name the verdict %q", v)
		}
	}
}

// What a histogram and a result are written as has no field either that the reference
// does not have: they write themselves.
func TestReferenceHasWhatIsWritten(t *testing.T) {
	var h Histogram
	h.Record(-time.Second)
	h.Record(2 * time.Hour)
	h.Record(time.Millisecond)
	h.RecordUnanswered(1, time.Second)
	documented := referenceFields(Reference)
	for heading, document := range map[string]any{"`histogram`": &h, "The document": new(Result)} {
		b, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		for name := range fields {
			if !slices.Contains(documented[heading], name) {
				t.Errorf("%q is written, and not in the reference under %q", name, heading)
			}
		}
	}
}
