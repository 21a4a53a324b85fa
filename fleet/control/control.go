// Package control lets a running fleet be looked at and acted upon over HTTP: devices are
// listed, commanded, taken off, brought back and made to misbehave, incidents happen, and
// somebody may wait for what is to come. It opens no listener, prints nothing and knows no
// command line.
//
// # Goroutines
//
// A device belongs to its own goroutine. From here only what is atomic is read; all else is
// left as word in the device's inbox, and answers are waited for with a deadline. No device
// ever waits for a client of this API: what a slow client does not take is counted and left
// out.
//
// # Safety
//
// Requests are served in this order: the Host must be an IP address, localhost, or a name
// that was given; a request from a page of another origin is refused; /v1 and /metrics want
// the token; 64 are served at a time. See guard.go.
package control

import (
	"cmp"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/metrics"
	"homefleet/fleet/requester"
	"homefleet/scenarios"
)

// Config says what is controlled, and by whom.
type Config struct {
	Version string

	// Fleet and its Scenario; nil: a broker alone, of which only status, health and end
	// can be asked for.
	Fleet    *fleet.Fleet
	Scenario *scenarios.Scenario
	Run      string

	// Report writes the report of a result, for those who look on when the run ends; nil:
	// there is none.
	Report func(io.Writer, *metrics.Result) error

	// Phone sends commands through the broker; nil: they can only be given by hand. End
	// closes it.
	Phone *requester.Phone

	Brokers []string     // URLs, the first for MQTT over TCP, without passwords
	Metrics http.Handler // serves /metrics; nil: there are none
	Page    http.Handler // serves / and what is under /page/ to browsers; nil: there is a sentence at /
	Stop    func()       // ends the run in an orderly way, and does not wait

	Token string   // wanted of /v1 and /metrics
	Hosts []string // names that this server goes by, beside IP addresses and localhost
	Log   *slog.Logger

	// Taken is how long a viewer of events may take nothing before it is sent away; 0: 5 s.
	Taken time.Duration
}

// Server serves the API of one run. Its methods may be called from any goroutine.
type Server struct {
	Config
	began   time.Time
	handler http.Handler
	ops     []operation
	replies replies
	noted   atomic.Int64  // bytes of bodies that interventions have
	ending  chan struct{} // closed when whoever waits is to go
	lookout lookout
	history history
	faulted namedFaults
}

// New returns a server for a fleet that is about to run.
func New(c Config) *Server {
	c.Taken = cmp.Or(c.Taken, takenWithin)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Config: c, began: time.Now(), ending: make(chan struct{})}
	s.replies.init()
	s.faulted.by = make(map[string]*namedFault)
	s.lookout.s = s
	s.ops = s.operations()
	if s.Fleet != nil {
		s.Scenario = s.Fleet.Scenario() // to which devices may come
		s.keepHistory()
	}
	s.handler = s.guarded(s.mux())
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// End has everybody who waits be answered now, and every stream end. It is called once.
func (s *Server) End() {
	s.lookout.end()
	s.history.running.Wait()
	if s.Fleet != nil {
		s.Fleet.Events().Close()
	}
	if s.Phone != nil {
		s.Phone.Close()
	}
}
