package cmd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spareDir is a directory with every file that a command can read.
func spareDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ca, key := testCertificate(t)
	for name, text := range map[string]string{
		"s.toml":      "[broker]\nurl = \"mqtts://127.0.0.1:1\"\nusername = \"u\"\npassword_file = \"pw-{id}\"\nca_file = \"ca.pem\"\ncert_file = \"cert.pem\"\nkey_file = \"key.pem\"\n[[device]]\nkind = \"light\"\ncount = 3\n[[controller]]\nname = \"phones\"\nattribute = \"power\"\nrate = \"1/s\"\ncount = 2\n[[watcher]]\nname = \"eyes\"\n[phases]\nconnect = \"1s\"\nmeasure = \"1s\"\n",
		"local.toml":  "[[device]]\nkind = \"light\"\n[phases]\nmeasure = \"50ms\"\n",
		"users.toml":  "anonymous = true\n[[user]]\nname = \"alice\"\npassword_file = \"pw-alice\"\npublish = [\"#\"]\n",
		"result.json": "{}",
		"other.json":  "{}",
		"ca.pem":      ca, "cert.pem": ca, "key.pem": key,
		"pw-flag": "secret", "pw-alice": "secret",
		"pw-light-1": "secret", "pw-light-2": "secret", "pw-light-3": "secret",
		"pw-phones-1": "secret", "pw-phones-2": "secret", "pw-eyes": "secret",
		"pw-homefleet-retained-probe-r": "secret", "pw-homefleet-auditor-r": "secret",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSpare names each file that a command reads, in every way a file can be
// named, as each of its outputs: exit code 2, and the file is as it was.
func TestSpare(t *testing.T) {
	dir := spareDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	results := []string{"--report", "--junit", "--result"}
	far := []string{"run", "s.toml", "--run", "r"}
	for _, c := range []struct {
		args    []string
		outputs []string
		inputs  []string
	}{
		{far, append([]string{"--ready-file"}, results...), []string{
			"s.toml", "ca.pem", "cert.pem", "key.pem", "pw-light-1", "pw-light-2", "pw-light-3",
			"pw-phones-1", "pw-phones-2", "pw-eyes", "pw-homefleet-retained-probe-r", "pw-homefleet-auditor-r",
		}},
		{append(far, "--password-file", "pw-flag"), append([]string{"--ready-file"}, results...), []string{"pw-flag"}},
		{[]string{"run", "local.toml", "--listen", "127.0.0.1:0", "--users", "users.toml"}, append([]string{"--ready-file"}, results...),
			[]string{"local.toml", "users.toml", "pw-alice"}},
		{[]string{"broker", "--listen", "127.0.0.1:0", "--users", "users.toml", "--tls-listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"},
			[]string{"--ready-file"}, []string{"users.toml", "pw-alice", "cert.pem", "key.pem"}},
		{[]string{"report", "result.json", "other.json"}, []string{"--html", "--junit", "--result"}, []string{"result.json", "other.json"}},
	} {
		for _, input := range c.inputs {
			before, err := os.ReadFile(at(input))
			if err != nil {
				t.Fatal(err)
			}
			soft, chain, hard := at("sub/soft-"+input), at("sub/chain-"+input), at("sub/hard-"+input)
			for _, name := range []string{soft, chain, hard} {
				_ = os.Remove(name)
			}
			for _, err := range []error{os.Symlink("../"+input, soft), os.Symlink(soft, chain), os.Link(at(input), hard)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for i, name := range []string{input, "./" + input, "sub/../" + input, at(input), soft, chain, hard} {
				for k, flag := range c.outputs {
					if i > 0 && i%len(c.outputs) != k {
						continue // each flag with the name itself, and in turn with the others
					}
					var stderr bytes.Buffer
					args := append(append([]string{}, c.args...), flag, name)
					ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
					code := Run(ctx, Process{Dir: dir, Args: args, Stderr: Stream{Writer: &stderr}})
					cancel()
					if code != exitUsage || !strings.Contains(stderr.String(), flag+" is ") || !strings.Contains(stderr.String(), "want another file") {
						t.Errorf("%s = %d; want %d and that it is another file:\n%s", strings.Join(args, " "), code, exitUsage, stderr.String())
					}
					if after, err := os.ReadFile(at(input)); err != nil || !bytes.Equal(before, after) {
						t.Fatalf("%s leaves %s as %q, %v; want %q", strings.Join(args, " "), input, after, err, before)
					}
				}
			}
		}
	}
}

// TestSpareStreams has a file be what stdin or stdout is redirected to as well.
func TestSpareStreams(t *testing.T) {
	dir := spareDir(t)
	name := filepath.Join(dir, "local.toml")
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		p    Process
		want string
	}{
		{Process{Args: []string{"run", "-", "--result", "local.toml"}, Stdin: untilDone{t.Context(), f}}, "what stdin reads"},
		{Process{Args: []string{"run", "bedroom", "--ready-file", "local.toml"}, Stdout: Stream{Writer: f}}, "what stdout writes"},
	} {
		var stderr bytes.Buffer
		if _, err := f.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		c.p.Dir, c.p.Stderr = dir, Stream{Writer: &stderr}
		if code := Run(t.Context(), c.p); code != exitUsage || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v = %d; want %d and %q:\n%s", c.p.Args, code, exitUsage, c.want, stderr.String())
		}
		if after, err := os.ReadFile(name); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v leaves %q, %v; want %q", c.p.Args, after, err, before)
		}
	}
}

