package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
	"homefleet/scenarios/tomlfault"
)

// exitNotMet is the exit code of a wait that was in vain.
const exitNotMet = 3

// ctl is a command to a running fleet.
type ctl struct {
	*app
	at, ready string
	all, dry  bool
}

func (a *app) ctlCommand() *cobra.Command {
	c := &ctl{app: a}
	cmd := &cobra.Command{
		Use:   "ctl",
		Short: "Control a run that was started with --control",
		Long: `Look at a run that was started with --control, and act upon it: command devices,
take them off, bring them back, have incidents happen, and wait for what is to come.

Which devices are meant is said in words that must all hold: an id such as porch,
or several; a pattern such as "flat-07-*"; kind=light, home=flat-07, share=10%,
online=false; or all. The only run on this machine is found by itself; else
--at says where it is, or --ready names its ready file.

Exit codes: 0 all well, 1 the run cannot be reached, 2 it has refused, all or some
of it, 3 what was waited for did not come about.`,
		Example: `  homefleet ctl ls kind=light
  homefleet ctl cmd porch power ON
  homefleet ctl kill home=flat-07 --way cut --for 30s
  homefleet ctl strike power-cut home=flat-04 --for 20s
  homefleet ctl wait porch power=ON --timeout 5s`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return misused("usage: "+cmd.CommandPath()+" COMMAND", "no command; want one of %s", strings.Join(commandNames(cmd), ", "))
		},
	}
	f := cmd.PersistentFlags()
	f.StringVar(&c.at, "at", "", "`URL` of the control, such as http://127.0.0.1:7676; its token is in "+tokenVariable)
	f.StringVar(&c.ready, "ready", "", "ready `FILE` of the run")
	cmd.AddCommand(c.looking()...)
	cmd.AddCommand(c.following()...)
	cmd.AddCommand(c.acting()...)
	for _, sub := range cmd.Commands() {
		sub.RunE = inFlags(c.Name, sub.RunE)
		sub.Flags().SortFlags = false
		completeFiles(sub)
	}
	return cmd
}

// client finds the run.
func (c *ctl) client() (*api.Client, error) {
	token, _ := c.LookupEnv(tokenVariable)
	at := c.at
	if at == "" && c.ready == "" {
		at, _ = c.LookupEnv("HOMEFLEET_CONTROL")
	}
	switch {
	case c.at != "" && c.ready != "":
		return nil, misused("", "--at and --ready both say where the run is; want one of them")
	case c.ready != "":
		d, err := readRun(c.path(c.ready))
		if err != nil {
			return nil, failed("", "--ready: %s", unPath(err, c.ready))
		}
		return &api.Client{URL: d.Control.URL, Token: cmp.Or(token, d.Control.Token)}, nil
	case at != "":
		address, err := controlURL(at)
		if err != nil {
			return nil, err
		}
		for _, d := range c.controllable() {
			if token == "" && d.Control.URL == address {
				token = d.Control.Token
			}
		}
		return &api.Client{URL: address, Token: token}, nil
	}
	switch all := c.controllable(); len(all) {
	case 0:
		return nil, failed(c.Name+" run SCENARIO --control 127.0.0.1:7676 starts one; --at URL names one elsewhere", "no run that can be controlled is under way")
	case 1:
		return &api.Client{URL: all[0].Control.URL, Token: all[0].Control.Token}, nil
	default:
		var names []string
		for _, d := range all {
			names = append(names, fmt.Sprintf("%s (%s)", d.Control.URL, cmp.Or(d.Scenario, "a broker")))
		}
		return nil, misused("--at URL says which is meant", "%d runs can be controlled: %s", len(all), strings.Join(names, ", "))
	}
}

// controlURL reads the address of a control, as a URL or as --control takes it.
func controlURL(text string) (string, error) {
	if !strings.Contains(text, "://") {
		if strings.Trim(text, "0123456789") == "" {
			text = "127.0.0.1:" + text
		}
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", misused("", "%q is no address of a control; want one such as http://127.0.0.1:7676", tomlfault.Short(text))
	}
	if host := u.Hostname(); host == "" || host == "0.0.0.0" || host == "::" {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.Scheme + "://" + u.Host, nil
}

// someRefused is the error of an action that was not done with all devices; nil: it was.
func (c *ctl) someRefused(b *api.Bulk) error {
	if b.RefusedCount == 0 {
		return nil
	}
	return &exitError{code: exitUsage, err: fmt.Errorf("%s of %s refused", words.Grouped(int64(b.RefusedCount)), plural(b.Selected, "device")), said: c.json}
}

// somebody is why a selection means nobody, with the nearest right word; nil: it means some.
func (c *ctl) somebody(ctx context.Context, sel map[string]any, ids []string) error {
	if len(sel)+len(ids) == 0 {
		return nil // whoever there is
	}
	whom := maps.Clone(sel)
	if err := devicesOf(whom, ids); err != nil {
		return err
	}
	return c.ask(ctx, "POST", "/v1/actions/behave?dry_run=true", map[string]any{"select": whom}, new(api.Bulk))
}

// ask makes a request, and turns what goes wrong into exit codes.
func (c *ctl) ask(ctx context.Context, method, path string, body, out any) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return c.refused(client, client.Do(ctx, method, path, body, out))
}

// refused is the error of a request.
func (c *ctl) refused(client *api.Client, err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		hint := p.Hint
		if p.Status == 401 {
			hint = "the token is in the run's ready file; ctl takes it from " + tokenVariable + ", or with --ready FILE"
		}
		return &exitError{code: exitUsage, err: errors.New(p.Detail), hint: hint}
	}
	if errors.Is(err, context.Canceled) {
		return interrupted()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return failed("", "the run at %s cannot be reached: %w", client.URL, err)
}

