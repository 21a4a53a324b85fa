package cmd

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A browser is opened where somebody sits at a desktop, by a file that nobody else can read
// and that goes with the run: the token stands in no command line.
func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		flag     string
		terminal bool
		want     bool
	}{
		{"a terminal", "--ui", true, true},
		{"no terminal", "--ui", false, false},
		{"the address alone", "--ui=url", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
			defer cancel()
			var file, text string
			var mode os.FileMode
			var out, errs liveBuffer
			ended := make(chan struct{})
			var up sync.WaitGroup
			up.Go(func() {
				if _, err := errs.await(regexp.MustCompile(`ready +1 device up`), ended); err == nil && !c.want {
					cancel() // whoever was to be given the address has it by now
				}
			})
			Run(ctx, Process{
				Args:   []string{"run", "bedroom", "--listen", "127.0.0.1:0", c.flag},
				Stdout: Stream{Writer: &out, Terminal: c.terminal}, Stderr: Stream{Writer: &errs},
				Browser: func(name string) error {
					content, err := os.ReadFile(name)
					if err != nil {
						return err
					}
					info, err := os.Stat(name)
					if err != nil {
						return err
					}
					file, text, mode = name, string(content), info.Mode()
					cancel()
					return nil
				},
			})
			close(ended)
			up.Wait()
			toOut, _ := out.now()
			toErr, _ := errs.now()
			said := string(toOut) + string(toErr)
			_, address, found := strings.Cut(said, "http://127.0.0.1:")
			if !found || !strings.Contains(said, "/#token=") {
				t.Fatalf("%q; want the address of the page", said)
			}
			if !c.want {
				if file != "" {
					t.Errorf("a browser was given %s; want none", file)
				}
				return
			}
			port, _, _ := strings.Cut(address, "\n")
			if !strings.Contains(text, "url=http://127.0.0.1:"+port+"/#token=") || mode.Perm() != 0o600 {
				t.Errorf("the browser was given %q, %v; want the address of port %s, for us alone", text, mode, port)
			}
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", file, err)
			}
		})
	}
}

func TestNoDesktop(t *testing.T) {
	t.Parallel()
	none := func(string) (string, bool) { return "", false }
	if runtime.GOOS == "linux" && desktopBrowser(none) != nil {
		t.Error("there is a browser without a display; want none")
	}
}
