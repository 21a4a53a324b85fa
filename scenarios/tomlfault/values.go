package tomlfault

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Every getter stores the value of a key if it is there and as wanted, and
// reports whether it did. If the key is absent or wrong it leaves the
// destination, which holds the default, alone.

// Text reads a string.
func (t *Table) Text(key string, dst *string) bool {
	v, ok := t.get(key)
	if !ok {
		return false
	}
	s, ok := v.(string)
	if !ok {
		t.Errorf(key, quoteHint(v), "%s is %s; want text", key, describe(v))
		return false
	}
	*dst = s
	return true
}

// quoteHint suggests the quotation marks a value lacks.
func quoteHint(v any) string {
	switch v.(type) {
	case int64, float64, bool:
		return fmt.Sprintf("did you mean %q?", fmt.Sprint(v))
	}
	return ""
}

// TextLike is Text for what looks like something in particular: want says what
// a value that is no text should have been, and hint what is meant by one.
func (t *Table) TextLike(key, want string, hint func(value string) string, dst *string) bool {
	v, ok := t.get(key)
	if _, isText := v.(string); isText || !ok {
		return t.Text(key, dst)
	}
	meant := ""
	switch v.(type) {
	case int64, float64:
		meant = hint(fmt.Sprint(v))
	}
	t.Errorf(key, meant, "%s is %s; want %s", key, describe(v), want)
	return false
}

// Texts reads an array of strings. What is no string in it is a fault, and ""
// takes its place.
func (t *Table) Texts(key string, dst *[]string) bool {
	v, ok := t.get(key)
	if !ok {
		return false
	}
	list, isList := v.([]any)
	if !isList {
		hint := ""
		if s, isText := v.(string); isText {
			hint = fmt.Sprintf("did you mean [%q]?", Short(s))
		}
		t.Errorf(key, hint, "%s is %s; want an array of texts", key, describe(v))
		return false
	}
	texts := make([]string, 0, len(list))
	for i, e := range list {
		s, isText := e.(string)
		if !isText {
			t.itemErrorf(key, i, quoteHint(e), "%s holds %s; want texts", key, describe(e))
			ok = false
		}
		texts = append(texts, s)
	}
	*dst = texts
	return ok
}

// Choice reads a string that is one of a few.
func (t *Table) Choice(key string, choices []string, dst *string) bool {
	var s string
	if !t.Text(key, &s) {
		return false
	}
	if !slices.Contains(choices, s) {
		t.Errorf(key, DidYouMean(s, choices), "%s has no choice %q; want %s", key, Short(s), Join(choices))
		return false
	}
	*dst = s
	return true
}

// Bool reads true or false.
func (t *Table) Bool(key string, dst *bool) bool {
	v, ok := t.get(key)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		hint := ""
		if s, isText := v.(string); isText && (s == "true" || s == "false") {
			hint = fmt.Sprintf("did you mean %s, without quotation marks?", s)
		}
		t.Errorf(key, hint, "%s is %s; want true or false", key, describe(v))
		return false
	}
	*dst = b
	return true
}

// Int reads a whole number from low to high.
func Int[T ~int | ~int64 | ~uint64 | ~uint32 | ~uint16 | ~uint8](t *Table, key string, low, high int64, dst *T) bool {
	v, ok := t.get(key)
	if !ok {
		return false
	}
	n, ok := v.(int64)
	if !ok {
		hint := ""
		if s, isText := v.(string); isText {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				hint = fmt.Sprintf("did you mean %d, without quotation marks?", n)
			}
		}
		if f, isFloat := v.(float64); isFloat && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			hint = fmt.Sprintf("did you mean %.0f?", f)
		}
		t.Errorf(key, hint, "%s is %s; want a whole number", key, describe(v))
		return false
	}
	if n < low || n > high {
		t.Errorf(key, "", "%s is %d; want %d to %d", key, n, low, high)
		return false
	}
	*dst = T(n)
	return true
}

