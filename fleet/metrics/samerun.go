package metrics

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// sameRun returns an error if two results are no shards of one run.
func sameRun(a, b *Result) error {
	switch {
	case a.Run != b.Run:
		return fmt.Errorf("the results are of different runs: %q and %q; only the shards of one run can be merged", a.Run, b.Run)
	case a.Scenario.Digest != b.Scenario.Digest:
		return fmt.Errorf("the results are of different scenarios: %s (%.12s) and %s (%.12s)", a.Scenario.Name, a.Scenario.Digest, b.Scenario.Name, b.Scenario.Digest)
	case a.Size != b.Size:
		return fmt.Errorf("the results are of different sizes of the scenario: %q and %q", a.Size, b.Size)
	case a.Seed != b.Seed:
		return fmt.Errorf("the results have different seeds: %d and %d", a.Seed, b.Seed)
	case a.Duration != b.Duration:
		return fmt.Errorf("the results are of different plans: one was to measure for %v and one for %v", a.Duration, b.Duration)
	}
	return sameBroker(&a.Broker, &b.Broker)
}

// sameBroker returns an error if two shards cannot have had the same broker. Two
// addresses alone are no proof, since a broker may have several; with make, version
// or limits that differ they are.
func sameBroker(a, b *BrokerFacts) error {
	if address(a.URL) == address(b.URL) {
		return nil // one that is behind a balancer may say now this and now that
	}
	differ := func(what string) error {
		return fmt.Errorf("the shards had different brokers: %s and %s, which differ in %s; only what was measured at one broker can be merged", a.URL, b.URL, what)
	}
	if a.Embedded && b.Embedded {
		return errors.New("each of the shards had an embedded broker of its own; only what was measured at one broker can be merged")
	}
	if a.Name != b.Name && a.Name != "" && b.Name != "" {
		return differ(fmt.Sprintf("what they are (%s, %s)", a.Name, b.Name))
	}
	if len(a.Connack) > 0 && len(b.Connack) > 0 {
		names := slices.Sorted(maps.Keys(a.Connack))
		names = append(names, slices.Sorted(maps.Keys(b.Connack))...)
		for _, name := range names {
			if x, y := a.Connack[name], b.Connack[name]; x != y {
				return differ(fmt.Sprintf("the limits of their CONNACK (%s: %s, %s)", name, orNone(x), orNone(y)))
			}
		}
	}
	return nil
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// address is where a broker is, whatever way it is written and spoken to.
func address(broker string) string {
	u, err := url.Parse(broker)
	if err != nil || u.Host == "" {
		return broker
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if host == "localhost" || host == "::1" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = u.Scheme // the usual one
		if port == "tcp" || port == "mqtt" {
			port = "1883"
		}
	}
	return host + ":" + port
}

// addBroker notes the broker of another shard, and says so where its address is another.
func (r *Result) addBroker(o *BrokerFacts) {
	b := &r.Broker
	if b.Process == nil { // the shard that is on its machine knows
		b.Process = o.Process
	}
	for _, other := range append([]string{o.URL}, o.Addresses...) {
		known := append([]string{b.URL}, b.Addresses...)
		if slices.ContainsFunc(known, func(k string) bool { return address(k) == address(other) }) {
			continue
		}
		if b.Addresses == nil {
			b.Addresses = []string{b.URL}
		}
		b.Addresses = append(b.Addresses, other)
		r.Remark(fmt.Sprintf("the shards had different brokers: %s and %s; the sums say something only if these are addresses of one", b.URL, other))
	}
}

// alone is the broker of one result, for that of several.
func (b BrokerFacts) alone() BrokerFacts {
	b.Addresses = slices.Clone(b.Addresses)
	return b
}
