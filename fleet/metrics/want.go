package metrics

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"homefleet/devices/words"
)

// want is the right side of an expectation.
type want struct {
	op   operator
	a, b quantity // b of between
}

type operator uint8

const (
	opLessThan operator = iota
	opAtMost
	opIs
	opNot
	opAtLeast
	opMoreThan
	opBetween
)

var operators = [...]string{"<", "<=", "==", "!=", ">=", ">"}

// quantity is a number with its unit.
type quantity struct {
	value      float64 // nanoseconds, percent, events a second, or a number
	unit       Unit
	whole      bool   // a whole number
	text       string // as written
	start, end int
}

func (w *want) String() string {
	if w.op == opBetween {
		return "between " + w.a.text + " and " + w.b.text
	}
	return operators[w.op] + " " + w.a.text
}

// holds reports whether a value is as wanted.
func (w *want) holds(v float64) bool {
	switch w.op {
	case opLessThan:
		return v < w.a.value
	case opAtMost:
		return v <= w.a.value
	case opIs:
		return v == w.a.value
	case opNot:
		return v != w.a.value
	case opAtLeast:
		return v >= w.a.value
	case opMoreThan:
		return v > w.a.value
	}
	return v >= w.a.value && v <= w.b.value
}

// decimals is how many decimals of a value are to be shown, so that it does not
// look as if it were on the other side of the bound.
func (w *want) decimals(v float64, least int) int {
	const most = 9
	for n := least; n < most; n++ {
		if ten := math.Pow10(n); w.holds(math.Round(v*ten)/ten) == w.holds(v) {
			return n
		}
	}
	return most
}

// exceeded reports whether a value is too large rather than too small.
func (w *want) exceeded(v float64) bool {
	switch w.op {
	case opLessThan:
		return v >= w.a.value
	case opAtMost, opIs:
		return v > w.a.value
	case opBetween:
		return v > w.b.value
	}
	return false
}

const wantedForm = `want an operator and a value, such as "< 250ms", ">= 99.9%" or "between 490/s and 510/s"; the operators are < <= == != >= >`

// parseWant reads "< 250ms" or "between 1s and 2s".
func parseWant(text string) (want, *ExpectFault) {
	p := wantParser{text: text}
	p.space()
	if p.at == len(text) {
		return want{}, &ExpectFault{Start: 0, End: len(text), Text: "nothing is wanted", Hint: wantedForm}
	}
	w, fault := p.want()
	if fault != nil {
		return want{}, fault
	}
	if p.space(); p.at < len(text) {
		return want{}, &ExpectFault{
			Start: p.at, End: len(text), Text: fmt.Sprintf("%q is too much", text[p.at:]),
			Hint: "one expectation has one bound; write \"between A and B\" for two",
		}
	}
	return w, nil
}

type wantParser struct {
	text string
	at   int
}

func (p *wantParser) space() {
	for p.at < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsSpace(r) {
			return
		}
		p.at += n
	}
}

// token returns the run of characters of a class from here on.
func (p *wantParser) token(class func(rune) bool) string {
	rest := p.text[p.at:]
	n := strings.IndexFunc(rest, func(r rune) bool { return !class(r) })
	if n < 0 {
		n = len(rest)
	}
	p.at += n
	return rest[:n]
}

func isOperator(r rune) bool { return strings.ContainsRune("<>=!~", r) }
func isWord(r rune) bool     { return !unicode.IsSpace(r) && !isOperator(r) }

func (p *wantParser) want() (w want, fault *ExpectFault) {
	start := p.at
	if op := p.token(isOperator); op != "" {
		i := slices.Index(operators[:], op)
		if i < 0 {
			f := &ExpectFault{Start: start, End: p.at, Text: fmt.Sprintf("there is no operator %q", op), Hint: "want one of " + strings.Join(operators[:], " ")}
			if meant := map[string]string{"=": "==", "=<": "<=", "=>": ">=", "<>": "!=", "===": "==", "!": "!="}[op]; meant != "" {
				f.Hint = fmt.Sprintf("did you mean %q?", meant)
			}
			return w, f
		}
		w.op = operator(i)
		w.a, fault = p.quantity()
		return w, fault
	}
	word := p.token(isWord)
	if word != "between" {
		f := &ExpectFault{Start: start, End: p.at, Text: fmt.Sprintf("%q is no operator", word), Hint: wantedForm}
		if q := parseQuantity(word); q != nil {
			f.Text = fmt.Sprintf("before %q there is no operator", word)
			f.Hint = fmt.Sprintf("did you mean \"== %s\" or \"<= %s\"?", word, word)
		} else if _, ok := words.Nearest(word, []string{"between"}); ok {
			f.Hint = `did you mean "between"?`
		}
		return w, f
	}
	w.op = opBetween
	if w.a, fault = p.quantity(); fault != nil {
		return w, fault
	}
	p.space()
	start = p.at
	if and := p.token(isWord); and != "and" {
		return w, &ExpectFault{Start: start, End: p.at, Text: "\"between\" has one end only", Hint: "want \"between " + w.a.text + " and …\""}
	}
	w.b, fault = p.quantity()
	return w, fault
}

// quantity reads a number with its unit.
func (p *wantParser) quantity() (quantity, *ExpectFault) {
	p.space()
	start := p.at
	word := p.token(isWord)
	if word == "" {
		return quantity{}, &ExpectFault{Start: start, End: p.at, Text: "the value is missing", Hint: `want a number with its unit, such as "250ms", "99.9%", "490/s" or "0"`}
	}
	q := parseQuantity(word)
	if q == nil {
		return quantity{}, &ExpectFault{
			Start: start, End: p.at, Text: fmt.Sprintf("%q is no value", word),
			Hint: `want a number with its unit, such as "250ms", "99.9%", "490/s" or "0"; the units are ns us ms s m h, %, and /s /min /h`,
		}
	}
	q.start, q.end = start, p.at
	return *q, nil
}

// parseQuantity returns nil for what is none.
func parseQuantity(word string) *quantity {
	number, unit := word, ""
	if i := strings.IndexFunc(word, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }); i >= 0 {
		number, unit = word[:i], word[i:]
	}
	if number == "" || number[0] == '.' || number[len(number)-1] == '.' || len(number) > 20 {
		return nil
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return nil
	}
	q := &quantity{value: v, text: word}
	switch unit {
	case "":
		q.whole = !strings.Contains(number, ".")
	case "%":
		q.unit = UnitShare
	case "/s":
		q.unit = UnitRate
	case "/min":
		q.unit, q.value = UnitRate, v/60
	case "/h":
		q.unit, q.value = UnitRate, v/3600
	default:
		d, err := time.ParseDuration(word)
		if err != nil {
			return nil
		}
		q.unit, q.value = UnitTime, float64(d)
	}
	return q
}
