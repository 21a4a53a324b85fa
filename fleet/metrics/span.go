package metrics

import (
	"fmt"
	"time"
)

// Span is a duration that is written into results as text with its unit
// ("1.5s", "250ms"), exact to the nanosecond.
type Span time.Duration

func (s Span) String() string { return time.Duration(s).String() }

// Seconds returns the span in seconds.
func (s Span) Seconds() float64 { return time.Duration(s).Seconds() }

// MarshalText writes the span as [time.Duration.String] does.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [time.ParseDuration] does.
func (s *Span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%.40q is no duration; want one such as \"1.5s\"", b)
	}
	*s = Span(d)
	return nil
}
