package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/conformance"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// conformFlags are the flags of conform.
type conformFlags struct {
	broker      brokerFlags
	only        []string
	client      string
	scenario    *scenarios.Scenario // of --for homefleet
	slow, list  bool
	junit, html string
	prefix      string
	forbidden   string
	information bool
	second      secondFlags
	pid         int
	timeout     spanFlag
}

func (a *app) conformCommand() *cobra.Command {
	var f conformFlags
	cmd := &cobra.Command{
		Use:   "conform [SCENARIO] [URL]",
		Short: "Examine a broker: which statements of the MQTT standard it keeps",
		Long: `Examine a running broker: several hundred statements of the MQTT 5.0 and 3.1.1
standards that a client can see on the wire, each with its clause. A statement

  conforms         the broker keeps it, and the check's control went well
  deviates         it failed at each of three attempts
  flaky            it failed at some of them
  not supported    the broker does without, and says so in its CONNACK
  not decided      it could not be judged, and why

Most of them are required (MUST, or what follows from it); some are no more than
recommended or described (SHOULD, MAY), which is said, and no reason for the exit code 3.

Where something fails that others rest upon, such as the order of messages, the
others are not held against the broker: they are not decided, as its echoes.
Client identifiers and topics are the examination's own, and what it leaves in
sessions and retained messages is removed. A broker can be examined while others use
it; one with tight limits on connections may slow them down.

With --for only what a client needs is examined: that of Home Assistant, or of the fleet of
a scenario, which then stands before the URL.

Exit codes: 0 it conforms, 3 it deviates, 1 it could not be examined.`,
		Example: `  homefleet conform mqtt://localhost:1883
  homefleet conform --for home-assistant mqtts://broker.example:8883 --username me
  homefleet conform --for homefleet mass-offline mqtt://localhost:1883
  homefleet conform --report passport.html mqtt://localhost:1883
  homefleet conform --only wills -v mqtt://localhost:1883
  homefleet conform --list --only 3.1.2`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.client == fleetWord {
				return want("SCENARIO", "[URL]")(cmd, args)
			}
			return want("[URL]")(cmd, args)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.client == fleetWord {
				sc, warnings, err := a.loadScenario(args[0], "")
				if err != nil {
					return err
				}
				a.printFaults(warnings)
				f.scenario, args = sc, args[1:]
			}
			if len(args) == 1 {
				if a.given(cmd, "broker") {
					return misused("", "conform wants one broker: there is a URL and a --broker")
				}
				f.broker.url = args[0]
			}
			return a.conform(cmd.Context(), &f)
		},
	}
	fs := cmd.Flags()
	f.broker.add(fs, "`URL` of the broker, in place of the argument (default "+defaultBroker+")")
	fs.StringSliceVar(&f.only, "only", nil, "`GROUP`, clause or part of a title: examine only that; several with commas")
	fs.StringVar(&f.client, "for", "", "examine only what this `CLIENT` needs, and say whether it can work: home-assistant, or homefleet with a SCENARIO")
	fs.BoolVar(&f.slow, "slow", false, "what takes minutes, too")
	fs.BoolVar(&f.list, "list", false, "list the statements and examine nothing")
	fs.StringVar(&f.junit, "junit", "", "`FILE` to write the statements to as JUnit XML")
	fs.StringVar(&f.html, "report", "", "`FILE` to write as an HTML page: a passport of the broker")
	fs.StringVar(&f.prefix, "topic-prefix", "", "`TOPIC` that stands before all topics, such as open/, for users who may not use others")
	fs.StringVar(&f.forbidden, "forbidden-topic", "", "`TOPIC` that the user may neither publish nor subscribe to")
	fs.BoolVar(&f.information, "response-information", false, "the broker is set up to give the user Response Information")
	f.second.add(fs)
	fs.IntVar(&f.pid, "pid", 0, "`NUMBER` of the broker's process on this machine: what it takes of CPU and memory stands beside the verdict")
	fs.Var(&f.timeout, "timeout", "how long it may take in all (default 1m, with --slow 10m)")
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(groupNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(clientNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func groupNames() (all []string) {
	for _, g := range conformance.Groups() {
		all = append(all, string(g))
	}
	return all
}

func clientNames() (all []string) {
	for _, c := range conformance.Clients() {
		all = append(all, c.Name)
	}
	return append(all, fleetWord)
}

// chosen returns the statements that the flags want, and the client that they are for.
func (f *conformFlags) chosen() ([]conformance.Statement, *conformance.Client, error) {
	all := conformance.Statements()
	var client *conformance.Client
	if f.scenario != nil {
		client = fleetOf(f.scenario)
		all = client.Statements()
	} else if f.client != "" {
		for _, c := range conformance.Clients() {
			if c.Name == f.client {
				client = &c
			}
		}
		if client == nil {
			return nil, nil, misused(didYouMean(f.client, clientNames(), "clients"), "--for is %q; want one of %s", tomlfault.Short(f.client), strings.Join(clientNames(), ", "))
		}
		all = client.Statements()
	}
	if f.only == nil {
		var some []conformance.Statement
		for _, s := range all {
			if !s.Slow || f.slow {
				some = append(some, s)
			}
		}
		return some, client, nil
	}
	var some []conformance.Statement
	seen := make(map[string]bool)
	for _, word := range f.only {
		found := conformance.Select(all, word)
		if len(found) == 0 {
			return nil, nil, misused(didYouMean(word, groupNames(), "groups"), "--only is %q, which is no group, clause or part of a title", tomlfault.Short(word))
		}
		for _, s := range found {
			if !seen[s.Name()] {
				seen[s.Name()] = true
				some = append(some, s)
			}
		}
	}
	return some, client, nil
}

// conform carries out the command.
func (a *app) conform(ctx context.Context, f *conformFlags) error {
	chosen, client, err := f.chosen()
	if err != nil {
		return err
	}
	if f.list {
		return a.listStatements(chosen)
	}
	b := &f.broker
	if err := a.spare([]fileUse{{"--junit", f.junit}, {"--report", f.html}}, slices.Values([]fileUse{
		{"--password-file", b.passwordFile}, {"--other-password-file", f.second.passwordFile}, {"--ca-file", b.caFile}, {"--cert-file", b.certFile}, {"--key-file", b.keyFile},
	})); err != nil {
		return err
	}
	dialer, config, err := a.examination(f)
	if err != nil {
		return err
	}
	files, err := a.examinedFiles(f)
	if err != nil {
		return err
	}
	config.Statements = chosen
	if !a.quiet && a.Stderr.Terminal {
		config.Progress = func(done, of int) {
			a.screen.Status(fmt.Sprintf("examining %s  %d of %s", dialer, done, plural(of, "statement")), a.errPaint())
		}
	}
	before, err := f.usage()
	if err != nil {
		return err
	}
	report, err := conformance.Examine(ctx, *config)
	a.screen.Status("", paint{})
	switch {
	case ctx.Err() != nil && report == nil:
		return interrupted()
	case report == nil:
		return unexaminable(err, dialer.String())
	}
	found := &examinedBroker{report: report, broker: dialer.String(), process: f.took(before)}
	found.version, found.noVersion = versionOf(ctx, config, report.Facts.OldOnly)
	if client != nil {
		found.ready = new(client.Ready(report))
	}
	for i := range files {
		if err := files[i].put(found); err != nil {
			return err
		}
	}
	verdict := examined(ctx, report, client, err)
	if a.json {
		doc := report.Document()
		doc.Broker, doc.Tool, doc.ExitCode = dialer.String(), thisVersion(), exitCode(verdict)
		doc.For, doc.Process, doc.Version, doc.NoVersion = found.ready, found.process, found.version, found.noVersion
		if err := a.document(doc); err != nil {
			return err
		}
	} else if err := a.printExamined(found); err != nil {
		return err
	}
	return verdict
}

// unexaminable is that a broker could not be examined.
func unexaminable(err error, broker string) error {
	if refused, ok := errors.AsType[*conformance.RefusedError](err); ok {
		hint := ""
		if refused.Code == 0x86 || refused.Code == 0x87 || refused.Old && (refused.Code == 4 || refused.Code == 5) {
			hint = "give --username, and --password-file or --password-env"
		}
		return failed(hint, "%s: %w", broker, err)
	}
	if foreign, ok := errors.AsType[*conformance.ForeignError](err); ok {
		return failed(foreignHint(foreign.Speaks, broker), "%s: %w", broker, err)
	}
	return failed(brokerHint(err, broker), "%s: %w", broker, err)
}

// examined is the verdict as the end of the command.
func examined(ctx context.Context, r *conformance.Report, client *conformance.Client, stopped error) error {
	wrong := r.Deviations(conformance.Must) > 0
	open := ""
	if client != nil {
		ready := client.Ready(r)
		wrong = wrong || ready.Ready == "no"
		if ready.Ready == "not decided" {
			open = ready.String()
		}
	}
	switch {
	case ctx.Err() != nil:
		return interrupted()
	case wrong:
		return &exitError{code: exitExpectation, err: errors.New(r.Verdict()), said: true}
	case r.Gone != "" || r.Judged() == 0:
		return failed("", "%s", r.Verdict())
	case errors.Is(stopped, conformance.ErrBudget):
		return failed("give it more with --timeout", "%s", r.Verdict())
	case open != "":
		return failed("", "%s", open)
	}
	return nil
}

// listStatements prints the statements, one a line, or with -v what is done and wanted.
func (a *app) listStatements(all []conformance.Statement) error {
	if a.json {
		type listed struct {
			Clause  string            `json:"clause"`
			Title   string            `json:"title"`
			Group   conformance.Group `json:"group"`
			Does    string            `json:"does"`
			Wants   string            `json:"wants"`
			Control string            `json:"control"` // what has to go well for it to mean something
			Needs   string            `json:"needs,omitempty"`
			Slow    bool              `json:"slow,omitempty"`
			Level   conformance.Level `json:"level"` // must or should
		}
		out := []listed{}
		for _, s := range all {
			out = append(out, listed{s.Clause, s.Title, s.Group, s.Does, s.Wants, s.Control(), s.Needs(), s.Slow, s.Level()})
		}
		return a.document(out)
	}
	var b strings.Builder
	var group conformance.Group
	p := a.outPaint()
	for _, s := range all {
		if s.Group != group {
			if group != "" {
				b.WriteByte('\n')
			}
			group = s.Group
			b.WriteString(p.bold(string(group)) + "\n")
		}
		fmt.Fprintf(&b, "  %s  %s\n", p.dim(fmt.Sprintf("%-16s", s.Clause)), words.Plain(s.Title))
		if a.verbose {
			fmt.Fprintf(&b, "                    %s %s\n", words.Plain(s.Does), words.Plain(s.Wants))
			fmt.Fprintf(&b, "                    Control: %s\n", s.Control())
			if because := s.Because(); because != "" {
				fmt.Fprintf(&b, "                    No more than recommended: %s.\n", because)
			}
			if s.Needs() != "" {
				fmt.Fprintf(&b, "                    It needs %s.\n", s.Needs())
			}
		}
	}
	return a.printf("%s", b.String())
}
