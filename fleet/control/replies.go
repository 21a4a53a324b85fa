package control

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
)

// replies remembers what was answered to requests with an Idempotency-Key, so that a
// repeat does nothing a second time. The last mostReplies are kept.
type replies struct {
	mu   sync.Mutex
	by   map[string]*kept
	keys []string // in the order in which they came
}

const (
	mostReplies = 256
	longestKey  = 255
)

// kept is a reply.
type kept struct {
	request [sha256.Size]byte // of method, path, query and body
	done    chan struct{}     // closed when what follows is there
	status  int
	reply   any
}

func (k *replies) init() { k.by = make(map[string]*kept) }

// once carries out a request, or answers as before if its key was there.
func (k *replies) once(w http.ResponseWriter, c *call, key string) {
	if len(key) > longestKey {
		writeProblem(w, badQuery.because("", "the Idempotency-Key has %d bytes; want at most %d", len(key), longestKey))
		return
	}
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(c.r.Method), []byte(c.r.URL.Path), []byte(c.r.URL.RawQuery), c.body}, []byte{0}))
	k.mu.Lock()
	one, again := k.by[key]
	if !again {
		one = &kept{request: sum, done: make(chan struct{})}
		if len(k.keys) >= mostReplies {
			delete(k.by, k.keys[0])
			k.keys = slices.Delete(k.keys, 0, 1)
		}
		k.by[key], k.keys = one, append(k.keys, key)
	}
	k.mu.Unlock()
	switch {
	case !again:
		func() {
			defer close(one.done)
			one.status, one.reply = 500, broken.because("", "the request could not be carried out") // if it goes down
			one.status, one.reply = c.answer()
		}()
	case one.request != sum:
		writeProblem(w, keyReused.because("want another key", "the Idempotency-Key %q came with another request before", short(key)))
		return
	default:
		select {
		case <-one.done:
		case <-c.r.Context().Done():
			return
		}
		w.Header().Set("Idempotency-Replayed", "true")
	}
	write(w, one.status, one.reply)
}
