package scenarios

import (
	"strings"
	"testing"
)

var sampleVars = Vars{ID: "light-07", N: 7, H: 3, Home: "flat", Kind: "light", Seed: 42, Run: "r1"}

func TestTemplateExpand(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"{id}", "light-07"},
		{"{n} {n:1} {n:4} {h:2}", "7 7 0007 03"},
		{"{home}/{kind}/{seed}/{run}", "flat/light/42/r1"},
		{"{{{n}}}", "{7}"},
		{`{{"a": {{}}}}`, `{"a": {}}`},
		{"{{n}}", "{n}"},
		{"ü{n:20}", "ü00000000000000000007"},
	} {
		if got := Template(tt.in).Expand(sampleVars); got != tt.want {
			t.Errorf("Expand(%q) = %q; want %q", tt.in, got, tt.want)
		}
		if f := Template(tt.in).check(devicePlaces); f != nil {
			t.Errorf("check(%q) = %+v; want nothing", tt.in, f)
		}
		if got := string(Template(tt.in).Append([]byte("x"), sampleVars)); got != "x"+tt.want {
			t.Errorf("Append(x, %q) = %q; want %q", tt.in, got, "x"+tt.want)
		}
	}
}

func TestTemplateFaults(t *testing.T) {
	for _, tt := range []struct {
		in, at, message, hint string
	}{
		{"a{", "{", `"{" without a "}" after it`, `a brace itself is written "{{"`},
		{"a{n{id}", "{", `"{" without a "}" after it`, `a brace itself is written "{{"`},
		{"a}b", "}", `"}" without a "{" before it`, `a brace itself is written "}}"`},
		{"{n}}", "}", `"}" without a "{" before it`, `a brace itself is written "}}"`},
		{"{}", "{}", "a place without a name", `a brace itself is written "{{"`},
		{"{:3}", "{:3}", "a place without a name", `a brace itself is written "{{"`},
		{"{hom}", "{hom}", "unknown place {hom}", "did you mean {home}?"},
		{"{N}", "{N}", "unknown place {N}", "did you mean {n}?"},
		{"{zzzz:3}", "{zzzz:3}", "unknown place {zzzz}", "places: {id}, {n}, {h}, {home}, {kind}, {mac}, {mac-lower}, {seed}, {run}"},
		{"{n:}", "{n:}", `bad width ""; want 1 to 20, as in {n:3}`, ""},
		{"{n:0}", "{n:0}", `bad width "0"; want 1 to 20, as in {n:3}`, ""},
		{"{n:03}", "{n:03}", `bad width "03"; want 1 to 20, as in {n:3}`, ""},
		{"{n:-1}", "{n:-1}", `bad width "-1"; want 1 to 20, as in {n:3}`, ""},
		{"{h:21}", "{h:21}", `bad width "21"; want 1 to 20, as in {n:3}`, ""},
		{"{seed:3}", "{seed:3}", "{seed} takes no width; {n}, {h} and {mac} do", ""},
		{"ok {n} { n }", "{ n }", "unknown place { n }", "places: {id}, {n}, {h}, {home}, {kind}, {mac}, {mac-lower}, {seed}, {run}"},
	} {
		f := Template(tt.in).check(devicePlaces)
		if f == nil {
			t.Errorf("check(%q) = nothing; want %q", tt.in, tt.message)
			continue
		}
		if at := tt.in[f.offset : f.offset+f.width]; at != tt.at || f.message != tt.message || f.hint != tt.hint {
			t.Errorf("check(%q) = %q, %q, %q; want %q, %q, %q", tt.in, at, f.message, f.hint, tt.at, tt.message, tt.hint)
		}
	}
}

// FuzzTemplate checks that a template which passes has nothing but its places
// replaced, and that no template panics.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{id}", "{n:4}", "{{", "}}", "{", "}", "{{{n}}}", "{n:99999999999999999999}", "{:}", "ü{h:2}", "{{}}{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tmpl := Template(s)
		got := tmpl.Expand(sampleVars)
		if fault := tmpl.check(devicePlaces); fault != nil {
			if fault.offset < 0 || fault.width < 1 || fault.offset+fault.width > len(s) || fault.message == "" {
				t.Errorf("check(%q) = %+v; want a place within the text", s, fault)
			}
			return
		}
		// Another way to expand it: one place after another.
		want := strings.NewReplacer("{{", "{", "}}", "}",
			"{id}", sampleVars.ID, "{n}", "7", "{h}", "3", "{home}", "flat", "{kind}", "light", "{seed}", "42", "{run}", "r1").Replace(s)
		if !strings.Contains(s, ":") && got != want {
			t.Errorf("Expand(%q) = %q; want %q", s, got, want)
		}
		if tmpl.Fixed() && got != tmpl.Expand(Vars{}) {
			t.Errorf("fixed(%q) = true; want what it expands to to be the same for all", s)
		}
	})
}
