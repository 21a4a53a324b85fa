package cmd

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestPlainLines checks that what has not changed is told ever more rarely, and
// what has at once when it is a line's turn.
func TestPlainLines(t *testing.T) {
	began := time.Now()
	l := plainLines{at: began}
	var out bytes.Buffer
	var told []int // seconds
	for second := range 100 {
		now := began.Add(time.Duration(second) * time.Second)
		text := "0 of 1 up"
		if second >= 50 && second < 60 {
			text = "1 of 1 up"
		}
		if !l.turn(now, 3*time.Second) {
			continue
		}
		before := out.Len()
		l.say(&out, now, text)
		if out.Len() > before {
			told = append(told, second)
		}
	}
	want := []int{3, 9, 21, 45, 51, 57, 60, 66, 78}
	if len(told) != len(want) {
		t.Fatalf("lines after %v seconds; want %v", told, want)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Fatalf("lines after %v seconds; want %v", told, want)
		}
	}
	if n := strings.Count(out.String(), "1 of 1 up\n"); n != 2 {
		t.Errorf("%d lines say that one is up; want 2", n)
	}
}

// TestDumbTerminal checks that a terminal that can neither move its cursor nor
// show colours gets what a pipe gets.
func TestDumbTerminal(t *testing.T) {
	t.Parallel()
	load := loadFile(t, smallLoad)
	for _, c := range []struct {
		kind string
		want bool // escape sequences
	}{{"dumb", false}, {"xterm", true}} {
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), Process{
			Args:   []string{"run", load, "--listen", "127.0.0.1:0"},
			Stdout: Stream{Writer: &stdout, Terminal: true}, Stderr: Stream{Writer: &stderr, Terminal: true},
			LookupEnv: func(name string) (string, bool) {
				if name != "TERM" {
					return "", false
				}
				return c.kind, true
			},
		})
		if code != 0 {
			t.Fatalf("exit code = %d; want 0\n%s", code, &stderr)
		}
		if got := strings.ContainsAny(stdout.String()+stderr.String(), "\x1b\r"); got != c.want {
			t.Errorf("TERM=%s: escape sequences = %v; want %v\n%q", c.kind, got, c.want, &stderr)
		}
	}
}
