package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
)

// following are the commands that show what happens.
func (c *ctl) following() []*cobra.Command {
	return []*cobra.Command{c.messages(), c.events(), c.journal()}
}

func (c *ctl) messages() *cobra.Command {
	var follow bool
	var count, most int
	cmd := &cobra.Command{Use: "messages [SELECTION]", Short: "Commands and their answers, one exchange a line", Args: cobra.ArbitraryArgs, ValidArgsFunction: c.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			sel, ids := c.selection(args)
			q, err := query(sel, ids)
			if err != nil {
				return err
			}
			if err := c.somebody(cmd.Context(), sel, ids); err != nil {
				return err
			}
			if follow {
				if _, ok := sel["online"]; ok {
					return misused("", "online= is of a moment; messages -f follows devices whether they are online or not")
				}
				q.Set("types", "exchange,refusal")
				if most > 0 {
					q.Set("most", strconv.Itoa(most))
				}
				return c.follow(cmd.Context(), q)
			}
			q.Set("limit", strconv.Itoa(count))
			return c.showExchanges(cmd.Context(), "/v1/exchanges?"+q.Encode())
		}}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes, until the run ends")
	cmd.Flags().IntVarP(&count, "last", "n", 20, "`NUMBER` of the latest that are shown without -f")
	cmd.Flags().IntVar(&most, "most", 0, "`NUMBER` of exchanges a second that -f shows; those beyond are counted (default 50)")
	cmd.Example = "  homefleet ctl messages\n  homefleet ctl messages home=flat-07 -f"
	return cmd
}

