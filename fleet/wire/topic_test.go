package wire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		filter, topic string
		want          bool
	}{
		// the standard's own examples (4.7.1.2, 4.7.1.3, 4.7.2, 4.7.3)
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"#", "sport", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/monitor/Clients", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"ACCOUNTS", "Accounts", false},
		{"/finance", "finance", false},
		// and others
		{"$SYS/#", "$SYS", true},
		{"#", "$", false},
		{"+", "$a", false},
		{"a/+", "a/$b", true},
		{"a/#", "a/$b", true},
		{"#", "/", true},
		{"+/+", "/", true},
		{"+/+/+", "/", false},
		{"a//b", "a//b", true},
		{"a/+/b", "a//b", true},
		{"a/b", "a/b/", false},
		{"a/b/", "a/b", false},
		{"+/#", "a", true},
		{"a/+/#", "a", false},
		{"a/+/#", "a/b", true},
		{"/#", "", false},
		{"/#", "/", true},
		{"/#", "a", false},
		{"", "a", false},
		{"a", "", false},
		{" a", "a", false},
	}
	for _, tt := range tests {
		if got := Match(tt.filter, tt.topic); got != tt.want {
			t.Errorf("Match(%q, %q) = %v; want %v", tt.filter, tt.topic, got, tt.want)
		}
	}
}

func TestValidTopics(t *testing.T) {
	long := strings.Repeat("a", 65535)
	tests := []struct {
		s            string
		name, filter bool
	}{
		{"", false, false},
		{"a", true, true},
		{"/", true, true},
		{"a//b", true, true},
		{" ", true, true},
		{"$SYS/x", true, true},
		{"ä/€/𝄞", true, true},
		{"+", false, true},
		{"#", false, true},
		{"+/+", false, true},
		{"/#", false, true},
		{"a/+/b/#", false, true},
		{"a+", false, false},
		{"+a", false, false},
		{"a/b+/c", false, false},
		{"++", false, false},
		{"a#", false, false},
		{"a/#/b", false, false},
		{"#/a", false, false},
		{"##", false, false},
		{"#+", false, false},
		{"a\x00b", false, false},
		{"\xff", false, false},
		{"a\xed\xa0\x80", false, false},
		{long, true, true},
		{long + "a", false, false},
		// shared subscriptions (4.8.2); as Topic Names these are plain ones
		{"$share/group/a", true, true},
		{"$share/group//", true, true},
		{"$share/group/+/#", false, true},
		{"$share/group/$SYS/x", true, true},
		{"$share/group/", true, false},
		{"$share/group", true, false},
		{"$share//a", true, false},
		{"$share/", true, false},
		{"$share", true, false},
		{"$share/+/a", false, false},
		{"$share/g#/a", false, false},
		{"$share/g/a#", false, false},
		{"$shared/group/a", true, true},
		{"$SHARE/group/a", true, true},
	}
	for _, tt := range tests {
		short := tt.s[:min(len(tt.s), 30)]
		if got := ValidTopicName(tt.s); got != tt.name {
			t.Errorf("ValidTopicName(%q) = %v; want %v", short, got, tt.name)
		}
		if got := ValidTopicName([]byte(tt.s)); got != tt.name {
			t.Errorf("ValidTopicName([]byte(%q)) = %v; want %v", short, got, tt.name)
		}
		if got := ValidTopicFilter(tt.s); got != tt.filter {
			t.Errorf("ValidTopicFilter(%q) = %v; want %v", short, got, tt.filter)
		}
	}
}

func TestSplitShared(t *testing.T) {
	tests := []struct {
		s, name, filter string
		ok              bool
	}{
		{"$share/g/a", "g", "a", true},
		{"$share/g/a/b/#", "g", "a/b/#", true},
		{"$share/g//a", "g", "/a", true},
		{"$share/g/$share/h/a", "g", "$share/h/a", true},
		{"$share/g/", "", "", false},
		{"$share/g", "", "", false},
		{"$share//a", "", "", false},
		{"$share/g+/a", "", "", false},
		{"share/g/a", "", "", false},
		{"a/$share/g/a", "", "", false},
		{"", "", "", false},
	}
	for _, tt := range tests {
		name, filter, ok := SplitShared(tt.s)
		if name != tt.name || filter != tt.filter || ok != tt.ok {
			t.Errorf("SplitShared(%q) = %q, %q, %v; want %q, %q, %v", tt.s, name, filter, ok, tt.name, tt.filter, tt.ok)
		}
	}
}

// The reference: the words of sections 4.7 and 4.8.2, level by level, without
// regard to speed.

func refMatch(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return false // 4.7.2-1
	}
	return refLevels(strings.Split(filter, "/"), strings.Split(topic, "/"))
}

func refLevels(filter, topic []string) bool {
	switch {
	case len(filter) == 1 && filter[0] == "#": // the parent and any number of child levels
		return true
	case len(filter) == 0 || len(topic) == 0:
		return len(filter) == 0 && len(topic) == 0
	case filter[0] == "+" || filter[0] == topic[0]:
		return refLevels(filter[1:], topic[1:])
	}
	return false
}

func refValidFilter(s string) bool {
	if s == "" || len(s) > 65535 || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return false
	}
	levels := strings.Split(s, "/")
	if levels[0] == "$share" {
		if len(levels) < 3 || levels[1] == "" || strings.ContainsAny(levels[1], "+#") || len(levels) == 3 && levels[2] == "" {
			return false
		}
		levels = levels[2:]
	}
	for i, l := range levels {
		if strings.Contains(l, "#") && (l != "#" || i < len(levels)-1) || strings.Contains(l, "+") && l != "+" {
			return false
		}
	}
	return true
}

func FuzzTopicMatch(f *testing.F) {
	for _, s := range []string{"a/b", "a/+", "#", "+/#", "$SYS/#", "/", "//", "$share/g/a/#", "$share", "+/+/+", "a/#/b", "$", "+a"} {
		for _, topic := range []string{"a/b", "a", "/", "$SYS/x", "a/b/c", ""} {
			f.Add(s, topic)
		}
	}
	f.Fuzz(func(t *testing.T, filter, topic string) {
		if got, want := ValidTopicFilter(filter), refValidFilter(filter); got != want {
			t.Fatalf("ValidTopicFilter(%q) = %v; want %v", filter, got, want)
		}
		name, rest, shared := SplitShared(filter)
		if shared && "$share/"+name+"/"+rest != filter {
			t.Fatalf("SplitShared(%q) = %q, %q", filter, name, rest)
		}
		if !ValidTopicFilter(filter) {
			return
		}
		if shared != strings.HasPrefix(filter, "$share/") {
			t.Fatalf("SplitShared(%q) = %v for a valid filter", filter, shared)
		}
		if shared {
			filter = rest
		}
		if !ValidTopicName(topic) {
			return
		}
		if got, want := Match(filter, topic), refMatch(filter, topic); got != want {
			t.Fatalf("Match(%q, %q) = %v; want %v", filter, topic, got, want)
		}
		// A topic matches itself, and whatever stands above it with #.
		if !Match(topic, topic) {
			t.Fatalf("Match(%q, %q) = false; want true", topic, topic)
		}
		for i := range min(len(topic), 100) {
			if topic[i] == '/' && !Match(topic[:i]+"/#", topic) {
				t.Fatalf("Match(%q, %q) = false; want true", topic[:i]+"/#", topic)
			}
		}
	})
}
