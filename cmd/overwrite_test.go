package cmd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// flagFile is a flag in a help text that takes a FILE.
var flagFile = regexp.MustCompile(`(?m)^ +(--[a-z-]+) FILE +(.*)$`)

// No output goes over an input, whichever flags the help of a command names, and
// whatever the name: as it is, from the root, by way of a folder, a symbolic and a
// hard link. What is an output is told by the help's own words.
func TestNoOutputGoesOverAnInput(t *testing.T) {
	for _, c := range []struct {
		args   []string // with IN for an input that is no flag's
		inputs []string
	}{
		{[]string{"run", "IN", "--duration", "1ms"}, []string{"in.toml", "pw"}}, // pw is the password_file in in.toml
		{[]string{"broker"}, nil},
		{[]string{"report", "IN"}, []string{"in.json"}},
	} {
		var help bytes.Buffer
		Run(t.Context(), Process{Args: []string{c.args[0], "--help"}, Stdout: Stream{Writer: &help}, Stderr: Stream{Writer: &help}})
		var outputs, readers []string
		for _, m := range flagFile.FindAllStringSubmatch(help.String(), -1) {
			if strings.Contains(m[2], "to write") {
				outputs = append(outputs, m[1])
			} else {
				readers = append(readers, m[1])
			}
		}
		if len(outputs) == 0 || c.args[0] != "report" && len(readers) < 3 {
			t.Fatalf("%s --help names the outputs %v and the inputs %v; want some", c.args[0], outputs, readers)
		}
		for _, out := range outputs {
			for _, in := range slices.Concat(c.inputs, readers) {
				for _, way := range []string{"", "absolute", "./", "folder", "symbolic", "hard"} {
					dir := t.TempDir()
					for name, text := range map[string]string{
						"in.toml": "[broker]\nurl = \"mqtt://127.0.0.1:1\"\nusername = \"u\"\npassword_file = \"pw\"\n[[device]]\nkind = \"light\"\n",
						"in.json": "{}", "pw": "secret", "flag": "anonymous = true\n",
					} {
						if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
							t.Fatal(err)
						}
					}
					victim, args := in, slices.Clone(c.args)
					if strings.HasPrefix(in, "--") {
						victim = "flag"
						args = append(args, in, "flag")
						if in == "--password-file" {
							args = append(args, "--username", "u")
						}
					}
					for i := range args {
						if args[i] == "IN" {
							args[i] = c.inputs[0]
						}
					}
					before, err := os.ReadFile(filepath.Join(dir, victim))
					if err != nil {
						t.Fatal(err)
					}
					args = append(args, out, calledBy(t, dir, victim, way))
					var stderr bytes.Buffer
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					code := Run(ctx, Process{Dir: dir, Args: args, Stderr: Stream{Writer: &stderr}})
					cancel()
					after, err := os.ReadFile(filepath.Join(dir, victim))
					if code != exitUsage || err != nil || !bytes.Equal(before, after) {
						t.Errorf("%q (%s): code %d, the file has %q (%v), stderr %s; want code 2 and %q untouched", args, way, code, after, err, &stderr, before)
					}
				}
			}
		}
	}
}

// calledBy is a file's name in some way; links are made.
func calledBy(t *testing.T, dir, file, way string) string {
	t.Helper()
	var err error
	switch way {
	case "absolute":
		return filepath.Join(dir, file)
	case "./":
		return "./" + file
	case "folder":
		err = os.Mkdir(filepath.Join(dir, "folder"), 0o700)
		file = "folder/../" + file
	case "symbolic":
		err = os.Symlink(file, filepath.Join(dir, "link"))
		file = "link"
	case "hard":
		err = os.Link(filepath.Join(dir, file), filepath.Join(dir, "link"))
		file = "link"
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}
