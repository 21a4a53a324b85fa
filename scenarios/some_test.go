package scenarios

import "os"

// some returns what a test does of something that it does over and over: a part, which
// finds what is broken, or, with HOMEFLEET_FULL=1, all of it, which takes minutes. .ci/run
// has all of it done, under the race detector, too.
func some[T any](part, all T) T {
	if os.Getenv("HOMEFLEET_FULL") == "1" {
		return all
	}
	return part
}
