package cmd

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/files"
	"homefleet/fleet/requester"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// defaultBroker is where request looks for a broker.
const defaultBroker = "mqtt://127.0.0.1:1883"

// requestFlags are the flags of request.
type requestFlags struct {
	broker        brokerFlags
	responseTopic string
	correlation   string
	noCorrelation bool
	qos           int
	timeout       spanFlag
	properties    []string
	count         int
	payloadFile   string
	contentType   string
	expiry        spanFlag
	clientID      string
}

func (a *app) requestCommand() *cobra.Command {
	f := requestFlags{timeout: spanFlag{d: 5 * time.Second}}
	cmd := &cobra.Command{
		Use:   "request TOPIC [PAYLOAD]",
		Short: "Send a request and print the answer",
		Long: `Send a request to a topic and print the answer, as the app on a phone does it:
subscribe to a Response Topic, publish the request with that topic and with
Correlation Data, and wait for the message that brings the Correlation Data back.

Without a PAYLOAD the request is a query: a device answers with its present
value. A PAYLOAD of - is read from stdin.

The Response Topic is built on the broker's Response Information, if it gives
any, and otherwise is homefleet/response/<client id>/<random>.`,
		Example: "  homefleet request " + bedroomCommand + ` ON
  homefleet request ` + bedroomBrightness + ` -10
  homefleet request --broker mqtt://localhost:1884 --response-topic ` + bedroomState + ` \
    --correlation-data 0123 ` + bedroomCommand + " TOGGLE",
		Args:              want("TOPIC", "[PAYLOAD]"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := a.readRequest(cmd, args, &f)
			if err != nil {
				return err
			}
			return a.request(cmd.Context(), q)
		},
	}
	fs := cmd.Flags()
	f.broker.add(fs, "`URL` of the broker (default: that of the latest run on this machine, else "+defaultBroker+")")
	fs.StringVar(&f.responseTopic, "response-topic", "", "`TOPIC` for the answer (default: one of its own)")
	fs.StringVar(&f.correlation, "correlation-data", "", "`DATA` as text, as hex after 0x, or @FILE (default: random)")
	fs.BoolVar(&f.noCorrelation, "no-correlation-data", false, "send none, and take every message on the Response Topic")
	fs.IntVar(&f.qos, "qos", 1, "0, 1 or 2; the subscription's too")
	fs.Var(&f.timeout, "timeout", "how long all of it may take, from connecting to the last answer")
	fs.StringArrayVar(&f.properties, "property", nil, "User Property `KEY=VALUE` to send; may be repeated")
	fs.IntVar(&f.count, "count", 1, "`NUMBER` of answers to wait for")
	fs.StringVar(&f.payloadFile, "payload-file", "", "`FILE` with the payload, or - for stdin")
	fs.StringVar(&f.contentType, "content-type", "", "Content `TYPE` of the payload, such as text/plain")
	fs.Var(&f.expiry, "message-expiry", "how long the request is worth delivering, in whole seconds")
	fs.StringVar(&f.clientID, "client-id", "", "client `ID` (default: homefleet and a random number)")
	return cmd
}

// request is a request in the making: everything is checked.
type request struct {
	broker        scenarios.Broker
	topic         string
	payload       []byte
	responseTopic string // "": one of our own
	correlation   []byte // nil: none
	qos           byte
	timeout       time.Duration
	properties    []scenarios.Pair
	count         int
	contentType   string
	expiry        uint32 // seconds; 0: none
	clientID      string
}

