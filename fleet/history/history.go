// Package history keeps what the devices, controllers and watchers of a run did and saw,
// and judges it again, without a broker. It measures nothing, and it knows no network and
// no scenario.
//
// A history is a gzip file of JSON lines. Each has the moment at which it was written,
// in nanoseconds since the history began, and one part:
//
//	begin     the run: what it was of, and the names of its labels
//	wills     what the audit of Will Messages was told: connections and their ends, and the
//	          Wills that the auditor saw
//	requests  what the ledger of a controller was told: requests, acknowledgements, answers
//	messages  what the ledger of one-way messages was told: what devices sent, and what
//	          came to watchers
//	cut       from here on nothing was kept, and why
//	end       the result, as the run gave it, and a checksum of all lines before
//
// The ledgers and the audit are bookkeeping without a clock: told the same, they come to
// the same figures. So whoever has the file comes to the verdict of the run by the rules
// of the standard, or sees where it does not follow. What else stands in a result,
// such as counts of packets and what the broker has retained, is taken from the run's word,
// and is judged by the same expectations.
package history

import (
	"encoding/json"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
)

// Version is that of the form of a history.
const Version = 1

// Most is how many bytes of lines a history has at most, before they are compressed to
// some tenth: what comes later is not kept, which the history says.
const Most = 1 << 30

// line is one line; one of its parts is there.
type line struct {
	At       time.Duration    `json:"at"`
	Begin    *Begin           `json:"begin,omitempty"`
	Wills    *audit.Fact      `json:"wills,omitempty"`
	Requests *requestFact     `json:"requests,omitempty"`
	Messages *deliveries.Fact `json:"messages,omitempty"`
	Cut      *cut             `json:"cut,omitempty"`
	End      *end             `json:"end,omitempty"`
}

// Begin is the run that a history is of.
type Begin struct {
	Version  int                   `json:"homefleet_history"` // [Version]
	Tool     string                `json:"tool"`
	Run      string                `json:"run"`
	Scenario metrics.ScenarioFacts `json:"scenario"`
	Broker   string                `json:"broker"`
	Began    time.Time             `json:"began"`
	Names    metrics.LabelNames    `json:"names"`
}

// requestFact is one of a controller's.
type requestFact struct {
	Controller uint32 `json:"controller"`
	metrics.LedgerFact
}

type cut struct {
	Why string `json:"why"`
}

type end struct {
	Lines  int64           `json:"lines"`  // before this one
	SHA256 string          `json:"sha256"` // of these
	Result json.RawMessage `json:"result"`
}
