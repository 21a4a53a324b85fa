package transport

import "bytes"

// Foreign names the protocol of which the first bytes of a connection are, where that is a
// known one and not MQTT: "HTTP", "TLS", "the PROXY protocol" … It is "" where they are none
// of these, or too few to tell. Whoever sends them, a client or a server, may have the
// wrong port.
func Foreign(first []byte) string {
	for i := range foreign {
		for _, begins := range foreign[i].begins {
			if bytes.HasPrefix(first, []byte(begins)) {
				return foreign[i].name
			}
		}
	}
	if isHTTP2(first) {
		return "HTTP"
	}
	return ""
}

// MostForeign is how many first bytes tell all that [Foreign] knows.
const MostForeign = 16

// foreign are the protocols that are known by how either side begins. None of these is the
// beginning of a CONNECT (0x10) or of a CONNACK (0x20).
var foreign = []struct {
	name   string
	begins []string
}{
	{"HTTP", []string{"HTTP/", "GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI * HTTP/2"}},
	{"TLS", []string{"\x15\x03", "\x16\x03"}},                            // RFC 8446, 5.1: an alert, a handshake
	{"the PROXY protocol", []string{"PROXY ", "\r\n\r\n\x00\r\nQUIT\n"}}, // HAProxy's, versions 1 and 2
	{"SSH", []string{"SSH-"}},                                            // RFC 4253, 4.2
	{"AMQP", []string{"AMQP"}},                                           // 0-9-1, 4.2.2
	{"NATS", []string{"INFO {"}},                                         // the first line of its servers
	{"SMTP or FTP", []string{"220 ", "220-"}},                            // RFC 5321, RFC 959
	{"RTSP", []string{"RTSP/"}},                                          // RFC 2326
	{"Redis", []string{"-ERR ", "-NOAUTH ", "-DENIED "}},                 // RESP, simple errors
	{"telnet", []string{"\xff\xfb", "\xff\xfd"}},                         // RFC 854: WILL, DO
	{"XMPP", []string{"<?xml ", "<stream:"}},                             // RFC 6120
}

// MayBeForeign reports whether bytes of which [Foreign] knows nothing may be the first of a
// protocol that it will know by a few more, while no packet of MQTT begins so: type 0 is
// reserved (2.1.2).
func MayBeForeign(first []byte) bool {
	if len(first) == 0 || first[0]>>4 != 0 {
		return false
	}
	for i := range foreign {
		for _, begins := range foreign[i].begins {
			if len(first) < len(begins) && bytes.HasPrefix([]byte(begins), first) {
				return true
			}
		}
	}
	return len(first) < http2Head && beginsHTTP2(first)
}

// http2Head is the length of the head of a frame of HTTP/2.
const http2Head = 9

// isHTTP2 reports whether bytes are those of an HTTP/2 server's first frame, which is
// SETTINGS on stream 0 (RFC 9113, 3.4).
func isHTTP2(b []byte) bool { return len(b) >= http2Head && beginsHTTP2(b) }

// beginsHTTP2 reports whether they are as far as they go.
func beginsHTTP2(b []byte) bool {
	for i, c := range b[:min(len(b), http2Head)] {
		switch {
		case i == 1: // of the length, which is less than 64 KB
		case i == 2 && c%6 != 0, i == 3 && c != 4, i != 2 && i != 3 && c != 0:
			return false
		}
	}
	return true
}
