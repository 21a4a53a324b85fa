//go:build linux

package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is a process in a role, seen from the driver.
type child struct {
	role    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies chan answer
	limit   *time.Timer
	before  figures
	up      figures
}

// patience is how long a child may take for one answer, and lifetime for all.
const (
	patience = 3 * time.Minute
	lifetime = 10 * time.Minute
)

// spawn starts a role and waits until it is up.
func spawn(role string, j job) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{role: role, cmd: exec.Command(self, "-role", role), replies: make(chan answer)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.limit = time.AfterFunc(lifetime, func() { _ = c.cmd.Process.Kill() })
	go func() {
		defer close(c.replies)
		d := json.NewDecoder(bufio.NewReader(out))
		for {
			var a answer
			if err := d.Decode(&a); err != nil {
				return
			}
			c.replies <- a
		}
	}()
	a, err := c.say(j)
	if err != nil {
		c.stop()
		return nil, err
	}
	c.before, c.up = a.Before, a.Figures
	return c, nil
}

// say sends one line and waits for the line that answers it.
func (c *child) say(what any) (answer, error) {
	line, err := json.Marshal(what)
	if err != nil {
		return answer{}, err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("%s: %w", c.role, err)
	}
	select {
	case a, ok := <-c.replies:
		switch {
		case !ok:
			return a, fmt.Errorf("%s ended; why, it has said above", c.role)
		case a.Error != "":
			return a, fmt.Errorf("%s: %s", c.role, a.Error)
		}
		return a, nil
	case <-time.After(patience):
		return answer{}, errors.New(c.role + " does not answer")
	}
}

// figures asks for the figures, after the order that is given.
func (c *child) figures(do string) (figures, error) {
	a, err := c.say(order{Do: do})
	return a.Figures, err
}

// stop ends the process. A fleet that is cut off says nothing to its broker,
// which is stopped as well.
func (c *child) stop() {
	c.limit.Stop()
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	for range c.replies { // let the reader end
	}
	_ = c.cmd.Wait() // it was killed
}
