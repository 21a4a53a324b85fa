//go:build race

package faces_test

// raceDetector says that the tests run with it: sync.Pool then forgets at random, so that
// what takes from one allocates.
const raceDetector = true