// readRequest checks the command line.
func (a *app) readRequest(cmd *cobra.Command, args []string, f *requestFlags) (*request, error) {
	q := &request{
		topic: args[0], responseTopic: f.responseTopic, qos: byte(f.qos), timeout: f.timeout.d, count: f.count,
		contentType: f.contentType, expiry: uint32(f.expiry.d / time.Second),
		clientID: cmp.Or(f.clientID, "homefleet"+randomHex(6)),
	}
	if f.broker.url == "" {
		f.broker.url = a.brokerOfRun()
	}
	if err := f.broker.apply(a, &q.broker); err != nil {
		return nil, err
	}
	if !wire.ValidTopicName([]byte(q.topic)) {
		return nil, misused("", "the topic %q %s", tomlfault.Short(q.topic), topicProblem(q.topic))
	}
	if cmd.Flags().Changed("response-topic") {
		switch {
		case !wire.ValidTopicName([]byte(q.responseTopic)):
			return nil, misused("", "--response-topic is %q, which %s", tomlfault.Short(q.responseTopic), topicProblem(q.responseTopic))
		case strings.HasPrefix(q.responseTopic, "$share/"):
			return nil, misused("", "--response-topic is %q, which is a shared subscription; want a topic name", tomlfault.Short(q.responseTopic))
		}
	}
	switch {
	case f.qos < 0 || f.qos > 2:
		return nil, misused("", "--qos is %d; want 0, 1 or 2", f.qos)
	case f.count < 1:
		return nil, misused("", "--count is %d; want 1 or more", f.count)
	case f.timeout.d <= 0:
		return nil, misused("", "--timeout is %s; want more than 0s", setting(f.timeout.d))
	case f.expiry.d%time.Second != 0 || f.expiry.d > 0xFFFFFFFF*time.Second || f.expiry.set && f.expiry.d == 0:
		return nil, misused("", "--message-expiry is %s; want 1s to 4294967295s in whole seconds, which is how MQTT counts", setting(f.expiry.d))
	case !wire.ValidString(q.clientID):
		return nil, misused("", "--client-id is no UTF-8 text of up to 65,535 bytes")
	case !wire.ValidString(q.contentType):
		return nil, misused("", "--content-type is no UTF-8 text of up to 65,535 bytes")
	}
	for _, text := range f.properties {
		key, value, ok := strings.Cut(text, "=")
		if !ok || !wire.ValidString(key) || !wire.ValidString(value) {
			return nil, misused("", "--property is %q; want KEY=VALUE", tomlfault.Short(text))
		}
		q.properties = append(q.properties, scenarios.Pair{Key: key, Value: value})
	}
	var err error
	if q.correlation, err = a.readCorrelation(cmd, f); err != nil {
		return nil, err
	}
	q.payload, err = a.readPayload(args[1:], f.payloadFile)
	return q, err
}

// topicProblem says why a text is no topic name (MQTT 5.0, section 4.7).
func topicProblem(topic string) string {
	switch {
	case topic == "":
		return "is empty; want a topic name"
	case strings.ContainsAny(topic, "+#"):
		return "has a wildcard; want a topic name, without + and #"
	case strings.ContainsRune(topic, 0):
		return "has U+0000, which MQTT forbids"
	}
	return "is no UTF-8 text of up to 65,535 bytes"
}

const maxCorrelation = 65535 // bytes of Binary Data (MQTT 5.0, section 1.5.6)

// readCorrelation reads --correlation-data: text, 0x and hex, or @ and a file.
func (a *app) readCorrelation(cmd *cobra.Command, f *requestFlags) ([]byte, error) {
	asked := cmd.Flags().Changed("correlation-data")
	switch {
	case asked && f.noCorrelation:
		return nil, misused("", "--correlation-data stands beside --no-correlation-data; want one of them")
	case f.noCorrelation:
		return nil, nil
	case !asked:
		return []byte(randomHex(8)), nil
	}
	data := []byte(f.correlation)
	if digits, ok := strings.CutPrefix(f.correlation, "0x"); ok {
		var err error
		if data, err = hex.DecodeString(digits); err != nil {
			return nil, misused("", "--correlation-data is %q; want pairs of hex digits after 0x", tomlfault.Short(f.correlation))
		}
	}
	if name, ok := strings.CutPrefix(f.correlation, "@"); ok {
		var err error
		if data, err = files.Read(a.path(name), maxCorrelation); err != nil {
			return nil, misused("", "--correlation-data: %s", unPath(err, name))
		}
	}
	switch {
	case len(data) > maxCorrelation:
		return nil, misused("", "--correlation-data has %s bytes; MQTT allows %s", words.Grouped(int64(len(data))), words.Grouped(maxCorrelation))
	case len(data) == 0:
		return nil, misused("--no-correlation-data sends none at all", "--correlation-data is empty; want at least a byte")
	}
	return data, nil
}

