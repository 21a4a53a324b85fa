package cmd

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

func (a *app) scenariosCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "scenarios [NAME]",
		Short: "List the shipped scenarios, or print one",
		Long: `List the scenarios that come with homefleet, or print one of them as it is, to
read or to start one of your own from.`,
		Example: `  homefleet scenarios
  homefleet scenarios apartment > flat.toml`,
		Args: want("[NAME]"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
			names, _ := completeScenarios(cmd, args, word)
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listScenarios()
			}
			return a.printScenario(args[0])
		},
	}
}

// shippedDocument is one line of the list.
type shippedDocument struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Summary string `json:"summary"`
	Devices int    `json:"devices"` // of the default size

	Measured bool     `json:"measured,omitempty"` // it ends by itself, with a verdict
	Sizes    []string `json:"sizes,omitempty"`    // for --size, the default first
	Text     string   `json:"text,omitempty"`     // of a single one
}

func (a *app) listScenarios() error {
	list := []shippedDocument{}
	for _, s := range scenarios.Shipped() {
		list = append(list, documentOf(s))
	}
	if a.json {
		return a.document(list)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "NAME\tDEVICES\tSIZES\tWHAT\n")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, words.Grouped(int64(s.Devices)), cmp.Or(strings.Join(s.Sizes, " "), "-"), s.Title)
	}
	if err := w.Flush(); err != nil {
		return failed("", "writing the result: %w", err)
	}
	return nil
}

func documentOf(s scenarios.Info) shippedDocument {
	return shippedDocument{Name: s.Name, Title: s.Title, Summary: s.Summary, Devices: s.Devices, Measured: s.Measured, Sizes: s.Sizes}
}

func (a *app) printScenario(name string) error {
	text, ok := scenarios.ReadShipped(name)
	if strings.ContainsAny(name, `/\`) || !ok {
		return misused(shippedHint(name), "there is no shipped scenario %q", tomlfault.Short(name))
	}
	if !a.json {
		_, err := a.Stdout.Write(text)
		return err
	}
	for _, s := range scenarios.Shipped() {
		if s.Name == name {
			d := documentOf(s)
			d.Text = string(text)
			return a.document(d)
		}
	}
	return nil
}

// printf writes a part of the result.
func (a *app) printf(format string, args ...any) error {
	if _, err := io.WriteString(a.Stdout, words.PlainScreen(fmt.Sprintf(format, args...), a.outPaint().on)); err != nil {
		return failed("", "writing the result: %w", err)
	}
	return nil
}
