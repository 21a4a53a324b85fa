//go:build !race

package scenarios

import "time"

// longestLoad is far above what loading the worst of files takes, some 2 s.
const longestLoad = 10 * time.Second
