package scenarios

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
)

// described are the tables of keys by their names in README.md, each with the
// struct that it is read into.
var described = []struct {
	name string
	keys *table
	into any
}{
	{"top", topKeys, Scenario{}}, {"[broker]", brokerKeys, Broker{}}, {"[connect]", connectKeys, Connect{}}, {"[[device]]", groupKeys, Group{}},
	{"[[target]]", externalKeys, Group{}}, {"[device.will]", willKeys, Will{}}, {"[device.misbehave]", misbehaviorKeys, Misbehavior{}}, {"[device.face]", faceKeys, Face{}}, {"[device.presence]", presenceKeys, Presence{}}, {"[[controller]]", controllerKeys, Controllers{}},
	{"[controller.target]", targetKeys, Target{}}, {"[[controller.stage]]", stageKeys, Stage{}}, {"[[device.stage]]", deviceStageKeys, DeviceStage{}}, {"[[watcher]]", watcherKeys, Watchers{}},
	{"[phases]", phaseKeys, Phases{}}, {"[[incident]]", incidentKeys, Incident{}}, {"[audit]", auditKeys, Audit{}},
	{"users", usersKeys, UsersFile{}}, {"[[user]]", userKeys, User{}}, {"[limits]", limitKeys, Limits{}},
}

// generated matches a part of README.md that is made from the tables.
var generated = regexp.MustCompile(`(?s)<!-- (keys|choices|parameters):? ?([^\n]*?) ?-->\n.*?<!-- end -->`)

