package cmd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// readyFile is written when everything is up, for whoever waits to begin. It
// appears as a whole or not at all, and stays after the end; one that is left
// from an earlier run is removed at the start.
type readyFile struct {
	name string // as it was given; "" is none
	path string
}

// readyDocument is what a ready file says.
type readyDocument struct {
	PID       int      `json:"pid"`
	Broker    string   `json:"broker"`              // URL for other clients
	Listeners []string `json:"listeners,omitempty"` // further URLs of the embedded broker
	Scenario  string   `json:"scenario,omitempty"`
	Seed      *uint64  `json:"seed,omitempty"`
	Run       string   `json:"run,omitempty"`
	Devices   int      `json:"devices,omitempty"`
	ReadyIn   string   `json:"ready_in,omitempty"`
}

// prepareReadyFile removes an old ready file and makes sure that a new one can be
// written: to learn that after a long ramp would be late.
func (a *app) prepareReadyFile(name string) (*readyFile, error) {
	if name == "" {
		return nil, nil
	}
	r := &readyFile{name: name, path: a.path(name)}
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, misused("", "--ready-file: %s", unPath(err, name))
	}
	tmp, err := r.temporary()
	if err != nil {
		return nil, misused("", "--ready-file: %s", unPath(err, name))
	}
	_ = tmp.Close()
	_ = os.Remove(tmp.Name())
	return r, nil
}

func (r *readyFile) temporary() (*os.File, error) {
	return os.CreateTemp(filepath.Dir(r.path), "."+filepath.Base(r.path)+"-*")
}

// write puts the file in its place. A nil readyFile writes nothing.
func (r *readyFile) write(d readyDocument) error {
	if r == nil {
		return nil
	}
	d.PID = os.Getpid()
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	tmp, err := r.temporary()
	if err != nil {
		return failed("", "writing the ready file: %s", unPath(err, r.name))
	}
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), r.path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return failed("", "writing the ready file: %w", err)
	}
	return nil
}
