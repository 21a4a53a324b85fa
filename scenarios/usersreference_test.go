package scenarios

import (
	"os"
	"strings"
	"testing"
)

// Every key of a users file stands in the README's reference.
func TestUsersFileReference(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reference, ok := strings.Cut(string(b), "\n## Users file reference\n")
	if !ok {
		t.Fatal("the README has no users file reference")
	}
	reference, _, _ = strings.Cut(reference, "\n## ")
	for table, least := range map[string]int{"": 3, "[[user]]\n": 7, "[limits]\n": 10} {
		// A key that there is not is answered with those that there are.
		_, faults := LoadUsers("users.toml", []byte(table+"zzzzzzzz = 1\n"))
		keys := ""
		for _, f := range faults {
			if _, list, ok := strings.Cut(f.Hint, "known keys: "); ok {
				keys = list
			}
		}
		all := strings.Split(keys, ", ")
		if len(all) < least {
			t.Fatalf("the keys of %q are %q; want at least %d: %v", table, keys, least, faults)
		}
		for _, key := range all {
			if !strings.Contains(reference, "`"+key+"`") && !strings.Contains(reference, "["+key+"]") {
				t.Errorf("the README's users file reference has no `%s` of %q", key, table)
			}
		}
	}
}
