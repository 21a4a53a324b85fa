package cmd

import (
	"context"
	"io"
	"strings"
	"testing"
)

// Ctrl-C ends a command that waits for stdin.
func TestInterruptWhileReadingStdin(t *testing.T) {
	for _, args := range []string{"check -", "run -", "report -", "request x -"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out := io.Pipe()
		go func() {
			_, _ = out.Write([]byte("# the first line\n")) // it is waiting when this returns
			cancel(errInterrupted)
		}()
		if code := Run(ctx, Process{Args: strings.Fields(args), Stdin: untilDone{ctx, in}}); code != exitInterrupted {
			t.Errorf("%s with Ctrl-C while it reads stdin = exit code %d; want %d", args, code, exitInterrupted)
		}
		_ = out.Close() // the read that was left behind ends
	}
}
