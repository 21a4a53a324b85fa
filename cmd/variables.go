package cmd

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homefleet/devices/words"
)

const variablePrefix = "HOMEFLEET_"

// variableOf names the variable of the environment that is a flag.
func variableOf(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// otherVariables are no flag's. What begins with HOMEFLEET_TEST_, and the last three, are
// read by the tests.
var otherVariables = []string{scenarioVariable, defaultPasswordEnv, tokenVariable, collectorVariable, "HOMEFLEET_FULL", "HOMEFLEET_INTEROP", "HOMEFLEET_REFEREES"}

// warnOfVariables warns of variables that would be read if they were spelled right.
func (a *app) warnOfVariables(root *cobra.Command) {
	if a.Environ == nil {
		return
	}
	known := make(map[string]bool)
	for _, name := range otherVariables {
		known[name] = true
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
			flags.VisitAll(func(f *pflag.Flag) { known[variableOf(f.Name)] = true })
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for _, set := range a.Environ() {
		name, _, _ := strings.Cut(set, "=")
		if !strings.HasPrefix(name, variablePrefix) || strings.HasPrefix(name, "HOMEFLEET_TEST_") || known[name] {
			continue
		}
		hint := "nothing reads it"
		if near, ok := words.Nearest(name, slices.Sorted(maps.Keys(known))); ok {
			hint = "did you mean " + near + "?"
		}
		a.warn("the environment has %s, which is no variable of homefleet: %s", words.Short(name), hint)
	}
}
