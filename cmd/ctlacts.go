package cmd

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// acting are the commands that do something.
func (c *ctl) acting() []*cobra.Command {
	return []*cobra.Command{
		c.command(), c.kill(), c.revive(), c.misbehave(),
		c.plainAction("behave", "Have devices behave again"),
		c.plainAction("reset", "Have devices be as at the start: let go, behaved as in the scenario, with their first values"),
		c.slow(), c.unslow(), c.add(), c.remove(), c.strike(), c.end(), c.load(), c.wait(), c.stop(),
	}
}

// action is a command that acts on a selection of devices.
func (c *ctl) action(use, short string, run func(*cobra.Command, []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: run, ValidArgsFunction: c.completeDevices}
	cmd.Flags().BoolVar(&c.all, "all", false, "every device is meant")
	cmd.Flags().BoolVar(&c.dry, "dry-run", false, "say whom it would affect, and do nothing")
	return cmd
}

// act carries out an action.
func (c *ctl) act(ctx context.Context, verb string, sel, body map[string]any) error {
	body["select"] = sel
	path := "/v1/actions/" + verb
	if c.dry {
		path += "?dry_run=true"
	}
	out, err := show(ctx, c, "POST", path, body, bulkText)
	if err != nil {
		return err
	}
	return c.someRefused(out)
}

func (c *ctl) plainAction(verb, short string) *cobra.Command {
	return c.action(verb+" SELECTION", short, func(cmd *cobra.Command, args []string) error {
		sel, ids := c.selection(args)
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		return c.act(cmd.Context(), verb, sel, make(map[string]any))
	})
}

// flagged are the values of the flags that are given, by the keys of the API.
func flagged(cmd *cobra.Command, names ...string) map[string]any {
	body := make(map[string]any)
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f.Changed {
			body[strings.ReplaceAll(name, "-", "_")] = valueOfWord(name, f.Value.String())
		}
	}
	return body
}