func (a *app) readPayload(args []string, file string) ([]byte, error) {
	switch {
	case len(args) > 0 && file != "":
		return nil, misused("", "a PAYLOAD stands beside --payload-file; want one of them")
	case file == "-" || len(args) > 0 && args[0] == "-":
		text, err := files.All(a.Stdin, files.MostPayload)
		if err != nil {
			return nil, failed("", "reading the payload from stdin: %w", err)
		}
		return text, nil
	case file != "":
		text, err := files.Read(a.path(file), files.MostPayload)
		if err != nil {
			return nil, misused("", "--payload-file: %s", unPath(err, file))
		}
		return text, nil
	case len(args) > 0:
		return []byte(args[0]), nil
	}
	return nil, nil
}

// responseTopicOf builds the Response Topic on the broker's Response Information
// or, as most brokers give none, on a prefix of our own (MQTT 5.0, section
// 4.10.2). from says which it was.
func (q *request) responseTopicOf(information, clientID string) (topic, from string) {
	if q.responseTopic != "" {
		return q.responseTopic, "as given"
	}
	own := requester.TopicLevel(clientID) + "/" + randomHex(4)
	if information != "" && wire.ValidTopicName([]byte(information)) {
		return strings.TrimSuffix(information, "/") + "/" + own, "on the broker's Response Information"
	}
	return "homefleet/response/" + own, "on our own prefix: the broker gave no Response Information"
}

// answerDocument is one answer in JSON. What is no UTF-8 text is in hex.
type answerDocument struct {
	Topic          string      `json:"topic"`
	Payload        *string     `json:"payload,omitempty"`
	PayloadHex     string      `json:"payload_hex,omitempty"`
	Correlation    *string     `json:"correlation_data,omitempty"`
	CorrelationHex string      `json:"correlation_data_hex,omitempty"`
	ContentType    string      `json:"content_type,omitempty"`
	UserProperties [][2]string `json:"user_properties,omitempty"`
	QoS            byte        `json:"qos"`
	Retain         bool        `json:"retain,omitempty"`
	RoundTrip      string      `json:"round_trip"`
	Error          string      `json:"error,omitempty"`
}

// requestDocument is the result of a request in JSON.
type requestDocument struct {
	Broker            string           `json:"broker"`
	Version           string           `json:"broker_version,omitempty"`         // as it says itself at $SYS/broker/version
	NoVersion         string           `json:"broker_version_missing,omitempty"` // why it is not known
	ClientID          string           `json:"client_id"`
	Topic             string           `json:"topic"`
	ResponseTopic     string           `json:"response_topic"`
	ResponseTopicFrom string           `json:"response_topic_from"`
	Correlation       *string          `json:"correlation_data,omitempty"`
	CorrelationHex    string           `json:"correlation_data_hex,omitempty"`
	QoS               byte             `json:"qos"`
	Acknowledged      string           `json:"acknowledged,omitempty"` // reason of the PUBACK, by name
	Answers           []answerDocument `json:"answers"`
	Others            int              `json:"others"`                                    // messages with other Correlation Data, or without
	Without           int              `json:"others_without_correlation_data,omitempty"` // of these, without
	Error             string           `json:"error,omitempty"`
	ExitCode          int              `json:"exit_code"`
}

