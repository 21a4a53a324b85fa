package cluster

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Client is a shard's way to the collector. It is one goroutine's at a time, but for Follow.
type Client struct {
	base   string
	token  func() string // asked for each question, since a collector that is started again may have another
	http   *http.Client
	zero   time.Time // moments on our clock are counted from it ...
	wall   int64     // ... which is this by the wall, in nanoseconds from the Unix epoch
	Member Member
}

// Refused is that the collector is there and will not have this shard, whatever it does.
type Refused struct{ What string }

func (e *Refused) Error() string { return "the collector refuses: " + e.What }

// Unreachable is that no collector answered for as long as was waited.
type Unreachable struct {
	URL string
	Err error
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("no collector answers at %s: %v", e.URL, e.Err)
}
func (e *Unreachable) Unwrap() error { return e.Err }

// NewClient makes a client of the collector at an http or https URL. token may be nil.
func NewClient(collector string, token func() string) (*Client, error) {
	u, err := url.Parse(collector)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is no address of a collector; want http://HOST:PORT", words.Short(collector))
	case u.User != nil:
		return nil, errors.New("the address of a collector has a user in it; the token is given apart")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%q is more than the address of a collector; want http://HOST:PORT", words.Short(collector))
	}
	if token == nil {
		token = func() string { return "" }
	}
	c := &Client{base: u.Scheme + "://" + u.Host, token: token, zero: time.Now()}
	c.wall = c.zero.UnixNano()
	c.http = &http.Client{
		// What the token is for is at this address and no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: askFor,
			DialContext: (&net.Dialer{Timeout: connectFor}).DialContext},
	}
	return c, nil
}

// String is where the collector is.
func (c *Client) String() string { return c.base }

// Run returns what the collector calls the run, of how many shards it is, and whose results are in.
// It asks until it is answered, or patience is over.
func (c *Client) Run(ctx context.Context, patience time.Duration) (Gathering, error) {
	var a Gathering
	err := c.insist(ctx, patience, func(ctx context.Context) error { return c.ask(ctx, http.MethodGet, "/v1/run", nil, &a) })
	if err == nil && (a.Shards < 1 || a.Shards > MostShards || a.Run == "") {
		err = &Unreachable{c.base, errors.New("what answers there is no collector")}
	}
	return a, err
}

// Beginning is when the shards begin, and how well that is known here.
type Beginning struct {
	At        time.Time     // on the clock of this process
	Offset    time.Duration // of the collector's clock from ours, by the wall
	RoundTrip time.Duration // the best of several: At is wrong by half of it at most

	nanos int64 // by the collector's clock
}

// pings are the questions that a clock is measured with.
const pings = 8

// Begin says that the devices are up, waits for those of all others, and returns when to begin, which
// is some time ahead, or behind if the others have begun already. missing is told who is waited for,
// when that is news.
func (c *Client) Begin(ctx context.Context, patience time.Duration, missing func([]string)) (Beginning, error) {
	var b Beginning
	if err := c.insist(ctx, patience, func(ctx context.Context) error { return c.clock(ctx, &b) }); err != nil {
		return b, err
	}
	told := ""
	q := readyQuestion{Member: c.Member, Offset: b.Offset, RoundTrip: b.RoundTrip}
	for {
		var a readyAnswer
		err := c.insist(ctx, patience, func(ctx context.Context) error { return c.ask(ctx, http.MethodPost, "/v1/ready", &q, &a) })
		switch {
		case err != nil:
			return b, err
		case a.Begin != 0:
			b.nanos = a.Begin
			b.At = c.zero.Add(time.Duration(a.Begin - c.wall - int64(b.Offset)))
			return b, nil
		}
		if now := strings.Join(a.Missing, ", "); now != told {
			told = now
			missing(a.Missing)
		}
	}
}

