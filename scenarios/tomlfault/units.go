package tomlfault

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
)

// ParseDuration reads a Go duration ("1h30m", "250ms") that may begin with days
// ("7d", "1d12h", "0.5d"). Negative ones are refused, and those beyond what a
// time.Duration holds, some 292 years.
func ParseDuration(s string) (time.Duration, error) {
	const want = `want a duration such as "30s", "1h30m" or "7d"`
	var days time.Duration
	rest := s
	if number, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !plainNumber(number) {
			return 0, errors.New(want)
		}
		if n < 0 {
			return 0, errors.New("a duration cannot be negative")
		}
		if n*24 > math.MaxInt64/float64(time.Hour) {
			return 0, errors.New("that is longer than 292 years")
		}
		days, rest = time.Duration(n*24*float64(time.Hour)), after
		if rest == "" {
			return days, nil
		}
		if rest[0] == '-' || rest[0] == '+' {
			return 0, errors.New(want)
		}
	}
	d, err := time.ParseDuration(rest)
	switch {
	case err != nil && allDigitsAndUnits(rest):
		return 0, errors.New("that is longer than 292 years")
	case err != nil:
		return 0, errors.New(want)
	case d < 0:
		return 0, errors.New("a duration cannot be negative")
	case d > math.MaxInt64-days:
		return 0, errors.New("that is longer than 292 years")
	}
	return days + d, nil
}

// ParseSignedDuration is [ParseDuration] that takes a minus before it, too:
// "-3h".
func ParseSignedDuration(s string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(s, "-")
	if negative && strings.HasPrefix(rest, "-") {
		return 0, errors.New(`want a duration such as "30s" or "-3h"`)
	}
	d, err := ParseDuration(rest)
	if negative {
		d = -d
	}
	return d, err
}

// FormatDuration writes a duration as a file would have it: "5m" for the "5m0s"
// of its String.
func FormatDuration(d time.Duration) string { return words.Duration(d) }

// allDigitsAndUnits tells a duration that is too long from one that is none.
func allDigitsAndUnits(s string) bool {
	if s == "" {
		return false
	}
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
		s = s[digits:]
		unit := len(s) - len(strings.TrimLeft(s, "hmnsuµ"))
		switch s[:unit] {
		case "h", "m", "s", "ms", "us", "µs", "ns":
		default:
			return false
		}
		if digits == 0 {
			return false
		}
		s = s[unit:]
	}
	return true
}

// plainNumber reports whether s has digits, a point and a sign at most: no
// exponent, no hexadecimal, no infinity.
func plainNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.+-") == ""
}

// ParseRate reads events a second ("500/s"), a minute ("30/min") or an hour
// ("10/h") and returns events a second. Rates are above 0 and at most a
// million a second.
func ParseRate(s string) (float64, error) {
	const want = `want a rate such as "500/s", "30/min" or "10/h"`
	number, unit, ok := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !plainNumber(number) {
		return 0, errors.New(want)
	}
	seconds, ok := map[string]float64{"s": 1, "min": 60, "h": 3600}[unit]
	if !ok {
		return 0, fmt.Errorf(`there is no unit %q; %s`, "/"+Short(unit), want)
	}
	if n <= 0 || n/seconds > 1e6 {
		return 0, errors.New("want a rate above 0 and up to 1000000/s")
	}
	return n / seconds, nil
}

// ParsePercent reads "0%" to "100%" as 0 to 1.
func ParsePercent(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !plainNumber(number) {
		return 0, errors.New(`want a share such as "10%"`)
	}
	if n < 0 || n > 100 {
		return 0, errors.New(`want "0%" to "100%"`)
	}
	return n / 100, nil
}

// ParseFactor reads "60x" as 60. Factors are from 0.001 to 86400.
func ParseFactor(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "x")
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !plainNumber(number) {
		return 0, errors.New(`want a factor such as "60x"`)
	}
	if n < 0.001 || n > 86400 {
		return 0, errors.New(`want "0.001x" to "86400x"`)
	}
	return n, nil
}

var errNoSize = errors.New(`want a size such as "512B", "64KiB" or "1MiB"`)

// ParseSize reads bytes: "512B", "64KiB", "1MiB" (of 1024).
func ParseSize(s string) (int64, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	unit, ok := map[string]int64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[s[digits:]]
	switch {
	case errors.Is(err, strconv.ErrRange) && ok, err == nil && ok && n > math.MaxInt64/unit:
		return 0, errors.New("that is more than 8 EiB")
	case err != nil || !ok:
		return 0, errNoSize
	}
	return n * unit, nil
}

// ParseByteRate reads bytes a second: "512B/s", "8KiB/s", "1MiB/s" (of 1024).
func ParseByteRate(s string) (int64, error) {
	const want = `want a number of bytes a second such as "512B/s" or "8KiB/s"`
	size, unit, ok := strings.Cut(s, "/")
	if ok && unit != "s" {
		return 0, fmt.Errorf(`there is no unit %q; %s`, "/"+Short(unit), want)
	}
	n, err := ParseSize(size)
	switch {
	case !ok, errors.Is(err, errNoSize):
		return 0, errors.New(want)
	case err != nil:
		return 0, err
	case n == 0:
		return 0, errors.New("want more than 0 bytes a second")
	}
	return n, nil
}
