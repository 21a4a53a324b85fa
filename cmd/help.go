package cmd

import (
	_ "embed"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/bench"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// topic is what help knows beside the commands.
type topic struct {
	name string
	text func() string // Markdown, with a section for each heading of the second level
}

var topics = []topic{
	{"scenario", scenarios.Reference},
	{"result", func() string { return metrics.Reference }},
	{"architecture", func() string { return fleet.Architecture }},
	{"costs", func() string { return bench.Reference }},
	{"changes", func() string { return changes }},
}

// changes says in Markdown what has changed from release to release.
//
//go:embed CHANGELOG.md
var changes string

// topicHelp has the help command print topics, and sections of them:
// `help scenario`, `help scenario controller`.
func (a *app) topicHelp(help *cobra.Command) {
	command, args := help.Run, help.Args
	help.Use = "help [COMMAND | scenario|result|architecture|costs|changes [SECTION]]"
	help.Long = "Help about any command. `help scenario` says what a scenario and a users file may\nhold, `help scenario controller` a section of it; `help result` what every field of a\nresult means, `help result audit` those of a part. `help architecture`, `help\ncosts` and `help changes` are pages, too."
	help.Args = func(cmd *cobra.Command, words []string) error {
		if topicOf(words) == nil {
			return args(cmd, words)
		}
		return nil
	}
	help.Run = nil
	help.RunE = func(cmd *cobra.Command, words []string) error {
		t := topicOf(words)
		if t == nil {
			command(cmd, words)
			return nil
		}
		text := t.text()
		if len(words) > 1 {
			section, err := sectionOf(text, strings.Join(words[1:], " "), t.name)
			if err != nil {
				return err
			}
			text = section
		}
		return a.printf("%s", markdownText(text, a.outPaint()))
	}
}

func topicOf(args []string) *topic {
	for i := range topics {
		if len(args) > 0 && args[0] == topics[i].name {
			return &topics[i]
		}
	}
	return nil
}

// sectionOf returns the section of a text that is called so: "controller" and
// "controllers" are [[controller]]. Of a heading with several names any will do.
func sectionOf(text, name, topic string) (string, error) {
	plain := func(s string) string {
		return strings.TrimSuffix(strings.ToLower(strings.Trim(s, "[]` ")), "s")
	}
	var names []string
	for level, mark := range []string{"\n## ", "\n### "} {
		for _, part := range strings.Split(text, mark)[1:] {
			if level > 0 {
				part, _, _ = strings.Cut(part, "\n## ")
			}
			heading, _, _ := strings.Cut(part, "\n")
			for _, n := range append(strings.Split(heading, ", "), heading) {
				if plain(n) == plain(name) {
					return mark[1:] + part, nil
				}
			}
			names = append(names, strings.Split(strings.ToLower(unquoted.Replace(heading)), ", ")...)
		}
	}
	hint := "sections: " + strings.Join(names, ", ")
	if near, ok := words.Nearest(name, names); ok {
		hint = "did you mean `help " + topic + " " + near + "`?"
	}
	return "", misused(hint, "the help about %s has no section %q", topic, tomlfault.Short(name))
}

var unquoted = strings.NewReplacer("[", "", "]", "", "`", "")
