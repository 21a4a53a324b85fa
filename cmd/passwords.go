package cmd

import (
	"sync"

	"homefleet/scenarios"
)

// passwords reads each password of a run once, however many connections are made
// with it: a file that is gone by then keeps nobody from coming back.
type passwords struct {
	read func(scenarios.Secret, scenarios.Vars) ([]byte, error)

	mu    sync.Mutex
	known map[scenarios.Secret][]byte // by where it is
}

// mostPasswords bounds how many are remembered. Where each device has its own, there
// are more, and most are read anew.
const mostPasswords = 64

// secret is [fleet.Options.Secret].
func (p *passwords) secret(s scenarios.Secret, v scenarios.Vars) ([]byte, error) {
	place := scenarios.Secret{File: scenarios.Template(s.File.Expand(v)), Env: scenarios.Template(s.Env.Expand(v))}
	p.mu.Lock()
	text, ok := p.known[place]
	p.mu.Unlock()
	if ok {
		return text, nil
	}
	text, err := p.read(s, v)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = make(map[scenarios.Secret][]byte)
	}
	if len(p.known) < mostPasswords {
		p.known[place] = text
	}
	return text, nil
}
