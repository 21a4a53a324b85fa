package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// app is one command line being carried out.
type app struct {
	Process
	screen *screen // stderr

	json, quiet, verbose, noColor bool
	version                       bool // --version, of root alone

	fromEnv    map[string]bool // flags that the environment set
	documented bool            // the JSON document is out
	running    bool            // the command line was understood
}

func newApp(p Process) *app {
	if p.Name == "" {
		p.Name = "homefleet"
	}
	if p.LookupEnv == nil {
		p.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if p.Stdin == nil {
		p.Stdin = strings.NewReader("")
	}
	for _, s := range []*Stream{&p.Stdout, &p.Stderr} {
		if s.Writer == nil {
			s.Writer = io.Discard
		}
	}
	p.Stdout.Writer = outWriter{p.Stdout.Writer}
	if kind, _ := p.LookupEnv("TERM"); kind == "dumb" {
		// It neither moves the cursor nor knows colours: it gets what a pipe gets.
		p.Stdout.Terminal, p.Stderr.Terminal = false, false
	}
	return &app{Process: p, screen: &screen{stream: p.Stderr}, fromEnv: make(map[string]bool)}
}

// path returns a file's name as the process would find it.
func (a *app) path(name string) string {
	if a.Dir == "" || name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.Dir, name)
}

// wantsJSON reports whether stdout is to hold a JSON document, also where the
// command line could not be understood.
func (a *app) wantsJSON() bool {
	if a.json {
		return true
	}
	before := a.Args
	if i := slices.Index(before, "--"); i >= 0 {
		before = before[:i]
	}
	return slices.Contains(before, "--json")
}

// execute finds the command and runs it.
func (a *app) execute(ctx context.Context) error {
	root := a.root()
	root.SetArgs(numbersLast(root, a.Args))
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.screen)
	a.refuseUnknown(root)
	a.noteRunning(root)
	return root.ExecuteContext(ctx)
}

