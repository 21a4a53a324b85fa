package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/fleet/broker"
)

func (a *app) brokerCommand() *cobra.Command {
	var l listenFlags
	var control controlFlags
	var readyName string
	var hash, orphan bool
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run the embedded broker alone",
		Long: `Run the embedded MQTT broker by itself until Ctrl-C, for fleets in other
processes and for every other client. It listens on this machine only, unless
--listen says otherwise. With --users a TOML file says who may connect, what for,
and which limits the broker keeps. Its passwords may be hashes: --hash-password
reads a password from stdin and prints one, and starts no broker.`,
		Example: `  homefleet broker
  homefleet broker --listen 127.0.0.1:1884 --ws 127.0.0.1:8083
  homefleet broker --users users.toml
  homefleet broker --hash-password < password.txt`,
		Args:              want(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case hash && l.users != "":
				return misused("", "--hash-password starts no broker; want it without --users")
			case hash:
				return a.hashPassword()
			}
			leave, err := a.withParent(cmd, orphan)
			if err != nil {
				return err
			}
			defer leave()
			return a.runBroker(cmd.Context(), &l, &control, readyName)
		},
	}
	l.add(cmd.Flags())
	l.addTLS(cmd.Flags())
	control.add(cmd.Flags())
	cmd.Flags().StringVar(&readyName, "ready-file", "", "`FILE` to write, as JSON, when it listens")
	cmd.Flags().BoolVar(&orphan, "exit-with-parent", false, "stop, as with Ctrl-C, when the process that started this one has ended")
	cmd.Flags().BoolVar(&hash, "hash-password", false, "read a password from stdin, print its argon2id hash for the users file, and end")
	return cmd
}

// longPassword is as long as MQTT has room for.
const longPassword = 65535

// hashPassword prints the hash of the password on stdin, without the newline
// behind it.
func (a *app) hashPassword() error {
	password, err := io.ReadAll(io.LimitReader(a.Stdin, longPassword+3))
	if err != nil {
		return failed("", "reading the password from stdin: %w", err)
	}
	password = bytes.TrimSuffix(bytes.TrimSuffix(password, []byte("\n")), []byte("\r"))
	switch {
	case len(password) == 0:
		return misused("homefleet broker --hash-password < FILE", "stdin has no password")
	case len(password) > longPassword:
		return misused("", "the password on stdin is longer than 65,535 bytes, which is all that MQTT has room for")
	}
	return a.printf("%s\n", broker.HashPassword(password))
}

func (a *app) runBroker(ctx context.Context, l *listenFlags, f *controlFlags, readyName string) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := l.load(a); err != nil {
		return err
	}
	reads := append(slices.Collect(l.reads()), fileUse{"the certificate", l.tlsCert}, fileUse{"the certificate's key", l.tlsKey}, fileUse{"the CAs of clients", l.tlsClientCA})
	if err := a.spare([]fileUse{{"--ready-file", readyName}}, slices.Values(reads)); err != nil {
		return err
	}
	ready, err := a.prepareReadyFile(readyName)
	if err != nil {
		return err
	}
	defer ready.end()
	log := a.logger()
	began := time.Now()
	e, err := a.openBroker(l, 0, log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	controlled, err := a.controlBroker(f, e, stop, log)
	if err != nil {
		_ = e.close() // the error says why
		return err
	}
	defer controlled.close()
	if controlled == nil {
		defer a.enterBroker(entryDocument{Broker: e.url}, log).remove()
	}
	a.brokerBanner(e, controlled)
	if err := ready.write(readyDocument{Broker: e.url, Listeners: e.others, Control: controlled.document()}); err != nil {
		_ = e.close() // the first error is the one to tell
		return err
	}
	<-ctx.Done()
	a.stopping("")
	stats := e.Stats() // before everybody is disconnected
	if err := e.close(); err != nil {
		return failed("", "stopping the broker: %w", err)
	}
	if a.json {
		return a.document(brokerDocument(e, stats, time.Since(began)))
	}
	return a.printf("%s", brokerRows(stats, time.Since(began)).text("", a.outPaint()))
}

