package words

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestGrouped(t *testing.T) {
	for in, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", -1: "-1", -999: "-999", -1000: "-1,000", 1234567: "1,234,567",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Grouped(in); got != want {
			t.Errorf("Grouped(%d) = %q; want %q", in, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for in, want := range map[int64]string{0: "0 plugs", 1: "1 plug", 2000: "2,000 plugs"} {
		if got := Plural(in, "plug", "plugs"); got != want {
			t.Errorf("Plural(%d) = %q; want %q", in, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", time.Minute: "1m", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 20 * time.Second: "20s", 1500 * time.Millisecond: "1.5s", -time.Minute: "-1m",
	} {
		if got := Duration(in); got != want {
			t.Errorf("Duration(%d) = %q; want %q", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"seed", "telemetry", "telemetry_jitter", "keep_alive", "Brightness", "n", "id", strings.Repeat("power", 1000)}
	for _, tt := range []struct{ word, want string }{
		{"sede", "seed"}, {"sed", "seed"}, {"telemtry", "telemetry"}, {"keepalive", "keep_alive"}, {"KEEP_ALIVE", "keep_alive"},
		{"telemetry_jiter", "telemetry_jitter"}, {"brigthness", "Brightness"}, {"nn", "n"}, {"di", "id"}, {"N", "n"},
		{"x", ""}, {"", ""}, {"banana", ""}, {strings.Repeat("power", 1000), ""},
	} {
		if got, ok := Nearest(tt.word, known); got != tt.want || ok != (tt.want != "") {
			t.Errorf("Nearest(%.20q) = %q, %v; want %q", tt.word, got, ok, tt.want)
		}
	}
}
