package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/reach"
	"homefleet/fleet/retained"
	"homefleet/scenarios"
)

// clearFlags are the flags of clear.
type clearFlags struct {
	broker brokerFlags
	size   string
	seed   string
	run    string
	mqtt   string
	dry    bool
}

func (a *app) clearCommand() *cobra.Command {
	var f clearFlags
	cmd := &cobra.Command{
		Use:   "clear SCENARIO",
		Short: "Empty the retained topics that a scenario's devices have left",
		Long: `Empty every topic on which the devices of a scenario have left something retained:
that they were there, what they are, their states, and their Wills. A broker keeps
such messages for ever, so that Home Assistant, say, goes on showing devices of a
run that is long over. "homefleet run --clear" does the same at the end of a run.

Only topics of these devices are emptied, by the face that they speak; what others
keep beside them stays. Seed, --size and --run must be those of the run, because
names may follow from them. The devices should not be running.

Afterwards the broker is asked what it still keeps. The exit code is 0 if nothing of
the devices is left, 1 if something is, or if the broker refused or could not be
reached.`,
		Example: `  homefleet clear home-assistant --broker mqtt://localhost:1883
  homefleet clear zigbee-home --dry-run`,
		Args:              want("SCENARIO"),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.clear(cmd, args[0], &f)
		},
	}
	fs := cmd.Flags()
	f.broker.add(fs, "`URL` of the broker (default: the scenario's, else "+defaultBroker+")")
	addSize(cmd, &f.size)
	fs.StringVar(&f.seed, "seed", "", "`NUMBER` that the run had")
	fs.StringVar(&f.run, "run", "", "`ID` of the run, where topics have {run} in them")
	addMQTT(fs, &f.mqtt)
	fs.BoolVar(&f.dry, "dry-run", false, "only list the topics")
	return cmd
}

// clear carries out the command.
func (a *app) clear(cmd *cobra.Command, arg string, f *clearFlags) error {
	sc, warnings, err := a.loadScenario(arg, f.size)
	if err != nil {
		return err
	}
	again := runFlags{broker: f.broker, seed: f.seed, run: f.run, mqtt: f.mqtt}
	again.broker.url = cmp.Or(f.broker.url, sc.Broker.URL, defaultBroker)
	if _, err := a.override(cmd, sc, &again, warnings); err != nil {
		return err
	}
	if f.run == "" {
		for _, topic := range retained.RunTopics(sc) {
			return misused("the banner of the run and its result name it", "the topic %s rests on the run: want --run with the ID that it had", topic)
		}
	}
	once := passwords{read: a.secret}
	reaches, err := reach.New(sc, once.secret)
	if err != nil {
		return misused("", "%w", err)
	}
	id := cmp.Or(f.run, newRunID())
	if err := a.checkSecret(sc, id); err != nil {
		return err
	}
	options := fleet.Options{Run: id, Secret: once.secret, Dial: reaches.Dial, BrokerName: reaches.String(), Log: a.logger()}
	done, err := a.empty(cmd.Context(), sc, options, f.dry)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.document(clearedOf(sc, &options, &done, f.dry)); err != nil {
			return err
		}
	} else if err := a.printCleared(&options, &done, f.dry); err != nil {
		return err
	}
	return clearedFault(&options, &done, f.dry)
}

// empty has the retained topics of a scenario emptied, or with dry looked for.
func (a *app) empty(ctx context.Context, sc *scenarios.Scenario, o fleet.Options, dry bool) (retained.Cleared, error) {
	c := fleet.Clearing{LookOnly: dry}
	if !a.quiet && a.Stderr.Terminal {
		c.Progress = func(done, of int64) {
			a.screen.Status(fmt.Sprintf("clearing  %s of %s", words.Grouped(done), plural(of, "topic")), a.errPaint())
		}
	}
	done, err := fleet.Clear(ctx, sc, o, c)
	a.screen.Status("", paint{})
	switch {
	case err != nil && ctx.Err() != nil:
		return done, interrupted()
	case err != nil:
		return done, failed(brokerHint(err, o.BrokerName), "%w", err)
	}
	return done, nil
}

// printCleared prints what was done: with --dry-run the topics, one a line.
func (a *app) printCleared(o *fleet.Options, done *retained.Cleared, dry bool) error {
	if dry {
		if !a.quiet {
			fmt.Fprintf(a.screen, "%s could be emptied on %s%s\n", plural(len(done.Topics), "topic"), o.BrokerName, heldWords(done))
		}
		return a.printf("%s", strings.Join(append(slices.Clone(done.Topics), ""), "\n"))
	}
	return a.printf("%s\n", clearedWords(o, done))
}

// clearedWords says in a sentence what was emptied.
func clearedWords(o *fleet.Options, done *retained.Cleared) string {
	if len(done.Left) > 0 { // what was refused is among it, if it held anything
		return fmt.Sprintf("emptied %s of %s on %s", words.Grouped(int64(len(done.Topics)-max(done.Refused, len(done.Left)))), plural(len(done.Topics), "retained topic"), o.BrokerName)
	}
	return fmt.Sprintf("emptied %s on %s%s", plural(len(done.Topics)-done.Refused, "retained topic"), o.BrokerName, heldWords(done))
}

// heldWords says how many of the topics held something.
func heldWords(done *retained.Cleared) string {
	switch {
	case !done.Looked:
		return "; it does not let be seen what it keeps"
	case len(done.Held) == len(done.Topics):
		return ""
	case len(done.Held) == 0:
		return "; none of them held anything"
	}
	return fmt.Sprintf("; %s of them held something", words.Grouped(int64(len(done.Held))))
}

// clearedFault is that not all is empty.
func clearedFault(o *fleet.Options, done *retained.Cleared, dry bool) error {
	switch {
	case dry:
		return nil
	case done.Refused > 0:
		return failed("the user must be allowed to publish where the devices do", "%s refused to empty %s: %s",
			o.BrokerName, plural(done.Refused, "topic"), done.Why)
	case len(done.Left) > 0:
		return failed("stop the run first, if it is still going: its devices say at once again what was emptied; else this user may not write there",
			"%s keeps something on %s of them, or again, such as on %s", o.BrokerName, words.Grouped(int64(len(done.Left))), done.Left[0])
	}
	return nil
}

// clearedDocument is what was emptied, in JSON.
type clearedDocument struct {
	Broker   string   `json:"broker"`
	Scenario string   `json:"scenario"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Topics   []string `json:"topics"`
	Seen     bool     `json:"seen"` // the broker let be seen what it keeps
	Held     []string `json:"held"`
	Left     []string `json:"left"`
	Refused  int      `json:"refused"`
	ExitCode int      `json:"exit_code"`
}

func clearedOf(sc *scenarios.Scenario, o *fleet.Options, done *retained.Cleared, dry bool) clearedDocument {
	some := func(topics []string) []string { return append([]string{}, topics...) }
	return clearedDocument{o.BrokerName, sc.Name, dry, some(done.Topics), done.Looked, some(done.Held), some(done.Left), done.Refused,
		exitCode(clearedFault(o, done, dry))}
}
