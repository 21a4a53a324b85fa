package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/files"
)

// Runs are entered in a directory of the user's own, so that ctl finds those that can be
// controlled, and request the broker: $XDG_RUNTIME_DIR/homefleet or, without that
// variable, a directory beside other temporary ones. Whoever reads a file there has the
// token; so nobody else may.

// entryDocument is what an entry says.
type entryDocument struct {
	PID      int             `json:"pid"`
	Run      string          `json:"run,omitempty"` // "": a broker alone
	Scenario string          `json:"scenario,omitempty"`
	Broker   string          `json:"broker,omitempty"` // URL for other clients; "": it has a secret in it
	Control  controlDocument `json:"control,omitzero"` // zero: it cannot be controlled

	began time.Time // when it was entered
}

// runEntry is the file of a run; "" is none.
type runEntry string

func (e runEntry) remove() {
	if e != "" {
		_ = os.Remove(string(e)) // it says nothing any more, as nobody listens there
	}
}

// runDirectory is where the entries are. make has it made.
func (a *app) runDirectory(create bool) (string, error) {
	dir := ""
	if base, _ := a.LookupEnv("XDG_RUNTIME_DIR"); base != "" {
		dir = filepath.Join(a.path(base), "homefleet")
	} else {
		tmp, _ := a.LookupEnv("TMPDIR")
		dir = filepath.Join(a.path(cmp.Or(tmp, os.TempDir())), "homefleet-"+strconv.Itoa(os.Getuid()))
	}
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is no directory", dir)
	case !ours(info):
		return "", fmt.Errorf("%s belongs to another user, or may be read or written by others; want mode 0700", dir)
	}
	return dir, nil
}

// enterRun writes the entry of a run.
func (a *app) enterRun(d entryDocument) (runEntry, error) {
	return a.enter(cmp.Or(d.Run, "broker")+"-"+randomHex(4)+".json", d)
}

// enter writes an entry of some name.
func (a *app) enter(name string, d entryDocument) (runEntry, error) {
	dir, err := a.runDirectory(true)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	temporary := filepath.Join(dir, "."+filepath.Base(path))
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return "", err
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return "", err
	}
	return runEntry(path), nil
}

// mostRunEntry bounds an entry, and a ready file, in bytes.
const mostRunEntry = 64 << 10

// enterBroker enters a run, or a broker alone, that cannot be controlled: what a requester
// wants to know is where its broker is. Without the directory it goes on as well.
func (a *app) enterBroker(d entryDocument, log *slog.Logger) runEntry {
	if words.PublicURL(d.Broker) != d.Broker {
		return ""
	}
	d.PID = os.Getpid()
	entry, err := a.enterRun(d)
	if err != nil {
		log.Debug("request will not find this broker by itself", "err", err)
	}
	return entry
}

// controllable returns the runs under way that can be controlled.
func (a *app) controllable() []entryDocument {
	return slices.DeleteFunc(a.enteredRuns(), func(d entryDocument) bool { return d.Control.URL == "" })
}

// lastBroker returns the run under way that was started last, of those whose broker is
// known, and how many of them there are.
func (a *app) lastBroker() (last entryDocument, of int) {
	all := slices.DeleteFunc(a.enteredRuns(), func(d entryDocument) bool { return d.Broker == "" })
	if len(all) == 0 {
		return last, 0
	}
	return slices.MaxFunc(all, func(a, b entryDocument) int { return a.began.Compare(b.began) }), len(all)
}

// brokerOfRun is where the broker is that nobody has named: that of the run under way on
// this machine which was started last, else the usual one. It says so where that is not it.
func (a *app) brokerOfRun() string {
	last, of := a.lastBroker()
	if of == 0 || last.Broker == defaultBroker {
		return defaultBroker
	}
	what := "of `" + a.Name + " broker`"
	if last.Run != "" {
		what = "of run " + printable(last.Run) + " (" + printable(last.Scenario) + ")"
	}
	if of > 1 {
		what += fmt.Sprintf(", the latest of %d here", of)
	}
	if !a.quiet {
		fmt.Fprintf(a.screen, "the broker is %s, %s; --broker names another\n", last.Broker, what)
	}
	return last.Broker
}

// enteredRuns returns the runs that are under way. Entries whose process has ended are
// removed.
func (a *app) enteredRuns() []entryDocument {
	dir, err := a.runDirectory(false)
	if err != nil {
		return nil // nobody has ever entered one
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []entryDocument
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		d, err := readEntry(path)
		if err != nil {
			continue
		}
		if !alive(d.PID) {
			_ = os.Remove(path)
			continue
		}
		if info, err := e.Info(); err == nil {
			d.began = info.ModTime()
		}
		all = append(all, d)
	}
	return all
}

// readEntry reads an entry, or a ready file, which says as much.
func readEntry(path string) (d entryDocument, err error) {
	text, err := files.Read(path, mostRunEntry)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%s is no ready file: %w", path, err)
	}
	return d, nil
}

// readRun reads a ready file of a run that can be controlled.
func readRun(path string) (entryDocument, error) {
	d, err := readEntry(path)
	if err != nil {
		return d, err
	}
	if d.Control.URL == "" {
		return d, fmt.Errorf("%s names no control: the run was started without --control", path)
	}
	return d, nil
}
