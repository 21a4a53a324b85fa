package load

import (
	"context"
	"net"
)

// Dial implements [client.Dials].
func (r *Controller) Dial(ctx context.Context) (net.Conn, error) {
	if r.env.Dial == nil {
		return r.env.Client.Dial(ctx)
	}
	return r.env.Dial(ctx, r.Group.Spec.Vars(r.index+1, r.env.Client.Seed, r.env.Run), nil)
}

// Dial implements [client.Dials].
func (w *Watcher) Dial(ctx context.Context) (net.Conn, error) {
	if w.env.Dial == nil {
		return w.env.Client.Dial(ctx)
	}
	return w.env.Dial(ctx, w.spec.Vars(w.index+1, w.env.Client.Seed, w.env.Run), nil)
}
