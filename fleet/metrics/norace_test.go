//go:build !race

package metrics

// somePairs is how many pairs of runs are compared.
const somePairs = 100
