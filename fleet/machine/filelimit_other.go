//go:build !unix

package machine

// fileLimit returns how many file descriptors this process may open: not known.
func fileLimit() int { return 0 }
