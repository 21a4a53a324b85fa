package broker

import (
	"testing"
	"testing/synctest"
)

// What a client speaks instead of MQTT is named also where its first bytes come one by one; and
// a CONNECT that comes so is one.
func TestForeignByteByByte(t *testing.T) {
	for first, want := range map[string]string{
		"GET / HTTP/1.1\r\n":                                  "HTTP",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                    "HTTP",
		"\x16\x03\x01\x02\x00\x01":                            "TLS",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n":              "the PROXY protocol",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11":                      "the PROXY protocol",
		"SSH-2.0-OpenSSH_9.2p1\r\n":                           "SSH",
		"\r\n\r\n\x00\r\nQUIX":                                "",
		"\x00\x00\x01":                                        "",
		"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x03abc": "",
	} {
		bubble(t, Config{}, func(t *testing.T, b *Broker) {
			c := dial(t, b)
			for i := range first {
				if _, err := c.nc.Write([]byte{first[i]}); err != nil {
					break // the broker has seen enough
				}
				synctest.Wait()
			}
			if first[0] == 0x10 {
				if a := c.connack(); a.code != 0 {
					t.Errorf("CONNACK of %q = %+v; want 0", first, a)
				}
			} else if _, err := c.next(); err == nil || b.Stats().Refused != 1 {
				t.Errorf("%q: the connection is open; want it refused", first)
			}
			var said []string
			b.foreign.Range(func(speaks, _ any) bool { said = append(said, speaks.(string)); return true })
			if want == "" && len(said) > 0 || want != "" && (len(said) != 1 || said[0] != want) {
				t.Errorf("%q is taken for %q; want %q", first, said, want)
			}
		})
	}
}
