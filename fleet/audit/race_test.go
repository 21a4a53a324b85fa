//go:build race

package audit

// The race detector takes ten times as long.
const someSeeds = 200
