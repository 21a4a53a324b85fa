package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
)

// brokerOutageWord is the one kind of incident that befalls everybody.
const brokerOutageWord = "broker-outage"

// looking are the commands that change nothing.
func (c *ctl) looking() []*cobra.Command {
	simple := func(use, short string, run func(*cobra.Command, []string) error, args ...string) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: want(args...), RunE: run}
	}
	showDevice := simple("show ID", "All that one device says of itself", c.showDevice, "ID")
	showDevice.ValidArgsFunction = c.completeDevices
	return []*cobra.Command{
		simple("status", "The run at a glance", c.status), c.readyCommand(), c.list(), showDevice, c.wills(),
		simple("incidents", "What happens, and has happened", c.incidents),
		simple("log", "What was done to the run so far", c.log),
		simple("openapi", "The API as an OpenAPI 3.1 document", c.openapi),
	}
}

func (c *ctl) status(cmd *cobra.Command, _ []string) error {
	_, err := show(cmd.Context(), c, "GET", "/v1", nil, func(s *api.Status) string {
		var r rows
		if s.Scenario != "" {
			r.add("scenario", "%s, seed %s, run %s", printable(s.Scenario), s.Seed, printable(s.Run))
			r.add("devices", "%s of %s online", words.Grouped(int64(s.Devices.Online)), words.Grouped(int64(s.Devices.Total)))
		}
		up := s.Uptime
		if d, err := time.ParseDuration(up); err == nil {
			up = words.Span(d)
		}
		r.add("phase", "%s, %s after the start", s.Phase, printable(up))
		r.add("broker", "%s", strings.Join(s.Brokers, "\n"))
		if s.Interventions > 0 {
			r.add("interventions", "%d", s.Interventions)
		}
		return r.text("", c.outPaint())
	})
	return err
}

func (c *ctl) readyCommand() *cobra.Command {
	var patience spanFlag
	cmd := &cobra.Command{Use: "ready", Short: "Whether every device is up", Args: want(), RunE: func(cmd *cobra.Command, _ []string) error {
		until := time.Now().Add(patience.d)
		for {
			var r api.Ready
			err := c.ask(cmd.Context(), "GET", "/readyz", nil, &r)
			late := !time.Now().Before(until)
			switch {
			case err == nil && r.Ready:
				if c.json {
					return c.document(r)
				}
				if c.quiet {
					return nil
				}
				return c.printf("ready: %s online\n", plural(r.Online, "device"))
			case late && err != nil:
				return err
			case late:
				return &exitError{code: exitNotMet, err: errorText("not ready: " + cmp.Or(r.Why, "nobody is up"))}
			}
			select {
			case <-time.After(pollEvery):
			case <-cmd.Context().Done():
				return interrupted()
			}
		}
	}}
	cmd.Flags().Var(&patience, "wait", "how long to wait for it, such as 30s (default: not at all)")
	return cmd
}

// query makes a query of a selection; ids become a pattern, of which there is one.
func query(sel map[string]any, ids []string) (url.Values, error) {
	q := make(url.Values)
	for name, value := range sel {
		if name != "all" {
			q.Set(name, fmt.Sprint(value))
		}
	}
	switch {
	case len(ids) == 1 && !strings.Contains(ids[0], "="):
		q.Set("id", ids[0])
	case len(ids) > 0:
		return nil, devicesOf(make(map[string]any), ids[:1:1])
	}
	return q, nil
}

func (c *ctl) list() *cobra.Command {
	return &cobra.Command{Use: "ls [SELECTION]", Short: "List devices", Args: cobra.ArbitraryArgs, ValidArgsFunction: c.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			sel, ids := c.selection(args)
			if _, ok := sel["share"]; ok {
				return misused("an action with --dry-run says whom a share would affect", "share= is drawn anew for each action; ls lists devices by kind=, home=, online= and ids")
			}
			all := api.Devices{Devices: []api.DeviceLine{}}
			for i := range max(len(ids), 1) {
				q, err := query(sel, ids[min(i, len(ids)):min(i+1, len(ids))])
				if err != nil {
					return err
				}
				if err := c.pages(cmd.Context(), q, &all); err != nil {
					return err
				}
			}
			if c.json {
				return c.document(all)
			}
			if len(all.Devices) == 0 {
				if err := c.somebody(cmd.Context(), sel, ids); err != nil {
					return err
				}
				return &exitError{code: exitUsage, err: errors.New("no device is so")}
			}
			return c.printf("%s", deviceLines(all.Devices))
		}}
}

// pages adds all devices of a query to others, each of them once.
func (c *ctl) pages(ctx context.Context, q url.Values, all *api.Devices) error {
	there := make(map[int]bool, len(all.Devices))
	for _, d := range all.Devices {
		there[d.Number] = true
	}
	q.Set("limit", "1000")
	for {
		var page api.Devices
		if err := c.ask(ctx, "GET", "/v1/devices?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		for _, d := range page.Devices {
			if !there[d.Number] {
				all.Devices = append(all.Devices, d)
			}
		}
		if all.Total = len(all.Devices); page.Next == "" {
			return nil
		}
		q.Set("cursor", page.Next)
	}
}

