package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client asks a running fleet. It may be used from several goroutines.
type Client struct {
	URL   string // of the control, without a path: "http://127.0.0.1:7676"
	Token string
	HTTP  *http.Client // nil: one that goes where URL points and nowhere else
}

// direct is a client that follows no redirect, and uses no proxy that the environment may
// name: either would take the token along.
func direct() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // a run answers one request a connection
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// mostReply bounds a reply that is read, in bytes.
const mostReply = 64 << 20

// Do makes a request. body is sent as JSON unless it is nil, and the reply is read into
// out unless that is nil; a *[]byte gets it as it came. The error is a [*Problem] where the
// run has refused, and of the network otherwise.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, content)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	client := c.HTTP
	if client == nil {
		client = direct()
	}
	reply, err := client.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, mostReply))
	if err != nil {
		return err
	}
	if strings.HasPrefix(reply.Header.Get("Content-Type"), "application/problem+json") {
		p := new(Problem)
		if err := json.Unmarshal(text, p); err != nil {
			return fmt.Errorf("the reply is no problem that can be read: %w", err)
		}
		return p
	}
	if reply.StatusCode >= 300 && reply.StatusCode <= 399 {
		return fmt.Errorf("%s %s: the reply is %s, a redirect; redirects are not followed", method, path, reply.Status)
	}
	if reply.StatusCode >= 400 && reply.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("%s %s: the reply is %s", method, path, reply.Status)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = text
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: the reply cannot be read: %w", method, path, err)
	}
	return nil
}
