package scenarios

import (
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"time"

	"homefleet/scenarios/tomlfault"
)

// form is what the value of a key may be.
type form interface {
	// read reads the value into a field. It reports false, and leaves the field
	// alone, if there is none, and after a fault.
	read(t *tomlfault.Table, k *key, field reflect.Value) bool

	// check reports what is wrong with a field, as somebody set it in Go.
	check(r rules, k *key, field reflect.Value)

	// words says what is wanted, in Markdown.
	words() string

	// toml returns a value, such as the default, as a file has it.
	toml(v any) string
}

// byRule is the form of a key that is read and checked by a rule of its own.
type byRule struct{ what string }

func (byRule) read(*tomlfault.Table, *key, reflect.Value) bool { return false }
func (byRule) check(rules, *key, reflect.Value)                {}
func (f byRule) words() string                                 { return f.what }
func (byRule) toml(v any) string                               { return fmt.Sprint(v) }

// text is a text; fault returns what is wrong with one, or "".
type text struct {
	what  string // "": "text"
	fault func(string) string
	empty string // the hint if it is there and empty; "": it may be
	quiet bool   // an error does not repeat it: it may be a secret that stands in the wrong place
}

func (f text) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var s string
	if !t.Text(k.name, &s) {
		return false
	}
	if f.empty != "" && s == "" {
		t.Errorf(k.name, f.empty, "%s is empty", k.name)
		return false
	}
	field.SetString(s)
	return true
}

const leaveOut = "leave it out instead"

func (f text) check(r rules, k *key, field reflect.Value) {
	if f.fault == nil || field.Len() == 0 {
		return
	}
	switch problem := f.fault(field.String()); {
	case problem == "":
	case f.quiet:
		r.errorf(k.name, "", "%s %s", k.name, problem)
	default:
		r.errorf(k.name, "", "%s: %q %s", k.name, tomlfault.Short(field.String()), problem)
	}
}

func (f text) words() string {
	if f.what == "" {
		return "text"
	}
	return f.what
}

func (text) toml(v any) string { return fmt.Sprintf("%q", v) }

// template is a [Template] with some of the places. It is checked as it stands,
// and with a fault as it is filled in for the devices in the rules.
type template struct {
	text
	places []string
}

func (f template) check(r rules, k *key, field reflect.Value) {
	samples := r.samples
	if f.fault == nil {
		samples = nil // a rule fills it in otherwise
	}
	if t := Template(field.String()); r.ok(k.name) && r.template(k.name, t, f.places, f.fault, samples...) {
		r.homeless(k.name, t)
	}
}

func (f template) words() string {
	what := "template"
	if len(f.places) < len(devicePlaces) {
		what += " of `{" + strings.Join(f.places, "}` `{") + "}`"
	}
	if f.what != "" {
		what += ", " + f.what
	}
	return what
}

// oneOf is one of a few words.
type oneOf struct{ of []string }

func (f oneOf) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var s string
	if !t.Choice(k.name, f.of, &s) {
		return false
	}
	field.SetString(s)
	return true
}

func (f oneOf) check(r rules, k *key, field reflect.Value) {
	if s := field.String(); !slices.Contains(f.of, s) {
		r.errorf(k.name, tomlfault.DidYouMean(s, f.of), "%s has no choice %q; want %s", k.name, tomlfault.Short(s), tomlfault.Join(f.of))
	}
}

func (f oneOf) words() string {
	all := make([]string, len(f.of))
	for i, w := range f.of {
		all[i] = fmt.Sprintf("`%q`", w)
	}
	return strings.Join(all, ", ")
}

func (oneOf) toml(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) }

// yesNo is true or false; not is that of a field which says the opposite.
type yesNo struct{ not bool }

func (f yesNo) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var on bool
	if !t.Bool(k.name, &on) {
		return false
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	field.SetBool(on != f.not)
	return true
}