func (c *ctl) kill() *cobra.Command {
	cmd := c.action("kill SELECTION", "Take devices off", func(cmd *cobra.Command, args []string) error {
		sel, ids := c.selection(args)
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		return c.act(cmd.Context(), "kill", sel, flagged(cmd, "way", "for", "spread"))
	})
	ways := make([]string, 0, 7)
	for _, w := range scenarios.OfflineModes() {
		ways = append(ways, string(w))
	}
	cmd.Flags().String("way", "", "`WAY` to go: "+strings.Join(ways, ", ")+" (default cut)")
	cmd.Flags().String("for", "", "`TIME` that they stay away, such as 30s (default: until revived)")
	cmd.Flags().String("spread", "", "`TIME` over which they go one by one")
	_ = cmd.RegisterFlagCompletionFunc("way", cobra.FixedCompletions(ways, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

func (c *ctl) revive() *cobra.Command {
	cmd := c.action("revive SELECTION", "Bring back devices that were killed", func(cmd *cobra.Command, args []string) error {
		sel, ids := c.selection(args)
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		return c.act(cmd.Context(), "revive", sel, flagged(cmd, "return", "session", "rename"))
	})
	cmd.Flags().String("return", "", "`WHEN` they connect: at-once or back-off (default at-once)")
	cmd.Flags().String("session", "", "`SESSION` that they take up: same or clean (default same)")
	cmd.Flags().Bool("rename", false, "they come back under another client id")
	return cmd
}

func (c *ctl) misbehave() *cobra.Command {
	cmd := c.action("misbehave SELECTION KEY=VALUE...", "Have devices do wrong", func(cmd *cobra.Command, args []string) error {
		sel, rest := c.selection(args)
		body, ids := settings(rest, scenarios.OrderFacts(scenarios.Misbehave, false))
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		return c.act(cmd.Context(), "misbehave", sel, body)
	})
	cmd.Example = "  homefleet ctl misbehave porch drop=10%\n  homefleet ctl misbehave kind=light late=50% late_max=2s"
	return cmd
}

// settings takes the words key=value out of arguments, and returns the others. A value
// is written in JSON as its key wants it; what is no key is left to the run to refuse.
func settings(args []string, facts []scenarios.KeyFacts) (body map[string]any, rest []string) {
	body = make(map[string]any)
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			rest = append(rest, arg)
			continue
		}
		body[name] = value
		at := slices.IndexFunc(facts, func(f scenarios.KeyFacts) bool { return f.Name == name })
		if at < 0 {
			continue
		}
		switch facts[at].Type {
		case "boolean":
			body[name] = valueOfWord(name, value)
		case "integer":
			if n, err := strconv.Atoi(value); err == nil {
				body[name] = n
			}
		}
	}
	return body, rest
}

func (c *ctl) command() *cobra.Command {
	var hand bool
	var qos int
	cmd := c.action("cmd SELECTION ATTRIBUTE [VALUE]", "Command devices, and print the answer of one", nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sel, rest := c.selection(args)
		var ids []string
		if len(sel) == 0 && len(rest) > 0 {
			ids, rest = rest[:1], rest[1:]
		}
		if len(rest) == 0 || len(rest) > 2 {
			return misused("usage: "+cmd.UseLine(), "cmd wants SELECTION ATTRIBUTE [VALUE]")
		}
		body := flagged(cmd, "timeout")
		body["attribute"] = rest[0]
		if len(rest) == 2 {
			body["payload"] = rest[1]
		}
		if hand {
			body["via"] = "hand"
		}
		if cmd.Flags().Changed("qos") {
			body["qos"] = qos
		}
		if len(ids) == 1 && !strings.Contains(ids[0], "*") && !c.dry {
			return c.commandOne(cmd.Context(), ids[0], body)
		}
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		return c.act(cmd.Context(), "command", sel, body)
	}
	cmd.Flags().BoolVar(&hand, "by-hand", false, "at the device itself, as by a hand on its switch, not through the broker")
	cmd.Flags().IntVar(&qos, "qos", 1, "`QoS` of the request")
	cmd.Flags().String("timeout", "", "`TIME` that an answer is waited for (default 5s)")
	return cmd
}

func (c *ctl) commandOne(ctx context.Context, id string, body map[string]any) error {
	out, err := show(ctx, c, "POST", "/v1/devices/"+url.PathEscape(id)+"/command", body, func(r *api.CommandReply) string {
		if r.Error != "" {
			return ""
		}
		return printable(r.Value) + "\n"
	})
	if err == nil && out.Error != "" {
		return &exitError{code: exitUsage, err: errorText(id + ": " + out.Error), said: c.json}
	}
	return err
}

// errorText is an error that is only a text.
type errorText string

func (e errorText) Error() string { return string(e) }

func (c *ctl) strike() *cobra.Command {
	facts := scenarios.IncidentFacts()
	cmd := c.action("strike KIND SELECTION [KEY=VALUE...]", "Have an incident happen", nil)
	cmd.Example = "  homefleet ctl strike power-cut home=flat-04 --for 20s\n  homefleet ctl strike slow-link kind=light --for 1m latency=200ms"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return misused("usage: "+cmd.UseLine(), "strike wants the kind of incident, such as power-cut")
		}
		target, rest := c.selection(args[1:], "online")
		_, all := target["all"]
		delete(target, "all")
		body, ids := settings(rest, facts)
		switch {
		case len(ids) == 1:
			target["id"] = ids[0]
		case len(ids) > 1:
			return misused("a pattern such as \"flat-07-*\" means several", "an incident has one id; %q is another", tomlfault.Short(ids[1]))
		case len(target) == 0 && !all && args[0] != brokerOutageWord:
			return misused(everybodyHint, "no device is named; want an id, kind=, home=, share= or all")
		}
		maps.Copy(body, flagged(cmd, "for", "at"))
		body["kind"] = args[0]
		if len(target) > 0 {
			body["target"] = target
		}
		path := "/v1/incidents"
		if c.dry {
			path += "?dry_run=true"
		}
		_, err := show(cmd.Context(), c, "POST", path, body, func(s *api.Struck) string {
			if s.DryRun {
				return "would affect " + plural(s.Incident.Devices, "device") + "\n"
			}
			if s.Incident.Text == "" {
				return "incident " + strconv.Itoa(s.Incident.Number) + ": " + s.Incident.Kind + " from " + s.Incident.From + "\n"
			}
			return "incident " + strconv.Itoa(s.Incident.Number) + ": " + printable(s.Incident.Text) + "\n"
		})
		return err
	}
	cmd.Flags().String("for", "", "`TIME` that it lasts, such as 20s")
	cmd.Flags().String("at", "", "`TIME` from now until it begins (default: at once)")
	return cmd
}

