//go:build !race

package audit

const someSeeds = 2000
