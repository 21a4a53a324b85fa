package fleet

// LogSilenced logs what was left out of the log, since it was the same as what
// had just been told. It is for the end of a run, after [Fleet.Run].
func (f *Fleet) LogSilenced() { f.env.Faults.LogSilenced() }

// Refusal returns the error for which a device gave up first; nil if none did.
func (f *Fleet) Refusal() error {
	_, final, _ := f.env.Faults.Firsts()
	return final
}

// OtherRefusal returns the error for which a controller or watcher gave up
// first; nil if none did.
func (f *Fleet) OtherRefusal() error {
	_, _, other := f.env.Faults.Firsts()
	return other
}

// FirstFault returns the first fault of a connection of whoever it was, of those
// too that another try has mended since; nil if there was none.
func (f *Fleet) FirstFault() error {
	first, _, _ := f.env.Faults.Firsts()
	return first
}
