package words

import (
	"strings"
	"testing"
)

// No part of a password or a token is shown, wherever its signs make a URL seem to
// end or to begin.
func TestPublicURL(t *testing.T) {
	for address, want := range map[string]string{
		"":                                  "",
		"localhost:1883":                    "localhost:1883",
		"mqtt://localhost":                  "mqtt://localhost",
		"wss://h/path":                      "wss://h/path",
		"ws://h/?":                          "ws://h/?",
		"ws://h/?token=secret":              "ws://h/?...",
		"ws://h/#secret":                    "ws://h/#...",
		"ws://h/?a=secret#secret":           "ws://h/?...",
		"h/?secret":                         "h/?...",
		"mqtt://me:secret@h":                "mqtt://...@h",
		"me:secret@h:1883":                  "...@h:1883",
		"mqtt://me:se@secret@h":             "mqtt://...@h",
		"mqtt://me:secret/@h":               "mqtt://...@h",
		"ws://me:secret@h/?token=secret":    "ws://...@h/?...",
		"me:secret://secret@h":              "...@h",
		"me:secret://secret@h/?secret":      "...@h/?...",
		"mqtt://me:secret://secret@h":       "mqtt://...@h",
		"ws://h/?token=x@secret":            "ws://...",
		"h/?token=x@secret":                 "...",
		"ws://me:secret?secret@h/?secret":   "ws://...",
		"mqtt://me:secret#secret@h":         "mqtt://...",
		"me:secret?secret://secret@h":       "...",
		"ws://h/?to=ws://me:secret@h/?x=@y": "ws://...",
	} {
		if got := PublicURL(address); got != want {
			t.Errorf("PublicURL(%q) = %q; want %q", address, got, want)
		}
		if strings.Contains(want, "secret") {
			t.Errorf("the wanted %q is not public", want)
		}
	}
}
