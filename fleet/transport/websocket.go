package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"homefleet/devices/words"
)

// dialWebSocket connects with the subprotocol mqtt (section 6).
func (d *Dialer) dialWebSocket(ctx context.Context, secured *tls.Config, header http.Header) (net.Conn, error) {
	var socket net.Conn // beneath the WebSocket, and beneath its TLS
	dial := func(ctx context.Context, _, _ string) (c net.Conn, err error) {
		if socket, err = d.dialTCP(ctx); err == nil {
			socket = watch(socket)
		}
		return socket, err
	}
	client := &http.Client{
		Transport: unmasked{&http.Transport{
			DialContext:            dial,
			TLSClientConfig:        secured,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
			// Proxy is nil on purpose: what goes to the broker goes to no proxy that
			// the environment may name, as with plain MQTT.
		}},
		// A redirect would take the CONNECT, and the password in it, to where
		// nobody asked for it to go, from wss to ws perhaps.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	u := *d.url
	if u.Path == "" {
		u.Path = "/mqtt" // where most brokers serve it
	}
	ws, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient:      client,
		HTTPHeader:      header,
		Subprotocols:    []string{subprotocol},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, handshakeError(resp, err)
	}
	if ws.Subprotocol() != subprotocol {
		_ = ws.CloseNow()
		return nil, errors.New("WebSocket handshake: the server does not speak the subprotocol mqtt")
	}
	ws.SetReadLimit(-1) // who reads bounds a packet, and a message may hold many
	return newWebSocket(ws, socket), nil
}

// RedirectError is a broker's answer to a WebSocket handshake that it is to be
// sought elsewhere. No redirect is followed.
type RedirectError struct {
	Status   string // such as "302 Found"
	Location string // as it may be shown: without user and query; "" if the answer names none
}

func (e *RedirectError) Error() string {
	where := "without a Location"
	if e.Location != "" {
		where = fmt.Sprintf("to %q", e.Location)
	}
	return fmt.Sprintf("WebSocket handshake: the server answered %s, a redirect %s; redirects are not followed", e.Status, where)
}

// handshakeError says what became of a WebSocket handshake. The library's error
// has the whole URL in it, which may hold a token.
func handshakeError(resp *http.Response, err error) error {
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		status := strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", http.StatusText(resp.StatusCode))) // in our words
		if resp.StatusCode >= 300 && resp.StatusCode <= 399 {
			return &RedirectError{Status: status, Location: words.Short(words.PublicURL(resp.Header.Get("Location")))}
		}
		return fmt.Errorf("WebSocket handshake: the server answered %s", status)
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	if resp != nil || answered(err) {
		return errors.New("WebSocket handshake: the server's answer is none to a WebSocket handshake")
	}
	return fmt.Errorf("WebSocket handshake: %w", err)
}

// answered reports whether an error is about what the server answered, of which it has a
// part in it then: a server may answer with what it was sent, a token in the URL, too.
func answered(err error) bool {
	if _, network := errors.AsType[net.Error](err); network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return strings.HasPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ")
}

// webSocket makes a WebSocket look like a stream with read deadlines. The library
// kills a connection whose read times out, so a goroutine of its own reads, and
// hands over one chunk at a time; the owner's deadline ends only the waiting.
type webSocket struct {
	ws     *websocket.Conn
	socket net.Conn
	ctx    context.Context // done when the connection is closed
	cancel context.CancelFunc
	pump   sync.WaitGroup

	chunks chan []byte // from the pump
	free   chan []byte // back to the pump
	ended  chan struct{}
	err    error // why the pump ended; read after ended is closed
	rest   []byte
	lent   []byte

	mu       sync.Mutex
	deadline time.Time
	moved    chan struct{} // closed and replaced when the deadline is moved

	writeBy time.Time          // guarded by mu
	hurry   context.CancelFunc // ends the Write under way; guarded by mu
}

// chunkSize is how much the pump reads at a time: one command or acknowledgement
// fits, and a device stays small.
const chunkSize = 512

