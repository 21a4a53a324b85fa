package cmd

import (
	"go/ast"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The picture of the packages in fleet/README.md has each of them once, and none above one
// that imports it: it is compared with rooms, which TestImportsPointOneWay compares with
// what go list says.
func TestPictureIsTrue(t *testing.T) {
	text, err := os.ReadFile("../fleet/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "## The packages")
	_, rest, fenced := strings.Cut(rest, "```text\n")
	picture, _, ended := strings.Cut(rest, "```")
	if !found || !fenced || !ended {
		t.Fatal("fleet/README.md has no picture of the packages")
	}
	at := make(map[string]int) // the line of each package
	line := 0
	path := regexp.MustCompile(`^[a-z0-9/]+`)
	for text := range strings.Lines(picture) {
		line++
		name, _, _ := strings.Cut(strings.TrimLeft(text, " │├└"), "  ") // what follows says what it is for
		for name := range strings.SplitSeq(strings.TrimSpace(name), ", ") {
			p := path.FindString(name)
			switch {
			case p == "":
				continue
			case p != name:
				t.Errorf("line %d of the picture: %q is no package", line, name)
			case at[p] != 0:
				t.Errorf("line %d of the picture: %s stands there already in line %d", line, p, at[p])
			}
			at[p] = line
		}
	}
	for _, r := range rooms {
		p := r.path
		if p == "" {
			p = "main"
		}
		if at[p] == 0 {
			t.Errorf("the picture lacks %s", p)
			continue
		}
		for other := range r.imports {
			if at[other] != 0 && at[other] <= at[p] {
				t.Errorf("the picture has %s in line %d, not below %s in line %d, which imports it", other, at[other], p, at[p])
			}
		}
		delete(at, p)
	}
	for p := range at {
		t.Errorf("the picture has %s, which is no package", p)
	}
}

// The functions that the walk of a command names are those that the code has.
func TestWalkIsTrue(t *testing.T) {
	text, err := os.ReadFile("../fleet/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walk, found := strings.Cut(string(text), "## One command")
	walk, _, ended := strings.Cut(walk, "\n## ")
	names := regexp.MustCompile("`([a-z]+\\.[A-Za-z.]+)`").FindAllStringSubmatch(walk, -1)
	if !found || !ended || len(names) < 15 {
		t.Fatalf("the walk names %d functions; want at least 15", len(names))
	}
	declared := make(map[string]bool)
	walked := []string{"fleet/transport", "fleet/client", "fleet/wire", "fleet/responder", "devices", "devices/faces"}
	for _, file := range filesOfModule(t) {
		if slices.Contains(walked, path.Dir(file.name)) {
			declare(declared, file.tree)
		}
	}
	for _, m := range names {
		if !declared[m[1]] {
			t.Errorf("the walk names %s, which is no function", m[1])
		}
	}
}

// declare enters the functions and methods of a file, those of interfaces too.
func declare(all map[string]bool, f *ast.File) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name := f.Name.Name + "."
			if d.Recv != nil {
				of := d.Recv.List[0].Type
				if p, ok := of.(*ast.StarExpr); ok {
					of = p.X
				}
				if id, ok := of.(*ast.Ident); ok {
					name += id.Name + "."
				}
			}
			all[name+d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				spec, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if x, ok := spec.Type.(*ast.InterfaceType); ok {
					for _, m := range x.Methods.List {
						for _, name := range m.Names {
							all[f.Name.Name+"."+spec.Name.Name+"."+name.Name] = true
						}
					}
				}
			}
		}
	}
}
