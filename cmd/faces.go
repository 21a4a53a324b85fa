package cmd

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/scenarios/tomlfault"
)

func (a *app) facesCommand() *cobra.Command {
	var full bool
	cmd := &cobra.Command{
		Use:   "faces [NAME]",
		Short: "List the dialects that devices speak, or what one says",
		Long: `List the dialects that devices can speak, or say of one what its devices hear and
say, what a scenario may set, and what of the product is not emulated.

A scenario chooses one with face = "NAME" in a [[device]]. What is shown is said by
a device made for it, with the face as its product comes with it.`,
		Args: want("[NAME]"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []cobra.Completion
			for _, f := range faces.All() {
				names = append(names, cobra.CompletionWithDesc(f.Name, f.Doc))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			all := faces.All()
			if len(args) == 1 {
				var names []string
				var found []*faces.Face
				for _, f := range all {
					names = append(names, f.Name)
					if f.Name == args[0] {
						found = []*faces.Face{f}
					}
				}
				if all = found; all == nil {
					return misused(didYouMean(args[0], names, "faces"), "there is no face %q", tomlfault.Short(args[0]))
				}
			}
			switch {
			case a.json:
				return a.document(faceDocuments(all))
			case len(args) == 1:
				return a.printFace(all[0], full)
			}
			w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
			for _, f := range all {
				fmt.Fprintf(w, "%s\t%s\n", f.Name, f.Doc)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "show long payloads, such as what devices announce, to their end")
	return cmd
}

type faceDocument struct {
	Name    string             `json:"name"`
	Doc     string             `json:"doc"`
	Keys    []string           `json:"keys"`
	Kinds   []faceKindDocument `json:"kinds"`
	Missing []string           `json:"not_emulated"`
}

type faceKindDocument struct {
	Kind  string       `json:"kind"`
	Why   string       `json:"why,omitempty"` // it cannot be expressed
	Hears []string     `json:"hears,omitempty"`
	Says  []faces.Line `json:"says,omitempty"`
}

func faceDocuments(all []*faces.Face) []faceDocument {
	docs := make([]faceDocument, 0, len(all))
	for _, f := range all {
		d := faceDocument{f.Name, f.Doc, append([]string{}, f.Keys...), nil, append([]string{}, f.Missing...)}
		for _, k := range devices.Kinds() {
			of := faceKindDocument{Kind: k.Name}
			var err error
			if of.Hears, of.Says, err = faces.Rehearse(f, k, k.Name+"-1"); err != nil {
				of.Why = err.Error()
			}
			d.Kinds = append(d.Kinds, of)
		}
		docs = append(docs, d)
	}
	return docs
}

// printFace says of a face what its devices hear and say; full is to the end of long payloads.
func (a *app) printFace(f *faces.Face, full bool) error {
	p := a.outPaint()
	var b strings.Builder
	cut := false
	fmt.Fprintf(&b, "%s: %s\n", p.bold(f.Name), f.Doc)
	for _, k := range faceDocuments([]*faces.Face{f})[0].Kinds {
		fmt.Fprintf(&b, "\nA %s:\n", k.Kind)
		var rs rows
		if k.Why != "" {
			rs.add("none", "%s", k.Why)
		}
		for _, h := range k.Hears {
			rs.add("hears", "%s", h)
		}
		for _, l := range k.Says {
			kept := ""
			if l.Retain {
				kept = ", retained"
			}
			when, heard := l.When, ""
			if strings.Contains(when, "/") { // what is sent to it, which is too long for a column of names
				when, heard = "answers", when+"\non "
			}
			payload := l.Payload
			if !full {
				payload = clipped(payload)
				cut = cut || payload != l.Payload
			}
			rs.add(when, "%s%s%s\n%s", heard, l.Topic, kept, payload)
		}
		b.WriteString(rs.text("  ", p))
	}
	if len(f.Keys) > 0 {
		fmt.Fprintf(&b, "\nKeys of [device.face]: %s (homefleet help scenario).\n", strings.Join(f.Keys, ", "))
	}
	if len(f.Missing) > 0 {
		b.WriteString("\nNot emulated:\n")
		for _, m := range f.Missing {
			fmt.Fprintf(&b, "  - %s\n", m)
		}
	}
	if cut {
		fmt.Fprintf(&b, "\nLong payloads are cut; homefleet faces %s --full shows all of them.\n", f.Name)
	}
	return a.printf("%s", b.String())
}

// clipped is the beginning of a long payload.
func clipped(payload string) string {
	const most = 160
	if len(payload) <= most {
		return payload
	}
	return fmt.Sprintf("%s… (%d bytes)", payload[:most], len(payload))
}
