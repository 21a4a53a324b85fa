package cmd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sourceFile is a Go file of the module.
type sourceFile struct {
	name  string // from the top of the module, with slashes
	lines int
	tree  *ast.File
	fset  *token.FileSet
}

// line is where something stands in the file.
func (f *sourceFile) line(at token.Pos) int { return f.fset.Position(at).Line }

// moduleFiles parses the Go files of the module, without tests, once for all tests that read
// them: under the race detector it takes a second.
var moduleFiles = sync.OnceValues(func() (files []sourceFile, err error) {
	fset := token.NewFileSet()
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && d.IsDir() || d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, sourceFile{strings.TrimPrefix(filepath.ToSlash(path), "../"), strings.Count(string(text), "\n"), tree, fset})
		return nil
	})
	return files, err
})

// filesOfModule returns the files of the module, or ends the test.
func filesOfModule(t *testing.T) []sourceFile {
	t.Helper()
	files, err := moduleFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files
}
