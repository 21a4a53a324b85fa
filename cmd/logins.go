package cmd

import (
	"slices"
	"strings"

	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// login is whom a line to paste connects as; the zero value gives no user name.
type login struct {
	name     string
	password scenarios.Secret
}

// flags are what the login is on this program's command lines, with a space
// before each.
func (l login) flags() string {
	text := flagText("--username", l.name) + flagText("--password-file", string(l.password.File))
	if l.password.Env != defaultPasswordEnv {
		text += flagText("--password-env", string(l.password.Env))
	}
	return text
}

// errand is what somebody wants to do at the embedded broker.
type errand struct {
	publish   []string // topics
	subscribe []string // topics of what is to come, or "#" for all
	answers   bool     // at a Response Topic of one's own, as a request has
}

// login finds a user of the embedded broker who may do an errand, and whose
// password a line to paste can name without having it in it.
func (e *embedded) login(want errand) (login, bool) {
	if e.anyone {
		return login{}, true
	}
	for i := range e.users {
		u := &e.users[i]
		if u.Password.Text != "" || !mayAll(u, u.Publish, want.publish) || !mayAll(u, u.Subscribe, want.subscribe) ||
			want.answers && u.ResponseInformation == "" && !mayAll(u, u.Subscribe, []string{"homefleet/response/client/1"}) {
			continue
		}
		return login{u.Name, scenarios.Secret{File: scenarios.Template(u.Password.File), Env: scenarios.Template(u.Password.Env)}}, true
	}
	return login{}, false
}

// mayAll reports whether a user's filters let all topics be.
func mayAll(u *scenarios.User, filters []scenarios.Filter, topics []string) bool {
	for _, t := range topics {
		if !slices.ContainsFunc(filters, func(f scenarios.Filter) bool {
			text := strings.NewReplacer("{user}", u.Name, "{client}", "client").Replace(string(f))
			return text == t || wire.Match(text, t)
		}) {
			return false
		}
	}
	return true
}
