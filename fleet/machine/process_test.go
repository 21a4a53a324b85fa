package machine

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestProcessOf(t *testing.T) {
	line := "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 9 0 100 2048 12 18446744073709551615 1 1"
	for _, tt := range []struct {
		name, stat string
		want       Usage
		fault      bool
	}{
		{"a name with brackets", line, Usage{CPU: 3 * time.Second, RSS: 12 * int64(os.Getpagesize())}, false},
		{"cut short", line[:40], Usage{}, true},
		{"empty", "", Usage{}, true},
		{"no number", strings.Replace(line, " 250 ", " x ", 1), Usage{}, true},
	} {
		got, err := processOf(7, func(name string) ([]byte, error) {
			if name != "/proc/7/stat" && name != "/proc/self/stat" {
				t.Errorf("reads %s; want /proc/7/stat and its own", name)
			}
			return []byte(tt.stat), nil
		})
		if got != tt.want || (err != nil) != tt.fault {
			t.Errorf("processOf(%s) = %+v, %v; want %+v and a fault: %v", tt.name, got, err, tt.want, tt.fault)
		}
	}
	if _, err := processOf(7, func(string) ([]byte, error) { return nil, os.ErrNotExist }); !errors.Is(err, errNoProc) {
		t.Errorf("processOf without /proc = %v; want %v", err, errNoProc)
	}
	_, err := processOf(7, func(name string) ([]byte, error) {
		if name == "/proc/self/stat" {
			return []byte(line), nil
		}
		return nil, os.ErrNotExist
	})
	if want := "there is no process 7"; err == nil || err.Error() != want {
		t.Errorf("processOf one that is not there = %v; want %s", err, want)
	}
}
