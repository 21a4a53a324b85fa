package incident

import "homefleet/scenarios"

// powerCut takes the devices off without a word: a way that leaves their connections half
// open.
var powerCut = kind{
	name:   scenarios.PowerCut,
	what:   always("without power"),
	begin:  (*occurrence).takeOff,
	breaks: breaksOnce,
}
