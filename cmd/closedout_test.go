package cmd

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// closedOut is a stdout whose reader has gone.
func closedOut(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

const briefRun = `
[phases]
measure = "20ms"
[[device]]
kind = "light"
[expect]
"devices.online" = "`

// Whoever reads the result may go before it is out: the files are there all the
// same, and the exit code says how the run ended.
func TestFilesAndExitCodeWithoutAReader(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  string // of the devices online
		flags []string
		files []string
		code  int
	}{
		{"pass", "== 1", nil, []string{"r.json", "r.html", "r.xml"}, exitOK},
		{"fail", "== 2", nil, []string{"r.json", "r.html", "r.xml"}, exitExpectation},
		{"json", "== 2", []string{"--json"}, []string{"r.json", "r.html", "r.xml"}, exitExpectation},
		{"runs", "== 2", []string{"--runs", "2", "--hlog", "r.hlog"}, []string{"r.json", "r.html", "r.xml", "r.hlog"}, exitExpectation},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "s.toml"), []byte(briefRun+c.want+"\"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			code := Run(context.Background(), Process{
				Args: append([]string{"run", "s.toml", "--listen", "127.0.0.1:0", "--result", "r.json", "--report", "r.html", "--junit", "r.xml"}, c.flags...),
				Dir:  dir, Stdout: Stream{Writer: closedOut(t)}, Stderr: Stream{Writer: &stderr},
			})
			if code != c.code {
				t.Errorf("the exit code is %d; want %d, that of the run; stderr:\n%s", code, c.code, stderr.String())
			}
			for _, f := range c.files {
				if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v, %v; want it written", f, info, err)
				}
			}
			if strings.Contains(stderr.String(), "nobody reads") {
				t.Errorf("stderr has\n%s; want no word of stdout", stderr.String())
			}
		})
	}
}

// Where the result is the only thing wanted, a reader that has seen enough is
// well served.
func TestListsWithoutAReader(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"scenarios"}, {"kinds"}, {"metrics"}, {"check", "bedroom"}} {
		var stderr bytes.Buffer
		if code := Run(context.Background(), Process{Args: args, Stdout: Stream{Writer: closedOut(t)}, Stderr: Stream{Writer: &stderr}}); code != exitOK {
			t.Errorf("%v exits with %d; want 0; stderr:\n%s", args, code, stderr.String())
		}
	}
}

// The real program is not ended by the signal of a closed pipe.
func TestProgramBehindHead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s.toml"), []byte(briefRun+"== 2\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("bash", "-c", `"$0" run s.toml --listen 127.0.0.1:0 -q --result r.json | true; echo "${PIPESTATUS[0]}"`, os.Args[0])
	run.Dir = dir
	run.Env = append(os.Environ(), asProgram+"=1")
	out, err := run.CombinedOutput()
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || lines[len(lines)-1] != "3" {
		t.Errorf("behind a reader that has gone the exit code is the last line of\n%s(%v); want 3", out, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "r.json")); err != nil || info.Size() == 0 {
		t.Errorf("r.json: %v, %v; want it written", info, err)
	}
}
