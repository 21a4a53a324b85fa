// Package reach says how everybody in a scenario reaches the broker: at which of several
// addresses, with which certificate, and with which headers. What is spoken then it does not
// know.
package reach

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"homefleet/fleet/transport"
	"homefleet/scenarios"
)

// NewDialer checks where a scenario's broker is and reads its certificates; see
// [transport.NewDialer]. Of several addresses it is the first's, and a certificate that differs
// from client to client is left out; see [New].
func NewDialer(b scenarios.Broker) (*transport.Dialer, error) { return newDialer(&b, b.URL) }

func newDialer(b *scenarios.Broker, url string) (*transport.Dialer, error) {
	t := transport.Target{URL: url, CAFile: b.CAFile, ServerName: b.ServerName, Insecure: b.Insecure}
	if everybodys(b) {
		t.CertFile, t.KeyFile = b.CertFile.Expand(scenarios.Vars{}), b.KeyFile.Expand(scenarios.Vars{})
	}
	return transport.NewDialer(t)
}

// everybodys reports whether all clients have one certificate, or none.
func everybodys(b *scenarios.Broker) bool { return b.CertFile.Fixed() && b.KeyFile.Fixed() }

// Reach is how everybody in a scenario reaches the broker. It is safe for concurrent use.
type Reach struct {
	broker  *scenarios.Broker
	secret  func(scenarios.Secret, scenarios.Vars) ([]byte, error)
	dialers []*transport.Dialer
	homes   map[string]int // the places of homes in turn, where devices are spread by them
	own     bool           // it depends on who connects
}

// New checks where the broker of a scenario is and reads the certificates that all share.
// secret reads what headers take from the environment.
func New(sc *scenarios.Scenario, secret func(scenarios.Secret, scenarios.Vars) ([]byte, error)) (*Reach, error) {
	b := &sc.Broker
	r := &Reach{broker: b, secret: secret, own: len(b.URLs) > 1 || !everybodys(b) || len(b.Headers)+len(b.HeadersEnv) > 0}
	for i := range sc.Groups {
		r.own = r.own || sc.Groups[i].CertFile != ""
	}
	urls := b.URLs
	if len(urls) == 0 {
		urls = []string{b.URL}
	}
	for _, url := range urls {
		d, err := newDialer(b, url)
		if err != nil {
			return nil, err
		}
		r.dialers = append(r.dialers, d)
	}
	if b.Spread == scenarios.ByHome && len(urls) > 1 {
		r.homes = make(map[string]int)
		for d := range sc.Devices() {
			if _, known := r.homes[d.Home]; !known && d.Home != "" {
				r.homes[d.Home] = len(r.homes)
			}
		}
	}
	return r, nil
}

// From has connections come from these addresses; see [transport.Dialer.From].
func (r *Reach) From(addrs []netip.Addr) {
	for _, d := range r.dialers {
		d.From(addrs)
	}
}

// Secure reports whether connections are encrypted, to all addresses.
func (r *Reach) Secure() bool {
	for _, d := range r.dialers {
		if !d.Secure() {
			return false
		}
	}
	return true
}

// String returns the addresses as they may be shown to everybody.
func (r *Reach) String() string {
	all := make([]string, len(r.dialers))
	for i, d := range r.dialers {
		all[i] = d.String()
	}
	return strings.Join(all, ", ")
}

// First returns the first of the addresses.
func (r *Reach) First() string { return r.dialers[0].String() }

// Each returns what opens a connection for somebody in particular; nil if all are alike.
func (r *Reach) Each() func(context.Context, scenarios.Vars, *scenarios.Group) (net.Conn, error) {
	if !r.own {
		return nil
	}
	return r.dialFor
}

// Dial opens a connection to the first address, as homefleet itself.
func (r *Reach) Dial(ctx context.Context) (net.Conn, error) {
	if !r.own {
		return r.dialers[0].Dial(ctx)
	}
	return r.dialFor(ctx, scenarios.Vars{ID: "homefleet"}, nil)
}

// dialFor opens a connection for a device of a group, or with no group for another client.
func (r *Reach) dialFor(ctx context.Context, v scenarios.Vars, g *scenarios.Group) (net.Conn, error) {
	var who transport.Credentials
	switch {
	case g != nil && g.CertFile != "":
		who.CertFile, who.KeyFile = g.CertFile.Expand(v), g.KeyFile.Expand(v)
	case !everybodys(r.broker):
		who.CertFile, who.KeyFile = r.broker.CertFile.Expand(v), r.broker.KeyFile.Expand(v)
	}
	for _, h := range r.broker.Headers {
		who.Header = header(who.Header, h.Key, h.Value.Expand(v))
	}
	for _, h := range r.broker.HeadersEnv {
		value, err := r.secret(scenarios.Secret{Env: h.Value}, v)
		if err != nil {
			return nil, fmt.Errorf("the header %s: %w", h.Key, err)
		}
		who.Header = header(who.Header, h.Key, string(value))
	}
	return r.dialers[r.place(v, g)].DialAs(ctx, who)
}

func header(all http.Header, name, value string) http.Header {
	if all == nil {
		all = make(http.Header)
	}
	all.Add(name, value)
	return all
}

// place is which of the addresses somebody is at.
func (r *Reach) place(v scenarios.Vars, g *scenarios.Group) int {
	n := v.Number
	if g == nil {
		n = max(v.N-1, 0)
	}
	if r.homes != nil && v.Home != "" {
		var known bool
		if n, known = r.homes[v.Home]; !known { // of a device that was added
			h := fnv.New32a()
			h.Write([]byte(v.Home))
			n = int(h.Sum32() >> 1)
		}
	}
	return n % len(r.dialers)
}
