//go:build unix

package cmd

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A run whose parent is killed ends by itself and in an orderly way: its ready file, which had
// the address for browsers, is removed.
func TestExitWithParent(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ready.json")
	parent := exec.Command("sh", "-c", `"$0" run bedroom -q --listen 127.0.0.1:0 --ws 127.0.0.1:0 --ready-file "$1" --exit-with-parent & sleep 60`, exe, file)
	parent.Env = append(os.Environ(), asProgram+"=1")
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(scriptPatience); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("after %v %s", scriptPatience, what)
			}
		}
	}
	var ready readyDocument
	until("there is no ready file", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(text, &ready) == nil
	})
	if !strings.HasPrefix(ready.WebSocket, "ws://127.0.0.1:") || !strings.HasPrefix(ready.Broker, "mqtt://127.0.0.1:") {
		t.Errorf("the ready file says %+v; want the broker for MQTT and for WebSocket", ready)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait() // it was killed
	until("the ready file is still there", func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
	until("the orphan still runs", func() bool { return !alive(ready.PID) })
}
