package incident

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"homefleet/scenarios"
)

// kindConstants reads the kinds of incident from the source of package scenarios: the
// constants by their names.
func kindConstants(t *testing.T) map[string]scenarios.IncidentKind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../scenarios/incident.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]scenarios.IncidentKind)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "IncidentKind" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all[spec.Names[0].Name] = scenarios.IncidentKind(value)
		}
		return true
	})
	if len(all) < 9 {
		t.Fatalf("package scenarios has %d kinds of incident; want 9 or more", len(all))
	}
	return all
}

// Each kind of incident has one row here, and no row is of a kind that there is not.
func TestEachKindHasARow(t *testing.T) {
	want := slices.Sorted(maps.Values(kindConstants(t)))
	var got []scenarios.IncidentKind
	for _, k := range kinds {
		got = append(got, k.name)
		if k.begin == nil || k.what == nil || k.what(&scenarios.Incident{Kind: k.name, Way: scenarios.Cut}) == "" {
			t.Errorf("%s: does nothing, or is called nothing", k.name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("there are rows of %v; want one each of %v", got, want)
	}
}

// A kind of incident is named in one file of the product outside package scenarios, and
// that is here and nobody else's: to add one, no other has to be touched.
func TestAKindIsOneFile(t *testing.T) {
	constants := kindConstants(t)
	named := make(map[string][]string) // files, by constant
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "scenarios" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("scenarios.")) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if _, is := constants[sel.Sel.Name]; ok && is && pkg.Name == "scenarios" && !slices.Contains(named[sel.Sel.Name], path) {
				named[sel.Sel.Name] = append(named[sel.Sel.Name], path)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	owner := make(map[string]string) // constant, by file
	for constant := range constants {
		files := named[constant]
		if len(files) != 1 || filepath.Dir(files[0]) != filepath.FromSlash("../../fleet/incident") {
			t.Errorf("scenarios.%s stands in %v; want one file of fleet/incident", constant, files)
			continue
		}
		if other, taken := owner[files[0]]; taken {
			t.Errorf("%s has both %s and %s; want a file for each kind", files[0], other, constant)
		}
		owner[files[0]] = constant
	}
}
