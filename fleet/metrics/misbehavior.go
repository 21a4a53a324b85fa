package metrics

// Misbehavior is a sort of thing that a device does wrong because its scenario says so.
type Misbehavior int

// The sorts of misbehavior.
const (
	AnswerDropped Misbehavior = iota
	AnswerDuplicated
	AnswerWrongCorrelation
	AnswerNoCorrelation
	AnswerWrongTopic
	AnswerError
	AnswerReordered
	AnswerLate
	AckWithheld
	TelemetryFlood
	misbehaviorCount
)

// misbehavior reads the count of one.
func misbehavior(m Misbehavior) func(*Counts) int64 {
	return func(c *Counts) int64 { return c.Misbehavior[m].Load() }
}
