package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"homefleet/scenarios/tomlfault"
)

// table describes one table of a file: every key that it may hold, once. The
// reading, the check of values built in Go, the defaults, the errors and the
// reference in README.md follow from it; what joins several tables is in the
// check of the section.
type table struct {
	name string // as a person writes it, "[[controller]]"; "" is the top of the file
	keys []key

	// by is the key whose choice says which of the others go with it; "": there
	// is none.
	by      string
	choices []choice
}

// key is one key of a table.
type key struct {
	name string
	form form
	doc  string // one sentence in Markdown, without its stop

	// def is the default, of the Go type of the form; nil: none, or one that a
	// rule works out. defDoc says that one in Markdown; "" with nil: "none".
	def    any
	defDoc string

	field   string // of the Go struct, where it is not the key's name without underscores
	example string // a value as TOML has it, for hints

	index []int    // of the field
	with  []string // the choices that it goes with; none: all

	required string // the error where the key is missing; "": it may be
	needs    string // another key, without which this one has no meaning; ": " and why may follow
	excludes string // another key that may not stand beside it, ": " and what is wanted
	least    string // another key, than which this one may not be less
	most     string // another key, than which this one may not be more; ", " and why may follow
}

// choice is one value of the key that says which others go with it.
type choice struct {
	name     string
	doc      string
	keys     []string          // that go with this choice, of those that do not go with all
	defaults map[string]any    // of its keys
	instead  map[string]string // hints: what takes a key's place with this choice; "": any other key's
}

// describe finds the fields of T that the keys of its table are read into. It
// panics where there is none, when the program starts.
func describe[T any](d table) *table {
	for i := range d.keys {
		k := &d.keys[i]
		name := k.field
		if name == "" {
			name = strings.ReplaceAll(k.name, "_", "")
		}
		in := reflect.TypeFor[T]()
		for part := range strings.SplitSeq(name, ".") {
			field, ok := in.FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, part) })
			if _, rule := k.form.(byRule); !ok && !rule {
				panic(fmt.Sprintf("scenarios: the key %s of %s has no field in %v", k.name, d.name, in))
			}
			k.index, in = append(k.index, field.Index...), field.Type
		}
		for c := range d.choices {
			if slices.Contains(d.choices[c].keys, k.name) {
				k.with = append(k.with, d.choices[c].name)
			}
		}
	}
	return &d
}

// fieldOf returns the key's field of a struct.
func (k *key) fieldOf(v reflect.Value) reflect.Value { return v.FieldByIndex(k.index) }

func (d *table) key(name string) *key {
	for i := range d.keys {
		if d.keys[i].name == name {
			return &d.keys[i]
		}
	}
	panic("scenarios: " + d.name + " has no key " + name)
}

// known makes the keys of the table known, in their order, without reading them.
func (d *table) known(t *tomlfault.Table) {
	for i := range d.keys {
		t.Known(d.keys[i].name)
	}
}

