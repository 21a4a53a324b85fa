package metrics

// Misdeed is something that a device does wrong because its scenario says so.
type Misdeed int

// The misdeeds.
const (
	AnswerDropped Misdeed = iota
	AnswerDuplicated
	AnswerWrongCorrelation
	AnswerNoCorrelation
	AnswerWrongTopic
	AnswerError
	AnswerReordered
	AnswerLate
	AckWithheld
	TelemetryFlood
	misdeedCount
)

// misdeed reads one of them from the counts.
func misdeed(m Misdeed) func(*Counts) int64 {
	return func(c *Counts) int64 { return c.Misdeeds[m].Load() }
}
