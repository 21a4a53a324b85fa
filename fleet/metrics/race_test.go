//go:build race

package metrics

// somePairs is a part of the pairs of runs that are compared. The race detector takes
// eight times as long over the arithmetic of one goroutine; .ci/run has all of them
// compared without it.
const somePairs = 20