func (r *requesting) document() requestDocument {
	d := requestDocument{
		Broker: r.url, ClientID: r.clientID, Topic: r.q.topic,
		ResponseTopic: r.topic, ResponseTopicFrom: r.topicFrom,
		QoS: r.q.qos, Answers: []answerDocument{}, Others: r.others, Without: r.without,
	}
	d.Version, d.NoVersion = r.version.words()
	d.Correlation, d.CorrelationHex = textOrHex(r.q.correlation)
	if r.acknowledged {
		d.Acknowledged = wire.ReasonName(r.code)
	}
	for _, an := range r.answers {
		doc := answerDocument{
			Topic: an.topic, ContentType: an.contentType, QoS: an.qos, Retain: an.retain, RoundTrip: jsonSpan(an.took), Error: an.fault,
		}
		doc.Payload, doc.PayloadHex = textOrHex(an.payload)
		if an.payload == nil {
			doc.Payload = new("")
		}
		doc.Correlation, doc.CorrelationHex = textOrHex(an.correlation)
		for _, u := range an.properties {
			doc.UserProperties = append(doc.UserProperties, [2]string{u.Key, u.Value})
		}
		d.Answers = append(d.Answers, doc)
	}
	return d
}

// printAnswers prints the answers for people: one with everything that came with
// it, several one a line.
func (r *requesting) printAnswers() error {
	var b strings.Builder
	p := r.outPaint()
	switch {
	case r.quiet:
		for _, an := range r.answers {
			if r.Stdout.Terminal {
				b.WriteString(payloadWords(an.payload) + "\n")
				continue
			}
			b.Write(an.payload) // for a program
			if n := len(an.payload); n == 0 || an.payload[n-1] != '\n' {
				b.WriteByte('\n')
			}
		}
	case r.q.count == 1 && len(r.answers) == 1:
		b.WriteString(r.answerRows(&r.answers[0], p).text("", p))
	case len(r.answers) > 0:
		width := 0
		for _, an := range r.answers {
			width = max(width, utf8.RuneCountInString(words.Span(an.took)))
		}
		for _, an := range r.answers {
			line := fmt.Sprintf("%*s  %s", width, words.Span(an.took), payloadWords(an.payload))
			if an.fault != "" {
				line += "  " + p.red("error: "+printable(an.fault))
			}
			b.WriteString(line + "\n")
		}
		b.WriteString(r.summary().text("", p))
	}
	return r.printf("%s", b.String())
}

func (r *requesting) answerRows(an *answer, p paint) *rows {
	var rs rows
	if an.fault != "" {
		rs.add("error", "%s", p.red(printable(an.fault)))
	}
	rs.add("payload", "%s", payloadWords(an.payload))
	rs.add("topic", "%s", printable(an.topic))
	if an.correlation != nil {
		rs.add("correlation data", "%s", longReadable(an.correlation))
	}
	if an.contentType != "" {
		rs.add("content type", "%s", printable(an.contentType))
	}
	for _, u := range an.properties {
		if u.Key != "error" || u.Value != an.fault {
			rs.add("user property", "%s = %s", printable(u.Key), printable(u.Value))
		}
	}
	rs.add("qos", "%d", an.qos)
	if an.retain {
		rs.add("retained", "yes")
	}
	rs.add("round trip", "%s", words.Span(an.took))
	rs.add("response topic", "%s", r.topicFrom)
	if r.others > 0 {
		rs.add("not for us", "%s %s", plural(r.others, "message"), r.notOurs())
	}
	return &rs
}

// summary sums several answers up.
func (r *requesting) summary() *rows {
	times := make([]time.Duration, len(r.answers))
	faults := 0
	for i, an := range r.answers {
		times[i] = an.took
		if an.fault != "" {
			faults++
		}
	}
	slices.Sort(times)
	var rs rows
	text := plural(len(r.answers), "answer")
	if faults > 0 {
		text += fmt.Sprintf(", %s of them errors", words.Grouped(int64(faults)))
	}
	rs.add("answers", "%s", text)
	rs.add("topic", "%s", printable(r.topic))
	rs.add("round trip", "%s to %s, median %s", words.Span(times[0]), words.Span(times[len(times)-1]), words.Span(times[len(times)/2]))
	rs.add("response topic", "%s", r.topicFrom)
	if r.others > 0 {
		rs.add("not for us", "%s %s", plural(r.others, "message"), r.notOurs())
	}
	return &rs
}
