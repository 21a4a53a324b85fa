package broker

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// HashPrefix is what a hash begins with that takes the place of a password.
const HashPrefix = "$argon2id$"

// What HashPassword takes for one guess: 19 MiB and some 20 ms.
const (
	hashMemory = 19 << 10 // KiB
	hashTime   = 2
	hashSalt   = 16
	hashKey    = 32
)

// Bounds on what a hash in a file may ask for.
const (
	mostHashMemory  = 64 << 10 // KiB
	mostHashTime    = 10
	mostHashThreads = 4
)

// HashPassword returns a password's argon2id hash (RFC 9106) as a PHC string, with
// a salt of its own.
func HashPassword(password []byte) string {
	salt := make([]byte, hashSalt)
	_, _ = rand.Read(salt) // never fails
	h := passwordHash{memory: hashMemory, time: hashTime, threads: 1, salt: salt, key: make([]byte, hashKey)}
	h.key = h.of(password)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", HashPrefix, argon2.Version, h.memory, h.time, h.threads,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// passwordHash is an argon2id hash.
type passwordHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func (h *passwordHash) of(password []byte) []byte {
	return argon2.IDKey(password, h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
}

func (h *passwordHash) matches(password []byte) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.key) == 1
}

// parseHash reads a PHC string. The errors do not repeat it.
func parseHash(text string) (*passwordHash, error) {
	const form = "want $argon2id$v=19$m=…,t=…,p=…$SALT$HASH, as homefleet broker --hash-password makes it"
	rest, ok := strings.CutPrefix(text, HashPrefix)
	fields := strings.Split(rest, "$")
	if !ok || len(fields) != 4 {
		return nil, errors.New("a hash that is no PHC string of argon2id; " + form)
	}
	if fields[0] != "v="+strconv.Itoa(argon2.Version) {
		return nil, errors.New("a hash of another version of argon2id; " + form)
	}
	h := new(passwordHash)
	numbers := strings.Split(fields[1], ",")
	if len(numbers) != 3 {
		return nil, errors.New("a hash without m, t and p; " + form)
	}
	var values [3]uint64
	for i, p := range []struct {
		name      string
		low, high uint64
	}{{"m", 8, mostHashMemory}, {"t", 1, mostHashTime}, {"p", 1, mostHashThreads}} {
		digits, ok := strings.CutPrefix(numbers[i], p.name+"=")
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n < p.low || n > p.high {
			return nil, fmt.Errorf("a hash whose %s is not within %d to %d", p.name, p.low, p.high)
		}
		values[i] = n
	}
	h.memory, h.time, h.threads = uint32(values[0]), uint32(values[1]), uint8(values[2])
	for i, to := range []*[]byte{&h.salt, &h.key} {
		b, err := base64.RawStdEncoding.Strict().DecodeString(fields[2+i])
		if err != nil || len(b) < 8+8*i || len(b) > 64 {
			return nil, errors.New("a hash whose salt is not 8 to 64 bytes or whose value not 16 to 64, in base64 without padding")
		}
		*to = b
	}
	return h, nil
}
