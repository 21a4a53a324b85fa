package client

import "sync"

// Crew is goroutines that somebody waits for, of which more may come meanwhile. The zero
// value has none.
type Crew struct {
	mu      sync.Mutex
	running int
	open    bool          // for those who join
	gone    chan struct{} // closed when the last has ended
}

// Open has the crew take goroutines: those of Run until Wait is called, and those of Join
// until Close is. What first does is done before anybody joins. It is called once.
func (c *Crew) Open(first func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open, c.running, c.gone = true, 1, make(chan struct{}) // Wait counts as one
	first()
}

// Run has something done beside the others. It is called between Open and Wait.
func (c *Crew) Run(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start(do)
}

// Join is Run at any time, for what it is given returns, with which nobody comes or closes
// meanwhile. It is false, and nothing is called, before Open, after Close and once the last
// has ended.
func (c *Crew) Join(prepare func() []func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return false
	}
	for _, do := range prepare() {
		c.start(do)
	}
	return true
}

func (c *Crew) start(do func()) {
	c.running++
	go func() {
		do() // nothing is deferred here: that would take stack of each for as long as it runs
		c.left()
	}()
}

func (c *Crew) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running--; c.running == 0 {
		c.open = false
		close(c.gone)
	}
}

// Close has nobody join any more.
func (c *Crew) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = false
}

// Wait returns when the last has ended.
func (c *Crew) Wait() {
	c.left()
	<-c.gone
}
