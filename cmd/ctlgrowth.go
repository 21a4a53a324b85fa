package cmd

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/fleet/control/api"
	"homefleet/scenarios"
)

// add has devices come.
func (c *ctl) add() *cobra.Command {
	cmd := &cobra.Command{Use: "add KEY=VALUE...", Short: "Add a group of devices: the keys are those of a [[device]]", ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  homefleet ctl add kind=light id=hall\n  homefleet ctl add kind=plug id=new-{n} count=3 home=flat-07 load=kettle"}
	cmd.Flags().BoolVar(&c.dry, "dry-run", false, "say how many it would be, and do nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return misused("usage: "+cmd.UseLine(), "add wants KEY=VALUE, such as kind=light id=hall")
		}
		body := make(map[string]any)
		for _, arg := range args {
			key, value, ok := strings.Cut(arg, "=")
			if !ok {
				return misused("usage: "+cmd.UseLine(), "%s is no KEY=VALUE, such as id=%s", printable(arg), printable(arg))
			}
			put(body, strings.Split(key, "."), jsonWord(value))
		}
		path := "/v1/devices"
		if c.dry {
			path += "?dry_run=true"
		}
		_, err := show(cmd.Context(), c, "POST", path, body, addedText)
		return err
	}
	return cmd
}

// put puts a value at a path of keys: will.delay is a key in a table.
func put(body map[string]any, keys []string, value any) {
	for ; len(keys) > 1; keys = keys[1:] {
		sub, ok := body[keys[0]].(map[string]any)
		if !ok {
			sub = make(map[string]any)
			body[keys[0]] = sub
		}
		body = sub
	}
	body[keys[0]] = value
}

// jsonWord is a word as a value: numbers, true and false are what they are, all else is text.
func jsonWord(word string) any {
	var v any
	if err := json.Unmarshal([]byte(word), &v); err == nil {
		switch v.(type) {
		case float64, bool:
			return v
		}
	}
	return word
}

func addedText(a *api.Added) string {
	switch {
	case a.DryRun:
		return "that would be " + plural(a.Devices, "device") + "\n"
	case len(a.IDs) == 1:
		return "added " + printable(a.IDs[0]) + notThereYet(a) + "\n"
	}
	return "added " + plural(a.Devices, "device") + ", " + printable(a.IDs[0]) + " to " + printable(a.IDs[len(a.IDs)-1]) + notThereYet(a) + "\n"
}

func notThereYet(a *api.Added) string {
	if a.Present {
		return ""
	}
	return "; revive brings what is not present"
}

// remove has devices go for good.
func (c *ctl) remove() *cobra.Command {
	var clear bool
	cmd := c.action("remove SELECTION", "Remove devices from the run for good", nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sel, ids := c.selection(args)
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		body := map[string]any{"select": sel, "clear": clear}
		path := "/v1/actions/remove"
		if c.dry {
			path += "?dry_run=true"
		}
		out, err := show(cmd.Context(), c, "POST", path, body, func(r *api.Removed) string {
			text := bulkText(&r.Bulk)
			if e := r.Retained; e != nil {
				text += plural(e.Topics, "topic") + " emptied"
				if e.Why != "" {
					text += "; " + printable(e.Why)
				}
				text += "\n"
			}
			return text
		})
		if err != nil {
			return err
		}
		return c.someRefused(&out.Bulk)
	}
	cmd.Flags().BoolVar(&clear, "clear", false, "empty every topic that they left retained")
	return cmd
}

// slow has connections of devices be slow.
func (c *ctl) slow() *cobra.Command {
	cmd := c.action("slow NAME SELECTION KEY=VALUE...", "Have connections be slow, or let nothing pass, until unslow", nil)
	cmd.Example = "  homefleet ctl slow far kind=light latency=200ms jitter=50ms\n  homefleet ctl slow lost porch blackhole=true"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || strings.Contains(args[0], "=") {
			return misused("usage: "+cmd.UseLine(), "slow wants a name for the fault, which unslow takes")
		}
		sel, rest := c.selection(args[1:])
		body, ids := settings(rest, scenarios.OrderFacts(scenarios.FaultOrder, false))
		if err := devicesOf(sel, ids); err != nil {
			return err
		}
		body["select"] = sel
		path := "/v1/faults/" + url.PathEscape(args[0])
		if c.dry {
			path += "?dry_run=true"
		}
		out, err := show(cmd.Context(), c, "PUT", path, body, bulkText)
		if err != nil {
			return err
		}
		return c.someRefused(out)
	}
	return cmd
}

// unslow takes a fault away.
func (c *ctl) unslow() *cobra.Command {
	return &cobra.Command{Use: "unslow NAME", Short: "Take a fault of connections away", Args: want("NAME"), RunE: func(cmd *cobra.Command, args []string) error {
		_, err := show(cmd.Context(), c, "DELETE", "/v1/faults/"+url.PathEscape(args[0]), nil, func(b *api.Bulk) string {
			if b.Intervention == 0 {
				return "there was none\n"
			}
			return bulkText(b)
		})
		return err
	}}
}