// clock measures the difference of the clocks: the ping that was quickest knows most.
func (c *Client) clock(ctx context.Context, b *Beginning) error {
	best := time.Duration(-1)
	for range pings {
		var sent, came time.Time
		var a clockAnswer
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn:              func(httptrace.GotConnInfo) { sent = time.Now() }, // how long it took to connect is not a part
			GotFirstResponseByte: func() { came = time.Now() },
		})
		if err := c.ask(traced, http.MethodPost, "/v1/clock", struct{}{}, &a); err != nil {
			return err
		}
		took := came.Sub(sent) - time.Duration(a.Sent-a.Received)
		if best < 0 || took < best {
			best = took
			ours := func(t time.Time) int64 { return c.wall + int64(t.Sub(c.zero)) }
			b.Offset = time.Duration((a.Received-ours(sent))+(a.Sent-ours(came))) / 2
			b.RoundTrip = max(took, 0)
		}
	}
	return nil
}

// Follow tells the collector every second how far this shard is, until ctx ends; stop is called,
// once, if it wants the shard to stop. begin returns when the shard began, or nil.
// What is not heard is told again by the next one.
func (c *Client) Follow(ctx context.Context, progress func() (Progress, *Beginning), stop func(why string)) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p, begun := progress()
		q := progressQuestion{Member: c.Member, Progress: p}
		if begun != nil {
			q.Begin = begun.nanos
		}
		var a progressAnswer
		err := c.ask(ctx, http.MethodPost, "/v1/progress", &q, &a)
		if no, ok := errors.AsType[*Refused](err); ok && stop != nil {
			stop(no.Error())
			stop = nil
		}
		if err == nil && a.Stop != "" && stop != nil {
			stop(a.Stop)
			stop = nil
		}
	}
}

// Deliver hands the result over, again and again until the collector has it or patience is over.
func (c *Client) Deliver(ctx context.Context, result []byte, patience time.Duration) error {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(result) // a buffer takes all
	_ = z.Close()
	who, err := json.Marshal(c.Member)
	if err != nil {
		return err
	}
	return c.insist(ctx, patience, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, resultTime)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+"/v1/result", bytes.NewReader(zipped.Bytes()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Encoding", "gzip")
		r.Header.Set(memberHeader, string(who))
		return c.do(r, nil)
	})
}

// locked is a refusal that may be another answer soon: the token is wrong, or none was given;
// or another has the shard's place.
type locked struct {
	what string
	most time.Duration // how long it is asked again
}

func (e *locked) Error() string { return e.what }

// lockedFor is how long a collector may have another token than this shard knows: one that was
// started again has a new one, which shards on its machine find by themselves.
const lockedFor = 5 * time.Second

// insist repeats a question until it is answered, refused, or patience is over: collectors come
// later than shards, and are started again.
func (c *Client) insist(ctx context.Context, patience time.Duration, question func(context.Context) error) error {
	wait, began := 100*time.Millisecond, time.Now()
	until := began.Add(patience)
	for {
		err := question(ctx)
		if err == nil {
			return nil
		}
		if _, final := errors.AsType[*Refused](err); final || ctx.Err() != nil {
			return err
		}
		if no, ok := errors.AsType[*locked](err); ok && time.Since(began) >= min(patience, no.most) {
			return &Refused{no.what}
		}
		if time.Now().Add(wait).After(until) {
			return &Unreachable{c.base, err}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// ask asks one question.
func (c *Client) ask(ctx context.Context, method, path string, question, to any) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	var body io.Reader
	if question != nil {
		text, err := json.Marshal(question)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	return c.do(r, to)
}

// do sends a request and reads its answer.
func (c *Client) do(r *http.Request, to any) error {
	if token := c.token(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := c.http.Do(r)
	if err != nil {
		if in, ok := errors.AsType[*url.Error](err); ok {
			err = in.Err // the address is said elsewhere
		}
		return err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, mostQuestion))
	if err != nil {
		return err
	}
	if a.StatusCode == http.StatusOK {
		if to == nil {
			return nil
		}
		if err := json.Unmarshal(text, to); err != nil {
			return errors.New("what answers there is no collector")
		}
		return nil
	}
	var p problem
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		p.Detail = "it says " + words.Short(a.Status)
	}
	p.Detail = words.Printable(p.Detail)
	switch a.StatusCode {
	case conflict, gone, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusBadRequest, http.StatusForbidden:
		return &Refused{p.Detail}
	}
	switch a.StatusCode {
	case http.StatusUnauthorized:
		return &locked{p.Detail, lockedFor}
	case occupied:
		return &locked{p.Detail, heardWithin + 2*tellEvery}
	}
	return errors.New(p.Detail)
}
