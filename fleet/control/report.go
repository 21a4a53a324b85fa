package control

import (
	"encoding/json"
	"strings"

	"homefleet/fleet/control/api"
	"homefleet/scenarios"
)

// sendEnd sends what a stream ends with: how it stood last, the report, and the verdict.
func (c *call) sendEnd(out *stream) error {
	if _, err := c.sendTick(out); err != nil {
		return err
	}
	if err := c.sendReport(out); err != nil {
		return err
	}
	return out.send("", "end", c.end())
}

// sendReport sends the report of a run that is over, to who has asked for it: soon nobody
// is there any more who could be asked.
func (c *call) sendReport(out *stream) error {
	if !c.reports || c.Report == nil {
		return nil
	}
	res, _ := c.Fleet.Result() // a run that has failed has a report, too
	if res == nil {
		return nil
	}
	var html strings.Builder
	if err := c.Report(&html, res); err != nil {
		return nil // the stream still has its end
	}
	last := api.Report{Name: "homefleet-" + c.Run + ".html", HTML: html.String()}
	last.Result, _ = json.Marshal(res) // texts and numbers, which cannot fail
	last.History = c.history.latest(c.Server)
	if c.Fleet.Unaudited() == nil {
		last.Wills = c.willsOf(&scenarios.Selector{All: true}, "", "")
	}
	return out.send("", "report", last)
}
