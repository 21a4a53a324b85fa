//go:build race

package scenarios

import "time"

// longestLoad is far above what loading the worst of files takes: with the race
// detector some 10 s on two cores, and more where others are at work.
const longestLoad = time.Minute
