package faults

import "time"

// Timeout lets nothing pass in either direction while it is set: what is written
// is taken and held, what arrives is not seen, and both go on when it is
// cleared, as TCP would send it again. With After above 0 the connection is
// closed after that time, and what was held is lost.
type Timeout struct {
	After    time.Duration
	Toxicity float64
}

func (f Timeout) chance() float64 { return f.Toxicity }

func (f Timeout) end() (time.Duration, bool, bool) { return f.After, false, f.After > 0 }