// show asks for something and prints it: with --json as it came, else as text says.
func show[T any](ctx context.Context, c *ctl, method, path string, body any, text func(*T) string) (*T, error) {
	var raw []byte
	if err := c.ask(ctx, method, path, body, &raw); err != nil {
		return nil, err
	}
	out := new(T)
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, failed("", "the reply cannot be read: %w", err)
	}
	if c.json {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, failed("", "the reply cannot be read: %w", err)
		}
		return out, c.document(v)
	}
	if t := text(out); t != "" && !c.quiet {
		return out, c.printf("%s", t)
	}
	return out, nil
}

// selectorKeys are the words of a selection that have a value.
var selectorKeys = []string{"kind", "home", "id", "share", "online"}

// selection takes the words of a selection out of arguments, and returns the others.
func (c *ctl) selection(args []string, untouched ...string) (sel map[string]any, rest []string) {
	sel = make(map[string]any)
	if c.all {
		sel["all"] = true
	}
next:
	for _, arg := range args {
		if arg == "all" {
			sel["all"] = true
			continue
		}
		name, value, ok := strings.Cut(arg, "=")
		for _, known := range selectorKeys {
			if ok && name == known && !contains(untouched, name) {
				sel[name] = valueOfWord(name, value)
				continue next
			}
		}
		rest = append(rest, arg)
	}
	return sel, rest
}

func contains(list []string, word string) bool {
	return slices.Contains(list, word)
}

// valueOfWord is the value of a key=value word as JSON has it.
func valueOfWord(name, value string) any {
	if value == "true" || value == "false" {
		return value == "true"
	}
	return value
}

// devicesOf adds ids, or a pattern, to a selection.
func devicesOf(sel map[string]any, ids []string) error {
	for _, id := range ids {
		if name, _, ok := strings.Cut(id, "="); ok {
			near, found := words.Nearest(name, selectorKeys)
			hint := "a selection has " + strings.Join(selectorKeys, "=, ") + "=, or ids"
			if found {
				hint = "did you mean " + near + "=?"
			}
			return misused(hint, "%q says nothing of which devices are meant", tomlfault.Short(id))
		}
	}
	switch {
	case len(ids) == 1 && strings.Contains(ids[0], "*"):
		sel["id"] = ids[0]
	case len(ids) > 0:
		for _, id := range ids {
			if strings.Contains(id, "*") {
				return misused("", "%q is a pattern; want one of them, or ids", tomlfault.Short(id))
			}
		}
		sel["ids"] = ids
	}
	if len(sel) == 0 {
		return misused(everybodyHint, "no device is named; want an id, kind=, home=, share=, online= or all")
	}
	return nil
}

// bulkText is what became of an action.
func bulkText(b *api.Bulk) string {
	var t strings.Builder
	if b.DryRun {
		fmt.Fprintf(&t, "would affect %s\n", plural(b.Selected, "device"))
		for _, id := range b.IDs {
			fmt.Fprintf(&t, "  %s\n", printable(id))
		}
		if more := b.Selected - len(b.IDs); more > 0 {
			fmt.Fprintf(&t, "  and %s more\n", words.Grouped(int64(more)))
		}
		return t.String()
	}
	fmt.Fprintf(&t, "%s of %s done", words.Grouped(int64(b.Done)), plural(b.Selected, "device"))
	if b.Already > 0 {
		fmt.Fprintf(&t, ", %s already so", words.Grouped(int64(b.Already)))
	}
	if b.RefusedCount > 0 {
		fmt.Fprintf(&t, ", %s refused", words.Grouped(int64(b.RefusedCount)))
	}
	t.WriteString("\n")
	for _, r := range b.Refused {
		fmt.Fprintf(&t, "  %s: %s\n", printable(r.ID), printable(r.Why))
	}
	return t.String()
}

// completeDevices completes the words of a selection from the running fleet: ids, and behind
// kind= and home= what there is of them.
func (c *ctl) completeDevices(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	client, err := c.client()
	if err != nil {
		return nil, none
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	key, begun, valued := strings.Cut(word, "=")
	var all []string
	switch {
	case !valued:
		var page api.Devices
		if err := client.Do(ctx, "GET", "/v1/devices?limit=200&id="+url.QueryEscape(word+"*"), nil, &page); err != nil {
			page.Devices = nil // a word that no device begins with may be that of a key
		}
		for _, d := range page.Devices {
			all = append(all, d.ID)
		}
		for _, key := range selectorKeys {
			if strings.HasPrefix(key, word) {
				all = append(all, key+"=")
			}
		}
		return all, none | cobra.ShellCompDirectiveNoSpace
	case key == "kind":
		var kinds api.Kinds
		if err := client.Do(ctx, "GET", "/v1/kinds", nil, &kinds); err != nil {
			return nil, none
		}
		for _, k := range kinds.Kinds {
			all = append(all, k.Kind)
		}
	case key == "home":
		var homes api.Homes
		if err := client.Do(ctx, "GET", "/v1/homes", nil, &homes); err != nil {
			return nil, none
		}
		all = homes.Homes
	case key == "online":
		all = []string{"true", "false"}
	}
	const most = 200
	var fit []string
	for _, value := range all {
		if value != "" && strings.HasPrefix(value, begun) && len(fit) < most {
			fit = append(fit, key+"="+value)
		}
	}
	return fit, none
}
