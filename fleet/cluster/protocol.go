package cluster

import "time"

// What is said between shards and collector, as JSON over HTTP/1.1. Moments are
// nanoseconds by the collector's clock, which begins at the Unix epoch and is monotonic while the
// collector lives.

// Gathering says what is collected: GET /v1/run.
type Gathering struct {
	Run       string `json:"run"`
	Shards    int    `json:"shards"`
	Delivered []int  `json:"delivered,omitempty"` // shards whose results are in: what is started in their place has nothing to do
}

// clockAnswer is when a question came and when its answer went: POST /v1/clock.
type clockAnswer struct {
	Received int64 `json:"received"`
	Sent     int64 `json:"sent"`
}

// readyQuestion is a member whose devices are up: POST /v1/ready. The answer is held back for up to
// holdBack.
type readyQuestion struct {
	Member
	Offset    time.Duration `json:"offset_ns"`
	RoundTrip time.Duration `json:"round_trip_ns"`
}

// readyAnswer says when to begin; while shards are missing, Begin is 0.
type readyAnswer struct {
	Begin   int64    `json:"begin,omitempty"`
	Missing []string `json:"missing,omitempty"`
}

// progressQuestion is how far a member is: POST /v1/progress. What a collector has to know that
// was not there before is in it as well.
type progressQuestion struct {
	Member
	Begin    int64    `json:"begin"` // when it began; 0: it waits
	Progress Progress `json:"progress"`
}

// progressAnswer may ask a member to stop.
type progressAnswer struct {
	Stop string `json:"stop,omitempty"` // why
}

// problem is the body of an answer that is no success, after RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

const (
	holdBack    = 4 * time.Second  // an answer to a ready member, at most
	heardWithin = 6 * time.Second  // a member that lives says something
	tellEvery   = time.Second      // how far it is
	askFor      = 10 * time.Second // one question and its answer
	connectFor  = 5 * time.Second  // less than a question, so that it is said what takes so long: the name, or the host
)

// mostQuestion bounds a question that is no result, in bytes.
const mostQuestion = 64 << 10
