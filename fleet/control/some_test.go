package control_test

import "os"

// some returns what a test does of something that it does over and over: a part, which
// finds what is broken, or, with HOMEFLEET_FULL=1, all of it, which takes minutes. .ci/run
// has all of it done, without the race detector.
func some[T any](part, all T) T {
	if os.Getenv("HOMEFLEET_FULL") == "1" {
		return all
	}
	return part
}
