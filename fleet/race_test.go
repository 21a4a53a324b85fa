//go:build race

package fleet

// RaceDetector says that the tests run with it: sync.Pool then forgets at random.
const RaceDetector = true
