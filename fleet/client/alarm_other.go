//go:build !linux

package client

import "time"

// kernelTimer is Linux's.
type kernelTimer struct{}

func newKernelTimer() *kernelTimer { return nil }

func (*kernelTimer) set(time.Time) {}
func (*kernelTimer) wait() bool    { return false }
func (*kernelTimer) close()        {}
