package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"homefleet/scenarios/tomlfault"
)

// number is the form of a number with a unit and a range: N is what the Go field
// is converted to.
type number[N int64 | float64] struct {
	what  string // "duration", in Markdown
	get   func(t *tomlfault.Table, key string, dst *N) bool
	show  func(N) string // as an error has it
	write func(N) string // as a file has it
	bound func(N) string // as an error has a bound; nil: show

	low, high N      // high 0: no bound
	over      bool   // low itself is too low
	zero      string // what zero means: "off"; with over, what it would mean: "nobody"
	whole     N      // it is a multiple of this
	why       string // appended to what is wanted
	want      string // what is wanted, where it does not follow from the rest
	plain     string // the words, likewise
}

func (f number[N]) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var n N
	if !f.get(t, k.name, &n) {
		return false
	}
	if problem := f.fault(n); problem != "" {
		t.Errorf(k.name, "", "%s is %s", k.name, problem)
		return false
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	field.Set(reflect.ValueOf(n).Convert(field.Type()))
	return true
}

func (f number[N]) check(r rules, k *key, field reflect.Value) {
	if problem := f.fault(f.of(field)); problem != "" {
		r.errorf(k.name, "", "%s is %s", k.name, problem)
	}
}

func (f number[N]) of(field reflect.Value) N {
	if field.Kind() == reflect.Pointer {
		field = field.Elem()
	}
	return field.Convert(reflect.TypeFor[N]()).Interface().(N)
}

// fault returns what is wrong with a number, and what was wanted: "3; want 0 to
// 2"; "" if nothing is.
func (f number[N]) fault(n N) string {
	within := n >= f.low && (f.high == 0 || n <= f.high) && (!f.over || n > f.low) // false for what is no number
	switch {
	case within && f.whole != 0 && n/f.whole*f.whole != n:
		return f.show(n) + "; want whole seconds, which is how MQTT counts"
	case within:
		return ""
	case n == 0 && f.over && f.zero != "":
		return fmt.Sprintf("%s, which is %s; want more", f.write(n), f.zero)
	}
	bound := f.show
	if f.bound != nil {
		bound = f.bound
	}
	want := f.want
	if want == "" {
		want = f.span(bound, "more than 0") + f.why
	}
	return f.show(n) + "; want " + want
}

// takesZero reports whether zero means something other than the default.
func (f number[N]) takesZero() bool { return f.low <= 0 && !f.over }

// span says what is between the bounds.
func (f number[N]) span(show func(N) string, over string) string {
	low := show(f.low)
	switch {
	case f.over:
		low = over
	case f.low == 0 && f.zero != "":
		low += ", for " + f.zero + ","
	}
	switch {
	case f.high == 0 && f.over:
		return low
	case f.high == 0:
		return low + " or more"
	case f.over:
		return low + ", up to " + show(f.high)
	}
	return low + " to " + show(f.high)
}

func (f number[N]) words() string {
	quoted := func(n N) string { return "`" + f.write(n) + "`" }
	switch {
	case f.plain != "":
		return f.plain
	case f.low == 0 && f.high == 0 && !f.over && f.zero == "":
		return f.what
	case f.over && f.high == 0:
		return f.what + " above 0"
	}
	return f.what + ", " + f.span(quoted, "above 0")
}

func (f number[N]) toml(v any) string { return f.write(f.of(reflect.ValueOf(v))) }

// whole is a whole number.
func whole(low, high int64) number[int64] {
	show := func(n int64) string { return strconv.FormatInt(n, 10) }
	get := func(t *tomlfault.Table, key string, dst *int64) bool {
		return tomlfault.Int(t, key, math.MinInt64, math.MaxInt64, dst)
	}
	return number[int64]{what: "whole number", low: low, high: high, show: show, write: show, get: get}
}

// seed is a whole number of 63 bits.
func seed() number[int64] {
	f := whole(0, math.MaxInt64)
	f.plain = "whole number, 0 to 2^63-1"
	return f
}

// factor is how many times as fast something is.
func factor() number[float64] {
	return number[float64]{
		plain: "factor", low: 0.001, high: 86400, get: (*tomlfault.Table).Factor,
		show: func(n float64) string { return fmt.Sprint(n) }, write: func(n float64) string { return fmt.Sprintf(`"%vx"`, n) },
	}
}

// factorOrNumber is a factor that may be a number without a unit as well.
func factorOrNumber() number[float64] {
	f := factor()
	f.low, f.high, f.plain = 0.001, 1000, "factor, as `2` or `\"2x\"`"
	f.get = func(t *tomlfault.Table, key string, dst *float64) bool {
		if t.IsNumber(key) {
			return t.Number(key, dst)
		}
		return t.Factor(key, dst)
	}
	return f
}

// qos is a Quality of Service.
func qos() number[int64] {
	f := whole(0, 2)
	f.plain = "0, 1 or 2"
	return f
}