func (c *ctl) events() *cobra.Command {
	var types string
	cmd := &cobra.Command{Use: "events [SELECTION]", Short: "What happens, as it happens", Args: cobra.ArbitraryArgs, ValidArgsFunction: c.completeDevices,
		Long: `What happens, one event a line, until the run ends: commands and their answers,
refusals, devices that come and go, incidents, Will Messages, interventions, phases.
With --json each line is a document of its own.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			sel, ids := c.selection(args)
			q, err := query(sel, ids)
			if err != nil {
				return err
			}
			if err := c.somebody(cmd.Context(), sel, ids); err != nil {
				return err
			}
			if types != "" {
				q.Set("types", types)
			}
			return c.follow(cmd.Context(), q)
		}}
	cmd.Flags().StringVar(&types, "types", "", "`TYPES` of events, with commas between them, such as presence,will (default all)")
	return cmd
}

func (c *ctl) journal() *cobra.Command {
	return &cobra.Command{Use: "journal ID", Short: "The latest exchanges of a device", Args: want("ID"), ValidArgsFunction: c.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.showExchanges(cmd.Context(), "/v1/devices/"+url.PathEscape(args[0])+"/journal")
		}}
}

// showExchanges prints the exchanges of a reply, with --json one a line.
func (c *ctl) showExchanges(ctx context.Context, path string) error {
	var j api.Journal // the other reply has its exchanges at the same place
	if err := c.ask(ctx, "GET", path, nil, &j); err != nil {
		return err
	}
	var lines exchangeLines
	for i := range j.Exchanges {
		lines.fit(&j.Exchanges[i])
	}
	for i := range j.Exchanges {
		if err := c.line(&j.Exchanges[i], lines.text(&j.Exchanges[i])); err != nil {
			return err
		}
	}
	switch {
	case c.json || c.quiet:
	case len(j.Exchanges) == 0:
		return c.printf("none\n")
	case j.Missed > 0:
		fmt.Fprintf(c.screen, "%s kept no more\n", plural(j.Missed, "earlier exchange is"))
	}
	return nil
}

// line prints one thing: with --json as a document on one line, else as a text.
func (c *ctl) line(v any, text string) error {
	if !c.json {
		return c.printf("%s\n", c.fitting(text))
	}
	c.documented = true
	out, err := json.Marshal(v)
	if err == nil {
		_, err = c.Stdout.Write(append(words.PlainJSON(out), '\n'))
	}
	if err != nil {
		return failed("", "writing the result: %w", err)
	}
	return nil
}

// fitting cuts a line to the width of a terminal.
func (c *ctl) fitting(text string) string {
	if !c.Stdout.Terminal {
		return text
	}
	return clip(text, c.Stdout.columns())
}

// follow prints a stream until it ends, and takes it up where it was when its connection
// breaks.
func (c *ctl) follow(ctx context.Context, q url.Values) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	asked := ""
	if len(q) > 0 {
		asked = "?" + q.Encode()
	}
	var lines exchangeLines
	last, heard := "", time.Time{}
	for {
		err := client.Events(ctx, asked, last, func(e api.Event) error {
			heard = time.Now()
			if e.ID != "" {
				last = e.ID
			}
			return c.tell(&lines, e)
		})
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return interrupted()
		case last == "" || time.Since(heard) > reachAgain || !errors.Is(err, io.ErrUnexpectedEOF):
			return c.refused(client, err)
		}
	}
}

// reachAgain is how soon after the last event a stream that broke is asked for again.
const reachAgain = 30 * time.Second

// tell prints one event.
func (c *ctl) tell(lines *exchangeLines, e api.Event) error {
	if c.json {
		return c.line(struct {
			Event string          `json:"event"`
			ID    string          `json:"id,omitempty"`
			Data  json.RawMessage `json:"data"`
		}{e.Type, e.ID, e.Data}, "")
	}
	if e.Type == "hello" {
		if !c.quiet {
			fmt.Fprintln(c.screen, "following what comes; Ctrl-C ends that")
		}
		return nil
	}
	text, err := eventText(lines, e)
	if err != nil {
		return failed("", "an event cannot be read: %w", err)
	}
	if text == "" {
		return nil
	}
	return c.line(nil, text)
}

// exchangeLines lays out exchanges one below the other: columns grow with what comes.
type exchangeLines struct{ id, request int }

// What columns are at first, and at most, in characters.
const (
	leastID, mostID           = 10, 32
	leastRequest, mostRequest = 24, 48
)

// fit makes the columns wide enough for an exchange.
func (l *exchangeLines) fit(x *api.Exchange) {
	l.id = min(max(l.id, leastID, utf8.RuneCountInString(printable(x.ID))), mostID)
	l.request = min(max(l.request, leastRequest, utf8.RuneCountInString(requestText(&x.Request))), mostRequest)
}

func requestText(m *api.Message) string {
	text := printable(words.Short(m.Topic))
	if m.Payload != "" {
		text += " " + printable(words.Short(m.Payload))
	}
	return text
}

// text is an exchange in a line.
func (l *exchangeLines) text(x *api.Exchange) string {
	l.fit(x)
	return fmt.Sprintf("%s  %s  %s  %s", clock(x.Moment), pad(printable(x.ID), l.id), pad(requestText(&x.Request), l.request), outcomeText(x))
}

// outcomeText says what became of a command.
func outcomeText(x *api.Exchange) string {
	var t strings.Builder
	took := x.Took
	if d, err := time.ParseDuration(x.Took); err == nil {
		took = words.Span(d)
	}
	switch x.Outcome {
	case "answered", "error":
		if x.Outcome == "error" {
			t.WriteString("error ")
		}
		fmt.Fprintf(&t, "-> %s  %s", printable(words.Short(x.Response.Payload)), took)
		if x.Request.ResponseTopic != "" && x.Response.Topic == x.Request.ResponseTopic {
			fmt.Fprintf(&t, "  to %s", printable(words.Short(x.Response.Topic)))
		}
		if id := x.Response.CorrelationData; id != "" {
			fmt.Fprintf(&t, " [%s]", words.Short(id))
		}
	default:
		fmt.Fprintf(&t, "%s  %s", x.Outcome, took)
	}
	if x.Why != "" {
		t.WriteString("  " + printable(x.Why))
	}
	return t.String()
}

// clock is when something happened, by the wall clock here.
func clock(m api.Moment) string {
	at, err := time.Parse(time.RFC3339Nano, m.Time)
	if err != nil {
		return m.At
	}
	return at.Local().Format("15:04:05.000")
}
