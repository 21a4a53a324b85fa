package faces

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"homefleet/devices"
)

// Line is a message that a device of a face says.
type Line struct {
	When    string `json:"when"`
	Topic   string `json:"topic"`
	Payload string `json:"payload"`
	QoS     byte   `json:"qos"`
	Retain  bool   `json:"retain"`
}

// Rehearse has a device of a kind, by itself and with the face as its product comes with
// it, say what it says as it connects, as its telemetry is due, as it changes, to a request
// with a Response Topic, and as it goes. hears are the topic filters that it subscribes. The
// error is that of [Face.New].
func Rehearse(f *Face, k *devices.Kind, id string) (hears []string, says []Line, err error) {
	voice, err := f.New(Settings{Options: f.Defaults, Kind: k, Retain: f.Retains, Telemetry: f.Telemetry})
	if err != nil {
		return nil, nil, err
	}
	model, err := k.New(devices.Config{Start: 8 * time.Hour})
	if err != nil {
		return nil, nil, err
	}
	p := voice.Reports().Presence
	r := rehearsal{presence: &p}
	t := &Talk{Member: Member{Who: Who{ID: id}, Model: model}, Out: &r, First: true}
	p = Presence{t.Me().fill(p.Topic), t.Me().fill(p.Online), t.Me().fill(p.Offline), t.Me().fill(cmp.Or(p.Left, p.Offline))}
	tell := func(when string, o Occasion, changed devices.Changes) {
		r.when = when
		voice.Tell(t, o, changed)
	}
	tell("online", Arriving, 0)
	r.there(p.Online)
	tell("online", Online, 0)
	r.sayLater(tell)
	tell("report", Reported, 0)
	tell("change", Changed, 1) // of the first attribute
	if asks, ok := voice.(Requester); ok {
		topic, payload := asks.AppendRequest(nil, nil, &t.Me().Who, 0, string(model.AppendValue(nil, 0)))
		r.when, r.asked = string(topic)+" "+string(payload), true
		voice.Hear(t, topic, payload)
	}
	r.when = "leaves"
	r.there(p.Left)
	r.when = "will"
	r.there(p.Offline)
	return voice.AppendFilters(nil, &t.Me().Who, true), r.says, nil
}

// Retained returns the topics that a broker keeps of a member once it has said all that it
// says by itself, each once; where it says its presence is not among them. The member is
// one that has said nothing yet.
func Retained(v Voice, m *Member) []string {
	var r rehearsal
	t := &Talk{Member: *m, Out: &r, First: true}
	tell := func(_ string, o Occasion, changed devices.Changes) { v.Tell(t, o, changed) }
	tell("", Arriving, 0)
	tell("", Online, 0)
	r.sayLater(tell)
	tell("", Changed, ^devices.Changes(0))
	tell("", Reported, 0)
	var topics []string
	for _, line := range r.says {
		if line.Retain && !slices.Contains(topics, line.Topic) {
			topics = append(topics, line.Topic)
		}
	}
	return topics
}

// fill fills in the template of a presence.
func (w *Who) fill(text string) string {
	mac := string(w.AppendMAC(nil))
	return strings.NewReplacer("{{", "{", "}}", "}", "{id}", w.ID, "{home}", w.Home,
		"{mac:6}", mac[6:], "{mac-lower}", strings.ToLower(mac), "{mac}", mac).Replace(text)
}

// rehearsal writes down what is said.
type rehearsal struct {
	presence *Presence // filled in; nil: it is not written down

	when  string
	asked bool // by a request with a Response Topic
	says  []Line
	later map[Occasion]time.Duration
	since time.Duration // from the connection to what is being said
}

// mostLater bounds how often what was put off is put off again: a Tasmota says its state,
// then announces itself, and one that blinks would never end.
const mostLater = 4

// sayLater has everything said that was put off.
func (r *rehearsal) sayLater(tell func(when string, o Occasion, changed devices.Changes)) {
	for range mostLater {
		due := r.later
		r.later = nil
		for o := Later1; int(o) < Occasions; o++ {
			if at, ok := due[o]; ok {
				r.since = at
				tell(at.String()+" later", o, 0)
			}
		}
		r.since = 0
	}
}

// there writes down what the device, or its Will, says of its presence.
func (r *rehearsal) there(word string) {
	r.says = append(r.says, Line{When: r.when, Topic: r.presence.Topic, Payload: word, QoS: 1, Retain: true})
}

func (r *rehearsal) Say(m *Message) bool {
	if m.About == Here && r.presence != nil {
		r.there(r.presence.Online)
	}
	if len(m.Topic) > 0 && m.Reply != Only && !(r.asked && m.Reply == Instead) {
		r.says = append(r.says, Line{r.when, string(m.Topic), string(m.Payload), m.QoS, m.Retain})
	}
	if r.asked && m.Reply != None {
		r.says = append(r.says, Line{When: r.when, Topic: "the Response Topic", Payload: string(m.Payload)})
	}
	return !r.asked || m.Reply != Instead
}

func (r *rehearsal) Later(after time.Duration, o Occasion) {
	if r.later == nil {
		r.later = make(map[Occasion]time.Duration)
	}
	if _, ok := r.later[o]; !ok {
		r.later[o] = r.since + after
	}
}

func (r *rehearsal) Draw() float64 { return 0 }

func (r *rehearsal) Now() (wall time.Time, up time.Duration) {
	return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), time.Minute
}
