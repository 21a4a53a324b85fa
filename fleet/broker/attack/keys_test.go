//go:build linux

package attack

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"strings"
)

// byHand is a TLS 1.3 client that makes its records by hand (RFC 8446 5.2) once the
// handshake is done: crypto/tls has no way to update keys.
type byHand struct {
	net.Conn
	secret []byte // client_application_traffic_secret_N
	aead   cipher.AEAD
	iv     []byte
	n      uint64 // records with these keys
}

// keyed shakes hands and connects.
func keyed(c *conn) error {
	var log bytes.Buffer
	nc := tls.Client(beneath(c.Conn), attackerTLS(&log))
	if err := nc.Handshake(); err != nil {
		return err
	}
	if nc.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		return errors.New("another cipher suite; want TLS_AES_128_GCM_SHA256")
	}
	_, line, _ := strings.Cut(log.String(), "CLIENT_TRAFFIC_SECRET_0 ")
	line, _, _ = strings.Cut(line, "\n")
	_, digits, _ := strings.Cut(line, " ")
	secret, err := hex.DecodeString(digits)
	if err != nil {
		return err
	}
	h := &byHand{Conn: nc.NetConn()}
	if err := h.use(secret); err != nil {
		return err
	}
	c.Conn = h
	_, err = h.Conn.Write(h.record(nil, 23, connectAnybody()))
	return err
}

// expand is HKDF-Expand-Label without a context (RFC 8446 7.1).
func expand(secret []byte, label string, n int) ([]byte, error) {
	label = "tls13 " + label
	info := append(binary.BigEndian.AppendUint16(nil, uint16(n)), byte(len(label)))
	return hkdf.Expand(sha256.New, secret, string(append(append(info, label...), 0)), n)
}

// use has a secret protect what comes next.
func (h *byHand) use(secret []byte) error {
	key, err1 := expand(secret, "key", 16)
	iv, err2 := expand(secret, "iv", 12)
	block, err3 := aes.NewCipher(key)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	h.secret, h.aead, h.iv, h.n = secret, aead, iv, 0
	return err
}

// record appends a record of a type.
func (h *byHand) record(b []byte, typ byte, content []byte) []byte {
	head := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(content)+1+h.aead.Overhead()))
	nonce := bytes.Clone(h.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^h.n)
	h.n++
	return h.aead.Seal(append(b, head...), nonce, append(bytes.Clone(content), typ), head)
}

// updateKeys sends PINGREQs, and before each byte a KeyUpdate that asks for another one
// (RFC 8446 4.6.3).
func updateKeys(c *conn) error {
	h := c.Conn.(*byHand)
	var b []byte
	for i := range 100 {
		b = h.record(b, 22, []byte{24, 0, 0, 1, 1})
		secret, err := expand(h.secret, "traffic upd", sha256.Size)
		if err != nil {
			return err
		}
		if err := h.use(secret); err != nil {
			return err
		}
		b = h.record(b, 23, pingreq[i%2:i%2+1])
	}
	_, err := h.Conn.Write(b)
	return err
}