func (yesNo) check(rules, *key, reflect.Value) {}
func (yesNo) words() string                    { return "true or false" }
func (f yesNo) toml(v any) string              { return fmt.Sprint(v) }

// list is an array of texts; fault returns what is wrong with one, or "".
type list struct {
	of     string // "topic filters"
	fault  func(string) string
	empty  string // the hint if it is there and empty; "": it may be
	unique bool   // nothing is in it twice
}

func (f list) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var texts []string
	ok := t.Texts(k.name, &texts)
	if texts == nil {
		return false
	}
	if f.empty != "" && len(texts) == 0 {
		t.Errorf(k.name, f.empty, "%s is empty", k.name)
		return false
	}
	all := reflect.MakeSlice(field.Type(), len(texts), len(texts))
	for i, s := range texts {
		all.Index(i).SetString(s)
	}
	field.Set(all)
	return ok
}

func (f list) check(r rules, k *key, field reflect.Value) {
	seen := make(map[string]bool)
	for i := range field.Len() {
		at, s := fmt.Sprintf("%s[%d]", k.name, i), field.Index(i).String()
		if problem := f.wrong(s); problem != "" {
			r.errorf(at, "", "%s: %q %s", k.name, tomlfault.Short(s), problem)
		} else if f.unique && seen[s] {
			r.errorf(at, "", "%s: %q stands there twice", k.name, tomlfault.Short(s))
		}
		seen[s] = true
	}
}

func (f list) wrong(s string) string {
	if f.fault == nil {
		return ""
	}
	return f.fault(s)
}

func (f list) words() string { return "array of " + f.of }

func (list) toml(v any) string {
	var all []string
	for _, s := range v.([]string) {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// single is one text in the place of a list.
type single struct{ text }

func (single) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var s string
	if !t.Text(k.name, &s) {
		return false
	}
	field.Set(reflect.ValueOf([]string{s}))
	return true
}

func (single) check(rules, *key, reflect.Value) {}

// timeOfDay is a time of day as "08:00", "08:00:30" or "Fri 08:00", since the midnight before
// Monday, which is the day if it is not said.
type timeOfDay struct{}

func (timeOfDay) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	if clock, ok := t.TimeOfDay(k.name); ok {
		t.Errorf(k.name, "did you mean \""+clock+"\"?", "%s is a TOML time; want text such as \"08:00\"", k.name)
		return false
	}
	var text string
	if !t.Text(k.name, &text) {
		return false
	}
	days, at, ok := parseMoment(text)
	switch one := bits.OnesCount8(uint8(days)); {
	case ok && one < 2:
		if one == 1 {
			at += time.Duration(bits.TrailingZeros8(uint8(days))) * day
		}
		field.SetInt(int64(at))
		return true
	case ok:
		t.Errorf(k.name, "", "%s is %q, which is %d days; want one, as in \"Mon 08:00\"", k.name, tomlfault.Short(text), one)
	default:
		t.Errorf(k.name, momentHint(text), "%s is %q; want a time of day from \"00:00\" to \"23:59\", perhaps with a day, as \"Fri 18:00\"", k.name, tomlfault.Short(text))
	}
	return false
}

// parseClock reads a time of day, as it is since midnight.
func parseClock(text string) (since time.Duration, ok bool) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && len(text) == len(layout) {
			h, m, s := at.Clock()
			return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second, true
		}
	}
	return 0, false
}

func (timeOfDay) check(r rules, k *key, field reflect.Value) {
	if at := time.Duration(field.Int()); at < 0 || at >= week {
		r.errorf(k.name, "", "%s is no time of a week; want 0s to less than 7d", tomlfault.FormatDuration(at))
	}
}

func (timeOfDay) takesZero() bool { return true } // midnight

func (timeOfDay) words() string { return "`\"HH:MM\"`, `\"HH:MM:SS\"` or `\"Fri HH:MM\"`" }

func (timeOfDay) toml(v any) string {
	return time.Time{}.Add(v.(time.Duration)).Format(`"15:04"`)
}
