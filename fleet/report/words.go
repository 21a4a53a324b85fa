package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// none stands for a figure that there is not.
const none = "–"

// duration is d to three digits, in the unit that suits it.
func duration(d time.Duration) string {
	abs := d.Abs()
	switch {
	case d == 0:
		return "0 s"
	case abs >= time.Minute-5*time.Millisecond:
		return clock(d)
	case abs >= time.Second-500*time.Microsecond:
		return digits(d.Seconds()) + " s"
	case abs >= time.Millisecond-500*time.Nanosecond:
		return digits(float64(d)/1e6) + " ms"
	case abs >= time.Microsecond:
		return digits(float64(d)/1e3) + " µs"
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// digits is v to three digits, of which those before the point are always
// shown and noughts at the end are not left out: they align.
func digits(v float64) string {
	switch abs := math.Abs(v); {
	case abs >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// clock is a long or round time in words: "1h 30m", "45s", "1.5s", "20ms". It is exact
// to the millisecond.
func clock(d time.Duration) string {
	if d < 0 {
		return "−" + clock(-d)
	}
	d = d.Round(time.Millisecond)
	if d > 0 && d < 100*time.Millisecond {
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	var parts []string
	for _, u := range []struct {
		name string
		of   time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}} {
		if n := d / u.of; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
			d -= n * u.of
		}
	}
	if d > 0 || parts == nil {
		parts = append(parts, strconv.FormatFloat(float64(d)/1e9, 'f', -1, 64)+"s")
	}
	return strings.Join(parts, " ")
}

// span is clock for a span of a result.
func span(s metrics.Span) string { return clock(time.Duration(s)) }

// percent is part of whole; what is not nothing or all is not shown as that. It
// is "" if there is no whole.
func percent(part, whole int64) string {
	if whole == 0 {
		return ""
	}
	v := 100 * float64(part) / float64(whole)
	switch {
	case part == 0 || part == whole:
		return strconv.FormatFloat(v, 'f', 0, 64) + " %"
	case v > 0 && v < 0.01:
		return "< 0.01 %"
	case v > 99.99 && v < 100:
		return "> 99.99 %"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + " %"
}

// rate is events a second.
func rate(v float64) string {
	if v >= 1000 {
		return words.Grouped(int64(math.Round(v))) + "/s"
	}
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 1, 64), "0"), ".") + "/s"
}

// rateOver is n in a time, or none if there was no time.
func rateOver(n int64, d metrics.Span) string {
	if d <= 0 {
		return none
	}
	return rate(float64(n) / time.Duration(d).Seconds())
}

// grouped is a count with its thousands apart.
func grouped(n int64) string { return words.Grouped(n) }

// percentileName is "p99.9".
func percentileName(p float64) string { return "p" + strconv.FormatFloat(p, 'f', -1, 64) }

// list is "a", "a and b", "a, b and c".
func list(items []string) string {
	n := len(items)
	if n < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
}

// bytesText is a size in binary units.
func bytesText(n int64) string {
	const unit = 1024
	v, names := float64(n), []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for v >= unit && i < len(names)-1 {
		v, i = v/unit, i+1
	}
	if i == 0 {
		return words.Plural(n, "byte", "bytes")
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") + " " + names[i]
}

// capital makes the first letter of a sentence a capital, unless it begins with
// the name of a metric ("requests.lost is 3").
func capital(s string) string {
	if first, _, _ := strings.Cut(s, " "); strings.Contains(strings.TrimRight(first, "."), ".") {
		return s
	}
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}
