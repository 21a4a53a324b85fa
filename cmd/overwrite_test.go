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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagFile is a flag in a help text that takes a FILE.
var flagFile = regexp.MustCompile(`(?m)^ +(--[a-z-]+) FILE +(.*)$`)

// inputFiles are a scenario, a users file, a result, what they name, and what a flag does.
var inputFiles = map[string]string{
	"in.toml": `[broker]
url = "mqtts://127.0.0.1:1"
username = "u"
password_file = "pw"
ca_file = "ca"
cert_file = "cert"
key_file = "key"
[[device]]
kind = "light"
from = "rows"
cert_file = "own-cert-{id}"
key_file = "own-key"
`,
	"users.toml": `[[user]]
name = "u"
password_file = "user-pw"
publish = ["#"]
`,
	"in.json": "{}", "pw": "secret", "user-pw": "secret", "ca": "none", "cert": "none", "key": "none", "rows": "id\nlamp\n", "own-cert-lamp": "none", "own-key": "none", "flag": "anonymous = true\n",
}

// No output goes over an input, whichever flags the help of a command names, and
// whatever the name: as it is, from the root, by way of a folder, a symbolic and a
// hard link. What is an output is told by the help's own words.
func TestNoOutputGoesOverAnInput(t *testing.T) {
	for _, c := range []struct {
		args   []string // with IN for an input that is no flag's
		inputs []string
	}{
		{[]string{"run", "IN", "--duration", "1ms"}, []string{"in.toml", "pw", "ca", "cert", "key", "rows", "own-cert-lamp", "own-key"}},
		{[]string{"run", "bedroom", "--duration", "1ms", "--users", "IN"}, []string{"users.toml", "user-pw"}},
		{[]string{"broker"}, nil},
		{[]string{"broker", "--users", "IN"}, []string{"users.toml", "user-pw"}},
		{[]string{"report", "IN"}, []string{"in.json"}},
		{[]string{"conform"}, nil},
		{[]string{"bench", "--for", "1ms"}, nil},
		{[]string{"bench", "connect", "--for", "1ms"}, nil},
		{[]string{"bench", "fan-in", "--for", "1ms"}, nil},
		{[]string{"bench", "fan-out", "--for", "1ms"}, nil},
	} {
		var help bytes.Buffer
		Run(t.Context(), Process{Args: append(slices.Clone(c.args), "--help"), Stdout: Stream{Writer: &help}, Stderr: Stream{Writer: &help}})
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
		for i, out := range outputs {
			for j, in := range slices.Concat(c.inputs, readers) {
				if (i+j)%3 != 0 && some(true, false) {
					continue // each output goes over some, and each input is gone over by some
				}
				ways := []string{"", "hard", "absolute", "./", "folder", "symbolic"}
				if slices.Index(c.inputs, in) > 0 { // as they are read, so are the others
					ways = ways[:2]
				}
				if c.args[0] == "bench" { // it writes as run does
					ways = ways[:1]
				}
				if turn := (i + j) / 3 % len(ways); some(true, false) {
					ways = ways[turn : turn+1]
				}
				for _, way := range ways {
					dir := t.TempDir()
					for name, text := range inputFiles {
						if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
							t.Fatal(err)
						}
					}
					victim, args := in, slices.Clone(c.args)
					if strings.HasPrefix(in, "--") {
						victim = "flag"
						if slices.Contains(args, in) {
							continue // it is the command's IN
						}
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
					ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
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

// ofFile is how the help of a flag may speak of a file without calling it FILE.
var ofFile = regexp.MustCompile(`(?i)\b(files?|paths?|folders?|director(y|ies)|writes?|written|reads?|saves?|saved|records?|loads?)\b`)

// Every flag of every command is known as one of a file or not: what its help calls FILE is
// one, what it calls by a word of noFile is none. A flag with another word, of which the help
// speaks as of a file, fails here until it is said which it is, and a command that writes files until
// TestNoOutputGoesOverAnInput tries it, as it tries all files of a command it has.
func TestFlagsOfFilesAreKnown(t *testing.T) {
	noFile := []string{
		"ADDRESS", "ADDRESSES", "DATA", "DURATION", "ID", "K/N", "KEY=VALUE", "KIND", "NAME", "NAMES", "NUMBER", "QoS", "RATE", "SESSION", "SHARE", "SIZE", "TEXT", "TIME",
		"TOPIC", "TYPE", "URL", "VARIABLE", "VERDICT", "VERSION", "WAY", "WHEN", "duration", "int", "string", "",
	}
	// collect reads no file, so that there is nothing for it to write over.
	tried := []string{"bench", "bench connect", "bench fan-in", "bench fan-out", "broker", "collect", "conform", "report", "run"}
	seen := 0
	var walk func(path string, cmd *cobra.Command)
	walk = func(path string, cmd *cobra.Command) {
		for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
			flags.VisitAll(func(f *pflag.Flag) {
				seen++
				word, usage := pflag.UnquoteUsage(f)
				switch {
				case word == "FILE":
					if strings.Contains(usage, "to write") && !slices.Contains(tried, path) {
						t.Errorf("%s --%s is a file that is written; want %s among the commands of TestNoOutputGoesOverAnInput", path, f.Name, path)
					}
				case !slices.Contains(noFile, word) && ofFile.MatchString(usage+" "+f.Name+" "+word):
					t.Errorf("%s --%s takes a %s, which may be a file or not; want the word FILE in its help, or this one among noFile", path, f.Name, word)
				}
			})
		}
		for _, sub := range cmd.Commands() {
			walk(strings.TrimSpace(path+" "+sub.Name()), sub)
		}
	}
	walk("", (&app{}).root())
	if seen < 80 {
		t.Errorf("%d flags were looked at; want those of every command", seen)
	}
}

// Every key of a scenario and of a users file that names a file stands in the files that
// TestNoOutputGoesOverAnInput tries, by the forms in their references.
func TestKeysOfFilesAreKnown(t *testing.T) {
	text, err := os.ReadFile("../scenarios/README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|(.*)$").FindAllStringSubmatch(string(text), -1) {
		form := strings.Split(m[2], "|")
		if !slices.ContainsFunc(form[:min(2, len(form))], func(s string) bool { return strings.Contains(s, "file name") }) {
			continue
		}
		named++
		if !strings.Contains(inputFiles["in.toml"]+inputFiles["users.toml"], m[1]+" = ") {
			t.Errorf("the key %s names a file, and TestNoOutputGoesOverAnInput does not try it", m[1])
		}
	}
	if named < 5 {
		t.Errorf("%d keys that name files; want those of [broker] and [[user]]", named)
	}
}
