package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"homefleet/fleet/files"
)

// Runs that can be controlled are entered in a directory of the user's own, so that ctl
// finds them: $XDG_RUNTIME_DIR/homefleet or, without that variable, a directory beside
// other temporary ones. Whoever reads a file there has the token; so nobody else may.

// entryDocument is what an entry says.
type entryDocument struct {
	PID      int             `json:"pid"`
	Run      string          `json:"run,omitempty"` // "": a broker alone
	Scenario string          `json:"scenario,omitempty"`
	Control  controlDocument `json:"control"`
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
		d, err := readRun(path)
		if err != nil {
			continue
		}
		if !alive(d.PID) {
			_ = os.Remove(path)
			continue
		}
		all = append(all, d)
	}
	return all
}

// readRun reads an entry, or a ready file, which says as much.
func readRun(path string) (d entryDocument, err error) {
	text, err := files.Read(path, mostRunEntry)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%s is no ready file: %w", path, err)
	}
	if d.Control.URL == "" {
		return d, fmt.Errorf("%s names no control: the run was started without --control", path)
	}
	return d, nil
}
