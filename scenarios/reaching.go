package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// Spread says who is at which of several brokers.
type Spread string

// The ways to spread clients.
const (
	ByDevice Spread = "device" // in turn, by their numbers
	ByHome   Spread = "home"   // all devices of a home at one, the homes in turn
)

// mostAddresses bounds the addresses of a broker.
const mostAddresses = 64

// fill has URL be the first of several addresses.
func (b *Broker) fill() {
	if len(b.URLs) > 0 {
		if b.URL == "" {
			b.URL = b.URLs[0]
		}
		b.Spread = orText(b.Spread, ByDevice)
	}
}

// At has the broker be at one address, and no other.
func (b *Broker) At(url string) { b.URL, b.URLs, b.Spread = url, nil, "" }

// checkAddresses checks several addresses, of which the first is checked as url is.
func checkAddresses(r rules, b *Broker) {
	if len(b.URLs) > mostAddresses {
		r.errorf("urls", "", "%d addresses; want at most %d", len(b.URLs), mostAddresses)
		return
	}
	if len(b.URLs) > 0 && b.URL != b.URLs[0] && r.ok("urls", "url") {
		r.errorf("urls", "", "url is none of them that comes first; want it left out")
	}
	for i, address := range b.URLs {
		at := fmt.Sprintf("urls[%d]", i)
		switch problem, hint := URLFault(address); {
		case problem != "":
			r.errorf(at, hint, "urls: %q: %s", tomlfault.Short(words.PublicURL(address)), problem)
		case slices.Contains(b.URLs[:i], address):
			r.errorf(at, "", "urls: %q stands there twice", tomlfault.Short(words.PublicURL(address)))
		}
	}
}

// ownHeaders are those of a WebSocket handshake that nobody else has a say in (RFC 6455, 4.1).
var ownHeaders = []string{"Connection", "Host", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions", "Content-Length", "Transfer-Encoding"}

// checkHeaders checks the headers of the WebSocket handshake. Their values are not repeated.
func checkHeaders(r rules, b *Broker) {
	socket := strings.HasPrefix(b.URL, "ws")
	for _, part := range []struct {
		key   string
		all   []Property
		fault func(string) string
	}{{"headers", b.Headers, headerFault}, {"headers_env", b.HeadersEnv, envFault}} {
		if len(part.all) > 0 && !socket && r.ok("url", "urls") {
			r.warnf(part.key, "", "%s has no effect without WebSocket (ws, wss)", part.key)
		}
		for _, h := range part.all {
			at := part.key + "." + h.Key
			switch {
			case !headerName(h.Key):
				r.errorf(part.key, "", "%s: %q is no name of a header", part.key, tomlfault.Short(h.Key))
			case slices.ContainsFunc(ownHeaders, func(own string) bool { return strings.EqualFold(own, h.Key) }):
				r.errorf(at, "", "%s is a header of the handshake itself", h.Key)
			case h.Value.check(devicePlaces) != nil:
				f := h.Value.check(devicePlaces)
				r.errorf(at, f.hint, "%s: %s", h.Key, f.message)
			default:
				for _, v := range r.samples {
					if problem := part.fault(h.Value.Expand(v)); problem != "" {
						r.errorf(at, "", "%s: the value %s", h.Key, problem)
						break
					}
				}
			}
		}
	}
}

// headerName reports whether a text is a token (RFC 9110, 5.6.2).
func headerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c > '~' || c <= ' ' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c)
	})
}

// headerFault returns what is wrong with a text as the value of a header, or "".
func headerFault(s string) string {
	if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return "has a control character"
	}
	return ""
}
