// Package export writes results for the tools of others: HdrHistogram logs, Go
// benchmark lines for benchstat, and CSV for Apache Otava. It measures and judges
// nothing, and leaves out what the format has no place for.
//
// All functions may be called from any goroutine. A result must not be changed
// while it is written.
package export

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"homefleet/fleet/metrics"
)

// plain is a number as it is, with as many digits as it has.
func plain(v metrics.Value) string { return strconv.FormatFloat(float64(v), 'g', -1, 64) }

// number reports whether a value is one: a time that never came, or a figure
// that the run does not have, is none.
func number(v metrics.Value) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// unit is what values are in, as part of a name: "sec", "%", "/s" or "".
func unit(u metrics.Unit) string {
	switch u {
	case metrics.UnitTime:
		return "sec"
	case metrics.UnitShare:
		return "%"
	case metrics.UnitRate:
		return "/s"
	}
	return ""
}

// oneLine replaces what would end a line or a field.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

// writing says what could not be written.
func writing(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing %s: %w", what, err)
}
