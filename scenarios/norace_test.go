//go:build !race

package scenarios

import "time"

// largeFiles is by how much the files are smaller whose loading is timed: not at all.
const largeFiles = 1

// longestLoad is far above what loading the worst of files takes, some 2 s.
const longestLoad = 10 * time.Second
