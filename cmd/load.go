package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/files"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// source is the text of a scenario, and how its faults name it.
type source struct {
	name string
	text []byte
	file string // where it is from; "": shipped, or stdin
}

// readScenario finds a scenario: "-" is stdin, what looks like a path is a file,
// and any other word is the name of a shipped scenario or of a file here.
func (a *app) readScenario(arg string) (source, error) {
	if arg == "-" {
		text, err := files.All(a.Stdin, tomlfault.MaxSize)
		if err != nil {
			return source{}, failed("", "reading the scenario from stdin: %w", err)
		}
		return source{name: "stdin", text: text}, nil
	}
	isPath := strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".toml")
	if !isPath {
		if text, ok := scenarios.ReadShipped(arg); ok {
			a.warnShadowed(arg, text)
			return source{name: arg + ".toml", text: text}, nil
		}
	}
	text, err := a.readTOML(arg)
	switch {
	case err == nil:
		return source{name: arg, text: text, file: arg}, nil
	case errors.Is(err, fs.ErrNotExist) && isPath:
		return source{}, misused(shippedHint(strings.TrimSuffix(arg, ".toml")), "there is no file %q", tomlfault.Short(arg))
	case errors.Is(err, fs.ErrNotExist):
		return source{}, misused(shippedHint(arg), "there is no scenario %q, shipped or here", tomlfault.Short(arg))
	}
	return source{}, misused("", "reading the scenario: %s", unPath(err, arg))
}

// warnShadowed tells that the name of a shipped scenario means that one, and not
// the copy of it that somebody has here and changed.
func (a *app) warnShadowed(arg string, shipped []byte) {
	for _, name := range []string{arg + ".toml", arg} {
		info, err := os.Stat(a.path(name))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if text, err := a.readTOML(name); err == nil && !bytes.Equal(text, shipped) {
			a.warn("%s is the shipped scenario, and not the file %s that is here; ./%s names the file", arg, name, name)
		}
	}
}

// readTOML reads a file that people write.
func (a *app) readTOML(name string) ([]byte, error) {
	return files.Read(a.path(name), tomlfault.MaxSize)
}

// unPath is a file error with the name as the user gave it.
func unPath(err error, name string) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return name + ": " + p.Err.Error()
	}
	return err.Error()
}

// shippedHint names the shipped scenario that was meant, and all there are.
func shippedHint(name string) string {
	names := shippedNames()
	if near, ok := words.Nearest(name, names); ok {
		return fmt.Sprintf("did you mean %q? `homefleet scenarios` lists what is shipped", near)
	}
	return "`homefleet scenarios` lists what is shipped, such as " + strings.Join(words.Closest(name, names, 3), ", ")
}

func shippedNames() []string {
	var names []string
	for _, s := range scenarios.Shipped() {
		names = append(names, s.Name)
	}
	return names
}

// scenarioVariable names the scenario where the command line does not: what starts a container often has no other say.
const scenarioVariable = "HOMEFLEET_SCENARIO"

// scenarioOfRun is the scenario of the command line or, without one, of the environment.
func (a *app) scenarioOfRun(cmd *cobra.Command, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if name, _ := a.LookupEnv(scenarioVariable); name != "" {
		return name, nil
	}
	return "", want("SCENARIO")(cmd, args)
}

// loadScenario finds and checks a scenario in one of its sizes. The faults are
// warnings.
func (a *app) loadScenario(arg, size string) (*scenarios.Scenario, scenarios.Faults, error) {
	src, err := a.readScenario(arg)
	if err != nil {
		return nil, nil, err
	}
	if size != "" {
		if err := hasSize(src, size); err != nil {
			return nil, nil, err
		}
	}
	sc, faults := scenarios.LoadFrom(src.name, src.text, size, func(name string) ([]byte, error) {
		return files.Read(a.path(beside(src.file, name)), scenarios.MostRows)
	})
	if sc == nil {
		return nil, nil, faulty(src.name, faults)
	}
	b := &sc.Broker
	if src.file != "" {
		b.Password.File = besideTemplate(src.file, b.Password.File)
		for _, groups := range [][]scenarios.Group{sc.Groups, sc.External} {
			for i := range groups {
				g := &groups[i]
				g.From = beside(src.file, g.From)
				g.CertFile, g.KeyFile = a.pathTemplate(besideTemplate(src.file, g.CertFile)), a.pathTemplate(besideTemplate(src.file, g.KeyFile))
			}
		}
		b.CAFile, b.CertFile, b.KeyFile = beside(src.file, b.CAFile), besideTemplate(src.file, b.CertFile), besideTemplate(src.file, b.KeyFile)
	}
	return sc, faults, nil
}

