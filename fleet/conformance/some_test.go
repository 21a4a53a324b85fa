package conformance

import (
	"flag"
	"os"
	"testing"
)

// some returns what a test does of something that it does over and over: a part, which
// finds what is broken, or, with HOMEFLEET_FULL=1, all of it, which takes minutes. .ci/run
// has all of it done, without the race detector.
func some[T any](part, all T) T {
	if os.Getenv("HOMEFLEET_FULL") == "1" {
		return all
	}
	return part
}

// TestMain lets many tests go on at a time, not one for each core: nearly all of their time
// is waiting for what must not come.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "128"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