// span is a duration. With low 1 it is above 0; with high 0 it has no bound.
func span(low, high time.Duration) number[int64] {
	f := number[int64]{what: "duration", low: int64(low), high: int64(high), show: showSpan, write: writeSpan, bound: boundSpan, get: spanOf((*tomlfault.Table).Duration)}
	if low == 1 {
		f.low, f.over = 0, true
	}
	return f
}

// optional says what zero means.
func optional(f number[int64], zero string) number[int64] {
	f.zero, f.plain = zero, f.what
	return f
}

func spanOf(get func(*tomlfault.Table, string, *time.Duration, ...tomlfault.Word) bool, words ...tomlfault.Word) func(*tomlfault.Table, string, *int64) bool {
	return func(t *tomlfault.Table, key string, dst *int64) bool {
		return get(t, key, (*time.Duration)(dst), words...)
	}
}

func showSpan(n int64) string { return tomlfault.FormatDuration(time.Duration(n)) }

func writeSpan(n int64) string {
	switch {
	case n == int64(SessionNeverExpires):
		return strconv.Quote(never)
	case n == int64(maxPhase):
		return strconv.Quote("365d")
	}
	return strconv.Quote(showSpan(n))
}

func boundSpan(n int64) string {
	if n == int64(maxPhase) {
		return "a year"
	}
	return showSpan(n)
}

// either is a duration that may be negative, at most so long either way.
func either(most time.Duration) number[int64] {
	f := span(-most, most)
	f.plain, f.want = "duration, may be negative", "at most "+f.bound(f.high)+", either way"
	f.get = func(t *tomlfault.Table, key string, dst *int64) bool {
		return t.SignedDuration(key, (*time.Duration)(dst))
	}
	return f
}

// seconds is a duration that MQTT counts in whole seconds; zero says what none
// means.
func seconds(high time.Duration, zero string) number[int64] {
	f := span(0, high)
	f.what, f.whole, f.zero = "duration in whole seconds", int64(time.Second), zero
	f.bound = func(n int64) string { return fmt.Sprintf("%ds", n/int64(time.Second)) }
	f.write = func(n int64) string { return strconv.Quote(f.bound(n)) }
	return f
}

// secondsOrNever is seconds of a Session Expiry Interval.
func secondsOrNever() number[int64] {
	f := seconds(SessionNeverExpires, "")
	f.plain = "duration in whole seconds, or `\"never\"`"
	f.get = spanOf((*tomlfault.Table).Duration, tomlfault.Word{Text: never, Value: SessionNeverExpires})
	shown := f.bound
	f.bound = func(n int64) string {
		if n == int64(SessionNeverExpires) {
			return shown(n-int64(time.Second)) + `, or "never"`
		}
		return shown(n)
	}
	f.write = func(n int64) string {
		if n == int64(SessionNeverExpires) {
			return strconv.Quote(never)
		}
		return strconv.Quote(shown(n))
	}
	return f
}

// share is a part of a whole, from 0 to 1. With a word it is above 0, which would
// mean that.
func share(zero string) number[float64] {
	plain := "share"
	if zero != "" {
		plain = "share above `\"0%\"`"
	}
	return number[float64]{
		plain: plain, high: 1, over: zero != "", zero: zero, get: (*tomlfault.Table).Percent,
		show:  func(n float64) string { return fmt.Sprint(n) },
		write: func(n float64) string { return fmt.Sprintf(`"%v%%"`, n*100) },
	}
}

// rate is a number of events a second, to a million; zero says what none means,
// which a file says by leaving it out.
func rate(zero string) number[float64] {
	return number[float64]{
		plain: "rate", high: 1e6, zero: zero, over: zero == "", get: (*tomlfault.Table).Rate,
		show:  func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) + "/s" },
		write: func(n float64) string { return strconv.Quote(strconv.FormatFloat(n, 'f', -1, 64) + "/s") },
	}
}

// rateFromZero is a rate that may be "0/s" in a file.
func rateFromZero() number[float64] {
	f := rate("")
	f.over, f.plain, f.get = false, "rate, `\"0/s\"` too", (*tomlfault.Table).RateFromZero
	return f
}

// bytesPerSecond is a bandwidth.
func bytesPerSecond(high int64) number[int64] {
	return number[int64]{
		plain: "bytes a second, as `\"8KiB/s\"`", low: 1, high: high, get: (*tomlfault.Table).ByteRate,
		show: func(n int64) string { return sizeText(n) + "/s" }, bound: func(n int64) string { return sizeText(n) + "/s" },
	}
}

// byteSize is a size. With high 0 it has no bound.
func byteSize(low, high int64) number[int64] {
	return number[int64]{
		what: "size", low: low, high: high, get: (*tomlfault.Table).Size, show: sizeText,
		write: func(n int64) string { return strconv.Quote(sizeText(n)) },
	}
}

func sizeText(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}
