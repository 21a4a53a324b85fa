//go:build !unix

package fleet

// canTryRead says that connections are read through a buffer of their own here.
const canTryRead = false

func (r *reader) tryWrite(uintptr) bool { return true }

func (r *reader) tryRead(uintptr) bool { return true }