// deviceLines lists devices, one a line.
func deviceLines(all []api.DeviceLine) string {
	wide, kind := 0, 0
	for _, d := range all {
		wide, kind = max(wide, len(printable(d.ID))), max(kind, len(d.Kind))
	}
	var t strings.Builder
	for _, d := range all {
		state := "offline"
		if d.Online {
			state = "online"
		}
		fmt.Fprintln(&t, strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %-7s  %s", wide, printable(d.ID), kind, d.Kind, state, printable(d.Home)), " "))
	}
	return t.String()
}

func (c *ctl) showDevice(cmd *cobra.Command, args []string) error {
	_, err := show(cmd.Context(), c, "GET", "/v1/devices/"+url.PathEscape(args[0]), nil, func(d *api.Device) string {
		var r rows
		state := "offline"
		if d.Online {
			state = "online"
		}
		if len(d.HeldBy) > 0 {
			state += ", kept off by " + strings.Join(d.HeldBy, ", ")
		}
		if len(d.Slow) > 0 {
			state += ", slow by " + strings.Join(d.Slow, ", ")
		}
		r.add("device", "%s, a %s%s", printable(d.ID), d.Kind, inHome(d.Home))
		r.add("state", "%s", state)
		r.add("client id", "%s", printable(d.ClientID))
		for _, name := range slices.Sorted(maps.Keys(d.Values)) {
			r.add(name, "%s", printable(d.Values[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(d.Misbehaves)) {
			r.add("misbehaves", "%s = %s", name, d.Misbehaves[name])
		}
		if d.Will != nil {
			r.add("will", "%s, after %s", d.Will.Verdict, d.Will.Way)
		}
		return r.text("", c.outPaint())
	})
	return err
}

func inHome(home string) string {
	if home == "" {
		return ""
	}
	return " in " + printable(home)
}

func (c *ctl) wills() *cobra.Command {
	var verdict, way string
	cmd := &cobra.Command{Use: "wills [SELECTION]", Short: "What became of Will Messages", Args: cobra.ArbitraryArgs, ValidArgsFunction: c.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			sel, ids := c.selection(args)
			q, err := query(sel, ids)
			if err != nil {
				return err
			}
			if err := c.somebody(cmd.Context(), sel, ids); err != nil {
				return err
			}
			for name, value := range map[string]string{"verdict": verdict, "way": way} {
				if value != "" {
					q.Set(name, value)
				}
			}
			_, err = show(cmd.Context(), c, "GET", "/v1/wills?"+q.Encode(), nil, func(w *api.Wills) string {
				var t strings.Builder
				for _, one := range w.Wills {
					fmt.Fprintf(&t, "%s: %s, after %s", printable(one.ID), one.Verdict, one.Way)
					if one.SeenAt != "" {
						fmt.Fprintf(&t, ", came at %s", one.SeenAt)
					}
					if one.Answered {
						t.WriteString(", answered")
					}
					t.WriteString("\n")
				}
				if w.LeftOut > 0 {
					fmt.Fprintf(&t, "and %s more\n", words.Grouped(int64(w.LeftOut)))
				}
				return cmp.Or(t.String(), "none\n")
			})
			return err
		}}
	cmd.Flags().StringVar(&verdict, "verdict", "", "`VERDICT`, such as late or missing")
	cmd.Flags().StringVar(&way, "way", "", "`WAY` to go offline")
	return cmd
}

func (c *ctl) incidents(cmd *cobra.Command, _ []string) error {
	_, err := show(cmd.Context(), c, "GET", "/v1/incidents", nil, func(all *api.Incidents) string {
		var t strings.Builder
		for _, one := range all.Incidents {
			fmt.Fprintf(&t, "%d  %-7s  %s to %s  %s\n", one.Number, one.State, one.From, one.To, printable(cmp.Or(one.Text, one.Name)))
		}
		return cmp.Or(t.String(), "none\n")
	})
	return err
}

func (c *ctl) log(cmd *cobra.Command, _ []string) error {
	_, err := show(cmd.Context(), c, "GET", "/v1/interventions", nil, func(all *api.Interventions) string {
		var t strings.Builder
		for _, one := range all.Interventions {
			fmt.Fprintf(&t, "%d  %s  %s: %d of %s\n", one.N, one.At, printable(one.Op), one.Done, plural(one.Selected, "device"))
		}
		return cmp.Or(t.String(), "none\n")
	})
	return err
}

func (c *ctl) openapi(cmd *cobra.Command, _ []string) error {
	var raw []byte
	if err := c.ask(cmd.Context(), "GET", "/openapi.json", nil, &raw); err != nil {
		return err
	}
	c.documented = true
	return c.printf("%s", raw)
}
