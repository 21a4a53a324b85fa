package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"homefleet/fleet/metrics"
)

// mostDifferences are told one by one.
const mostDifferences = 20

// differences says where what the run said is not what its history says.
func differences(said, judged *metrics.Result) (all []string) {
	a, b := figures(said), figures(judged)
	names := slices.Sorted(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	more := 0
	for _, name := range names {
		x, y := a[name], b[name]
		switch {
		case x == y:
		case len(all) == mostDifferences:
			more++
		case strings.HasSuffix(name, "histogram"):
			all = append(all, fmt.Sprintf("%s: the distribution is another one", strings.TrimSuffix(name, " histogram")))
		default:
			all = append(all, fmt.Sprintf("%s: the run says %s, the history %s", name, orNothing(x), orNothing(y)))
		}
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return all
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// figures are all that a history can bear out of a result, by name.
func figures(r *metrics.Result) map[string]string {
	type expected struct {
		Status metrics.Status `json:"status"`
		Actual string         `json:"actual"`
	}
	expectations := make(map[string]expected)
	for i := range r.Expectations {
		x := &r.Expectations[i]
		expectations[x.Metric+" "+x.Want] = expected{x.Status, x.Actual}
	}
	series := make(map[string]any)
	for s, h := range r.Series {
		if replayed(s.Metric) {
			series[s.String()] = map[string]any{"histogram": h}
		}
	}
	labels := make(map[string]metrics.Outcomes)
	for _, l := range r.ByLabel {
		labels[l.Label.String()] = l.Outcomes
	}
	all := make(map[string]string)
	flatten(all, "", map[string]any{
		"verdict": r.Verdict, "expectation": expectations, "requests": r.Totals, "requests by label": labels,
		"requests of the warm-up": r.WarmUpLedger, "over time": r.TimeLine, "messages": r.Deliveries, "wills": r.Audit, "times": series,
	})
	return all
}

// flatten gives each figure beneath a value its name.
func flatten(into map[string]string, name string, v any) {
	text, err := json.Marshal(v)
	var plain any
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber() // as it stands there
		err = d.Decode(&plain)
	}
	if err != nil {
		into[name] = err.Error()
		return
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if strings.HasSuffix(name, "histogram") {
				text, _ := json.Marshal(v)
				into[name] = string(text)
				return
			}
			for key, v := range v {
				walk(strings.TrimSpace(name+" "+key), v)
			}
		case []any:
			for i, v := range v {
				walk(fmt.Sprintf("%s %d", name, i+1), v)
			}
		case nil:
		default:
			into[name] = fmt.Sprint(v)
		}
	}
	walk(name, plain)
}
