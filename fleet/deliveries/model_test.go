package deliveries

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// model keeps every message for ever and works out by the definitions, message by
// message, what became of it.
type model struct {
	groups   []Group
	messages map[[2]int][]*modelMessage // by device and slot, by sequence; nil where none was sent
	epoch    int
	changes  map[[2]int][]modelChange // by group and account
	links    map[int]int              // connections of a device that have ended
	order    map[[5]int]int           // how far a member has come: by group, member, stream and QoS
	came     map[string]*metrics.DeliveryTotals
}

type modelMessage struct {
	qos      byte
	measured bool
	sent     bool
	resent   bool
	refused  bool
	unacked  bool
	epoch    int
	link     int
	got      map[[2]int]string // by group and account: what came first
}

type modelChange struct {
	epoch int
	up    int // members now
	loss  bool
}

func newModel(groups []Group) *model {
	return &model{groups: groups, messages: map[[2]int][]*modelMessage{}, changes: map[[2]int][]modelChange{},
		links: map[int]int{}, order: map[[5]int]int{}, came: map[string]*metrics.DeliveryTotals{}}
}

func (m *model) row(group int, qos byte) *metrics.DeliveryTotals {
	name := m.groups[group].Name + " " + strconv.Itoa(int(min(qos, m.groups[group].QoS)))
	if m.came[name] == nil {
		m.came[name] = new(metrics.DeliveryTotals)
	}
	return m.came[name]
}

func (m *model) account(group, member int) [2]int {
	if m.groups[group].Shared {
		member = 0
	}
	return [2]int{group, member}
}

func (m *model) change(group, member, n int) {
	m.epoch++
	a := m.account(group, member)
	up := n
	if all := m.changes[a]; len(all) > 0 {
		up += all[len(all)-1].up
	}
	m.changes[a] = append(m.changes[a], modelChange{m.epoch, up, n < 0})
}

func (m *model) arrive(group, member int, key [2]int, seq int, altered bool) {
	msg := m.messages[key][seq]
	a := m.account(group, member)
	row := m.row(group, msg.qos)
	if msg.got[a] != "" {
		switch {
		case !msg.measured:
		case min(msg.qos, m.groups[group].QoS) == 1 && msg.resent:
			row.Redelivered++
		default:
			row.Duplicate++
		}
		// It is no news of how far the member has come, but for another member of
		// a shared subscription, which the ledger does not look at either.
		return
	}
	msg.got[a] = "delivered"
	if altered {
		msg.got[a] = "altered"
	}
	who := [5]int{group, member, key[0], key[1], 0}
	behind := m.order[who] - 1
	if behind > seq && msg.measured {
		other := m.messages[key][behind]
		if other.qos == msg.qos && other.link == msg.link {
			row.Reordered++
		}
	}
	m.order[who] = max(m.order[who], seq+1)
}

// outcome says what became of a message that did not come to an account.
func (m *model) outcome(key [2]int, seq int, a [2]int) string {
	all := m.messages[key]
	msg := all[seq]
	if msg.refused {
		return "refused"
	}
	if msg.unacked {
		return "unconfirmed"
	}
	covered := false
	for _, c := range m.changes[a] {
		if c.epoch <= msg.epoch {
			covered = c.up > 0
		}
	}
	until, link := m.epoch, m.links[key[0]]
	for _, next := range all[seq+1:] {
		if next.sent && next.got[a] != "" {
			link = next.link
			if !m.groups[a[0]].Shared {
				until = next.epoch
			}
			break
		}
	}
	for _, c := range m.changes[a] {
		if c.loss && c.epoch > msg.epoch && c.epoch <= until {
			covered = false
		}
	}
	switch {
	case !covered:
		return "unwatched"
	case msg.qos == 0 && link != msg.link:
		return "unconfirmed"
	}
	return "lost"
}