// TestReference holds the tables of README.md against those that check a file.
func TestReference(t *testing.T) {
	left := make(map[string]bool)
	for _, d := range described {
		left[d.name] = true
	}
	want := generated.ReplaceAllStringFunc(Reference(), func(part string) string {
		m := generated.FindStringSubmatch(part)
		head := strings.SplitAfterN(part, "\n", 2)[0]
		if m[1] == "parameters" {
			return head + parametersText() + "<!-- end -->"
		}
		for _, d := range described {
			switch {
			case d.name != m[2]:
			case m[1] == "choices":
				return head + choicesText(d.keys) + "<!-- end -->"
			default:
				delete(left, d.name)
				return head + keysText(d.keys) + "<!-- end -->"
			}
		}
		t.Errorf("README.md has %q, which is no table", strings.TrimSpace(head))
		return part
	})
	for name := range left {
		t.Errorf("README.md has no keys of %s", name)
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := Reference(); got != want {
		was, is := strings.Split(got, "\n"), strings.Split(want, "\n")
		for i := range min(len(was), len(is)) {
			if was[i] != is[i] {
				t.Fatalf("README.md, line %d:\n%s\nwant, from the table (-update writes it):\n%s", i+1, was[i], is[i])
			}
		}
		t.Fatalf("README.md has %d lines; want %d", len(was), len(is))
	}
}

// keysText is a table of keys in Markdown.
func keysText(d *table) string {
	rests := slices.ContainsFunc(d.keys, func(k key) bool { return d.rests(&k) != "" })
	var b strings.Builder
	if rests {
		b.WriteString("| key | goes with | form | default | meaning |\n|---|---|---|---|---|\n")
	} else {
		b.WriteString("| key | form | default | meaning |\n|---|---|---|---|\n")
	}
	for i := range d.keys {
		k := &d.keys[i]
		fmt.Fprintf(&b, "| `%s` | ", k.name)
		if rests {
			b.WriteString(d.rests(k) + " | ")
		}
		fmt.Fprintf(&b, "%s | %s | %s |\n", k.form.words(), k.byDefault(), k.doc)
	}
	return b.String()
}

func (k *key) byDefault() string {
	switch {
	case k.defDoc != "":
		return k.defDoc
	case k.def != nil:
		return "`" + k.form.toml(k.def) + "`"
	case k.required != "":
		return "required"
	}
	return "none"
}

// rests says what the key goes with.
func (d *table) rests(k *key) string {
	var all []string
	if with := k.with; with != nil {
		var without []string
		for _, c := range d.names() {
			if !slices.Contains(with, c) {
				without = append(without, "`"+c+"`")
			}
		}
		if len(without) < len(with) {
			all = append(all, "all but "+strings.Join(without, " "))
		} else {
			all = append(all, "`"+strings.Join(with, "` `")+"`")
		}
	}
	if name, _, _ := strings.Cut(k.needs, ": "); name != "" {
		all = append(all, "with `"+name+"`")
	}
	if name, _, _ := strings.Cut(k.excludes, ": "); name != "" {
		all = append(all, "not with `"+name+"`")
	}
	if k.least != "" {
		all = append(all, "at least `"+k.least+"`")
	}
	if name, _, _ := strings.Cut(k.most, ", "); name != "" {
		all = append(all, "at most `"+name+"`")
	}
	return strings.Join(all, "; ")
}

// choicesText is a table of choices in Markdown, with those defaults that differ.
func choicesText(d *table) string {
	var own []string // keys
	for i := range d.keys {
		if slices.ContainsFunc(d.choices, func(c choice) bool { return c.defaults[d.keys[i].name] != nil }) {
			own = append(own, d.keys[i].name)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| `%s` | ", d.by)
	for _, name := range own {
		fmt.Fprintf(&b, "`%s` | ", name)
	}
	b.WriteString("what it is |\n" + strings.Repeat("|---", len(own)+2) + "|\n")
	for i := range d.choices {
		c := &d.choices[i]
		fmt.Fprintf(&b, "| `%q` | ", c.name)
		for _, name := range own {
			k := d.key(name)
			def := c.defaults[name]
			if def == nil && slices.Contains(c.keys, name) {
				def = k.def
			}
			if def != nil {
				fmt.Fprintf(&b, "`%s`", k.form.toml(def))
			}
			b.WriteString(" | ")
		}
		b.WriteString(c.doc + " |\n")
	}
	return b.String()
}

// parametersText are the parameters of every kind of device in Markdown.
func parametersText() string {
	var b strings.Builder
	for _, k := range devices.Kinds() {
		fmt.Fprintf(&b, "%s (`kind = %q`):\n\n| key | form | default | meaning |\n|---|---|---|---|\n", strings.TrimSuffix(k.Doc, "."), k.Name)
		for i := range k.Params {
			p := &k.Params[i]
			def := fmt.Sprintf("%v", p.Default)
			if d, ok := p.Default.(time.Duration); ok {
				def = writeSpan(int64(d))
			} else if p.Type == devices.Choice {
				def = fmt.Sprintf("%q", p.Default)
			}
			fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", p.Name, p.Wants(), def, strings.TrimSuffix(p.Doc, "."))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestReferenceExamples loads every example of README.md.
func TestReferenceExamples(t *testing.T) {
	examples := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(Reference(), -1)
	if len(examples) < 15 {
		t.Fatalf("README.md has %d examples; want one for each section", len(examples))
	}
	for _, m := range examples {
		src := m[1]
		if strings.Contains(src, "[[user]]") {
			if _, faults := LoadUsers("README.md", []byte(src)); len(faults) > 0 {
				t.Errorf("LoadUsers(%s) finds\n%s", src, faults)
			}
			continue
		}
		if !strings.Contains(src, "[[device]]") {
			src += "\n[[device]]\nkind = \"light\"\n"
		}
		if _, faults := Load("README.md", []byte(src)); len(faults) > 0 {
			t.Errorf("Load(%s) finds\n%s", src, faults)
		}
	}
}

// TestKeys checks that each key has a sentence, a form, and a default that its
// field takes, and that choices name keys that there are. That each has a field is
// checked as the program starts.
func TestKeys(t *testing.T) {
	for _, d := range described {
		for i := range d.keys.keys {
			k := &d.keys.keys[i]
			if k.doc == "" || k.form.words() == "" {
				t.Errorf("%s %s has no sentence or no form", d.name, k.name)
			}
			if k.def == nil {
				continue
			}
			if field := k.fieldOf(reflect.ValueOf(d.into)); !reflect.TypeOf(k.def).ConvertibleTo(field.Type()) {
				t.Errorf("%s %s has the default %v; want one of %s", d.name, k.name, k.def, field.Type())
			}
		}
		for _, c := range d.keys.choices {
			for _, name := range c.keys {
				d.keys.key(name) // panics if there is none
			}
		}
	}
}

// names returns the choices' names.
func (d *table) names() []string {
	all := make([]string, len(d.choices))
	for i := range d.choices {
		all[i] = d.choices[i].name
	}
	return all
}
