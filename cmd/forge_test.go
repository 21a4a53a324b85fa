package cmd

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptForge makes a result out of another that says of itself that it passed.
func scriptForge(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: forge RESULT.json FORGED.json")
	}
	text := strings.NewReplacer(`"verdict": "fail"`, `"verdict": "pass"`, `"status": "fail"`, `"status": "pass"`).Replace(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