// TimeOfDay reports whether a key holds a TOML local time rather than text, and
// which, as "08:00" or "08:00:30".
func (t *Table) TimeOfDay(key string) (clock string, ok bool) {
	v, _ := t.get(key)
	at, isTime := v.(time.Time)
	if !isTime || at.Year() != 0 {
		return "", false
	}
	if at.Second() == 0 {
		return at.Format("15:04"), true
	}
	return at.Format("15:04:05"), true
}

// Number reads a number with or without a fraction.
func (t *Table) Number(key string, dst *float64) bool {
	v, ok := t.get(key)
	if !ok {
		return false
	}
	switch v := v.(type) {
	case int64:
		*dst = float64(v)
		return true
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			*dst = v
			return true
		}
	}
	hint := ""
	if s, isText := v.(string); isText {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			hint = fmt.Sprintf("did you mean %s, without quotation marks?", Short(s))
		}
	}
	t.Errorf(key, hint, "%s is %s; want a number", key, describe(v))
	return false
}

// Duration reads a duration such as "1m30s" or "7d" ([ParseDuration]). Words,
// if given, are accepted in its place and stand for the values they map to.
func (t *Table) Duration(key string, dst *time.Duration, words ...Word) bool {
	return t.unit(key, "a duration", func(n string) string { return n + "s" }, "30s", func(s string) error {
		for _, w := range words {
			if s == w.Text {
				*dst = w.Value
				return nil
			}
		}
		d, err := ParseDuration(s)
		if err == nil {
			*dst = d
		}
		return err
	})
}

// SignedDuration is Duration that takes negative ones too ([ParseSignedDuration]).
func (t *Table) SignedDuration(key string, dst *time.Duration) bool {
	return t.unit(key, "a duration", func(n string) string { return n + "s" }, "30s", func(s string) error {
		return store(dst)(ParseSignedDuration(s))
	})
}

// Word is text that stands for a duration, such as "never".
type Word struct {
	Text  string
	Value time.Duration
}

// Rate reads a rate such as "500/s" ([ParseRate]), in events a second.
func (t *Table) Rate(key string, dst *float64) bool {
	return t.unit(key, "a rate", func(n string) string { return n + "/s" }, "500/s", func(s string) error {
		return store(dst)(ParseRate(s))
	})
}

// RateFromZero is Rate that takes "0/s" too.
func (t *Table) RateFromZero(key string, dst *float64) bool {
	return t.unit(key, "a rate", func(n string) string { return n + "/s" }, "500/s", func(s string) error {
		if number, unit, _ := strings.Cut(s, "/"); number == "0" && (unit == "s" || unit == "min" || unit == "h") {
			*dst = 0
			return nil
		}
		return store(dst)(ParseRate(s))
	})
}

// Percent reads a share such as "10%", as 0 to 1.
func (t *Table) Percent(key string, dst *float64) bool {
	example := func(n string) string {
		// Someone who writes 0.1 means a tenth.
		if f, err := strconv.ParseFloat(n, 64); err == nil && f > 0 && f < 1 {
			n = strconv.FormatFloat(math.Round(f*1e6)/1e4, 'g', -1, 64)
		}
		return n + "%"
	}
	return t.unit(key, "a share", example, "10%", func(s string) error { return store(dst)(ParsePercent(s)) })
}

// Factor reads a factor such as "60x".
func (t *Table) Factor(key string, dst *float64) bool {
	return t.unit(key, "a factor", func(n string) string { return n + "x" }, "60x", func(s string) error {
		return store(dst)(ParseFactor(s))
	})
}

// Size reads a size such as "1KiB" ([ParseSize]), in bytes.
func (t *Table) Size(key string, dst *int64) bool {
	return t.unit(key, "a size", func(n string) string { return n + "B" }, "64KiB", func(s string) error {
		return store(dst)(ParseSize(s))
	})
}

// ByteRate reads a number of bytes a second such as "8KiB/s" ([ParseByteRate]).
func (t *Table) ByteRate(key string, dst *int64) bool {
	return t.unit(key, "a number of bytes a second", func(n string) string { return n + "B/s" }, "8KiB/s", func(s string) error {
		return store(dst)(ParseByteRate(s))
	})
}

func store[T any](dst *T) func(T, error) error {
	return func(v T, err error) error {
		if err == nil {
			*dst = v
		}
		return err
	}
}

