package control

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/control/api"
	"homefleet/fleet/responder"
)

// How often a stream has what has changed on the map, and how much of it in one event.
const (
	mapEach       = 250 * time.Millisecond
	mapEachOfMany = time.Second
	manyDevices   = 10_000
	mostChanges   = 16_384
)

// willLooks are the verdicts as a look has them.
var willLooks = [...]responder.Look{audit.Pending: 1, audit.OnTime: 2, audit.Early: 3, audit.Late: 4, audit.Missing: 5, audit.Unwatched: 6, audit.NotDue: 7, audit.Unexpected: 3}

func (c *call) showMap() (any, error) {
	c.lookout.begin()
	looks := c.Fleet.Looks()
	words := make([]byte, 0, 4*len(looks))
	for n := range looks {
		words = binary.LittleEndian.AppendUint32(words, uint32(looks.Of(n)))
	}
	return &api.Map{Devices: len(looks), Looks: base64.StdEncoding.EncodeToString(words)}, nil
}

// mapped is the part of the map that a stream follows.
type mapped struct {
	from, to int  // of the devices, by number
	all      bool // of the map, which may grow
	seen     []responder.Look
	told     bool // of the first look
}

// follows reads from the query which part of the map a stream follows; nil: none.
func (c *call) mapped() (*mapped, error) {
	text := c.r.URL.Query().Get("map")
	if text == "" {
		return nil, nil
	}
	n := len(c.Fleet.Looks())
	m := &mapped{to: n, all: text == "all"}
	if text != "all" {
		low, high, ok := strings.Cut(text, "-")
		from, err := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if !ok || err != nil || err2 != nil || from < 0 || to < from || from >= n {
			return nil, badQuery.because("", "map is %s; want all, or the first and the last number of devices, such as 0-%d", quoted(text), n-1)
		}
		m.from, m.to = from, min(to+1, n)
	}
	m.seen = make([]responder.Look, m.to-m.from)
	return m, nil
}

// each is how often it is looked at.
func (m *mapped) each() time.Duration {
	if m.to-m.from > manyDevices {
		return mapEachOfMany
	}
	return mapEach
}

// changes returns what has changed since the last call, at first all of it, in as many
// events as it takes.
func (m *mapped) changes(looks responder.Looks) (all []api.MapChange) {
	var changed []byte
	add := func() {
		all = append(all, api.MapChange{Devices: len(changed) / 7, Changed: base64.StdEncoding.EncodeToString(changed)})
		changed = changed[:0]
	}
	told := len(m.seen)
	if m.all {
		m.seen = append(m.seen, make([]responder.Look, len(looks)-len(m.seen))...)
	}
	for i := range m.seen {
		n := m.from + i
		look := looks.Of(n)
		if m.told && i < told && look == m.seen[i] {
			continue
		}
		m.seen[i] = look
		changed = append(changed, byte(n), byte(n>>8), byte(n>>16))
		changed = binary.LittleEndian.AppendUint32(changed, uint32(look))
		if len(changed) == 7*mostChanges {
			add()
		}
	}
	m.told = true
	if len(changed) > 0 {
		add()
	}
	return all
}
