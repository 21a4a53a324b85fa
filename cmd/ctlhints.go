package cmd

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// keyValue is a key and its value as a scenario and the API have them: for = "20s".
var keyValue = regexp.MustCompile(`"?([a-z_]+)"?(?: = |: )(?:"([^"]*)"|(true|false|[0-9.]+))`)

// everybodyHint becomes the command with the word that means every device.
const everybodyHint = "all means everybody"

// withAll is a command line of the program, as it was given, that means every device.
func withAll(program string, cmd *cobra.Command, args []string) string {
	at := 0
	if cmd.Name() == "strike" {
		at = min(1, len(args)) // behind the kind of incident
	}
	line := append(append([]string{program}, strings.Fields(cmd.CommandPath())[1:]...), quotedWords(slices.Insert(slices.Clone(args), at, "all"))...)
	text := strings.Join(line, " ")
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if cmd.LocalNonPersistentFlags().Lookup(flag.Name) != nil && flag.NoOptDefVal == "" {
			text += flagText("--"+flag.Name, flag.Value.String())
		}
	})
	return text
}

// inFlags has a command say what to add in its own words: --for 20s, or latency=200ms.
func inFlags(program string, run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		e, ok := errors.AsType[*exitError](err)
		switch {
		case !ok:
		case e.hint == everybodyHint:
			e.hint = withAll(program, cmd, args) + " means everybody"
		case strings.HasPrefix(e.hint, "add "):
			e.hint = keyValue.ReplaceAllStringFunc(e.hint, func(text string) string {
				m := keyValue.FindStringSubmatch(text)
				value := m[2] + m[3]
				if name := strings.ReplaceAll(m[1], "_", "-"); cmd.Flags().Lookup(name) != nil {
					return "--" + name + " " + value
				}
				return m[1] + "=" + value
			})
		}
		return err
	}
}
