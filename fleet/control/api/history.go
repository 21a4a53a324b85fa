package api

import "encoding/json"

// History is how the run went, a point a second.
type History struct {
	Interval string         `json:"interval" doc:"from one point to the next; the last of a run may be shorter"`
	Points   []HistoryPoint `json:"points" doc:"oldest first, 3,600 at most"`
	LeftOut  int            `json:"left_out,omitempty" doc:"so many earlier ones are kept no more"`
}

// HistoryPoint is what happened in one second, and how things stood at its end.
type HistoryPoint struct {
	N     int    `json:"n" doc:"from 1; with after= a reply has later ones alone"`
	At    string `json:"at" doc:"its end, from the start of measuring or, where nothing is measured, of the run"`
	Phase string `json:"phase"`

	Devices int `json:"devices" doc:"how many there are"`
	Online  int `json:"online" doc:"connected and subscribed, at its end"`

	Commands int64 `json:"commands" doc:"that devices received, whoever sent them"`
	Messages int64 `json:"messages" doc:"that devices published: answers, states and telemetry"`
	Connects int64 `json:"connects,omitempty" doc:"of devices and all others of the fleet"`
	Lost     int64 `json:"lost,omitempty" doc:"connections that ended without the fleet's will"`

	Requests *Requests `json:"requests,omitempty" doc:"of the measuring, what became of them in this second: a request is planned in one, and may be answered in another; absent: there is no load"`
	Response *Response `json:"response,omitempty" doc:"of the requests that were decided in this second; absent: none was"`
}

// Response is how long requests took from their planned moment to the answer.
type Response struct {
	Count      int64  `json:"count" doc:"requests, those without an answer included"`
	Unanswered int64  `json:"unanswered,omitempty" doc:"of these; they are slower than every answer"`
	P50        string `json:"p50,omitempty" doc:"absent: it falls among those without an answer; likewise the others"`
	P99        string `json:"p99,omitempty"`
	Max        string `json:"max,omitempty"`
}

// Tick is the latest point of the history, and what became of all requests so far.
type Tick struct {
	HistoryPoint
	Time        string    `json:"time" doc:"its end by the wall clock, in UTC"`
	SoFar       *Requests `json:"so_far,omitempty" doc:"of the whole measuring; absent: there is no load"`
	Outstanding int64     `json:"outstanding,omitempty" doc:"requests of the measuring that were sent and not decided at its end; with answered, late, lost, refused and interrupted they are those sent"`
}

// Result is the document that a run ends with, or what is known of it so far.
type Result struct {
	Over   bool            `json:"over" doc:"the run is over: the verdict is there, and nothing changes any more"`
	Result json.RawMessage `json:"result" doc:"as homefleet run --json prints it; fleet/metrics/README.md describes it. Before the end it has no verdict, and its expectations stand as they would if it ended now"`
}
