package control_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// The tests run with the collector set as cmd sets it for a run.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
