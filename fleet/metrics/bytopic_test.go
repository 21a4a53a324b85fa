package metrics

import (
	"testing"
	"time"
)

// The ledger counts what a requester took for its answers beside what became of the
// requests, and the two do not touch each other.
func TestTookDecidesNothing(t *testing.T) {
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Late: time.Second, Capacity: 64})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.Send(Request{})
	}
	l.Took(1, 0, Others)
	l.Took(1, 1, Nobodys)
	l.Took(1, 2, Own)
	if got := l.Outstanding(); got != 3 {
		t.Errorf("%d outstanding; want 3", got)
	}
	if got := l.AnswerTo(2, 1, Answer{}); got != Answered {
		t.Errorf("AnswerTo(1) = %v; want answered", got)
	}
	if got := l.AnswerTo(3, 1, Answer{}); got != Duplicate {
		t.Errorf("AnswerTo(1) again = %v; want duplicate", got)
	}
	if got := l.AnswerTo(3, 7, Answer{}); got != UnknownAnswer {
		t.Errorf("AnswerTo(7), which was never sent = %v; want unknown", got)
	}
	got := l.Totals()
	if want := (ByTopic{Own: 1, Others: 1, Nobodys: 1}); got.ByTopic != want || got.ByTopic.Mistaken() != 2 || got.Answered != 1 {
		t.Errorf("by topic %+v, %d mistaken, %d answered; want %+v, 2, 1", got.ByTopic, got.ByTopic.Mistaken(), got.Answered, want)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

// Whose an answer was that was matched by its topic alone nobody can tell, which is no
// data, and no pass. Where some are known those are judged; an answer with Correlation
// Data cannot be mistaken.
func TestEvidenceOfByTopic(t *testing.T) {
	for _, tt := range []struct {
		name   string
		totals Totals
		want   map[string]Status // of an expectation of none
	}{
		{"by topic alone", Totals{Planned: 9, Sent: 9, Answers: 9, Answered: 9, ByTopic: ByTopic{Unknown: 9}},
			map[string]Status{"answers.of_others": NoData, "answers.mistaken": NoData, "answers.misrouted": NoData, "answers.duplicate": NoData, "answers.errors": NoData}},
		{"marked, all its own", Totals{Planned: 9, Sent: 9, Answers: 9, Answered: 9, ByTopic: ByTopic{Own: 9}},
			map[string]Status{"answers.of_others": Pass, "answers.mistaken": Pass, "answers.misrouted": Pass, "answers.errors": NoData}},
		{"marked, some another's", Totals{Planned: 9, Sent: 9, Answers: 9, Answered: 9, ByTopic: ByTopic{Own: 7, Others: 1, Earlier: 1}},
			map[string]Status{"answers.of_others": Fail, "answers.mistaken": Fail}},
		{"Correlation Data", Totals{Planned: 9, Sent: 9, Answers: 9, Answered: 9},
			map[string]Status{"answers.of_others": Pass, "answers.mistaken": Pass, "answers.misrouted": Pass, "answers.errors": Pass}},
		{"no answer", Totals{Planned: 9, Sent: 9, Lost: 9, MissingAnswers: 9},
			map[string]Status{"answers.of_others": NoData, "answers.misrouted": NoData}},
	} {
		for metric, want := range tt.want {
			for _, op := range []string{"== 0", "<= 0%"} {
				e, faults := ParseExpectation(metric, op, nil)
				if faults != nil {
					t.Fatal(faults[0])
				}
				if got := e.Evaluate(&Snapshot{Measured: Span(time.Second), Totals: tt.totals}); got.Status != want {
					t.Errorf("%s: %s %s = %v (%s); want %v", tt.name, metric, op, got.Status, got.Sentence, want)
				}
			}
		}
	}
}