// TestOutputModes checks what becomes of the permissions of a result, and of a
// link that leads nowhere.
func TestOutputModes(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	defer syscall.Umask(syscall.Umask(0o027))
	if err := os.WriteFile(at("old"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(at("old"), 0o604); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", at("link")); err != nil {
		t.Fatal(err)
	}
	a := newApp(Process{Dir: dir})
	for _, c := range []struct {
		name, file string
		mode       os.FileMode
	}{{"new", "new", 0o640}, {"old", "old", 0o604}, {"link", "target", 0o640}} {
		w := a.wholeFile(c.name)
		if err := w.check(); err != nil {
			t.Fatalf("check of %s: %v", c.name, err)
		}
		r := readyFile{wholeFile: w}
		if err := r.write(readyDocument{}); err != nil {
			t.Fatalf("write of %s: %v", c.name, err)
		}
		info, err := os.Lstat(at(c.file))
		if err != nil || info.Mode() != c.mode {
			t.Errorf("%s is %v, %v; want a file with mode %v", c.file, info, err, c.mode)
		}
	}
	if to, err := os.Readlink(at("link")); err != nil || to != "target" {
		t.Errorf("the link leads to %q, %v; want it to stay", to, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("%v, %v are left; want new, old, link and target", left, err)
	}
}

// TestUnreadableInputs gives each input a name of what is no file that fits.
func TestUnreadableInputs(t *testing.T) {
	dir := spareDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("image"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(at("image"), 2<<30); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("zero.toml"), []byte("[broker]\npassword_file = \"/dev/zero\"\nusername = \"u\"\n[[device]]\nkind = \"light\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	request := []string{"request", "a", "--timeout", "1s", "--broker", "mqtts://127.0.0.1:1", "--username", "u"}
	with := func(args ...string) []string { return append(append([]string{}, request...), args...) }
	for _, c := range [][]string{
		{"run", "%s"}, {"check", "%s"}, {"report", "%s"}, {"report", "%s", "result.json"},
		{"run", "bedroom", "--users", "%s"}, {"broker", "--users", "%s"},
		{"broker", "--tls-listen", "127.0.0.1:0", "--tls-cert", "%s", "--tls-key", "key.pem"},
		{"broker", "--tls-listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "%s"},
		{"run", "bedroom", "--username", "u", "--password-file", "%s"},
		{"run", "bedroom", "--broker", "mqtts://127.0.0.1:1", "--ca-file", "%s"},
		{"run", "bedroom", "--broker", "mqtts://127.0.0.1:1", "--cert-file", "%s", "--key-file", "key.pem"},
		{"run", "bedroom", "--broker", "mqtts://127.0.0.1:1", "--cert-file", "cert.pem", "--key-file", "%s"},
		with("--payload-file", "%s"), with("--correlation-data", "@%s"), with("--ca-file", "%s"),
	} {
		for bad, want := range map[string]string{
			"/dev/zero": "a device; want a file", "/dev/full": "a device; want a file", "pipe": "a pipe; want a file",
			"./sub": "a directory; want a file", "image": "2,147,483,648 bytes; want at most",
		} {
			var args []string
			for _, arg := range c {
				args = append(args, strings.Replace(arg, "%s", bad, 1))
			}
			var stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
			code := Run(ctx, Process{Dir: dir, Args: args, Stderr: Stream{Writer: &stderr}})
			cancel()
			if code != exitUsage || !strings.Contains(stderr.String(), want) {
				t.Errorf("%s = %d; want %d and %q:\n%s", strings.Join(args, " "), code, exitUsage, want, stderr.String())
			}
		}
	}
	var stderr bytes.Buffer
	if code := Run(t.Context(), Process{Dir: dir, Args: []string{"run", "zero.toml"}, Stderr: Stream{Writer: &stderr}}); code != exitUsage {
		t.Errorf("run zero.toml = %d; want %d:\n%s", code, exitUsage, stderr.String())
	}
}

// testCertificate returns a certificate and its key as PEM.
func testCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	c, k, err := makeCertificate(time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(fmt.Errorf("making a certificate: %w", err))
	}
	return string(c), string(k)
}
