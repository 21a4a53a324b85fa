package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// eavesdropper takes every connection and notes what comes.
type eavesdropper struct {
	net.Listener
	serving sync.WaitGroup

	mu  sync.Mutex
	got []string
}

func eavesdrop(t *testing.T) *eavesdropper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &eavesdropper{Listener: l}
	e.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			e.serving.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Second))
				first := make([]byte, 4096)
				n, _ := conn.Read(first)
				e.mu.Lock()
				defer e.mu.Unlock()
				e.got = append(e.got, string(first[:n]))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		e.serving.Wait()
		for _, text := range e.got {
			t.Errorf("a connection came to where the redirect points, with %q; want none", text)
		}
	})
	return e
}

// redirecting is a server of the test's own that redirects whoever comes, and
// notes which paths it is asked for and what comes after the redirect.
type redirecting struct {
	*httptest.Server
	mu    sync.Mutex
	paths []string
	after []byte
}

func redirect(t *testing.T, secure bool, code int, location string) *redirecting {
	t.Helper()
	r := &redirecting{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		r.paths = append(r.paths, q.URL.String())
		r.mu.Unlock()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nLocation: %s\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", code, http.StatusText(code), location)
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		rest, _ := io.ReadAll(conn)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.after = append(r.after, rest...)
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

// TestRedirects has brokers over WebSocket send each command elsewhere. The
// CONNECT, and the password in it, goes nowhere but where the URL points, which
// is nowhere at all, as no WebSocket comes about there.
func TestRedirects(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"pw":      "hunter2\n",
		"s.toml":  "[[device]]\nkind = \"light\"\n",
		"ms.toml": "[[device]]\nkind = \"light\"\n[[controller]]\nattribute = \"power\"\nrate = \"10/s\"\n[[watcher]]\n[audit]\n[phases]\nconnect = \"5s\"\nmeasure = \"1s\"\n[expect]\n\"wills.missing\" = \"== 0\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commands := map[string][]string{
		"run":      {"run", "s.toml", "--fail-fast"},
		"measured": {"run", "ms.toml", "--fail-fast"},
		"request":  {"request", "cmnd/light-1/power", "ON", "--timeout", "2s"},
	}
	for i, code := range []int{301, 302, 303, 307, 308} {
		for j, way := range []struct {
			name     string
			secure   bool
			location string // with the address of the eavesdropper in it
			shown    string // in the error
		}{
			{"ws to http", false, "http://%s/mqtt", `"http://%s/mqtt"`},
			{"wss to ws", true, "ws://%s/mqtt?token=s3cr3t", `"ws://%s/mqtt?..."`},
			{"wss to http with a user", true, "http://me:s3cr3t@%s/", `"http://...@%s/"`},
			{"ws to itself", false, "/other", `"/other"`},
			{"ws to nowhere", false, "", "without a Location"},
		} {
			for k, command := range slices.Sorted(maps.Keys(commands)) {
				if (i+j+k)%3 != 0 && some(true, false) {
					continue // one command for each status and each way, in turn
				}
				args := commands[command]
				t.Run(fmt.Sprintf("%d %s %s", code, way.name, command), func(t *testing.T) {
					t.Parallel()
					fill := func(s string, e *eavesdropper) string {
						return strings.ReplaceAll(s, "%s", e.Addr().String())
					}
					elsewhere := eavesdrop(t)
					server := redirect(t, way.secure, code, fill(way.location, elsewhere))
					url := strings.Replace(server.URL, "http", "ws", 1) + "/mqtt?token=s3cr3t"
					args := append(append([]string{}, args...), "--broker", url, "--insecure", "--username", "me", "--password-file", "pw")
					var stderr bytes.Buffer
					ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
					defer cancel()
					got := Run(ctx, Process{Dir: dir, Args: args, Stderr: Stream{Writer: &stderr}})
					text := stderr.String()
					if got != exitFailed {
						t.Errorf("%s = %d; want %d:\n%s", command, got, exitFailed, text)
					}
					if want := fill(way.shown, elsewhere); !strings.Contains(text, want) || !strings.Contains(text, "redirects are not followed") {
						t.Errorf("%s says\n%s\nwant %s in it, and that redirects are not followed", command, text, want)
					}
					for _, secret := range []string{"hunter2", "s3cr3t"} {
						if strings.Contains(text, secret) {
							t.Errorf("%s says\n%s\nwant no %s in it", command, text, secret)
						}
					}
					server.mu.Lock()
					defer server.mu.Unlock()
					for _, path := range server.paths {
						if path != "/mqtt?token=s3cr3t" {
							t.Errorf("%s asks the server for %s; want /mqtt with the token only", command, path)
						}
					}
					if len(server.paths) == 0 || len(server.after) > 0 {
						t.Errorf("%s comes %d times, and sends %q after the redirect; want a visit, and nothing more", command, len(server.paths), server.after)
					}
				})
			}
		}
	}
}

// What asks a run over HTTP takes its token nowhere but where the address points.
func TestControlRedirects(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		elsewhere := eavesdrop(t)
		server := redirect(t, false, code, "http://"+elsewhere.Addr().String()+"/v1")
		for _, args := range [][]string{
			{"status"}, {"ls"}, {"cmd", "porch", "power", "ON"}, {"kill", "porch"}, {"stop"},
		} {
			var stderr bytes.Buffer
			got := Run(t.Context(), Process{
				Dir: t.TempDir(), Args: append(append([]string{"ctl"}, args...), "--at", server.URL), Stderr: Stream{Writer: &stderr},
				LookupEnv: func(name string) (string, bool) {
					return map[string]string{"HOMEFLEET_CONTROL_TOKEN": "s3cr3t"}[name], name == "HOMEFLEET_CONTROL_TOKEN"
				},
			})
			if text := stderr.String(); got != exitFailed || !strings.Contains(text, "redirects are not followed") || strings.Contains(text, "s3cr3t") {
				t.Errorf("ctl %s, sent elsewhere with %d, = %d:\n%s\nwant %d, and that redirects are not followed, without the token", args[0], code, got, text, exitFailed)
			}
		}
		server.mu.Lock()
		if len(server.paths) == 0 {
			t.Errorf("%d: ctl does not come; want a visit", code)
		}
		server.mu.Unlock()
	}
}

