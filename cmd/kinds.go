package cmd

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

func (a *app) kindsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kinds [KIND]",
		Short: "List the kinds of device, or what one can do",
		Long: `List the kinds of virtual device, or say of one which commands it takes and what
a scenario may set.`,
		Args: want("[KIND]"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []cobra.Completion
			for _, k := range devices.Kinds() {
				names = append(names, cobra.CompletionWithDesc(k.Name, k.Doc))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			kinds := devices.Kinds()
			if len(args) == 1 {
				k, ok := devices.KindByName(args[0])
				if !ok {
					var names []string
					for _, k := range kinds {
						names = append(names, k.Name)
					}
					return misused(didYouMean(args[0], names, "kinds"), "there is no kind %q", tomlfault.Short(args[0]))
				}
				kinds = []*devices.Kind{k}
			}
			switch {
			case a.json:
				return a.document(kindDocuments(kinds))
			case len(args) == 1:
				return a.printKind(kinds[0])
			}
			w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
			for _, k := range kinds {
				fmt.Fprintf(w, "%s\t%s\n", k.Name, k.Doc)
			}
			return w.Flush()
		},
	}
}

func (a *app) printKind(k *devices.Kind) error {
	p := a.outPaint()
	var attributes, params rows
	for _, at := range k.Attributes {
		text := at.Doc
		if at.Wants != "" && !at.ReadOnly {
			text += "\ntakes " + at.Wants
		}
		if at.ReadOnly {
			text += "\nread only"
			if at.Momentary {
				text += ", and told to who asks: it is in no state topic, but in the telemetry"
			}
		}
		attributes.add(at.Name, "%s", text)
	}
	for i := range k.Params {
		pm := &k.Params[i]
		params.add(pm.Name, "%s\n%s", pm.Doc, paramRange(pm))
	}
	return a.printf("%s: %s\n\nAttributes, commanded at %s:\n%s\nParameters of a [[device]] with kind = %q:\n%s",
		p.bold(k.Name), k.Doc, commandPattern(), attributes.text("  ", p), k.Name, params.text("  ", p))
}

// paramRange says what a parameter may be.
func paramRange(p *devices.Param) string {
	text := fmt.Sprintf("default %v", p.Default)
	switch p.Type {
	case devices.Number:
		text += fmt.Sprintf(", %v to %v", p.Min, p.Max)
	case devices.Choice:
		text = fmt.Sprintf("default %q, one of %s", p.Default, tomlfault.Join(p.Choices))
	case devices.Span:
		d, _ := p.Default.(time.Duration)
		text = fmt.Sprintf("default %q, %v to %v", setting(d), seconds(p.Min), seconds(p.Max))
	}
	if p.Source != "" {
		text += " (" + strings.TrimSuffix(p.Source, ".") + ")"
	}
	return text
}

func seconds(s float64) string { return setting(time.Duration(s * float64(time.Second))) }

// kindDocument is a kind in JSON.
type kindDocument struct {
	Name       string              `json:"name"`
	Doc        string              `json:"doc"`
	Attributes []attributeDocument `json:"attributes"`
	Params     []paramDocument     `json:"parameters"`
}

type attributeDocument struct {
	Name     string `json:"name"`
	Doc      string `json:"doc"`
	Takes    string `json:"takes,omitempty"`
	ReadOnly bool   `json:"read_only"`
}

type paramDocument struct {
	Name  string `json:"name"`
	Doc   string `json:"doc"`
	Range string `json:"range"`
}

func kindDocuments(kinds []*devices.Kind) []kindDocument {
	list := []kindDocument{}
	for _, k := range kinds {
		d := kindDocument{Name: k.Name, Doc: k.Doc}
		for _, at := range k.Attributes {
			d.Attributes = append(d.Attributes, attributeDocument{at.Name, at.Doc, at.Wants, at.ReadOnly})
		}
		for i := range k.Params {
			d.Params = append(d.Params, paramDocument{k.Params[i].Name, k.Params[i].Doc, paramRange(&k.Params[i])})
		}
		list = append(list, d)
	}
	return list
}
