package metrics

import "encoding/json"

// Intervention is something that somebody did to a run while it ran. A run with any is
// attended, and not the same as one without.
type Intervention struct {
	N        int             `json:"n"` // from 1, in the order in which they were asked for
	At       Span            `json:"at"`
	By       string          `json:"by"`                // how it came: "control"
	Op       string          `json:"op"`                // what was asked for
	Request  json.RawMessage `json:"request,omitempty"` // how
	Selected int             `json:"selected"`          // devices that were meant
	Done     int             `json:"done"`              // of these, with which something was done
}
