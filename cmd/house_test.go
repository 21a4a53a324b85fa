package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// A person at a terminal sees the devices of a small fleet, and has them do something by
// keys; the result tells of it.
func TestTableOfDevices(t *testing.T) {
	t.Parallel()
	var shown liveBuffer
	var result bytes.Buffer
	keys, code := make(chan string), make(chan int, 1)
	go func() {
		code <- Run(context.Background(), Process{
			Args: []string{"run", "apartment", "--listen", "127.0.0.1:0", "--json", "--no-color"}, Stdout: Stream{Writer: &result},
			Stderr:   Stream{Writer: &shown, Terminal: true, Columns: func() int { return 150 }, Rows: func() int { return 14 }},
			Keyboard: func() *Keyboard { return &Keyboard{Keys: keys, Close: sync.OnceFunc(func() {})} },
		})
	}()
	ended := make(chan struct{})
	see := func(pattern string) {
		t.Helper()
		if _, err := shown.await(regexp.MustCompile(pattern), ended); err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
	}
	see(`> light-01 +online +OFF, brightness 0`)
	see(`1 to 6 of 12  arrows choose, space switches`)
	keys <- " "
	see(`light-01 is ON`)
	see(`> light-01 +online +ON, brightness`)
	keys <- "\x1b[B"
	keys <- "k"
	see(`light-02 is killed`)
	see(`> light-02 +offline`)
	keys <- "k"
	see(`light-02 is killed already`)
	keys <- "r"
	see(`light-02 is revived`)
	see(`11 of 12 online(.|\n)*> light-02 +online`)
	keys <- "\x1b[F"
	see(`> spare-plug`)
	keys <- "\x1b[F"
	keys <- "x" // is for nothing
	keys <- "q"
	select {
	case got := <-code:
		if got != exitOK {
			t.Errorf("exit code %d; want %d", got, exitOK)
		}
	case <-time.After(scriptPatience):
		t.Fatal("q does not stop the run")
	}
	var res metrics.Result
	if err := json.Unmarshal(result.Bytes(), &res); err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, i := range res.Interventions {
		var request bytes.Buffer
		if err := json.Compact(&request, i.Request); err != nil {
			t.Error(err)
		}
		ops = append(ops, fmt.Sprint(i.N, " ", i.By, " ", i.Op, " ", request.String()))
	}
	want := []string{
		`1 terminal command-device light-01 {"attribute":"power","payload":"TOGGLE","via":"hand"}`,
		`2 terminal kill {"select":{"ids":["light-02"]},"way":"cut"}`,
		`3 terminal kill {"select":{"ids":["light-02"]},"way":"cut"}`,
		`4 terminal revive {"select":{"ids":["light-02"]}}`,
	}
	if strings.Join(ops, "\n") != strings.Join(want, "\n") {
		t.Errorf("interventions:\n%s\nwant:\n%s", strings.Join(ops, "\n"), strings.Join(want, "\n"))
	}
}

// A key is told apart from those typed right behind it.
func TestSplitKeys(t *testing.T) {
	for _, tt := range []struct {
		typed string
		want  []string
	}{
		{"", nil}, {"k", []string{"k"}}, {"kr ", []string{"k", "r", " "}},
		{"\x1b[A\x1b[B", []string{"\x1b[A", "\x1b[B"}}, {"\x1bOAq", []string{"\x1bOA", "q"}},
		{"\x1b[5~k", []string{"\x1b[5~", "k"}}, {"\x1b[1;5C ", []string{"\x1b[1;5C", " "}},
		{"\x1b", []string{"\x1b"}}, {"\x1bq", []string{"\x1b", "q"}}, {"\x1b[", []string{"\x1b", "["}}, {"\x1b[12", []string{"\x1b", "[", "1", "2"}},
	} {
		if got := splitKeys(tt.typed); !slices.Equal(got, tt.want) {
			t.Errorf("splitKeys(%q) = %q; want %q", tt.typed, got, tt.want)
		}
	}
}