// beside finds a file that another one names: a relative name begins where that
// one is, wherever the command is started from.
func beside(file, name string) string {
	if name == "" || filepath.IsAbs(name) || filepath.Dir(file) == "." {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// besideTemplate is beside for a name with places: there are none in what it
// begins with.
func besideTemplate(file string, name scenarios.Template) scenarios.Template {
	if name == "" || filepath.IsAbs(string(name)) || filepath.Dir(file) == "." {
		return name
	}
	return escaped(filepath.Dir(file)) + scenarios.Template(filepath.Separator) + name
}

// hasSize refuses a size that a scenario, if it is a good one, does not have.
func hasSize(src source, size string) error {
	sc, _ := scenarios.Load(src.name, src.text)
	if sc == nil || size == scenarios.DefaultSize || slices.Contains(sc.Sizes(), size) {
		return nil
	}
	if len(sc.Sizes()) == 0 {
		return misused("", "--size is %q, but %s has one size only", tomlfault.Short(size), src.name)
	}
	return misused("", "--size is %q; %s has %s", tomlfault.Short(size), src.name, tomlfault.Join(sc.Sizes()))
}

// addSize adds the flag that chooses a size.
func addSize(cmd *cobra.Command, size *string) {
	cmd.Flags().StringVar(size, "size", "", "`SIZE` of the scenario, such as s, m or l (default: the file as it stands, which is s)")
	_ = cmd.RegisterFlagCompletionFunc("size", completeSizes) // the flag is there
}

// completeSizes offers the sizes of the scenario that is on the command line.
func completeSizes(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var sizes []cobra.Completion
	for _, s := range scenarios.Shipped() {
		if len(args) > 0 && s.Name == args[0] {
			return s.Sizes, cobra.ShellCompDirectiveNoFileComp
		}
		for _, size := range s.Sizes {
			if !slices.Contains(sizes, size) {
				sizes = append(sizes, size)
			}
		}
	}
	return sizes, cobra.ShellCompDirectiveNoFileComp
}

// faulty is the error of a file with faults.
func faulty(name string, faults scenarios.Faults) error {
	return &exitError{
		code:   exitUsage,
		err:    fmt.Errorf("%s: %s", name, plural(len(faults.Errors()), "error")),
		faults: faults,
	}
}

// printFaults shows every fault with its line and source.
func (a *app) printFaults(faults scenarios.Faults) {
	if len(faults) == 0 {
		return
	}
	p := a.errPaint()
	text := faults.Render(painter(map[tomlfault.Part]func(string) string{
		tomlfault.Location: p.bold, tomlfault.Message: p.bold, tomlfault.ErrorWord: p.red, tomlfault.Carets: p.red,
		tomlfault.WarningWord: p.yellow, tomlfault.HintWord: p.cyan, tomlfault.Gutter: p.dim,
	}))
	if faults.Err() != nil {
		// The error that follows has the count in it.
		text = text[:strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')+1]
	}
	_, _ = io.WriteString(a.screen, text) // there is nowhere else to say it
}

// completeScenarios offers the shipped scenarios and files.
func completeScenarios(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, s := range scenarios.Shipped() {
		names = append(names, cobra.CompletionWithDesc(s.Name, s.Title))
	}
	return names, cobra.ShellCompDirectiveDefault
}
