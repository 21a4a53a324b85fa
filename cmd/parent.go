package cmd

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
)

// parentEvery is how often it is looked whether the parent process is still there. A signal
// of the kernel's would come at once, and, with the thread that started us, too early.
const parentEvery = 200 * time.Millisecond

// withParent ends the context of a command when the process that started this one has
// ended. leave gives up looking. It is for Unix, where an orphan gets another parent.
func (a *app) withParent(cmd *cobra.Command, on bool) (leave func(), err error) {
	switch {
	case !on:
		return func() {}, nil
	case runtime.GOOS == "windows" || runtime.GOOS == "plan9":
		return nil, misused("end it with the process that starts it, by a job object", "--exit-with-parent cannot be had on %s, where an orphan keeps the number of its parent", runtime.GOOS)
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	cmd.SetContext(ctx)
	parent, done := os.Getppid(), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(parentEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if os.Getppid() != parent {
					cancel(errInterrupted)
					return
				}
			}
		}
	}()
	return func() { cancel(nil); <-done }, nil
}
