// Package cmd is the command line of homefleet: subcommands, flags, signals,
// exit codes and what a person sees. It is the only place that prints, reads
// the environment or exits; what a fleet or a broker does is said elsewhere.
//
// [Main] is the program; [Run] is the same with everything it takes from the
// world around it given by the caller, so that tests run it in their own
// process, as often and as many at once as they like.
package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// Process is what a command takes from the world around it.
type Process struct {
	Name      string   // how the program was called, for lines to paste; "" is "homefleet"
	Args      []string // without the name
	Stdin     io.Reader
	Stdout    Stream
	Stderr    Stream
	LookupEnv func(string) (string, bool) // nil: an empty environment
	Environ   func() []string             // all of it, as os.Environ has it; nil: nobody looks for what is misspelt
	Dir       string                      // where relative file names begin; "" is the working directory
	OwnMemory bool                        // the collector is set by us, and ours to set again

	// Keyboard opens the terminal that stdin is for single keys; nil, or returning nil:
	// there is none, or it is not ours to read from now.
	Keyboard func() *Keyboard

	// Browser has a browser show a file; nil: there is no desktop.
	Browser func(file string) error
}

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// Main runs the program on the process's own streams, arguments, environment
// and signals, and returns the exit code. The first Ctrl-C (or SIGTERM, or the
// SIGHUP of a terminal that is gone) stops gracefully, the second exits at once.
func Main() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	signal.Ignore(syscall.SIGPIPE) // a stdout that is closed is an error like any other, and no end
	go func() {
		<-signals
		cancel(errInterrupted)
		for s := range signals {
			if s != syscall.SIGHUP { // shell and system may both tell of one hang-up
				os.Exit(exitInterrupted)
			}
		}
	}()
	own := tuneMemory(os.LookupEnv)
	return Run(ctx, Process{
		OwnMemory: own,
		Name:      calledAs(os.Args[0]),
		Args:      os.Args[1:],
		Stdin:     untilDone{ctx, os.Stdin},
		Stdout:    fileStream(os.Stdout),
		Stderr:    fileStream(os.Stderr),
		LookupEnv: os.LookupEnv,
		Environ:   os.Environ,
		Keyboard:  func() *Keyboard { return openKeyboard(ctx, os.Stdin) },
		Browser:   desktopBrowser(os.LookupEnv),
	})
}

// calledAs says what a person would type to start this program again: its name
// as it was typed, or "go run ." for what go run built.
func calledAs(argv0 string) string {
	exe, err := os.Executable()
	if err != nil {
		exe = argv0
	}
	if builtByGoRun(exe) {
		return "go run ."
	}
	return shellQuote(argv0)
}

// builtByGoRun recognizes the places go run starts its programs from: a
// temporary go-build directory or, since Go 1.24, the build cache, whose entries
// for programs are directories named by a hash and "-d".
func builtByGoRun(exe string) bool {
	dir := filepath.Base(filepath.Dir(exe))
	if hash, ok := strings.CutSuffix(dir, "-d"); ok && len(hash) == 64 && strings.Trim(hash, "0123456789abcdef") == "" {
		return true
	}
	for part := range strings.SplitSeq(filepath.ToSlash(exe), "/") {
		if digits, ok := strings.CutPrefix(part, "go-build"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return dir == "exe"
		}
	}
	return false
}

// Run carries out one command line and returns the exit code. Ending ctx is what
// Ctrl-C is: the command stops gracefully and prints its result. Run leaves no
// goroutine behind, and several may run at once.
func Run(ctx context.Context, p Process) int {
	a := newApp(p)
	err := a.execute(ctx)
	return a.finish(err)
}