// noteRunning has a command, and all beneath it, note that the command line was
// understood, and what goes wrong from now on is no misuse.
func (a *app) noteRunning(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.running = true
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		a.noteRunning(sub)
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "homefleet",
		Short: "Virtual lights, thermostats and plugs that speak MQTT 5",
		Long: `homefleet emulates smart homes: virtual lights, thermostats and plugs that speak
MQTT 5 as real devices do, obey commands, answer each request on its Response
Topic with its Correlation Data, and go offline the way real devices do.

Start with "homefleet run bedroom"; it needs nothing installed. To measure a
broker, go on with "homefleet run request-response".

The result goes to stdout, everything else to stderr. Every flag can be set by
the environment too: HOMEFLEET_BROKER is --broker, HOMEFLEET_READY_FILE is
--ready-file, HOMEFLEET_SCENARIO is the SCENARIO of run. A flag rules over the environment, the environment over the
scenario. "homefleet help result" says what every field of a result means.

Exit codes: 0 all well, 1 the run failed, 2 bad usage or a bad scenario,
3 an expectation failed or the generator was too slow to tell, 75 a shard found no
collector, 130 interrupted before the planned end.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.warnOfVariables(cmd.Root())
			return a.readEnv(cmd)
		},
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if a.version && len(args) == 0 {
			return a.printVersion()
		}
		return a.noCommand(root, args)
	}
	root.Flags().BoolVar(&a.version, "version", false, "print the version")
	root.SetFlagErrorFunc(flagFault)
	f := root.PersistentFlags()
	f.BoolVar(&a.json, "json", false, "print the result as one JSON document")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print the result, warnings and errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "log more")
	f.BoolVar(&a.noColor, "no-color", false, "no colours, on no stream")
	f.SortFlags = false
	root.AddCommand(
		a.runCommand(), a.benchCommand(), a.collectCommand(), a.deployCommand(), a.reportCommand(), a.requestCommand(), a.clearCommand(), a.conformCommand(), a.auditCommand(), a.checkCommand(),
		a.scenariosCommand(), a.kindsCommand(), a.facesCommand(), a.metricsCommand(), a.brokerCommand(), a.ctlCommand(), a.versionCommand(), a.manCommand(),
	)
	for _, sub := range root.Commands() {
		sub.Flags().SortFlags = false
		completeFiles(sub)
	}
	root.SetUsageTemplate(usageTemplate)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	return root
}

// completeFiles has the shell complete the names of files for the flags that
// take one, and for no others.
func completeFiles(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if valueName(f) == "FILE" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // the flag is there
		}
	})
}

// refuseUnknown has the library's own commands, help and completion, refuse a
// command that there is not, where they would print something else. They take
// root's streams as they are now.
func (a *app) refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, sub := range root.Commands() {
		switch sub.Name() {
		case "help":
			sub.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, _ := root.Find(args); len(rest) > 0 {
					return unknownCommand(found, rest[0])
				}
				return nil
			}
			a.topicHelp(sub)
		case "completion":
			sub.Args = cobra.ArbitraryArgs
			sub.RunE = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return unknownCommand(sub, args[0])
				}
				return misused("usage: "+sub.CommandPath()+" COMMAND", "no command; want one of %s", strings.Join(commandNames(sub), ", "))
			}
		}
	}
}

// usageTemplate is cobra's, with less of it.
const usageTemplate = `Usage:{{if .Runnable}}{{if not .HasAvailableSubCommands}}
  {{.UseLine}}{{end}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND [flags]{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if or .IsAvailableCommand (eq .Name "help")}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`

// noCommand is the command line without a command, or with one there is not.
func (a *app) noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		fmt.Fprintf(a.screen, "%s\n\n%s", root.Long, root.UsageString())
		return misused("", "no command; want one of those above")
	}
	err := unknownCommand(root, args[0])
	if _, notOne := a.readScenario(args[0]); notOne == nil {
		err.hint = fmt.Sprintf("did you mean `%s run %s`?", a.Name, args[0])
	}
	return err
}

// unknownCommand is the error of a command that there is not, beneath another.
func unknownCommand(parent *cobra.Command, word string) *exitError {
	return &exitError{code: exitUsage, err: fmt.Errorf("unknown command %q", tomlfault.Short(word)),
		hint: didYouMean(word, commandNames(parent), "commands")}
}

// commandNames lists what may be called beneath a command.
func commandNames(parent *cobra.Command) []string {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(names, c.Name())
		}
	}
	return names
}

// readEnv sets the flags that the command line left alone from the environment.
func (a *app) readEnv(cmd *cobra.Command) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || first != nil {
			return
		}
		name := variableOf(f.Name)
		value, _ := a.LookupEnv(name)
		if value == "" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			first = misused("", "%s is %q: %s", name, tomlfault.Short(value), cause(err))
			return
		}
		a.fromEnv[f.Name] = true
	})
	return first
}

// given reports whether the flag is on the command line.
func (a *app) given(cmd *cobra.Command, flag string) bool {
	return cmd.Flags().Changed(flag) && !a.fromEnv[flag]
}

// flagFault says what was wrong with a flag, and what was wanted.
func flagFault(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			hint := fmt.Sprintf("`%s --help` lists the flags; after -- a word may begin with a dash", cmd.CommandPath())
			return misused(hint, "unknown flag -%s", tomlfault.Short(short))
		}
		hint := fmt.Sprintf("`%s --help` lists the flags", cmd.CommandPath())
		if near, ok := words.Nearest(name, names); ok {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
		return misused(hint, "unknown flag --%s", tomlfault.Short(name))
	}
	if empty, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		f := empty.GetFlag()
		return misused("", "--%s has no value; want --%s %s", f.Name, f.Name, valueName(f))
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return misused("", "--%s is %q: %s", bad.GetFlag().Name, tomlfault.Short(bad.GetValue()), cause(err))
	}
	return misused("", "%w", err)
}

// valueName is what the usage calls the value of a flag.
func valueName(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	return name
}

// cause is what the flag's type said, without the flag library's own words.
func cause(err error) string {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = bad.Unwrap()
	}
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "strconv.ParseBool"):
		return "want true or false"
	case strings.HasPrefix(text, "strconv."):
		return "want a whole number"
	}
	return text
}

// numbersLast lets a number with a sign stand among the arguments, as in
// `request TOPIC -10`: the flag library would take it for a
// bundle of flags. Such words go to the end, behind a "--".
func numbersLast(root *cobra.Command, args []string) []string {
	var before, numbers []string
	for i, arg := range args {
		if arg == "--" {
			return args
		}
		if len(arg) > 1 && arg[0] == '-' && strings.Trim(arg[1:], "0123456789.") == "" && !valueOf(root, args, i) {
			numbers = append(numbers, arg)
		} else {
			before = append(before, arg)
		}
	}
	if numbers == nil {
		return args
	}
	return append(append(before, "--"), numbers...)
}

// valueOf reports whether an argument is the value of the flag before it.
func valueOf(root *cobra.Command, args []string, i int) bool {
	if i == 0 {
		return false
	}
	name, ok := strings.CutPrefix(args[i-1], "--")
	if !ok || strings.Contains(name, "=") {
		return false
	}
	cmd, _, err := root.Find(args[:i])
	if err != nil {
		cmd = root
	}
	f := cmd.Flags().Lookup(name)
	return f != nil && f.NoOptDefVal == ""
}

// want checks how many arguments there are; each is called by a name.
func want(names ...string) cobra.PositionalArgs {
	least := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < least:
			return misused(hint, "%s wants %s", cmd.Name(), strings.Join(names, " "))
		case len(args) > len(names):
			return misused(hint, "%s: one argument too many, %q", cmd.Name(), tomlfault.Short(args[len(names)]))
		}
		return nil
	}
}
