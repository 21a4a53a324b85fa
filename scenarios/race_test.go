//go:build race

package scenarios

import "time"

// largeFiles is by how much the files are smaller whose loading is timed: with the
// race detector the whole of them takes as long as all other tests together, and says
// no more. They are loaded in full without it, see .ci/run.
const largeFiles = 5

// longestLoad is far above what loading the worst of files takes: with the race
// detector some 10 s on two cores, and more where others are at work.
const longestLoad = time.Minute
