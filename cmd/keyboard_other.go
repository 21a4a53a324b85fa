//go:build !linux && !darwin && !freebsd

package cmd

import (
	"context"
	"os"
)

// openKeyboard is for Unix alone.
func openKeyboard(context.Context, *os.File) *Keyboard { return nil }