// brokerBanner says what listens where, and what to try next.
func (a *app) brokerBanner(e *embedded, c *controlled) {
	if a.quiet {
		return
	}
	p := a.errPaint()
	var r rows
	r.add("listens", "%s", strings.Join(append([]string{e.url}, e.others...), "\n"))
	r.add("users", "%s", e.whoMayConnect())
	if c != nil {
		r.add("control", "%s", c.url)
	}
	fmt.Fprintf(a.screen, "%s\n%s\n", p.bold("homefleet broker"), r.text("  ", p))
	if lines := a.brokerLines(e); lines != nil {
		fmt.Fprintln(a.screen, "Try in another terminal:")
		for _, line := range lines {
			fmt.Fprintf(a.screen, "  %s\n", p.green(line))
		}
	}
	fmt.Fprintln(a.screen, p.dim("Ctrl-C stops."))
}

// brokerLines returns command lines to paste that this broker allows.
func (a *app) brokerLines(e *embedded) []string {
	var lines []string
	bedroom := errand{
		publish:   []string{bedroomState, strings.ReplaceAll(faces.Native().Topic, "{id}", bedroomLight)},
		subscribe: []string{bedroomCommand},
	}
	if l, ok := e.login(bedroom); ok {
		lines = append(lines, a.Name+" run bedroom --broker "+shellQuote(e.url)+l.flags())
	}
	if l, ok := e.login(errand{subscribe: []string{"#"}}); ok {
		host, port := hostPort(e.url)
		lines = append(lines, "mosquitto_sub"+mosquittoAddress(host, port)+mosquittoLogin(l)+" -V mqttv5 -v -t '#'")
	}
	return lines
}

// whoMayConnect says it in words.
func (e *embedded) whoMayConnect() string {
	names := make([]string, len(e.users))
	for i := range e.users {
		names[i] = e.users[i].Name
	}
	all := strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return "none; everybody may do everything"
	case e.anyone:
		return all + "; and everybody without a user name"
	}
	return all
}

// hostPort takes a URL apart that this program made or checked.
func hostPort(address string) (host, port string) {
	u, err := url.Parse(address)
	if err != nil {
		return "", ""
	}
	return u.Hostname(), u.Port()
}

// brokerStats is what a broker did, in JSON.
type brokerStats struct {
	Version  string            `json:"version"`
	Broker   string            `json:"broker"`
	Others   []string          `json:"listeners,omitempty"`
	Duration string            `json:"duration"`
	Clients  int               `json:"clients_at_the_end"`
	Counts   map[string]uint64 `json:"counts"`
}

// brokerCounts names the figures of a broker in the order they are shown in.
func brokerCounts(s broker.Stats) (names []string, values []uint64) {
	for _, c := range []struct {
		name  string
		value uint64
	}{
		{"connects", s.Connects}, {"refused", s.Refused},
		{"messages in", s.MessagesIn}, {"messages out", s.MessagesOut},
		{"wills published", s.WillsPublished}, {"wills cancelled", s.WillsCancelled},
		{"sessions resumed", s.Resumed}, {"bytes in", s.BytesIn}, {"bytes out", s.BytesOut},
		{"keep-alive time-outs", s.KeepAliveTimeouts}, {"taken over", s.TakenOver},
		{"protocol errors", s.ProtocolErrors}, {"overrun", s.Overrun},
		{"dropped, refused", s.DroppedRefused}, {"dropped, client slow", s.DroppedSlow},
		{"dropped, client away", s.DroppedAway}, {"dropped, queue full", s.DroppedFull},
		{"dropped, expired", s.DroppedExpired}, {"dropped, too large", s.DroppedTooLarge},
	} {
		names, values = append(names, c.name), append(values, c.value)
	}
	return names, values
}

func brokerDocument(e *embedded, s broker.Stats, ran time.Duration) brokerStats {
	d := brokerStats{
		Version: thisVersion(), Broker: e.url, Others: e.others,
		Duration: jsonSpan(ran), Clients: s.Clients, Counts: make(map[string]uint64),
	}
	names, values := brokerCounts(s)
	key := strings.NewReplacer(", ", "_", " ", "_", "-", "_")
	for i, name := range names {
		d.Counts[key.Replace(name)] = values[i]
	}
	return d
}

// brokerRows leaves out what did not happen, beyond the first few.
func brokerRows(s broker.Stats, ran time.Duration) *rows {
	var r rows
	r.add("ran", "%s", words.Span(ran))
	names, values := brokerCounts(s)
	for i, name := range names {
		if values[i] > 0 || i < 5 {
			r.add(name, "%s", words.Grouped(int64(values[i])))
		}
	}
	return &r
}
