package client

import "sync"

// OpenGroup is goroutines that somebody waits for, of which more may come meanwhile. The zero
// value has none.
type OpenGroup struct {
	mu      sync.Mutex
	running int
	open    bool          // for those who join
	gone    chan struct{} // closed when the last has ended
}

// Open has the group take goroutines: those of Run until Wait is called, and those of Join
// until Close is. What first does is done before anybody joins. It is called once.
func (g *OpenGroup) Open(first func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.running, g.gone = true, 1, make(chan struct{}) // Wait counts as one
	first()
}

// Run has something done beside the others. It is called between Open and Wait.
func (g *OpenGroup) Run(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.start(do)
}

// Join is Run at any time, for what it is given returns, with which nobody comes or closes
// meanwhile. It is false, and nothing is called, before Open, after Close and once the last
// has ended.
func (g *OpenGroup) Join(prepare func() []func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		return false
	}
	for _, do := range prepare() {
		g.start(do)
	}
	return true
}

func (g *OpenGroup) start(do func()) {
	g.running++
	go func() {
		do() // nothing is deferred here: that would take stack of each for as long as it runs
		g.left()
	}()
}

func (g *OpenGroup) left() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.running == 0 {
		g.open = false
		close(g.gone)
	}
}

// Close has nobody join any more.
func (g *OpenGroup) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = false
}

// Wait returns when the last has ended.
func (g *OpenGroup) Wait() {
	g.left()
	<-g.gone
}