func (c *ctl) end() *cobra.Command {
	return &cobra.Command{Use: "end NUMBER", Short: "End an incident now", Args: want("NUMBER"), RunE: func(cmd *cobra.Command, args []string) error {
		_, err := show(cmd.Context(), c, "DELETE", "/v1/incidents/"+url.PathEscape(args[0]), nil, func(s *api.Struck) string {
			if s.Intervention == 0 {
				return "it was over already\n"
			}
			return "incident " + strconv.Itoa(s.Incident.Number) + " is over\n"
		})
		return err
	}}
}

func (c *ctl) wait() *cobra.Command {
	var count int
	cmd := c.action("wait SELECTION ATTRIBUTE=VALUE...", "Wait until devices are as they are to be", nil)
	cmd.Long = `Wait until the devices have these values, are online or offline, or until their
latest Will Message has a verdict (will=on-time).`
	cmd.Example = "  homefleet ctl wait porch power=ON --timeout 5s\n  homefleet ctl wait home=flat-07 offline"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sel, rest := c.selection(args, "online")
		until, values := make(map[string]any), make(map[string]any)
		var ids []string
		for _, arg := range rest {
			name, value, ok := strings.Cut(arg, "=")
			switch {
			case arg == "online" || arg == "offline":
				until["online"] = arg == "online"
			case !ok:
				ids = append(ids, arg)
			case name == "online":
				until["online"] = valueOfWord(name, value)
			case name == "will":
				until["will"] = value
			default:
				values[name] = value
			}
		}
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		if len(values) > 0 {
			until["values"] = values
		}
		if len(until) == 0 {
			return misused("usage: "+cmd.UseLine(), "nothing is waited for; want online, offline, power=ON or will=on-time, say")
		}
		if count > 0 {
			until["count"] = count
		}
		body := flagged(cmd, "timeout")
		body["select"], body["until"] = sel, until
		out, err := show(cmd.Context(), c, "POST", "/v1/wait", body, waitText)
		if err != nil {
			return err
		}
		if !out.Met {
			return &exitError{code: exitNotMet, err: errorText("it did not come about within " + out.After), said: c.json}
		}
		return nil
	}
	cmd.Flags().String("timeout", "", "`TIME` to wait at most (default 10s)")
	cmd.Flags().IntVar(&count, "count", 0, "`NUMBER` of the devices of which it must hold (default all)")
	return cmd
}

func waitText(w *api.WaitReply) string {
	if w.Met {
		return "met after " + w.After + ": " + words.Grouped(int64(w.Matching)) + " of " + plural(w.Selected, "device") + "\n"
	}
	var t strings.Builder
	t.WriteString(words.Grouped(int64(w.Matching)) + " of " + plural(w.Selected, "device") + "\n")
	for _, n := range w.Nearest {
		state := "offline"
		if n.Online {
			state = "online"
		}
		t.WriteString("  " + printable(n.ID) + ": " + state)
		var names []string
		for name := range n.Values {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.WriteString(", " + printable(name) + "=" + printable(n.Values[name]))
		}
		if n.Will != "" {
			t.WriteString(", will " + n.Will)
		}
		t.WriteString("\n")
	}
	return t.String()
}

func (c *ctl) stop() *cobra.Command {
	return &cobra.Command{Use: "stop", Short: "End the run in an orderly way, as Ctrl-C does", Args: want(), RunE: func(cmd *cobra.Command, _ []string) error {
		_, err := show(cmd.Context(), c, "POST", "/v1/stop", nil, func(*api.Stopping) string { return "stopping\n" })
		return err
	}}
}

// pollEvery is how often ctl ready asks: there may be no run yet that could be waited for.
const pollEvery = 50 * time.Millisecond
