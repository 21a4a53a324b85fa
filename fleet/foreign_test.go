package fleet

import (
	"errors"
	"testing"
	"testing/synctest"

	"homefleet/fleet/client"
)

// What a broker's address speaks instead of MQTT is named also where its first bytes come one
// by one.
func TestForeignByteByByte(t *testing.T) {
	for first, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n":                     "HTTP",
		"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00": "HTTP", // SETTINGS of HTTP/2
		"\x00\x00\x00\x04\x00\x00\x00\x00\x00":             "HTTP",
		"\x15\x03\x01\x00\x02\x02\x28":                     "TLS",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11":                   "the PROXY protocol",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n":           "the PROXY protocol",
		"SSH-2.0-OpenSSH_9.2p1\r\n":                        "SSH",
		"AMQP\x00\x00\x09\x01":                             "AMQP",
		"INFO {\"server_id\":\"x\"}":                       "NATS",
		"220 mail.example ESMTP\r\n":                       "SMTP or FTP",
		"-ERR unknown command\r\n":                         "Redis",
		"\x00\x00\x12\x04\x00\x00\x00\x01":                 "", // goes on as no first frame can
		"\x00\x00\x13":                                     "",
		"\x20\x03\x00\x87\x00":                             "",
	} {
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.wantConnect()
			for i := range first {
				if _, err := p.conn.Write([]byte{first[i]}); err != nil {
					break // it has seen enough
				}
				synctest.Wait()
			}
			err := b.ended.wait()
			switch foreign, ok := errors.AsType[*client.ForeignError](err); {
			case err == nil:
				t.Errorf("Run() = nil with %q; want an error", first)
			case ok && foreign.Speaks != want, !ok && want != "":
				t.Errorf("Run() = %v with %q; want %q", err, first, want)
			}
		}, func(o *Options) { o.FailFast = true })
	}
}
