package cmd

import (
	"context"
	"time"

	"homefleet/fleet/survey"
	"homefleet/fleet/wire"
)

// brokerVersion is what a broker says it is, asked by a client of its own beside what a
// command does there: whoever may not ask loses nothing but the answer. The zero value is that
// nobody has asked.
type brokerVersion struct {
	cancel       context.CancelFunc
	known        chan struct{} // closed when it is
	version, why string
}

// versionLeft is how much longer than the command itself the answer may take.
const versionLeft = 700 * time.Millisecond

// ask begins to ask.
func (v *brokerVersion) ask(ctx context.Context, c survey.Config) {
	ctx, v.cancel = context.WithCancel(ctx)
	v.known = make(chan struct{})
	go func() {
		defer close(v.known)
		v.version, v.why = survey.Version(ctx, c)
	}()
}

// wait waits for the answer, or until it has taken too long.
func (v *brokerVersion) wait() {
	timer := time.AfterFunc(versionLeft, v.cancel)
	<-v.known
	timer.Stop()
	v.cancel()
}

// words returns the version or why it is not known.
func (v *brokerVersion) words() (version, why string) { return v.version, v.why }

// loginOf fills in as whom a client connects; an empty name is nobody, and nil no password.
func loginOf(username string, password []byte) func(*wire.Connect) error {
	return func(c *wire.Connect) error {
		c.HasUser, c.Username = username != "", username
		c.HasPass, c.Password = password != nil, password
		return nil
	}
}
