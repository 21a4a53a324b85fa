package devices

import "time"

// Kind describes one kind of device: what a scenario may set, what can be
// commanded, and how one is made. The scenario check, the help and the error
// texts are generated from it.
type Kind struct {
	Name       string // as in `kind = "light"`
	Doc        string // one sentence
	Params     []Param
	Attributes []Attribute
	Readings   []Reading // what it measures; see [Measures]

	// New makes a device. Params were checked against the table by the caller
	// or are checked here: the error names the parameter, what was wrong and
	// what was wanted.
	New func(Config) (Device, error)

	// Prepare checks the parameters once, as New does, and returns what makes
	// any number of devices that share them: a fleet of many devices with the
	// same parameters keeps one copy of them. It does not keep params.
	Prepare func(params map[string]any) (Maker, error)
}

// Maker makes one device of a prepared set of parameters. Seed and start are
// those of [Config]; start is taken modulo 24 h. It may be called from several
// goroutines at once.
type Maker func(seed uint64, start time.Duration) Device

// Attribute is one thing that can be commanded or queried at
// cmnd/<id>/<attribute> and is reported at state/<id>/<attribute>.
type Attribute struct {
	Name     string // lower case
	Doc      string // one sentence with unit and range
	Wants    string // what a command accepts, e.g. "ON, OFF or TOGGLE"; used in errors
	ReadOnly bool   // a command other than the query is refused
	// Momentary says that it changes too often for reports: it is told to who asks, is in
	// the telemetry, and is neither reported by itself nor retained.
	Momentary bool
}

// ParamType is the TOML type of a parameter.
type ParamType int

// The types a parameter may have.
const (
	Number ParamType = iota // TOML integer or float; held as float64
	Choice                  // TOML string, one of Param.Choices
	Span                    // TOML string such as "10m"; held as time.Duration
	Switch                  // TOML boolean; held as bool
)

// Param is one parameter a scenario may set on a device group of this kind.
type Param struct {
	Name    string // the TOML key, snake_case
	Doc     string // one sentence, with unit
	Type    ParamType
	Default any      // float64, string, time.Duration or bool
	Min     float64  // Number: inclusive; Span: in seconds
	Max     float64  // Number: inclusive; Span: in seconds
	Choices []string // Choice
	Source  string   // where the default comes from; "guess" is said as such
}

// Config is what a device is made of.
type Config struct {
	// Params holds the values a scenario set, by parameter name; what is
	// absent takes its default. Values have the Go types named at ParamType.
	Params map[string]any

	// Seed is the device's own seed: start phases and noise are pure functions
	// of it and of simulated time.
	Seed uint64

	// Start is the simulated time of day at which the device begins, since
	// local midnight; 0 <= Start < 24h.
	Start time.Duration
}
