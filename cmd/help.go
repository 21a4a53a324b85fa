package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/bench"
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
	{"architecture", func() string { return fleet.Architecture }},
	{"costs", func() string { return bench.Reference }},
}

// topicHelp has the help command print topics, and sections of them:
// `help scenario`, `help scenario controller`.
func (a *app) topicHelp(help *cobra.Command) {
	command, args := help.Run, help.Args
	help.Use = "help [COMMAND | scenario|architecture|costs [SECTION]]"
	help.Long = "Help about any command. `help scenario` says what a scenario and a users file may\nhold, `help scenario controller` a section of it. `help result`, `help architecture`\nand `help costs` are pages, too."
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
// "controllers" are [[controller]].
func sectionOf(text, name, topic string) (string, error) {
	parts := strings.Split(text, "\n## ")[1:]
	plain := func(s string) string {
		return strings.TrimSuffix(strings.ToLower(strings.Trim(s, "[]` ")), "s")
	}
	var names []string
	for _, part := range parts {
		heading, _, _ := strings.Cut(part, "\n")
		if plain(heading) == plain(name) {
			return "## " + part, nil
		}
		names = append(names, strings.ToLower(strings.Trim(heading, "[]`")))
	}
	hint := "sections: " + strings.Join(names, ", ")
	if near, ok := words.Nearest(name, names); ok {
		hint = "did you mean `help " + topic + " " + near + "`?"
	}
	return "", misused(hint, "the help about %s has no section %q", topic, tomlfault.Short(name))
}