func (m *model) totals() map[string]metrics.DeliveryTotals {
	for key, all := range m.messages {
		for g := range m.groups {
			if m.groups[g].Filters[0] == "tele/#" && key[1] != 0 {
				continue
			}
			members := m.groups[g].Members
			if m.groups[g].Shared {
				members = 1
			}
			for member := range members {
				a := [2]int{g, member}
				for seq, msg := range all {
					if !msg.sent || !msg.measured {
						continue
					}
					row := m.row(g, msg.qos)
					row.Sent++
					what := msg.got[a]
					if what == "" {
						what = m.outcome(key, seq, a)
					}
					*map[string]*int64{"delivered": &row.Delivered, "altered": &row.Altered, "lost": &row.Lost, "refused": &row.Refused,
						"unconfirmed": &row.Unconfirmed, "unwatched": &row.Unwatched}[what]++
				}
			}
		}
	}
	out := map[string]metrics.DeliveryTotals{}
	for name, t := range m.came {
		if *t != (metrics.DeliveryTotals{}) {
			out[name] = *t
		}
	}
	return out
}

// slotTopic is the topic of a slot in the model: slot 0 is telemetry.
func slotTopic(device, slot int) string {
	if slot == 0 {
		return fmt.Sprintf("tele/d%d/state", device)
	}
	return fmt.Sprintf("state/d%d/a%d", device, slot)
}

// Whatever devices, watchers and broker do, the ledger says what the definitions
// say, to the unit.
func TestLedgerAgreesWithTheDefinitions(t *testing.T) {
	for seed := range some[uint64](15, 150) {
		rng := rand.New(rand.NewPCG(seed, 7))
		groups := []Group{
			{Name: "each", Filters: []string{"state/#", "tele/#"}, Members: 2, QoS: byte(rng.IntN(3))},
			{Name: "shared", Filters: []string{"state/#", "tele/#"}, Members: 3, QoS: byte(rng.IntN(3)), Shared: true},
			{Name: "telemetry", Filters: []string{"tele/#"}, Members: 1, QoS: byte(rng.IntN(3))},
		}
		const devices, slots = 3, 2
		l, err := New(Config{Devices: devices, Slots: slots, Groups: groups})
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(groups)
		present := map[[2]int]bool{}
		toggle := func(g, n int) {
			if present[[2]int{g, n}] {
				l.Down(g, n)
				m.change(g, n, -1)
			} else {
				l.Up(g, n, groups[g].QoS)
				m.change(g, n, 1)
			}
			present[[2]int{g, n}] = !present[[2]int{g, n}]
		}
		for g := range groups {
			for n := range groups[g].Members {
				if rng.IntN(4) > 0 {
					toggle(g, n)
				}
			}
		}
		qos := [devices]byte{byte(rng.IntN(3)), byte(rng.IntN(3)), byte(rng.IntN(3))}
		steady := rng.IntN(2) == 0 // nobody comes and goes
		for step := range 1500 {
			d, slot := rng.IntN(devices), rng.IntN(slots)
			key := [2]int{d, slot}
			all := m.messages[key]
			seq := len(all)
			id := Message{d, slot, uint32(seq)}
			switch what := rng.IntN(100); {
			case what < 45 || what >= 90 && steady:
				msg := &modelMessage{qos: qos[d], measured: step > 200, epoch: m.epoch, link: m.links[d], got: map[[2]int]string{}, sent: true}
				m.messages[key] = append(all, msg)
				if rng.IntN(30) == 0 {
					msg.sent = false // abandoned before it was written
					continue
				}
				l.Open(d, slot, []byte(slotTopic(d, slot)))
				l.Sent(id, msg.qos, msg.measured)
				if rng.IntN(40) == 0 {
					l.NotSent(id)
					msg.sent = false
				}
			case what < 88 && seq > 0: // something comes, mostly in order
				seq = seq - 1 - int(rng.ExpFloat64()*3)
				if seq < 0 || !all[seq].sent {
					continue
				}
				g := rng.IntN(len(groups))
				if groups[g].Filters[0] == "tele/#" && slot != 0 {
					continue
				}
				n := rng.IntN(groups[g].Members)
				altered := rng.IntN(10) == 0
				first := l.Received(Message{d, slot, uint32(seq)}, Arrival{Group: g, Member: n, QoS: min(all[seq].qos, groups[g].QoS), Altered: altered})
				if want := all[seq].got[m.account(g, n)] == ""; first != want {
					t.Fatalf("seed %d, step %d: Received(%v) = %v; want %v", seed, step, id, first, want)
				}
				m.arrive(g, n, key, seq, altered)
			case what < 90 && seq > 0:
				seq = rng.IntN(seq)
				if msg := all[seq]; msg.sent && msg.qos > 0 {
					id.Seq = uint32(seq)
					switch rng.IntN(3) {
					case 0:
						l.Resent(id)
						msg.resent = true
					case 1:
						l.Refused(id)
						msg.refused = true
					default:
						l.Unacknowledged(id)
						msg.unacked = true
					}
				}
			case what < 93:
				g := rng.IntN(len(groups))
				toggle(g, rng.IntN(groups[g].Members))
			case what < 95:
				l.Cut(d)
				m.links[d]++
			case what < 96 && step < 200:
				qos[d] = byte(rng.IntN(3))
			}
			if step%300 == 0 {
				if err := l.Check(); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
			}
		}
		l.Close(0, false, func(int) time.Duration { return 0 })
		if err := l.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got, want := map[string]metrics.DeliveryTotals{}, m.totals()
		for _, d := range l.Deliveries() {
			got[d.Watcher+" "+strconv.Itoa(int(d.QoS))] = d.DeliveryTotals
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: there are the rows %v; want %v", seed, got, want)
		}
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("seed %d: %s is\n%+v; want\n%+v", seed, name, got[name], want[name])
			}
		}
		if t.Failed() {
			return
		}
	}
}

