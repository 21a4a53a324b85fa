package cmd

import (
	"errors"
	"fmt"
	"testing"

	"homefleet/scenarios"
)

// A password that all share is read once, those of devices each for itself, and what
// could not be read is tried again.
func TestPasswordsAreReadOnce(t *testing.T) {
	reads, fail := 0, true
	p := passwords{read: func(s scenarios.Secret, v scenarios.Vars) ([]byte, error) {
		if reads++; fail {
			return nil, errors.New("no such file")
		}
		return []byte("of " + s.File.Expand(v)), nil
	}}
	shared, own := scenarios.Secret{File: "pw"}, scenarios.Secret{File: "{id}.pw"}
	if _, err := p.secret(shared, scenarios.Vars{}); err == nil || reads != 1 {
		t.Errorf("secret() of a file that is not there = %v after %d reads; want an error after 1", err, reads)
	}
	reads, fail = 0, false
	for n := range 1000 {
		v := scenarios.Vars{ID: fmt.Sprint(n)}
		if got, err := p.secret(shared, v); string(got) != "of pw" || err != nil {
			t.Fatalf("secret() = %q, %v; want %q", got, err, "of pw")
		}
	}
	if reads != 1 {
		t.Errorf("the password of 1000 connections is read %d times; want once", reads)
	}
	for n := range 1000 {
		v := scenarios.Vars{ID: fmt.Sprint(n)}
		if got, err := p.secret(own, v); string(got) != "of "+v.ID+".pw" || err != nil {
			t.Fatalf("secret() = %q, %v; want that of device %d", got, err, n)
		}
	}
	if len(p.known) > mostPasswords {
		t.Errorf("%d passwords are remembered; want at most %d", len(p.known), mostPasswords)
	}
}
