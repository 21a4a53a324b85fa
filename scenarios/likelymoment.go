package scenarios

import (
	"slices"
	"strings"

	"homefleet/devices/words"
)

// dayWords are the words that people have for days, in small letters; "" is every day.
var dayWords = map[string]string{
	"daily": "", "everyday": "", "every": "", "day": "", "days": "", "*": "", "on": "", "at": "",
	"weekday": "Mon..Fri", "weekdays": "Mon..Fri", "workday": "Mon..Fri", "workdays": "Mon..Fri",
	"weekend": "Sat,Sun", "weekends": "Sat,Sun",
	"to": "..", "until": "..", "through": "..", "and": ",",
}

// fullDays are the days of the week in small letters, in full and as they are written here.
var fullDays, shortDays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
	[]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// likelyMoment returns what may have been meant by a text that is no time of day: the days
// as they are written here, and the time; each is "" if there is none. Neither need be right.
func likelyMoment(text string) (days, clock string) {
	const longest = 128 // nobody writes more for a time of day
	if len(text) > longest {
		return "", ""
	}
	var on strings.Builder
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if strings.Contains(word, ":") {
			clock = likelyClock(word)
			continue
		}
		on.WriteString(likelyDays(word))
	}
	days = on.String()
	for _, sign := range []string{",", ".."} {
		for strings.Contains(days, sign+sign) {
			days = strings.ReplaceAll(days, sign+sign, sign)
		}
	}
	return strings.Trim(days, ",."), clock
}

// likelyClock puts the zeros that are missing into a time of day.
func likelyClock(word string) string {
	parts := strings.Split(strings.Trim(word, ",.;hu"), ":")
	for i, p := range parts {
		if len(p) == 1 {
			parts[i] = "0" + p
		}
	}
	if parts[0] == "24" {
		parts[0] = "00"
	}
	return strings.Join(parts, ":")
}

// likelyDays returns a word's days: "mon-fri" is "Mon..Fri", "saturdays" "Sat".
func likelyDays(word string) string {
	var b strings.Builder
	for _, dash := range []string{"–", "—", "-", "/"} {
		with := ".."
		if dash == "/" {
			with = ","
		}
		word = strings.ReplaceAll(word, dash, with)
	}
	for word != "" {
		end := strings.IndexAny(word, ",.")
		if end == 0 { // a sign between two days
			end = max(1, len(word)-len(strings.TrimLeft(word, ".")))
			b.WriteString(word[:end])
		} else {
			if end < 0 {
				end = len(word)
			}
			b.WriteString(likelyDay(word[:end]))
		}
		word = word[end:]
	}
	return b.String()
}

// likelyDay returns the day, or the days, that a word is for.
func likelyDay(word string) string {
	if of, ok := dayWords[word]; ok {
		return of
	}
	one := strings.TrimSuffix(word, "s")
	at := slices.IndexFunc(fullDays, func(of string) bool { return len(one) > 1 && strings.HasPrefix(of, one) })
	if at < 0 {
		near, _ := words.Nearest(word, slices.Concat(shortDays, fullDays))
		at = max(slices.Index(shortDays, near), slices.Index(fullDays, near))
	}
	if at < 0 {
		return word
	}
	return dayNames[at]
}
