package transport

import (
	"errors"
	"io"
	"net/http"
)

// errMasked ends a WebSocket whose server masks: a client must not go on with it
// (RFC 6455 5.1). The library takes such frames, and the masked bytes for MQTT.
var errMasked = errors.New("a masked WebSocket frame; a server must not mask (RFC 6455 5.1)")

// plainFault is an error of the library without how the library calls it, where we
// know more.
func plainFault(err error) error {
	if errors.Is(err, errMasked) {
		return errMasked
	}
	return err
}

// unmasked looks that a WebSocket's server does not mask.
type unmasked struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (u unmasked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := u.RoundTripper.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return resp, err
	}
	if stream, ok := resp.Body.(io.ReadWriteCloser); ok {
		resp.Body = &frameGuard{ReadWriteCloser: stream}
	}
	return resp, nil
}

// frameGuard is a stream of WebSocket frames that ends with errMasked before the
// first that is masked. It follows the frames by their headers (RFC 6455 5.2) and
// changes nothing. One goroutine reads at a time.
type frameGuard struct {
	io.ReadWriteCloser
	payload uint64 // of the frame, still to come
	length  byte   // bytes of the extended payload length that are still to come
	second  bool   // the next byte is the second of a frame
	masked  bool   // one was found
}

// Read implements io.Reader.
func (g *frameGuard) Read(p []byte) (int, error) {
	if g.masked {
		return 0, errMasked
	}
	n, err := g.ReadWriteCloser.Read(p)
	for i := 0; i < n; {
		switch b := p[i]; {
		case g.payload > 0 && g.length == 0:
			skip := min(g.payload, uint64(n-i))
			g.payload -= skip
			i += int(skip)
			continue
		case g.length > 0:
			g.payload = g.payload<<8 | uint64(b)
			g.length--
		case !g.second:
			g.second = true
		case b&0x80 != 0:
			g.masked = true
			return i, errMasked // without that byte nobody takes the frame for whole
		default:
			g.second = false
			switch b {
			case 126:
				g.length = 2
			case 127:
				g.length = 8
			default:
				g.payload = uint64(b)
			}
		}
		i++
	}
	return n, err
}