// unit reads a text whose unit lives in the value. A bare number is refused
// with the text that was meant, which withUnit makes.
func (t *Table) unit(key, what string, withUnit func(string) string, example string, parse func(string) error) bool {
	v, ok := t.get(key)
	if !ok {
		return false
	}
	number := ""
	switch v := v.(type) {
	case string:
		if strings.TrimSpace(v) == v && v != "0" {
			if _, err := strconv.ParseFloat(v, 64); err == nil && !strings.ContainsAny(v, "xXpPnNiI_") {
				number = v
				break
			}
		}
		if err := parse(v); err != nil {
			t.Errorf(key, unitHint(v, parse), "%s is %q: %v", key, Short(v), err)
			return false
		}
		return true
	case int64:
		number = strconv.FormatInt(v, 10)
	case float64:
		number = strconv.FormatFloat(v, 'f', -1, 64)
	}
	if number == "" || strings.ContainsAny(number, "NI") || len(number) > 20 {
		t.Errorf(key, fmt.Sprintf("write it as %q", example), "%s is %s; want %s such as %q", key, describe(v), what, example)
		return false
	}
	hint := ""
	if !strings.HasPrefix(number, "-") {
		hint = fmt.Sprintf("did you mean %q?", withUnit(number))
	}
	t.Errorf(key, hint, "%s is %s, which has no unit; want %s such as %q", key, number, what, example)
	return false
}

// unitWords are units as people write them.
var unitWords = strings.NewReplacer("milliseconds", "ms", "millisecond", "ms", "seconds", "s", "second", "s", "secs", "s", "sec", "s",
	"minutes", "m", "minute", "m", "mins", "m", "min", "m", "hours", "h", "hour", "h", "hrs", "h", "hr", "h",
	"days", "d", "day", "d", "per", "/")

// unitHint suggests the text without its spaces, or with the units' own names, if that is all
// it takes.
func unitHint(s string, parse func(string) error) string {
	tight := strings.ReplaceAll(s, " ", "")
	plain := unitWords.Replace(strings.ToLower(tight))
	for _, meant := range []string{tight, plain, strings.Replace(plain, "/m", "/min", 1)} {
		if meant != s && len(meant) > 0 && len(meant) < 20 && parse(meant) == nil {
			return fmt.Sprintf("did you mean %q?", meant)
		}
	}
	return ""
}

// IsBool returns the value of a key that holds true or false, where something
// else may stand as well.
func (t *Table) IsBool(key string) (value, ok bool) {
	v, _ := t.get(key)
	value, ok = v.(bool)
	return value, ok
}

// IsNumber reports whether a key holds a number without a unit.
func (t *Table) IsNumber(key string) bool {
	switch v, _ := t.get(key); v.(type) {
	case int64, float64:
		return true
	}
	return false
}

// IsTable reports whether a key holds a table.
func (t *Table) IsTable(key string) bool {
	v, _ := t.get(key)
	_, ok := v.(map[string]any)
	return ok
}

// IsArray reports whether a key holds an array.
func (t *Table) IsArray(key string) bool {
	switch v, _ := t.get(key); v.(type) {
	case []any, []map[string]any:
		return true
	}
	return false
}

// Pairs reads an array of pairs of texts, such as [["a", "1"], ["a", "2"]].
func (t *Table) Pairs(key string) (pairs [][2]string, ok bool) {
	v, _ := t.get(key)
	list, ok := v.([]any)
	if !ok {
		t.Errorf(key, "", `%s is %s; want an array of pairs, such as [["key", "value"]]`, key, describe(v))
		return nil, false
	}
	for i, e := range list {
		pair, _ := e.([]any)
		var p [2]string
		if len(pair) == 2 {
			first, isText := pair[0].(string)
			second, isTextToo := pair[1].(string)
			if isText && isTextToo {
				p = [2]string{first, second}
				pairs = append(pairs, p)
				continue
			}
		}
		ok = false
		t.itemErrorf(key, i, "", `%s holds %s; want pairs of texts, such as ["key", "value"]`, key, describe(e))
	}
	return pairs, ok
}
