package cmd

import "strings"

// splitKeys splits what a terminal sent into keys: a control sequence such as that of an
// arrow is one.
func splitKeys(typed string) (keys []string) {
	for typed != "" {
		n := keyLength(typed)
		keys = append(keys, typed[:n])
		typed = typed[n:]
	}
	return keys
}

// keyLength is how many bytes the first key takes.
func keyLength(typed string) int {
	if typed[0] != 0x1b || len(typed) < 3 {
		return 1
	}
	switch typed[1] {
	case 'O': // SS3 and a letter
		return 3
	case '[': // CSI, parameters, and a letter or ~
		if end := strings.IndexFunc(typed[2:], func(r rune) bool { return r >= '@' && r <= '~' }); end >= 0 {
			return 2 + end + 1
		}
	}
	return 1
}
