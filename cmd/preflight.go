package cmd

import (
	"net"
	"net/netip"
	"strings"

	"homefleet/fleet/machine"
	"homefleet/fleet/preflight"
	"homefleet/scenarios/tomlfault"
)

// preflight says which walls of this machine are near before anything connects,
// and refuses a plan that cannot work.
func (r *running) preflight(f *runFlags) error {
	m := machine.This()
	m.InMemory = r.embedded != nil
	m.SourceAddresses = r.sources
	if r.reaches != nil {
		m.Secure = r.reaches.Secure()
		m.WebSocket = strings.HasPrefix(r.url, "ws")
	}
	var fatal *preflight.Wall
	for _, w := range preflight.Machine(r.sc, m) {
		if w.Fatal && !f.force {
			if fatal == nil {
				fatal = &w
				continue
			}
		}
		r.warn("%s", w.What)
		if w.Hint != "" {
			r.hint(w.Hint)
		}
	}
	if fatal == nil {
		return nil
	}
	return misused(fatal.Hint+"; --no-preflight runs all the same", "this machine cannot run that: %s", fatal.What)
}

// sourceAddresses reads the value of --source-addr, and makes sure that the
// addresses are of this machine.
func sourceAddresses(list string) ([]netip.Addr, error) {
	if list == "" {
		return nil, nil
	}
	var all []netip.Addr
	for text := range strings.SplitSeq(list, ",") {
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			return nil, misused("", "--source-addr has %q; want IP addresses of this machine with commas between them", tomlfault.Short(text))
		}
		l, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
		if err != nil {
			return nil, misused("", "--source-addr has %s, which is no address of this machine", addr)
		}
		_ = l.Close()
		all = append(all, addr)
	}
	return all, nil
}
