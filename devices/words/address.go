package words

import "strings"

// PublicURL returns the address of a broker as it may be shown to everybody,
// right or wrong as the address is: "..." stands for what is before an @, and
// for a query or a fragment, which may hold a token. Where it cannot be told which
// is which, because a password has a ? or a token an @, only the scheme is shown.
func PublicURL(address string) string {
	scheme, rest := "", address
	if before, after, ok := strings.Cut(address, "://"); ok && isScheme(before) {
		scheme, rest = before+"://", after
	}
	at, query := strings.LastIndexByte(rest, '@'), strings.IndexAny(rest, "?#")
	if query >= 0 && query < at {
		return scheme + "..."
	}
	if query >= 0 && query+1 < len(rest) {
		rest = rest[:query+1] + "..."
	}
	if at >= 0 {
		rest = "...@" + rest[at+1:]
	}
	return scheme + rest
}

// isScheme reports whether a text can be the scheme of a URL (RFC 3986, 3.1).
func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return false
		}
	}
	return s != ""
}
