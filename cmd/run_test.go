package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"runtime"
	"testing"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// startFleet runs a command in this process until the test ends, and returns once
// every device is up, with the port of the embedded broker.
func startFleet(t *testing.T, scenario string, args ...string) (*job, string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	j := &job{ended: make(chan struct{})}
	j.interrupt = func() { cancel(errInterrupted) }
	p := Process{Args: append([]string{"run", scenario}, args...), Stdout: Stream{Writer: &j.stdout}, Stderr: Stream{Writer: &j.stderr}}
	go func() {
		defer close(j.ended)
		j.code = Run(ctx, p)
	}()
	t.Cleanup(func() {
		j.interrupt()
		<-j.ended
	})
	m, err := j.stderr.await(regexp.MustCompile(`mqtt://127\.0\.0\.1:(\d+)`), j.ended)
	if err == nil {
		_, err = j.stderr.await(regexp.MustCompile(`ready .* up in`), j.ended)
	}
	if err != nil {
		t.Fatal(err)
	}
	return j, string(m[1])
}

func shippedIDs(t *testing.T, name string) []string {
	t.Helper()
	text, _ := scenarios.ReadShipped(name)
	sc, faults := scenarios.Load(name, text)
	if sc == nil {
		t.Fatal(faults)
	}
	var ids []string
	for d := range sc.Devices() {
		ids = append(ids, d.ID)
	}
	return ids
}

// TestGoroutines checks that a run leaves nothing behind, whatever its end is.
func TestGoroutines(t *testing.T) {
	run := func(args ...string) string {
		var stderr bytes.Buffer
		Run(t.Context(), Process{Args: args, Stderr: Stream{Writer: &stderr}})
		return stderr.String()
	}
	run("run", "apartment", "--listen", "127.0.0.1:0", "--duration", "50ms") // what the first run starts for good
	load := loadFile(t, smallLoad)
	before := runtime.NumGoroutine()
	for _, args := range [][]string{
		{"run", "apartment", "--listen", "127.0.0.1:0", "--ws", "127.0.0.1:0", "--duration", "1s"},
		{"run", load, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"},
		{"run", "bedroom", "--broker", "mqtt://127.0.0.1:1", "--fail-fast"},
		{"run", "bedroom", "--broker", "mqtt://127.0.0.1:1", "--duration", "100ms"},
		{"request", "--broker", "mqtt://127.0.0.1:1", "x"},
		{"run", "bedroom", "--listen", "127.0.0.1:99999"},
	} {
		text := run(args...)
		after := runtime.NumGoroutine()
		for end := time.Now().Add(scriptPatience); after > before && time.Now().Before(end); after = runtime.NumGoroutine() {
			time.Sleep(5 * time.Millisecond) // the runtime counts a goroutine until it is quite gone
		}
		if after > before {
			stacks := make([]byte, 1<<16)
			t.Errorf("goroutines after %q = %d; want %d\n%s\n%s", args, after, before, text, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestRunDocument checks the result of a run for machines.
func TestRunDocument(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), Process{
		Args:   []string{"run", "apartment", "--listen", "127.0.0.1:0", "--duration", "1500ms", "--json", "--seed", "12", "--run", "r1"},
		Stdout: Stream{Writer: &stdout}, Stderr: Stream{Writer: &stderr},
	})
	if code != 0 {
		t.Fatalf("exit code = %d; want 0\n%s", code, &stderr)
	}
	d := json.NewDecoder(&stdout)
	d.DisallowUnknownFields()
	var got metrics.Result
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if d.More() {
		t.Error("stdout holds more than one JSON document")
	}
	devices := len(shippedIDs(t, "apartment"))
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"scenario", got.Scenario.Name, "apartment.toml"},
		{"digest length", len(got.Scenario.Digest), 64},
		{"seed", got.Seed, uint64(12)},
		{"run", got.Run, "r1"},
		{"embedded", got.Broker.Embedded, true},
		{"version", got.Version, metrics.ResultVersion},
		{"planned", got.Duration, metrics.Span(1500 * time.Millisecond)},
		{"interrupted", got.Interrupted, false},
		{"aborted", got.Aborted, ""},
		{"verdict", got.Verdict, metrics.VerdictRan},
		{"devices", got.Devices.Total, devices},
		{"devices up", got.Devices.Seen, devices},
		{"connects", got.Counts["connect.succeeded"], int64(devices)},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v; want %v", c.what, c.got, c.want)
		}
	}
	if got.ReadyIn <= 0 || got.Ran < got.Duration {
		t.Errorf("ready_in = %v, ran = %v; want some of each, and the second no less than %v", got.ReadyIn, got.Ran, got.Duration)
	}
}
