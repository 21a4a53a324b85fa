package words

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Span is a time that was measured, to three digits in the unit that suits it: "65.0 µs",
// "2.59 ms", "1.20 s", "1m2.3s", "12m40s". Noughts after the point are not left out below
// a minute, so that figures align.
func Span(d time.Duration) string {
	switch abs := d.Abs(); {
	case d == 0:
		return "0 s"
	case abs >= 10*time.Minute-50*time.Millisecond:
		return Duration(d.Round(time.Second))
	case abs >= time.Minute-5*time.Millisecond:
		return Duration(d.Round(100 * time.Millisecond))
	case abs >= time.Second-500*time.Microsecond:
		return digits(d.Seconds()) + " s"
	case abs >= time.Millisecond-500*time.Nanosecond:
		return digits(float64(d)/1e6) + " ms"
	case abs >= time.Microsecond:
		return digits(float64(d)/1e3) + " µs"
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// digits is v to three digits, of which those before the point are always shown.
func digits(v float64) string {
	switch abs := math.Abs(v); {
	case abs >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// Number is v with at most some decimals, without noughts at the end.
func Number(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Rate is events a second: "0.033/s", "3.3/s", "500/s", "1,234/s".
func Rate(v float64) string {
	switch {
	case v >= 1000:
		return Grouped(int64(math.Round(v))) + "/s"
	case v >= 1:
		return Number(v, 1) + "/s"
	}
	return Number(v, 3) + "/s"
}

// Percent is a share in percent with at most some decimals, or with as many more as it
// takes to show that what is not 0 or 100 is not: "12.5%", "0.0004%", "99.997%".
func Percent(v float64, decimals int) string {
	for ; decimals <= 9; decimals++ {
		if s := Number(v, decimals); (s != "0" || v == 0) && (s != "100" || v == 100) {
			return s + "%"
		}
	}
	return strconv.FormatFloat(v, 'g', -1, 64) + "%"
}

// Share is the part of a whole in percent, to a hundredth as [Percent] has it; "" if
// there is no whole.
func Share(part, whole int64) string {
	if whole == 0 {
		return ""
	}
	return Percent(100*float64(part)/float64(whole), 2)
}

// Bytes is a size in binary units: "1 byte", "17 MiB", "23.5 GiB".
func Bytes(n int64) string {
	const unit = 1024
	v, names := float64(n), []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for v >= unit && i < len(names)-1 {
		v, i = v/unit, i+1
	}
	if i == 0 {
		return Plural(n, "byte", "bytes")
	}
	return Number(v, 1) + " " + names[i]
}

// Percentile is what a percentile is called: "p99.9".
func Percentile(p float64) string { return "p" + strconv.FormatFloat(p, 'f', -1, 64) }

// List is "a", "a and b", "a, b and c".
func List(items []string) string {
	n := len(items)
	if n < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
}
