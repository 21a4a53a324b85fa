package tomlfault

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		in   string
		want time.Duration
		err  string // "": none
	}{
		{"30s", 30 * time.Second, ""},
		{"1h30m", 90 * time.Minute, ""},
		{"250ms", 250 * time.Millisecond, ""},
		{"0", 0, ""},
		{"0s", 0, ""},
		{"7d", 7 * day, ""},
		{"1d12h", 36 * time.Hour, ""},
		{"0.5d", 12 * time.Hour, ""},
		{"106751d", 106751 * day, ""},
		{"106752d", 0, "that is longer than 292 years"},
		{"106751d1000h", 0, "that is longer than 292 years"},
		{"2562048h", 0, "that is longer than 292 years"},
		{"99999999999999999999s", 0, "that is longer than 292 years"},
		{"-5s", 0, "a duration cannot be negative"},
		{"-1d", 0, "a duration cannot be negative"},
		{"", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"d", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"1d-2h", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"1h1d", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"infd", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"1e3d", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"5 s", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"five", 0, `want a duration such as "30s", "1h30m" or "7d"`},
	} {
		got, err := ParseDuration(tt.in)
		if got != tt.want || text(err) != tt.err {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v, %q", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestParseSignedDuration(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
		err  string // "": none
	}{
		{"3h", 3 * time.Hour, ""},
		{"-3h", -3 * time.Hour, ""},
		{"-1d12h", -36 * time.Hour, ""},
		{"0s", 0, ""},
		{"-0s", 0, ""},
		{"--3h", 0, `want a duration such as "30s" or "-3h"`},
		{"-", 0, `want a duration such as "30s", "1h30m" or "7d"`},
		{"-200000d", 0, "that is longer than 292 years"},
	} {
		got, err := ParseSignedDuration(tt.in)
		if got != tt.want || text(err) != tt.err {
			t.Errorf("ParseSignedDuration(%q) = %v, %v; want %v, %q", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestParseByteRate(t *testing.T) {
	const want = `want a number of bytes a second such as "512B/s" or "8KiB/s"`
	for _, tt := range []struct {
		in   string
		want int64
		err  string // "": none
	}{
		{"512B/s", 512, ""},
		{"8KiB/s", 8192, ""},
		{"1MiB/s", 1 << 20, ""},
		{"0B/s", 0, "want more than 0 bytes a second"},
		{"8KiB", 0, want},
		{"8/s", 0, want},
		{"8KB/s", 0, want},
		{"/s", 0, want},
		{"8KiB/min", 0, `there is no unit "/min"; ` + want},
		{"9223372036854775807KiB/s", 0, "that is more than 8 EiB"},
	} {
		got, err := ParseByteRate(tt.in)
		if got != tt.want || text(err) != tt.err {
			t.Errorf("ParseByteRate(%q) = %v, %v; want %v, %q", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseNumbersWithUnits(t *testing.T) {
	parse := map[string]func(string) (float64, error){
		"rate": ParseRate, "percent": ParsePercent, "factor": ParseFactor,
		"size": func(s string) (float64, error) { n, err := ParseSize(s); return float64(n), err },
	}
	for _, tt := range []struct {
		kind, in string
		want     float64 // -1: an error
	}{
		{"rate", "500/s", 500}, {"rate", "0.5/s", 0.5}, {"rate", "30/min", 0.5}, {"rate", "3600/h", 1}, {"rate", "1000000/s", 1e6},
		{"rate", "0/s", -1}, {"rate", "-1/s", -1}, {"rate", "1000001/s", -1}, {"rate", "5", -1}, {"rate", "5/", -1}, {"rate", "5/m", -1},
		{"rate", "/s", -1}, {"rate", "1e3/s", -1}, {"rate", "inf/s", -1}, {"rate", "NaN/s", -1}, {"rate", " 5/s", -1},
		{"percent", "0%", 0}, {"percent", "100%", 1}, {"percent", "2.5%", 0.025}, {"percent", "101%", -1}, {"percent", "-1%", -1}, {"percent", "5", -1},
		{"factor", "60x", 60}, {"factor", "0.001x", 0.001}, {"factor", "86400x", 86400}, {"factor", "0x", -1}, {"factor", "x", -1}, {"factor", "60", -1}, {"factor", "86401x", -1},
		{"size", "0B", 0}, {"size", "512B", 512}, {"size", "64KiB", 65536}, {"size", "1MiB", 1 << 20}, {"size", "2GiB", 2 << 30},
		{"size", "1KB", -1}, {"size", "1", -1}, {"size", "KiB", -1}, {"size", "-1B", -1}, {"size", "1.5KiB", -1},
		{"size", "9223372036854775807KiB", -1}, {"size", "99999999999999999999B", -1},
	} {
		got, err := parse[tt.kind](tt.in)
		if tt.want < 0 && err == nil || tt.want >= 0 && (err != nil || got != tt.want) {
			t.Errorf("parse %s %q = %v, %v; want %v", tt.kind, tt.in, got, err, tt.want)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want string
	}{{nil, ""}, {[]string{"a"}, `"a"`}, {[]string{"a", "b"}, `"a" or "b"`}, {[]string{"a", "b", "c"}, `"a", "b" or "c"`}} {
		if got := Join(tt.in); got != tt.want {
			t.Errorf("Join(%q) = %s; want %s", tt.in, got, tt.want)
		}
	}
}
