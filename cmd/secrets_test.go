package cmd

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecrets plants secrets wherever somebody puts them, rightly or by mistake,
// and looks for them in everything that is written.
func TestSecrets(t *testing.T) {
	const light = "[[device]]\nkind = \"light\"\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		env   string // HOMEFLEET_PASSWORD, if any
		args  []string
	}{
		{"a token in the query", nil, "", []string{"run", "bedroom", "--broker", "ws://127.0.0.1:1/mqtt?token=hunter2", "--fail-fast", "--ready-file", "r"}},
		{"a token in the query, measured", map[string]string{"s.toml": light + "[phases]\nconnect = \"300ms\"\nmeasure = \"100ms\"\n"}, "",
			[]string{"run", "s.toml", "--broker", "wss://127.0.0.1:1/mqtt?hunter2", "--report", "r.html", "--junit", "r.xml", "--result", "r.json", "-v"}},
		{"a token in the query, as JSON", nil, "", []string{"request", "a", "--json", "-v", "--broker", "ws://127.0.0.1:1/?token=hunter2", "--timeout", "1s"}},
		{"a token in the scenario", map[string]string{"s.toml": "[broker]\nurl = \"ws://127.0.0.1:1/mqtt?token=hunter2\"\n" + light}, "", []string{"check", "s.toml"}},
		{"a token in the scenario, as JSON", map[string]string{"s.toml": "[broker]\nurl = \"ws://127.0.0.1:1/mqtt?token=hunter2\"\n" + light}, "", []string{"check", "s.toml", "--json"}},
		{"a token at a fault", map[string]string{"s.toml": "[broker]\nurl = \"ws://127.0.0.1:1/mqtt?token=hunter2\"\nca_file = \"x\"\n" + light}, "", []string{"run", "s.toml", "--duration", "100ms"}},
		{"a token in a bad url", map[string]string{"s.toml": "[broker]\nurl = \"mqtt://127.0.0.1:1/mqtt?token=hunter2\"\n" + light}, "", []string{"check", "s.toml"}},
		{"a token in a url without quotes", map[string]string{"s.toml": "[broker]\nurl = ws://127.0.0.1:1/mqtt?token=hunter2\n" + light}, "", []string{"check", "s.toml"}},
		{"a token with flags that do not fit", nil, "", []string{"run", "bedroom", "--broker", "ws://127.0.0.1:1/mqtt?hunter2", "--listen", "127.0.0.1:0"}},
		{"a user in the url", nil, "", []string{"request", "a", "--broker", "mqtt://me:hunter2@127.0.0.1:1"}},
		{"a user in a bad url", nil, "", []string{"request", "a", "--broker", "ws://me:hunter2@127.0.0.1:x/?a"}},
		{"a password for a variable", nil, "", []string{"request", "a", "--username", "u", "--password-env", "hunter2"}},
		{"a password with signs for a variable", nil, "", []string{"run", "bedroom", "--username", "u", "--password-env", "hunter2!=x"}},
		{"a password for a variable in the scenario", map[string]string{"s.toml": "[broker]\nusername = \"u\"\npassword_env = \"hunter2\"\n" + light}, "", []string{"run", "s.toml"}},
		{"a bad one in the scenario", map[string]string{"s.toml": "[broker]\nusername = \"u\"\npassword_env = \"hunter2=\"\n" + light}, "", []string{"check", "s.toml"}},
		{"one with braces", map[string]string{"s.toml": "[broker]\nusername = \"u\"\npassword_env = \"{hunter2}\"\n" + light}, "", []string{"check", "s.toml", "--json"}},
		{"one beside a file", map[string]string{"s.toml": "[broker]\nusername = \"u\"\npassword_file = \"x\"\npassword_env = \"hunter2\"\n" + light}, "", []string{"check", "s.toml"}},
		{"a password for a variable in the users file", map[string]string{"u.toml": "[[user]]\nname = \"u\"\npassword_env = \"hunter2\"\npublish = [\"#\"]\n"}, "", []string{"broker", "--users", "u.toml"}},
		{"a bad one in the users file", map[string]string{"u.toml": "[[user]]\nname = \"u\"\npassword_env = \"hunter2=\"\n"}, "", []string{"broker", "--users", "u.toml"}},
		{"a password in the users file, at a fault", map[string]string{"u.toml": "[[user]]\nname = \"u\"\npassword = \"hunter2\"\npassword_env = \"X\"\n"}, "", []string{"broker", "--users", "u.toml"}},
		{"a password file as the scenario", map[string]string{"pw": "hunter2\n"}, "", []string{"run", "./pw"}},
		{"a base64 file as the scenario", map[string]string{"pw": "hunter2aGVsbG8==\n"}, "", []string{"check", "./pw", "--json"}},
		{"an environment file as the scenario", map[string]string{".env": "USER=me\nMQTT=hunter2\n"}, "", []string{"run", "./.env"}},
		{"a key as the scenario", map[string]string{"key.pem": "-----BEGIN KEY-----\nhunter2\n-----END KEY-----\n"}, "", []string{"run", "./key.pem"}},
		{"a password file as the users file", map[string]string{"pw": "hunter2 is it\n"}, "", []string{"broker", "--users", "pw"}},
		{"a password file as a result", map[string]string{"pw": "hunter2\n"}, "", []string{"report", "pw"}},
		{"a password file as a certificate", map[string]string{"pw": "hunter2\n"}, "", []string{"request", "a", "--broker", "mqtts://127.0.0.1:1", "--ca-file", "pw"}},
		{"a password from the environment", nil, "hunter2", []string{"request", "a", "--username", "u", "-v", "--json", "--broker", "mqtt://127.0.0.1:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
			defer cancel()
			env := func(name string) (string, bool) {
				if name != "HOMEFLEET_PASSWORD" || c.env == "" {
					return "", false
				}
				return c.env, true
			}
			Run(ctx, Process{Dir: dir, Args: c.args, Stdout: Stream{Writer: &out}, Stderr: Stream{Writer: &out}, LookupEnv: env})
			if strings.Contains(out.String(), "hunter2") {
				t.Errorf("%q writes\n%s\nwant no hunter2 in it", c.args, out.String())
			}
			if out.Len() == 0 {
				t.Errorf("%q writes nothing; want a word", c.args)
			}
			err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || c.files[path] != "" {
					return err
				}
				text, err := os.ReadFile(filepath.Join(dir, path))
				if strings.Contains(string(text), "hunter2") {
					t.Errorf("%q writes %s with hunter2 in it:\n%s", c.args, path, text)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
