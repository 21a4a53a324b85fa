package fleet

import (
	"errors"
	"fmt"
	"iter"

	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Logins returns what the templates of a scenario's User Name and password are
// filled with, for everybody who may connect in a run of it: devices, controllers,
// watchers, those who audit, and who clears up. run is [Options].Run.
func Logins(sc *scenarios.Scenario, run string) iter.Seq[scenarios.Vars] {
	run = runOf(sc, run)
	return func(yield func(scenarios.Vars) bool) {
		for d := range sc.Devices() {
			if !yield(d.Vars(run)) {
				return
			}
		}
		for i := range sc.Controllers {
			for n := range sc.Controllers[i].Count {
				if !yield(sc.Controllers[i].Vars(n+1, sc.Seed, run)) {
					return
				}
			}
		}
		for i := range sc.Watchers {
			for n := range sc.Watchers[i].Count {
				if !yield(sc.Watchers[i].Vars(n+1, sc.Seed, run)) {
					return
				}
			}
		}
		for _, id := range []string{retainedProbeID(run), auditorID(run), clearerID(run), surveyID(run)} {
			if !yield(auditorVars(id, sc.Seed, run)) {
				return
			}
		}
	}
}

// The client identifiers of those who audit, and of who clears up.
func retainedProbeID(run string) string { return "homefleet-retained-probe-" + run }
func auditorID(run string) string       { return "homefleet-auditor-" + run }
func clearerID(run string) string       { return "homefleet-clear-" + run }
func surveyID(run string) string        { return "homefleet-survey-" + run }

// auditorVars is what the templates of somebody who audits are filled with.
func auditorVars(id string, seed uint64, run string) scenarios.Vars {
	return scenarios.Vars{ID: id, Seed: seed, Run: run}
}

// runOf tells a fleet from all others on its broker, and so from the other shards of
// its run as well. What {run} stands for has been filled in already where there are
// any.
func runOf(sc *scenarios.Scenario, run string) string {
	if sc.Part.N == 0 {
		return run
	}
	return fmt.Sprintf("%s-%dof%d", run, sc.Part.K, sc.Part.N)
}

// credentials fills in the user name and password of the scenario.
func (f *Fleet) credentials(p *wire.Connect, vars scenarios.Vars) error {
	b := &f.scenario.Broker
	user, password, _ := vars.Login()
	if user != "" {
		p.HasUser, p.Username = true, user
	} else if b.Username != "" {
		p.HasUser, p.Username = true, b.Username.Expand(vars)
	}
	if password != "" {
		p.HasPass, p.Password = true, []byte(password)
		return nil
	}
	if b.Password == (scenarios.Secret{}) {
		return nil
	}
	if f.secret == nil {
		return errors.New("the scenario names a password, but nothing here can read it")
	}
	secret, err := f.secret(b.Password, vars)
	if err != nil {
		return err
	}
	p.HasPass, p.Password = true, secret
	return nil
}