// What a server answers to a WebSocket handshake is not repeated, where it is none of
// HTTP: it may be what the server was sent, and a token in the URL is a secret.
func TestHandshakeIsNotEchoed(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 302 Found\r\nLocation: /mqtt?token=s3cr3t\x1b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno header, but token=s3cr3t\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: token=s3cr3t\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: s3cr3t\r\n\r\n",
		"token=s3cr3t\r\n\r\n",
		"HTTP/1.1 s3cr3t\r\n\r\n",
		"HTTP/s3cr3t 200 OK\r\n\r\n",
		"HTTP/1.1 404 s3cr3t\r\nLocation: s3cr3t\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: s3cr3t\r\nConnection: s3cr3t\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3cr3t\r\n\r\n",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var serving sync.WaitGroup
		serving.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		})
		var stderr bytes.Buffer
		got := Run(t.Context(), Process{Args: []string{"request", "a", "--broker", "ws://" + l.Addr().String() + "/mqtt?token=s3cr3t", "--timeout", "2s"}, Stderr: Stream{Writer: &stderr}})
		_ = l.Close()
		serving.Wait()
		if text := stderr.String(); got != exitFailed || !strings.Contains(text, "WebSocket handshake") || strings.Contains(text, "s3cr3t") {
			t.Errorf("answered %q, request = %d:\n%s\nwant %d, and a word on the handshake without s3cr3t", answer, got, text, exitFailed)
		}
	}
}

// TestNoProxy has the environment name a proxy: none is used, over WebSocket as
// over TCP.
func TestNoProxy(t *testing.T) {
	proxy := eavesdrop(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	// 0.0.0.0 leads to this machine as well, but a client with a proxy would not
	// exempt it as it does 127.0.0.1.
	address := strings.Replace(server.URL, "http://127.0.0.1", "ws://0.0.0.0", 1)
	cmd := exec.Command(os.Args[0], "request", "a", "--broker", address, "--timeout", "5s")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, name+"=http://"+proxy.Addr().String())
	}
	text, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "404") {
		t.Errorf("request to %s, with a proxy in the environment: %v\n%s\nwant the server's 404", address, err, text)
	}
}
