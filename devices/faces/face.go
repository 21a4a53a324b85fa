package faces

import (
	"time"

	"homefleet/devices"
)

// Face is one dialect.
type Face struct {
	Name string // as in `face = "tasmota"`
	Doc  string // one sentence

	// Defaults are the options as the product comes with them; only those that
	// are among Keys matter.
	Defaults Options
	Keys     []string // of [device.face], as a scenario spells them

	// ObeysRetained says that a device obeys retained commands unless the scenario
	// says otherwise.
	ObeysRetained bool

	// DeafAtFirst says that it obeys no command that was retained before its first
	// connection, as it listens only once it has started; of a later one it does.
	DeafAtFirst bool

	// Bridge says that all devices of a home hang on one session, a hub that speaks for
	// them: they come, and die, together.
	Bridge bool

	// NoLocal says that a device subscribes where it publishes itself, and that what it says
	// there means nothing to it: it asks the broker to spare it that (MQTT 5.0, 3.8.3.1).
	NoLocal bool

	// Retains says that states are retained unless the scenario says otherwise.
	Retains bool

	// LongestCorrelation is the most bytes of Correlation Data that the product
	// takes; a request with more is a protocol error to it. 0: as many as MQTT has.
	LongestCorrelation int

	// LongestResponseTopic is the most bytes of a Response Topic that the product
	// answers on. 0: as many as MQTT has.
	LongestResponseTopic int

	// InParts says that an answer may have several messages, each on the Response Topic:
	// see [Message.More].
	InParts bool

	// Telemetry is the product's own interval of reports; 0: none unless the
	// scenario wants them.
	Telemetry time.Duration

	// Missing is what the product does and this face does not, a sentence each.
	Missing []string

	// New makes the face up for the devices of a group. Its error says what the face
	// cannot express, and why.
	New func(Settings) (Voice, error)

	// NewTarget makes it up for devices that somebody else runs and that are only commanded,
	// where that is another voice; nil: it is what New makes.
	NewTarget func(Settings) (Voice, error)
}

// Target makes the face up for devices that somebody else runs and that are only commanded.
func (f *Face) Target(s Settings) (Voice, error) {
	if f.NewTarget != nil {
		return f.NewTarget(s)
	}
	return f.New(s)
}

// Settings are what the devices of a group have in common.
type Settings struct {
	Options
	Kind      *devices.Kind
	QoS       byte // of states and telemetry
	Retain    bool // states are retained
	Groups    []string
	Telemetry time.Duration
	Homes     bool // each device has a home
}

// Voice is a face made up for the devices of one group.
type Voice interface {
	Listener
	Speaker
}

// Listener says where a face has its topics.
type Listener interface {
	// AppendFilters appends the topic filters that a device subscribes. Without
	// wildcards they are topics; what can only be heard with them is left out.
	AppendFilters(dst []string, w *Who, wildcards bool) []string

	// Owns reports whether a topic is one that the device takes commands from: nothing
	// may be answered there. It allocates nothing.
	Owns(w *Who, topic []byte) bool

	// Reports says where devices of the face say what.
	Reports() Reports

	// Outline is where one device hears and says what, for people.
	Outline(w *Who) Outline
}

// Presence is how a device is known to be there: by a retained message.
type Presence struct {
	Topic           string // a template in the terms of scenarios, with {id}, {home} or {mac} where it differs from device to device
	Online, Offline string
	Left            string // as it leaves in order; "": Offline, too
}

// Outline is where one device hears and says what. <attribute> stands for each of its
// attributes, where it has a topic of its own.
type Outline struct {
	Commands, States, Telemetry string
}

// Reports are topic filters of what devices of a face say by themselves, answers apart.
type Reports struct {
	Presence  Presence
	All       []string
	Telemetry []string // what they measure, again and again
	Retained  []string // what is retained, but for presence
}

// Speaker is what a face hears and says. Both are called by the goroutine that owns
// the devices.
type Speaker interface {
	// Hear obeys a message, and answers it. What comes on a topic that the device does
	// not own may be heard as well (that a hub has started, say), and is no command: it
	// is not answered. It is false where the message means nothing to the device.
	Hear(t *Talk, topic, payload []byte) bool

	// Tell says what has come about. Changed are the device's
	// attributes whose value did, with the occasion [Changed].
	Tell(t *Talk, o Occasion, changed devices.Changes)
}

// Particular is what faces have that do not take every device id.
type Particular interface {
	// CheckID says what is wrong with an id, or nil.
	CheckID(id string) error
}

// Requester is what faces have whose devices can be commanded by the names of their
// kind's attributes.
type Requester interface {
	// AppendRequest appends the topic and the payload that ask a device to set an
	// attribute to a value in the model's own words; an empty one asks for the
	// present value. The payload does not rest on the device.
	AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte)
}

