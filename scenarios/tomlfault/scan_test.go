package tomlfault

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// texts are TOML with everything in it that a scanner can trip over.
var texts = []string{
	"",
	"a = 1",
	"a = 1\r\nb = 2\r\n",
	"# only a comment",
	"a = 1 # comment with \"quotes\" and [brackets]\nb = '#'\n",
	"a.b.c = 1\na.b.d = 2\na.\"e f\".'g' = 3\n",
	"a . b = 1\n",
	"\"\" = 1\n'a' .'' = 2\n",
	"[a]\nb = 1\n[a.c]\nd = 2\n[e.f]\n",
	"[ a . \"b.c\" ]\nd = 1\n",
	"[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\nf = 4\n[[a.e]]\n[[a]]\n",
	"a = [1, 2, # comment ]\n 3,\n]\nb = [[1], ['x', \"]\"], []]\n",
	"a = { b = 1, c.d = 2, \"e}\" = '}' }\nf = {}\n",
	"a = {\n b = 1, # comment }\n c = [ {d = 1}, {d = 2} ],\n}\n",
	"a = [ {b = 1}, {b = 2, c = {d = [ {e = 1} ]}} ]\n",
	"a = \"\"\"\nb = 1\n[c]\n\"\"\"\nd = 2\n",
	"a = '''\nb = 1\n[c]\n'''\nd = 2\n",
	"a = \"\"\"x\"\"\"\"\"\nb = '''x'''''\n",
	"a = \"\"\"x \\\"\"\" y\"\"\"\nb = 1\n",
	"a = \"\"\"x \\\n   y\"\"\"\nb = 1\n",
	"a = \"\"\"\"x\"\"\"\nb = ''''x'''\n",
	"a = \"\\\\\"\nb = \"\\\"\"\nc = 'c\\'\n",
	"a = \"\\u00e9\\U0001F600\\x41\\e\"\n\"k\\u0065y\" = 1\n\"\\\"\" = 2\n\"\\x41\" = 3\n",
	"a = 1979-05-27 07:32:00\nb = 1979-05-27T07:32:00Z # c\nc = 07:32\nd = [07:32:00, 1979-05-27]\n",
	"a = +1_000\nb = 0xff\nc = -1.5e+3\nd = inf\ne = nan\nf = true\n",
	"a = {b = 1979-05-27 , c = true}\n",
	"\ta\t=\t1\t\n",
	"a = \"ü\" # ü\n\"ü\" = 'x'\n",
	"[a.b]\nc = 1\n[a]\nd = 2\n",
	"a = [\n]\n[b]\n[b.c.d]\ne = [[[]]]\n",
}

// TestScanAgreesWithParser proves the scanner against the parser: both find
// the same keys, tables and elements, and the text that the scanner takes for
// a value is that value.
func TestScanAgreesWithParser(t *testing.T) {
	for _, text := range texts {
		values, err := decode(text)
		if err != nil {
			t.Errorf("decode(%q) = %v; want a text to compare with", text, err)
			continue
		}
		if diff := disagreement(text, values); diff != "" {
			t.Errorf("scan(%q): %s", text, diff)
		}
	}
}

func disagreement(text string, values map[string]any) string {
	sc := scan(text)
	if sc.excess >= 0 {
		return ""
	}
	return compare(text, "", sc.root, values)
}

// compare says where a node and a decoded value differ, or "".
func compare(text, path string, n *node, v any) string {
	name := text[n.key.start:n.key.end]
	value := text[n.val.start:n.val.end]
	switch v := v.(type) {
	case map[string]any:
		want := slices.Sorted(maps.Keys(v))
		if got := slices.Sorted(slices.Values(n.order)); !slices.Equal(got, want) || len(n.kids) != len(want) {
			return fmt.Sprintf("%q has the keys %q; want %q", path, got, want)
		}
		for k, e := range v {
			kid := n.kids[k]
			// The text of the name, read by the parser, is the name.
			var key map[string]any
			if _, err := toml.Decode(text[kid.key.start:kid.key.end]+" = 1", &key); err != nil || key[k] != int64(1) {
				return fmt.Sprintf("%q.%q is named at %q (%v)", path, k, text[kid.key.start:kid.key.end], err)
			}
			if diff := compare(text, path+"."+k, kid, e); diff != "" {
				return diff
			}
		}
		return ""
	case []map[string]any:
		if len(n.items) != len(v) {
			return fmt.Sprintf("%q has %d tables; want %d", path, len(n.items), len(v))
		}
		for i, e := range v {
			if diff := compare(text, fmt.Sprintf("%s[%d]", path, i), n.items[i], e); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		if len(n.items) != len(v) {
			return fmt.Sprintf("%q has %d elements; want %d", path, len(n.items), len(v))
		}
		for i, e := range v {
			if diff := compare(text, fmt.Sprintf("%s[%d]", path, i), n.items[i], e); diff != "" {
				return diff
			}
		}
	}
	var again map[string]any
	_, err := toml.Decode("x = "+value, &again)
	if err != nil || fmt.Sprint(again["x"]) != fmt.Sprint(v) || reflect.TypeOf(again["x"]) != reflect.TypeOf(v) {
		return fmt.Sprintf("%q (%s) is %q = %v (%v); want %v", path, name, value, again["x"], err, v)
	}
	return ""
}

// FuzzScan finds texts that the parser takes and the scanner misreads.
func FuzzScan(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if scan(text); len(text) > 4096 || strings.HasPrefix(text, "\ufeff") {
			return
		}
		values, err := decode(text)
		if err != nil || invalid(text) >= 0 {
			return
		}
		if diff := disagreement(text, values); diff != "" {
			t.Errorf("scan(%q): %s", text, diff)
		}
	})
}
