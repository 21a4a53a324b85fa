package faults

import "math/rand/v2"

// Timeout lets nothing pass in either direction while it is set: what is written
// is taken and held, what arrives is not seen, and both go on when it is
// cleared, as TCP would send it again.
type Timeout struct{}

func (Timeout) pacer(*rand.Rand) pacer { return nil }