// choiceOf returns the choice that a struct makes; nil if it makes none.
func (d *table) choiceOf(v reflect.Value) *choice {
	if d.by == "" {
		return nil
	}
	name := d.key(d.by).fieldOf(v).String()
	i := slices.IndexFunc(d.choices, func(c choice) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return &d.choices[i]
}

// fill puts the defaults in the place of what is zero, and zero in the place of
// [None].
func (d *table) fill(into any) {
	v := reflect.ValueOf(into).Elem()
	if d.by != "" {
		fillKey(d.key(d.by).form, d.key(d.by).fieldOf(v), d.key(d.by).def)
	}
	chosen := d.choiceOf(v)
	for i := range d.keys {
		k := &d.keys[i]
		def := k.def
		if with := k.with; with != nil {
			if chosen == nil || !slices.Contains(with, chosen.name) {
				continue
			}
			if of, ok := chosen.defaults[k.name]; ok {
				def = of
			}
		}
		if def != nil && k.name != d.by {
			fillKey(k.form, k.fieldOf(v), def)
		}
	}
}

func fillKey(f form, field reflect.Value, def any) {
	if def == nil {
		return
	}
	if field.IsZero() {
		field.Set(reflect.ValueOf(def).Convert(field.Type()))
	} else if z, ok := f.(interface{ takesZero() bool }); ok && z.takesZero() && (field.CanInt() && field.Int() == None || field.CanFloat() && field.Float() == None) {
		field.SetZero()
	}
}

// read fills a struct in with the defaults and with what the file says. What is
// wrong is left at its default.
func (d *table) read(t *tomlfault.Table, into any) {
	v := reflect.ValueOf(into).Elem()
	d.known(t)
	sure := true // which choice is made
	if d.by != "" {
		k := d.key(d.by)
		sure = k.form.read(t, k, k.fieldOf(v)) || k.def != nil && !t.Holds(k.name)
	}
	d.fill(into)
	for i := range d.keys {
		k := &d.keys[i]
		if k.name != d.by {
			k.form.read(t, k, k.fieldOf(v))
		}
		if with := k.with; sure && with != nil && t.Holds(k.name) {
			if c := d.choiceOf(v); !slices.Contains(with, c.name) {
				t.KeyErrorf(k.name, d.instead(k, c, with), "%s", d.misplaced(k, c, with))
				k.fieldOf(v).SetZero() // so that its value is not judged as well
			}
		}
	}
}

// misplaced is the error of a key that does not go with a choice.
func (d *table) misplaced(k *key, c *choice, with []string) string {
	return fmt.Sprintf("%s does not go with %s = %q; it goes with %s", k.name, d.by, c.name, tomlfault.Join(with))
}

// instead is the hint to that error.
func (d *table) instead(k *key, c *choice, with []string) string {
	if hint, ok := c.instead[k.name]; ok {
		return hint
	}
	if len(with) == 1 && d.key(d.by).def != nil && c.instead[""] == "" {
		return fmt.Sprintf("add %s = %q", d.by, with[0])
	}
	return c.instead[""]
}

// check checks each key of a struct that has its defaults by itself, and then
// against the other keys on which it rests.
func (d *table) check(r rules, of any) {
	v := reflect.ValueOf(of).Elem()
	chosen := d.choiceOf(v)
	if d.by != "" && !r.ok(d.by) {
		chosen = nil
	}
	rests := make([]*key, 0, len(d.keys))
	for i := range d.keys {
		k := &d.keys[i]
		if len(k.index) == 0 {
			continue // a rule has it
		}
		field, with := k.fieldOf(v), k.with
		switch set := !field.IsZero(); {
		case with != nil && chosen == nil:
			continue
		case with != nil && !slices.Contains(with, chosen.name):
			if set {
				r.errorf(k.name, d.instead(k, chosen, with), "%s", d.misplaced(k, chosen, with))
			}
			continue
		case !set && k.required != "":
			r.errorf(k.name, k.add(), "%s", k.required)
			continue
		case !set && k.def == nil:
			continue // it is not there
		case set:
			rests = append(rests, k)
		}
		k.form.check(r, k, field)
	}
	for _, k := range rests {
		d.checkBeside(r, k, v)
		d.checkOrder(r, k, v)
	}
}

// add is a hint to add the key.
func (k *key) add() string {
	if strings.Contains(k.example, `"..."`) {
		return fmt.Sprintf("add %s = %s", k.name, k.example)
	}
	return fmt.Sprintf("add %s = %s, say", k.name, k.example)
}

// checkBeside checks which other keys stand beside one that is set.
func (d *table) checkBeside(r rules, k *key, v reflect.Value) {
	set := func(name string) bool { return !d.key(name).fieldOf(v).IsZero() }
	if name, why, _ := strings.Cut(k.needs, ": "); name != "" && !set(name) && r.ok(k.name, name) {
		text := k.name + " without " + name
		if why != "" {
			text += ": " + why
		}
		r.errorf(k.name, d.key(name).add(), "%s", text)
	}
	if name, want, _ := strings.Cut(k.excludes, ": "); name != "" && set(name) && r.ok(k.name, name) {
		r.errorf(k.name, "remove one of them", "%s stands beside %s; %s", k.name, name, want)
	}
}

// checkOrder checks a duration against the other that it is not to be below or
// above.
func (d *table) checkOrder(r rules, k *key, v reflect.Value) {
	span := func(k *key) time.Duration { return time.Duration(k.fieldOf(v).Int()) }
	this := func() string { return k.name + " is " + tomlfault.FormatDuration(span(k)) }
	if k.least != "" {
		if other := d.key(k.least); r.ok(k.name, other.name) && span(k) < span(other) {
			r.errorf(k.name, "", "%s; want at least %s, %s", this(), other.name, tomlfault.FormatDuration(span(other)))
		}
	}
	if name, why, _ := strings.Cut(k.most, ", "); name != "" {
		if other := d.key(name); r.ok(k.name, name) && span(k) > span(other) {
			r.errorf(k.name, "", "%s; want at most %s, %s, %s", this(), name, tomlfault.FormatDuration(span(other)), why)
		}
	}
}