// lies is what a broker did to the messages of one topic on their way to one
// account, by its own record.
type lies struct{ lost, doubled, swapped, altered int64 }

// deliver hands the messages 0 to n-1 on, with lies, and returns the record.
func deliver(rng *rand.Rand, n int, to func(seq int, altered bool)) (did lies) {
	held := -1
	for seq := range n {
		what := rng.IntN(12)
		switch {
		case what == 0:
			did.lost++
			continue
		case what == 1 && held < 0:
			held = seq
			continue
		case what == 2:
			to(seq, false)
			did.doubled++
		case what == 3:
			did.altered++
		}
		to(seq, what == 3)
		if held >= 0 {
			to(held, false)
			did.swapped++
			held = -1
		}
	}
	if held >= 0 {
		to(held, false) // nothing has overtaken it
	}
	return did
}

// A hundred seeds of loss, doubling, reordering and alteration: the ledger has
// what the broker did, to the unit, in every topic and for every account.
func TestLedgerFindsEveryLie(t *testing.T) {
	for seed := range some[uint64](6, 100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		groups := []Group{{Name: "a", Filters: []string{"#"}, Members: 2, QoS: 1}, {Name: "b", Filters: []string{"tele/+/state"}, Members: 4, QoS: 2, Shared: true}}
		l, err := New(Config{Devices: 4, Slots: 1, Groups: groups})
		if err != nil {
			t.Fatal(err)
		}
		for g := range groups {
			for n := range groups[g].Members {
				l.Up(g, n, groups[g].QoS)
			}
		}
		want := [2]metrics.DeliveryTotals{}
		for d := range 4 {
			n := 500 + rng.IntN(3000)
			l.Open(d, 0, []byte(slotTopic(d, 0)))
			for seq := range n {
				l.Sent(Message{d, 0, uint32(seq)}, 1, true)
			}
			for g := range groups {
				accounts := groups[g].Members
				if groups[g].Shared {
					accounts = 1
				}
				for a := range accounts {
					member := a
					if groups[g].Shared {
						member = d // of a shared subscription, one takes all of a topic
					}
					did := deliver(rng, n, func(seq int, altered bool) {
						l.Received(Message{d, 0, uint32(seq)}, Arrival{Group: g, Member: member, QoS: 1, Altered: altered})
					})
					want[g].Add(metrics.DeliveryTotals{Sent: int64(n), Delivered: int64(n) - did.lost - did.altered, Altered: did.altered,
						Lost: did.lost, Duplicate: did.doubled, Reordered: did.swapped})
				}
			}
		}
		l.Close(0, false, func(int) time.Duration { return 0 })
		if err := l.Check(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		for g, d := range l.Deliveries() {
			if d.DeliveryTotals != want[g] || d.QoS != 1 {
				t.Fatalf("seed %d: to %s at QoS %d there were\n%+v; want\n%+v", seed, d.Watcher, d.QoS, d.DeliveryTotals, want[g])
			}
		}
	}
}
