package incident

import (
	"time"

	"homefleet/scenarios"
)

// idFight has each device meet another client with its client id: a device that was
// cloned, or replaced and never switched off. Each of the two throws the other off
// (3.1.4-3), and connects again.
var idFight = kind{
	name:       scenarios.IDFight,
	what:       always("against another client with the same client id"),
	begin:      fight,
	staysOn:    true,
	duplicates: true,
}

func fight(o *occurrence) {
	clean := o.incident.Session == scenarios.Clean
	for _, t := range o.targets {
		duplicates := make(chan Duplicate, 1)
		late := o.late(t)
		o.strike(o.from.Add(late), func() {
			told := t.Tell(func(d Device) {
				d.DuplicateCame()
				duplicates <- d.Duplicate(clean)
			})
			if told {
				o.s.duplicates.Go(func() { o.runDuplicate(duplicates, t, o.to.Add(late)) })
			}
		})
	}
}

// runDuplicate waits for a duplicate of a device and runs it until a time.
func (o *occurrence) runDuplicate(duplicates <-chan Duplicate, t Target, until time.Time) {
	s := o.s
	var duplicate Duplicate
	select {
	case duplicate = <-duplicates:
	case <-t.Gone():
		return
	}
	timer := time.AfterFunc(time.Until(until), duplicate.EndSoon)
	defer timer.Stop()
	left := make(chan struct{})
	s.duplicates.Go(func() { // the run does not wait for the incident to be over
		select {
		case <-s.ending.Done():
			duplicate.EndSoon()
		case <-o.ended:
			duplicate.EndSoon()
		case <-left:
		}
	})
	_ = duplicate.Run(s.ending) // it is refused like anybody else, and that is counted
	close(left)
	t.Tell(func(d Device) { d.DuplicateGone() })
}
