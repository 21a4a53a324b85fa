package cmd

import (
	"go/ast"
	"path"
	"testing"
)

// What a file, a function, an interface and the fleet may grow to. Who needs more divides
// what is there first.
const (
	mostLines     = 400 // of a file without tests
	mostFunction  = 80  // lines of a function
	mostMethods   = 4   // of an interface; one that it is made of counts as one, and is held to the same
	mostFields    = 20  // of fleet.Fleet
	mostFleetRoot = 3000
)

// wide are the interfaces that have more methods, and how many exactly. A device is what
// its owner asks of it for each message and each moment: whoever has one needs all six, and
// parts of it would have to be asserted again each time.
var wide = map[string]int{
	"devices.Device": 6,
}

// Code grows a line at a time, and nobody notices when a function no longer fits on a page.
func TestSizes(t *testing.T) {
	root := 0
	files := filesOfModule(t)
	interfaces := make(map[string]int)
	for i := range files {
		file := &files[i]
		if file.lines > mostLines {
			t.Errorf("%s has %d lines; want at most %d", file.name, file.lines, mostLines)
		}
		if path.Dir(file.name) == "fleet" {
			root += file.lines
		}
		for _, decl := range file.tree.Decls {
			from, to := file.line(decl.Pos()), file.line(decl.End())
			if fn, ok := decl.(*ast.FuncDecl); ok && to-from+1 > mostFunction {
				t.Errorf("%s: %s has %d lines; want at most %d", file.name, fn.Name.Name, to-from+1, mostFunction)
			}
		}
		ast.Inspect(file.tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			name := file.tree.Name.Name + "." + spec.Name.Name
			switch x := spec.Type.(type) {
			case *ast.InterfaceType:
				interfaces[name] = len(x.Methods.List)
			case *ast.StructType:
				if name == "fleet.Fleet" && x.Fields.NumFields() > mostFields {
					t.Errorf("%s has %d fields; want at most %d", name, x.Fields.NumFields(), mostFields)
				}
			}
			return true
		})
	}
	if len(files) < 100 || len(interfaces) < 20 {
		t.Fatalf("there are %d files and %d interfaces; want all of the module", len(files), len(interfaces))
	}
	if root > mostFleetRoot {
		t.Errorf("package fleet has %d lines; want at most %d", root, mostFleetRoot)
	}
	for name, n := range interfaces {
		switch want := max(mostMethods, wide[name]); {
		case n > want:
			t.Errorf("%s has %d methods; want at most %d", name, n, want)
		case n < wide[name]:
			t.Errorf("%s has %d methods now; correct the list of those that have more than %d", name, n, mostMethods)
		}
	}
}
