package cmd

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// askControl makes a request of the control of a run, by its ready file, as curl would.
func askControl(ts *testscript.TestScript, ready, method, path, body string) (status int, reply []byte) {
	var d struct {
		Control struct{ URL, Token string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(ready)), &d))
	r, err := http.NewRequest(method, d.Control.URL+path, strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+d.Control.Token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: scriptPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	reply, err = io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, reply
}

func scriptAsk(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: ask READY METHOD PATH [BODY]")
	}
	status, reply := askControl(ts, args[0], args[1], args[2], strings.Join(args[3:], ""))
	_, _ = ts.Stdout().Write(reply)
	if refused := status >= 300; refused != neg {
		ts.Fatalf("%s %s = %d %s", args[1], args[2], status, reply)
	}
}

func scriptAskUntil(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 || neg {
		ts.Fatalf("usage: askuntil READY PATH REGEXP")
	}
	want := regexp.MustCompile(args[2])
	for end := time.Now().Add(scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		status, reply := askControl(ts, args[0], "GET", args[1], "")
		if want.Match(reply) {
			_, _ = ts.Stdout().Write(reply)
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("GET %s = %d without %q within %v; it is\n%s", args[1], status, want, scriptPatience, reply)
		}
	}
}