// Selective is what faces have whose devices cannot be asked everything that the model
// of their kind can do.
type Selective interface {
	// CheckRequest says, in a sentence for people, why a device cannot be asked to set
	// an attribute to a value; nil: it can.
	CheckRequest(attr int, value string) error
}

// Answerer is what faces have whose devices answer a command that has no Response Topic
// where it can be known beforehand, as requesters of MQTT 3.1.1 must.
type Answerer interface {
	// AppendAnswerTopic appends the topic on which a device answers a command to an
	// attribute. It says other things there, too.
	AppendAnswerTopic(dst []byte, w *Who, attr int) []byte
}

// Keeper is what faces have whose devices may have left something retained on topics that
// nobody knows beforehand: under a name that a device behind a bridge was given, say.
type Keeper interface {
	// KeptFilters are filters of all such topics.
	KeptFilters() []string

	// Keeps reports whether a topic on which something is retained is of a device, and of
	// nobody else.
	Keeps(w *Who, topic []byte) bool
}

// Occasion is what there is to speak of.
type Occasion uint8

// The occasions that there are. Those from Later1 on are a face's own, with Talk.Later.
const (
	Changed  Occasion = iota // some attributes have changed by themselves, or by hand
	Arriving                 // the device has connected and subscribed, and is about to say its presence
	Online                   // the device has connected and subscribed, and said its presence
	Reported                 // its telemetry is due
	Later1
	Later2
	Later3
	Occasions int = iota
)

// Talk is one exchange: who speaks, and where to. It is the scratch of a face, too: it
// may be used again for another exchange when one is over.
type Talk struct {
	Member  Member // who speaks
	Out     Out
	QoS     byte  // of the message heard
	First   bool  // with Online: its first connection
	Refusal error // all commands are refused with it; nil: they are carried out

	message Message
	number  []byte
	result  []byte // of a request, while it is carried out
	values  []float64
}

// Member is the device that speaks.
type Member struct {
	Who
	Model  devices.Device
	Memory any // the face's own
}

// Out takes what a face says.
type Out interface {
	// Say sends a message, or puts it where it will be sent. It reports whether the
	// message went to its own topic. It keeps nothing of it.
	Say(m *Message) bool

	// Later has Tell called with an occasion after a time, once, if the device is
	// online then. One that is pending already is put off.
	Later(after time.Duration, o Occasion)

	// Draw returns a number from 0 to less than 1, for jitter.
	Draw() float64

	// Now returns what time it is, and how long the device has been switched on.
	Now() (wall time.Time, up time.Duration)
}

// Message is one thing said.
type Message struct {
	Topic   []byte // empty: it has none of its own
	Payload []byte
	About   About
	Reply   Reply
	Slot    int // of a State: tells the device's state topics apart, below the number of the kind's attributes; -1: it is not followed
	JSON    bool
	Bare    bool // where it answers: at QoS 0, with Correlation Data and no other property, as firmware does that has no more
	More    bool // of an answer that has several messages: this is not the last
	QoS     byte // on its own topic; an answer has that of its request
	Retain  bool
	Fault   error // of an answer: why the command was not carried out
}

// About is what a message is.
type About uint8

// What messages are.
const (
	State     About = iota // what a device is like now
	Telemetry              // its periodic report
	Answer                 // to a command
	Discovery              // what it is, for those that look for devices
	Here                   // that it is there: the session knows topic and words
)

// Reply is where an answer goes.
type Reply uint8

// Where answers go.
const (
	None    Reply = iota // it is none
	Also                 // to its own topic, and to the Response Topic, if there is one
	Instead              // to the Response Topic, and if there is none to its own topic
	Only                 // to the Response Topic, or nowhere
)

// Me is who speaks.
func (t *Talk) Me() *Member { return &t.Member }

// Do has a member carry out one command; see [devices.Device.Do].
func (t *Talk) Do(m *Member, attr int, value []byte) (devices.Changes, error) {
	if t.Refusal != nil {
		return 0, t.Refusal
	}
	return m.Model.Do(attr, value)
}

// Set is Do for a value in words.
func (t *Talk) Set(m *Member, attr int, value string) (devices.Changes, error) {
	t.number = append(t.number[:0], value...)
	return t.Do(m, attr, t.number)
}

// Message returns an empty message about something, whose buffers may be appended to.
func (t *Talk) Message(a About) *Message {
	t.message = Message{Topic: t.message.Topic[:0], Payload: t.message.Payload[:0], About: a, Slot: -1}
	return &t.message
}

// Wall is what time it is.
func (t *Talk) Wall() time.Time {
	wall, _ := t.Out.Now()
	return wall
}

// Say sends a message; see [Out].
func (t *Talk) Say(m *Message) bool { return t.Out.Say(m) }

// Later has Tell called again; see [Out].
func (t *Talk) Later(after time.Duration, o Occasion) { t.Out.Later(after, o) }
