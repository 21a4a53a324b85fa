package cmd

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
)

// load is the command about what controllers send.
func (c *ctl) load() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "load",
		Short: "What controllers send: show it, pause it, change it",
		Long: `What each group of controllers sends, and what became of it. While a load is
paused, requests that come due are "not sent: paused", which is neither the
broker's fault nor the generator's. A new rate, or a factor of the scenario's
rates, holds from the next request on; what was planned before keeps its moment.
Without a GROUP all groups are meant.`,
		Example: "  homefleet ctl load\n  homefleet ctl load pause\n  homefleet ctl load resume phones\n  homefleet ctl load rate 500/s\n  homefleet ctl load factor 2 phones",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			_, err := show(cmd.Context(), c, "GET", "/v1/load", nil, loadText)
			return err
		},
	}
	plain := func(verb, short string, paused bool) *cobra.Command {
		return c.changing(verb+" [GROUP]", short, 0, func([]string) (map[string]any, error) {
			return map[string]any{"paused": paused}, nil
		})
	}
	cmd.AddCommand(
		plain("pause", "Send nothing until resumed", true),
		plain("resume", "Send again", false),
		c.changing("rate RATE [GROUP]", "Send at another rate, such as 500/s", 1, func(args []string) (map[string]any, error) {
			return map[string]any{"rate": args[0]}, nil
		}),
		c.changing("factor FACTOR [GROUP]", "Send so many times as fast as the scenario has it; 1 is as it has it", 1, func(args []string) (map[string]any, error) {
			if n, err := strconv.ParseFloat(args[0], 64); err == nil {
				return map[string]any{"factor": n}, nil
			}
			return map[string]any{"factor": args[0]}, nil
		}),
		c.changing("burst NUMBER EVERY [GROUP]", "Send other bursts, such as 50 every 10s", 2, func(args []string) (map[string]any, error) {
			n, err := strconv.Atoi(args[0])
			if err != nil {
				return nil, misused("", "the burst is %q; want a whole number, and then the time from one to the next", printable(args[0]))
			}
			return map[string]any{"burst": n, "every": args[1]}, nil
		}),
	)
	return cmd
}

// changing is a command that changes the load. The words before the group, so many, make
// the body.
func (c *ctl) changing(use, short string, before int, body func([]string) (map[string]any, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: want(strings.Fields(use)[1:]...)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		b, err := body(args)
		if err != nil {
			return err
		}
		path := "/v1/load"
		if len(args) > before {
			path += "/" + url.PathEscape(args[before])
		}
		if c.dry {
			path += "?dry_run=true"
		}
		_, err = show(cmd.Context(), c, "PATCH", path, b, loadText)
		return err
	}
	cmd.Flags().BoolVar(&c.dry, "dry-run", false, "say whether it could be done, and do nothing")
	return cmd
}

// loadText is what groups of controllers send.
func loadText(l *api.Load) string {
	if len(l.Groups) == 0 {
		return "no controllers: nothing is sent\n"
	}
	var t strings.Builder
	width := 0
	for _, g := range l.Groups {
		width = max(width, len(printable(g.Group)))
	}
	for _, g := range l.Groups {
		now := g.Rate
		switch {
		case g.Burst > 0:
			now = fmt.Sprintf("bursts of %s every %s", words.Grouped(int64(g.Burst)), g.Every)
		case now == "":
			now = "as fast as answers come"
		}
		if g.Paused {
			now = "paused (" + now + ")"
		}
		r := &g.Requests
		fmt.Fprintf(&t, "%-*s  %s; the scenario has it %s\n", width, printable(g.Group), now, printable(g.Scenario))
		fmt.Fprintf(&t, "%-*s  planned %s, sent %s, answered %s, not sent %s", width, "", words.Grouped(r.Planned), words.Grouped(r.Sent), words.Grouped(r.Answered), words.Grouped(r.NotSent))
		if r.Paused > 0 {
			fmt.Fprintf(&t, " (paused %s)", words.Grouped(r.Paused))
		}
		t.WriteString("\n")
	}
	return t.String()
}
