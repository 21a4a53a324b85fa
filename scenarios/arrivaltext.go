package scenarios

import (
	"cmp"
	"fmt"
	"strings"

	"homefleet/devices/words"
)

// ArrivalText says how the requests of the group arrive: "open, constant 500/s".
func (c *Controllers) ArrivalText() string {
	switch c.Arrival {
	case Closed:
		text := fmt.Sprintf("closed, %d in flight each", max(c.InFlight, 1))
		if c.Think > 0 {
			text += ", " + words.Duration(c.Think) + " to think"
		}
		return text
	case Bursts:
		return fmt.Sprintf("open, bursts of %s every %s", words.Grouped(int64(c.Burst)), words.Duration(c.Every))
	}
	text := "open, " + string(cmp.Or(c.Arrival, Constant)) + " "
	if len(c.Stages) == 0 {
		if c.RatePerController > 0 && c.Count > 1 {
			return text + fmt.Sprintf("%s for each of %d", words.Rate(c.RatePerController), c.Count)
		}
		return text + words.Rate(c.Rate+c.RatePerController)
	}
	var stages []string
	for _, s := range c.Stages {
		stages = append(stages, s.RateText()+" for "+words.Duration(s.For))
	}
	return text + strings.Join(stages, ", ")
}

// RateText is "500/s", or "0/s to 500/s".
func (s *Stage) RateText() string {
	if s.From == s.To {
		return words.Rate(s.To)
	}
	return words.Rate(s.From) + " to " + words.Rate(s.To)
}

// PartText is how many of the group's controllers a shard has: ", 2 of 7
// controllers", or "" if it has them all.
func (c *Controllers) PartText() string {
	_, of := c.Place(0)
	if of == c.Count {
		return ""
	}
	return fmt.Sprintf(", %d of %s", c.Count, words.Plural(int64(of), "controller", "controllers"))
}
