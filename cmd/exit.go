package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"homefleet/devices/words"
	"homefleet/scenarios"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // the run failed
	exitUsage       = 2   // bad usage or bad scenario
	exitExpectation = 3   // an expectation failed
	exitAgain       = 75  // the collector of a shard does not answer: the same may go well later
	exitInterrupted = 130 // interrupted before the planned end
)

// exitError is an error that knows the exit code and what the user may do about
// it. [app.finish] is the one place that turns errors into exit codes.
type exitError struct {
	code   int
	err    error
	hint   string
	faults scenarios.Faults // shown before the error
	said   bool             // the user has been told
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failed is an error that ends the command with exit code 1.
func failed(hint, format string, args ...any) error {
	return &exitError{code: exitFailed, err: fmt.Errorf(format, args...), hint: hint}
}

// exitCode is the exit code of an error; 0 if it has none of its own.
func exitCode(err error) int {
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	return exitOK
}

// misused is an error that ends the command with exit code 2.
func misused(hint, format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// interrupted ends the command with exit code 130.
func interrupted() error {
	return &exitError{code: exitInterrupted, err: errInterrupted, said: true}
}

// finish tells the user how the command ended and returns the exit code. With
// --json, stdout gets a document even where there is no result to print.
func (a *app) finish(err error) int {
	if err == nil || outClosed(err) {
		return exitOK
	}
	e, ok := errors.AsType[*exitError](err)
	if !ok {
		e = &exitError{code: exitFailed, err: err}
		if errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted) {
			e.code, e.err = exitInterrupted, errInterrupted
		} else if !a.running {
			e.code = exitUsage // it is about the command line, in the library's words
		}
	}
	if e.code != exitInterrupted && errors.Is(err, errInterrupted) {
		e = &exitError{code: exitInterrupted, err: errInterrupted} // as it read stdin
	}
	a.tell(e)
	if a.wantsJSON() && !a.documented {
		_ = a.document(errorDocument{Error: e.err.Error(), Hint: e.hint, ExitCode: e.code, Faults: e.faults})
	}
	return e.code
}

// tell writes the error for people.
func (a *app) tell(e *exitError) {
	if e.said {
		return
	}
	if len(e.faults) > 0 {
		a.printFaults(e.faults)
	}
	p := a.errPaint()
	fmt.Fprintf(a.screen, "%s %s %s\n", p.bold("homefleet:"), p.red("error:"), oneLine(e.err))
	if e.hint != "" {
		a.hint(e.hint)
	}
}

// oneLine is the text of an error, whatever foreign text it repeats, on one line;
// errors that were joined have a line each.
func oneLine(err error) string {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok || !strings.Contains(err.Error(), "\n") {
		return words.Plain(err.Error())
	}
	var lines []string
	for _, e := range all.Unwrap() {
		lines = append(lines, oneLine(e))
	}
	if joined := errors.Join(all.Unwrap()...); joined.Error() != err.Error() {
		return words.Plain(err.Error()) // it says more than its parts
	}
	return strings.Join(lines, "\n")
}

// hint writes what the user may do.
func (a *app) hint(text string) {
	p := a.errPaint()
	fmt.Fprintf(a.screen, "%s %s %s\n", p.bold("homefleet:"), p.cyan("hint:"), words.Plain(text))
}

// warn writes what is not as it was asked for, though the command goes on.
func (a *app) warn(format string, args ...any) {
	p := a.errPaint()
	fmt.Fprintf(a.screen, "%s %s %s\n", p.bold("homefleet:"), p.yellow("warning:"), words.Plain(fmt.Sprintf(format, args...)))
}

// errorDocument is what --json prints when there is no result.
type errorDocument struct {
	Error    string           `json:"error"`
	Hint     string           `json:"hint,omitempty"`
	ExitCode int              `json:"exit_code"`
	Faults   scenarios.Faults `json:"faults,omitempty"`
}

// document prints the one JSON document of a command.
func (a *app) document(v any) error {
	a.documented = true
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	if err == nil {
		_, err = a.Stdout.Write(words.PlainJSON(b.Bytes()))
	}
	if err != nil {
		return failed("", "writing the result: %w", err)
	}
	return nil
}
