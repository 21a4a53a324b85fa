package devices

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Kinds returns every kind of device in the order light, thermostat, plug, bridge.
// The slice is the caller's; the kinds behind it are shared and must not be
// changed.
func Kinds() []*Kind {
	return []*Kind{&lightKind, &thermostatKind, &plugKind, &bridgeKind}
}

// KindByName returns the kind a scenario calls name. The case counts.
func KindByName(name string) (*Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return nil, false
}

// Attribute returns the index of the attribute with that name, without regard
// to ASCII case. It allocates nothing.
func (k *Kind) Attribute(name []byte) (int, bool) {
	for i := range k.Attributes {
		if equalFold(name, k.Attributes[i].Name) {
			return i, true
		}
	}
	return 0, false
}

// HasReading reports whether devices of the kind measure what has that name.
func (k *Kind) HasReading(name string) bool {
	return slices.ContainsFunc(k.Readings, func(r Reading) bool { return r.Name == name })
}

// Param returns the parameter with that name. The case counts.
func (k *Kind) Param(name string) (*Param, bool) {
	return paramByName(k.Params, name)
}

func paramByName(params []Param, name string) (*Param, bool) {
	for i := range params {
		if params[i].Name == name {
			return &params[i], true
		}
	}
	return nil, false
}

// Check says whether v may be given to the parameter: nil, or an error that
// names the parameter, what was wrong and what was wanted. A Number may also
// be an int64 or an int.
func (p *Param) Check(v any) error {
	switch p.Type {
	case Number:
		f, ok := number(v)
		if !ok {
			return p.refuse(v)
		}
		// The comparison is written so that NaN fails it.
		if !(f >= p.Min && f <= p.Max) {
			return p.refuse(f)
		}
	case Span:
		d, ok := v.(time.Duration)
		if !ok {
			return p.refuse(v)
		}
		if s := d.Seconds(); s < p.Min || s > p.Max {
			return p.refuse(d)
		}
	case Choice:
		s, ok := v.(string)
		if !ok {
			return p.refuse(v)
		}
		if !slices.Contains(p.Choices, s) {
			if near, ok := words.Nearest(s, p.Choices); ok {
				return fmt.Errorf("%w (did you mean %q?)", p.refuse(s), near)
			}
			return p.refuse(s)
		}
	case Switch:
		if _, ok := v.(bool); !ok {
			return p.refuse(v)
		}
	}
	return nil
}

// Wants says in words what the parameter accepts, such as "a number from 0 to
// 60" or `a duration from "1s" to "5m"`.
func (p *Param) Wants() string {
	switch p.Type {
	case Number:
		return "a number from " + formatNumber(p.Min) + " to " + formatNumber(p.Max)
	case Span:
		return fmt.Sprintf("a duration from %q to %q", words.Duration(seconds(p.Min)), words.Duration(seconds(p.Max)))
	case Choice:
		quoted := make([]string, len(p.Choices))
		for i, c := range p.Choices {
			quoted[i] = strconv.Quote(c)
		}
		return "one of " + strings.Join(quoted, ", ")
	default:
		return "true or false"
	}
}

// ParamError says what is wrong with one parameter of a kind.
type ParamError struct {
	Param string
	Wrong string // what was given and what was wanted
}

func (e *ParamError) Error() string { return e.Param + ": " + e.Wrong }

func (p *Param) refuse(v any) error {
	var got string
	switch v := v.(type) {
	case string:
		got = quote([]byte(v))
	case float64:
		got = formatNumber(v)
	case time.Duration:
		got = strconv.Quote(words.Duration(v))
	case nil, bool, int, int64:
		got = fmt.Sprint(v)
	default:
		got = fmt.Sprintf("a value of type %T", v)
	}
	return &ParamError{p.Name, got + "; want " + p.Wants()}
}

func formatNumber(f float64) string {
	format := byte('f')
	if abs := math.Abs(f); abs >= 1e9 || abs != 0 && abs < 1e-4 {
		format = 'g'
	}
	return strconv.FormatFloat(f, format, -1, 64)
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	}
	return 0, false
}

// values are the parameters of one prepared set: what was set, and the table's
// defaults for the rest.
type values struct {
	params []Param
	set    map[string]any
}

// checked checks every value against the table and reports all faults at once,
// in the order of their names.
func checked(kind string, params []Param, set map[string]any) (values, error) {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(set)) {
		p, ok := paramByName(params, name)
		if !ok {
			faults = append(faults, unknownParam(kind, params, name))
			continue
		}
		if err := p.Check(set[name]); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", kind, err))
		}
	}
	return values{params, set}, errors.Join(faults...)
}

func unknownParam(kind string, params []Param, name string) error {
	names := make([]string, len(params))
	for i := range params {
		names[i] = params[i].Name
	}
	if near, ok := words.Nearest(name, names); ok {
		return fmt.Errorf("%s: %s is no parameter (did you mean %q?)", kind, quote([]byte(name)), near)
	}
	slices.Sort(names)
	return fmt.Errorf("%s: %s is no parameter; want one of %s", kind, quote([]byte(name)), strings.Join(names, ", "))
}

// has reports whether the value was set rather than left to its default.
func (v values) has(name string) bool {
	_, ok := v.set[name]
	return ok
}

func (v values) get(name string) any {
	if x, ok := v.set[name]; ok {
		return x
	}
	p, ok := paramByName(v.params, name)
	if !ok {
		panic("devices: the table has no parameter " + name)
	}
	return p.Default
}

func (v values) number(name string) float64 {
	f, _ := number(v.get(name))
	return f
}

func (v values) span(name string) time.Duration { return v.get(name).(time.Duration) }

func (v values) choice(name string) string { return v.get(name).(string) }

// newFrom makes the New of a kind out of its Prepare.
func newFrom(kind string, prepare func(map[string]any) (Maker, error)) func(Config) (Device, error) {
	return func(c Config) (Device, error) {
		m, err := prepare(c.Params)
		if c.Start < 0 || c.Start >= day {
			err = errors.Join(err, fmt.Errorf("%s: start %q; want a time of day from \"0s\" to less than \"24h\"", kind, words.Duration(c.Start)))
		}
		if err != nil {
			return nil, err
		}
		return m(c.Seed, c.Start), nil
	}
}

// day is the length of every simulated day: there is no summer time here.
const day = 24 * time.Hour

// timeOfDay brings a start into 0 <= t < 24h.
func timeOfDay(t time.Duration) time.Duration {
	t %= day
	if t < 0 {
		t += day
	}
	return t
}

// endOfTime is where simulated time stands still, so that no sum of times
// overflows.
const endOfTime = time.Duration(math.MaxInt64) - 366*day

// later returns the moment dt after now, at most endOfTime.
func later(now, dt time.Duration) time.Duration {
	if dt >= endOfTime-now {
		return endOfTime
	}
	return now + dt
}