func newWebSocket(ws *websocket.Conn, socket net.Conn) *webSocket {
	c := &webSocket{ws: ws, socket: socket, chunks: make(chan []byte), free: make(chan []byte, 1),
		ended: make(chan struct{}), moved: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.free <- make([]byte, chunkSize)
	c.pump.Go(c.readAll)
	return c
}

// readAll is the pump.
func (c *webSocket) readAll() {
	defer close(c.ended)
	for {
		typ, r, err := c.ws.Reader(c.ctx)
		if err != nil {
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
				err = io.EOF // and no more of how the library calls it
			}
			c.err = plainFault(err)
			return
		}
		if typ != websocket.MessageBinary { // 6.0.0-1
			c.err = errors.New("a WebSocket frame of text; want binary")
			return // what closes the connection does it without ceremony
		}
		for {
			var buf []byte
			select {
			case buf = <-c.free:
			case <-c.ctx.Done():
				c.err = net.ErrClosed
				return
			}
			n, err := r.Read(buf)
			select {
			case c.chunks <- buf[:n]:
			case <-c.ctx.Done():
				c.err = net.ErrClosed
				return
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				c.err = plainFault(err)
				return
			}
		}
	}
}

// Read implements net.Conn. One goroutine reads at a time.
func (c *webSocket) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.lent != nil {
			c.free <- c.lent[:cap(c.lent)] // there is room: it was taken from there
			c.lent = nil
		}
		c.mu.Lock()
		deadline, moved := c.deadline, c.moved
		c.mu.Unlock()
		var timeout <-chan time.Time
		if !deadline.IsZero() {
			wait := time.Until(deadline)
			if wait <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
			timer := time.NewTimer(wait)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case c.lent = <-c.chunks:
			c.rest = c.lent
		case <-c.ended:
			return 0, c.err
		case <-moved:
		case <-timeout:
			return 0, os.ErrDeadlineExceeded
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write sends p as one binary message. One goroutine writes at a time.
func (c *webSocket) Write(p []byte) (int, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.mu.Lock()
	by := c.writeBy
	c.hurry = cancel
	c.mu.Unlock()
	if !by.IsZero() {
		timer := time.AfterFunc(time.Until(by), cancel)
		defer timer.Stop()
	}
	if err := c.ws.Write(ctx, websocket.MessageBinary, p); err != nil {
		if ctx.Err() != nil && c.ctx.Err() == nil {
			err = os.ErrDeadlineExceeded
		}
		return 0, err
	}
	return len(p), nil
}

// NetConn returns the TCP connection beneath, for those who go without a word.
func (c *webSocket) NetConn() net.Conn { return c.socket }

// Close ends the connection at once and waits for the pump.
func (c *webSocket) Close() error {
	c.cancel()
	err := c.ws.CloseNow()
	c.pump.Wait()
	return err
}

// SetReadDeadline implements net.Conn; it may be called from any goroutine.
func (c *webSocket) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.moved)
	c.moved = make(chan struct{})
	return nil
}

// SetWriteDeadline implements net.Conn; it may be called from any goroutine, and
// an earlier deadline holds for the Write under way too.
func (c *webSocket) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sooner := !t.IsZero() && (c.writeBy.IsZero() || t.Before(c.writeBy))
	c.writeBy = t
	if sooner && c.hurry != nil {
		time.AfterFunc(time.Until(t), c.hurry)
	}
	return nil
}

// SetDeadline implements net.Conn.
func (c *webSocket) SetDeadline(t time.Time) error {
	_ = c.SetWriteDeadline(t)
	return c.SetReadDeadline(t)
}

// LocalAddr implements net.Conn; a WebSocket does not tell.
func (c *webSocket) LocalAddr() net.Addr { return webSocketAddr{} }

// RemoteAddr implements net.Conn.
func (c *webSocket) RemoteAddr() net.Addr { return webSocketAddr{} }

type webSocketAddr struct{}

func (webSocketAddr) Network() string { return "websocket" }
func (webSocketAddr) String() string  { return "websocket" }
