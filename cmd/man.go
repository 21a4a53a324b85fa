package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand prints the manual page. It is for who packages the program, and hidden.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "Print the manual page, homefleet(1), in roff",
		Hidden: true,
		Args:   want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.printf("%s", manual(cmd.Root()))
		},
	}
}

// manual is the manual page of all commands, made of what --help says of them, in roff as
// man(7) has it. It has no date, so that the same program has the same page.
func manual(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(".TH HOMEFLEET 1 \"\" homefleet \"User Commands\"\n.SH NAME\nhomefleet \\- " + roff(lowerFirst(root.Short)) + "\n")
	b.WriteString(".SH SYNOPSIS\n.B homefleet\n.I COMMAND\n[\\fIflags\\fR]\n.SH DESCRIPTION\n")
	paragraphs(&b, root.Long)
	b.WriteString(".SH OPTIONS OF EVERY COMMAND\n")
	manFlags(&b, root.PersistentFlags())
	b.WriteString(".SH COMMANDS\n")
	manCommands(&b, root)
	return b.String()
}

// manCommands are the commands beneath one, and beneath these.
func manCommands(b *strings.Builder, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		fmt.Fprintf(b, ".SS \"%s\"\n", roff(c.UseLine()))
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		paragraphs(b, text)
		if c.LocalFlags().HasAvailableFlags() {
			manFlags(b, c.LocalFlags())
		}
		if c.Example != "" {
			b.WriteString(".PP\nExamples:\n.PP\n.nf\n")
			for line := range strings.SplitSeq(c.Example, "\n") {
				b.WriteString(roff(line) + "\n")
			}
			b.WriteString(".fi\n")
		}
		manCommands(b, c)
	}
}

// manFlags lists flags in the order of the help.
func manFlags(b *strings.Builder, fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		head := "\\fB\\-\\-" + roff(f.Name) + "\\fR"
		if f.Shorthand != "" {
			head = "\\fB\\-" + f.Shorthand + "\\fR, " + head
		}
		if name != "" {
			head += " \\fI" + roff(name) + "\\fR"
		}
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" && !strings.Contains(usage, "(default") {
			usage += " (default " + d + ")"
		}
		b.WriteString(".TP\n" + head + "\n" + roff(usage) + "\n")
	})
}

// paragraphs writes text of which some may be indented, and stays as it is.
func paragraphs(b *strings.Builder, text string) {
	for part := range strings.SplitSeq(text, "\n\n") {
		b.WriteString(".PP\n")
		indented := strings.HasPrefix(part, " ")
		if indented {
			b.WriteString(".nf\n")
		}
		for line := range strings.SplitSeq(part, "\n") {
			b.WriteString(roff(line) + "\n")
		}
		if indented {
			b.WriteString(".fi\n")
		}
	}
}

// roff is a text in which nothing is a request or an escape of roff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", "\\`", `"`, `\(dq`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}

// lowerFirst is a sentence that goes on from another's beginning.
func lowerFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
