package control

import (
	"strings"

	"homefleet/fleet/control/api"
)

// sendEnd sends what a stream ends with.
func (c *call) sendEnd(out *stream) error {
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
	return out.send("", "report", api.Report{Name: "homefleet-" + c.Run + ".html", HTML: html.String()})
}
