package words

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0:                                     "0 s",
		999:                                   "999 ns",
		time.Microsecond:                      "1.00 µs",
		412 * time.Microsecond:                "412 µs",
		999_600:                               "1.00 ms",
		1845 * time.Microsecond:               "1.84 ms",
		12_340 * time.Microsecond:             "12.3 ms",
		99_960 * time.Microsecond:             "100 ms",
		999_900 * time.Microsecond:            "1.00 s",
		2001919 * time.Microsecond:            "2.00 s",
		59_999 * time.Millisecond:             "1m",
		90*time.Second + 5*time.Millisecond:   "1m30s",
		62*time.Second + 345*time.Millisecond: "1m2.3s",
		12*time.Minute + 40*time.Second + 400*time.Millisecond: "12m40s",
		time.Hour:         "1h",
		-time.Millisecond: "-1.00 ms",
	} {
		if got := Span(in); got != want {
			t.Errorf("Span(%v) = %q; want %q", in, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{{1.5, 3, "1.5"}, {100, 2, "100"}, {0.126, 2, "0.13"}, {2, 0, "2"}, {1200, 0, "1200"}} {
		if got := Number(c.v, c.decimals); got != c.want {
			t.Errorf("Number(%v, %d) = %q; want %q", c.v, c.decimals, got, c.want)
		}
	}
}

func TestRate(t *testing.T) {
	for in, want := range map[float64]string{0: "0/s", 500: "500/s", 426.66: "426.7/s", 49_999.6: "50,000/s", 0.05: "0.05/s", 1.0 / 30: "0.033/s", 0.5: "0.5/s"} {
		if got := Rate(in); got != want {
			t.Errorf("Rate(%v) = %q; want %q", in, got, want)
		}
	}
}

// What is not nothing and not all must not be shown as that.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{0, 0, ""}, {0, 10, "0%"}, {10, 10, "100%"}, {1, 3, "33.33%"}, {1, 8, "12.5%"},
		{1, 1_000_000, "0.0001%"}, {999_999, 1_000_000, "99.9999%"}, {1, 1 << 40, "0.0000000001%"},
	} {
		got := Share(c.part, c.whole)
		if c.whole == 1<<40 {
			if got == "0%" {
				t.Errorf("Share(%d, %d) = %q; want something", c.part, c.whole, got)
			}
		} else if got != c.want {
			t.Errorf("Share(%d, %d) = %q; want %q", c.part, c.whole, got, c.want)
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[int64]string{1: "1 byte", 1023: "1,023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 17 << 20: "17 MiB", 25233448960: "23.5 GiB"} {
		if got := Bytes(in); got != want {
			t.Errorf("Bytes(%d) = %q; want %q", in, got, want)
		}
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{{nil, ""}, {[]string{"a"}, "a"}, {[]string{"a", "b"}, "a and b"}, {[]string{"a", "b", "c"}, "a, b and c"}} {
		if got := List(c.in); got != c.want {
			t.Errorf("List(%q) = %q; want %q", c.in, got, c.want)
		}
	}
	if got := Percentile(99.9); got != "p99.9" {
		t.Errorf("Percentile(99.9) = %q; want p99.9", got)
	}
}
