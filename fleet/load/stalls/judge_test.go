//go:build linux

package stalls

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// percentiles are those of the table, as text, since a rank computed of 99.9 in floating
// point can be one too high.
var percentiles = []string{"p50", "p90", "p95", "p99", "p99.9", "max"}

// rank is a percentile of what is in order, by nearest rank.
func rank(sorted []time.Duration, name string) time.Duration {
	share := big.NewRat(100, 1)
	if name != "max" {
		share.SetString(name[1:])
	}
	share.Mul(share, big.NewRat(int64(len(sorted)), 100))
	n := new(big.Int).Div(share.Num(), share.Denom())
	if !share.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	return sorted[max(int(n.Int64())-1, 0)]
}

// within is how far a percentile may be off.
const within = 0.02

// An outcome's plan began when the result says: the first request that was not late came
// to the proxy so soon after its planned moment.
const latestStart = 2 * time.Millisecond

// judge says what is wrong with an outcome. What the proxy cannot know is how long an
// answer takes from there until the program has read it, which belongs to the response
// time: allowed is how much of that may be there, beside the two per cent. It is 0
// where the two per cent are more than that.
func (o *outcome) judge(allowed time.Duration) (faults []string) {
	if o.soonest < 0 || o.soonest > latestStart {
		faults = append(faults, fmt.Sprintf("the first request came %v after its planned moment; want 0 to %v", o.soonest, latestStart))
	}
	for _, name := range percentiles {
		got, ok := o.reported[name]
		want := rank(o.counted, name)
		least, most := float64(want)*(1-within), float64(want)*(1+within)+float64(allowed)
		if !ok || float64(got) < least || float64(got) > most {
			faults = append(faults, fmt.Sprintf("%s is reported as %v; want %v to %v", name, got, time.Duration(least), time.Duration(most)))
		}
	}
	return faults
}

const head = `| QoS | controllers | Receive Maximum | requests | held back | p50 | p90 | p95 | p99 | p99.9 | max | last hop |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`

// row is that of a cell in the table: each percentile by plan and books, and how much
// more or less was reported.
func (c cell) row(o *outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %d | %d | %d | %d | %d |", c.qos, c.controllers, c.most, len(o.counted), o.held)
	for _, name := range percentiles {
		want := rank(o.counted, name)
		fmt.Fprintf(&b, " %s ms %+.2f %% |", short(want.Seconds()*1e3), 100*(float64(o.reported[name])/float64(want)-1))
	}
	return b.String() + fmt.Sprintf(" %d µs |\n", rank(o.hops, "p50").Microseconds())
}

// short is a number with three digits, or all that it has before the point.
func short(n float64) string {
	return strconv.FormatFloat(n, 'f', max(2-int(math.Floor(math.Log10(n))), 0), 64)
}
