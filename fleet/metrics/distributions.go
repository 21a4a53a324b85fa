package metrics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Distributions are those of a run that have a sample.
type Distributions map[Series]*Histogram

// InOrder yields them by metric and then by label, that of all before its parts.
func (d Distributions) InOrder() iter.Seq2[Series, *Histogram] {
	return func(yield func(Series, *Histogram) bool) {
		for _, s := range slices.SortedFunc(maps.Keys(d), compareSeries) {
			if !yield(s, d[s]) {
				return
			}
		}
	}
}

func compareSeries(a, b Series) int {
	return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Label.Dimension, b.Label.Dimension), cmp.Compare(a.Label.Name, b.Label.Name))
}

// seriesJSON is one distribution in a result.
type seriesJSON struct {
	Metric    string     `json:"metric"`
	By        string     `json:"by,omitempty"` // "kind", "stage" …; "": of all
	Name      string     `json:"name,omitempty"`
	Histogram *Histogram `json:"histogram"`
	Over      string     `json:"over,omitempty"` // of what it is the distribution, for people
}

// MarshalJSON writes a list, in order.
func (d Distributions) MarshalJSON() ([]byte, error) {
	list := make([]seriesJSON, 0, len(d))
	for s, h := range d.InOrder() {
		list = append(list, seriesJSON{s.Metric.String(), s.Label.Dimension.String(), s.Label.Name, h, s.Metric.Over()})
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote. What this version does not know, as a
// later one may have written it, is left out.
func (d *Distributions) UnmarshalJSON(b []byte) error {
	var list []seriesJSON
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*d = make(Distributions, len(list))
	for _, s := range list {
		if s.Histogram == nil {
			return fmt.Errorf("the series %.40q has no histogram", s.Metric)
		}
		m, dim := slices.Index(metricNames[:], s.Metric), slices.Index(dimensionNames[:], s.By)
		if m >= 0 && dim >= 0 {
			(*d)[Series{Metric(m), Label{Dimension(dim), s.Name}}] = s.Histogram
		}
	}
	return nil
}
