package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Event is one event of a stream, as it came.
type Event struct {
	ID   string // "": it is not one of those that are kept
	Type string
	Data json.RawMessage
}

// mostLine bounds a line of a stream, in bytes.
const mostLine = 4 << 20

// Events reads a stream of events until it ends, which is so after an event "end", until
// ctx is done, or until take returns an error, which it returns. query is that of GET /v1/events,
// "" or with its "?". after is the ID of the last event that was taken, or "". The error
// is a [*Problem] where the run has refused; io.ErrUnexpectedEOF: the stream broke.
func (c *Client) Events(ctx context.Context, query, after string, take func(Event) error) error {
	r, err := http.NewRequestWithContext(ctx, "GET", strings.TrimSuffix(c.URL, "/")+"/v1/events"+query, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Accept", "text/event-stream")
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	reply, err := client.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if kind := reply.Header.Get("Content-Type"); kind != "text/event-stream" {
		p := new(Problem)
		text, err := io.ReadAll(io.LimitReader(reply.Body, mostReply))
		if err == nil && json.Unmarshal(text, p) == nil && p.Type != "" {
			return p
		}
		return fmt.Errorf("the reply is %s, and no stream of events", reply.Status)
	}
	return readEvents(reply.Body, take)
}

// readEvents reads a stream as the HTML standard has it (9.2.6).
func readEvents(body io.Reader, take func(Event) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, mostLine)
	e, data := Event{}, []string(nil)
	last := ""
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if data != nil {
				e.Data = json.RawMessage(strings.Join(data, "\n"))
				if last = e.Type; !json.Valid(e.Data) {
					return errors.New("an event that is no JSON")
				}
				if err := take(e); err != nil {
					return err
				}
			}
			e, data = Event{}, nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			e.ID = value
		case "event":
			e.Type = value
		case "data":
			data = append(data, value)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if last != "end" {
		return io.ErrUnexpectedEOF
	}
	return nil
}
