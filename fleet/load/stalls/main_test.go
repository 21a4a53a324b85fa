//go:build linux

package stalls

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

var (
	program = flag.String("program", "", "the built homefleet `FILE`; a table is made of it, which takes minutes")
	only    = flag.String("only", "", "of the cells, those whose names contain this `TEXT`")
	lasts   = flag.Duration("for", 10*time.Second, "how `LONG` each cell is measured")
	lag     = flag.Duration("lag", 10*time.Millisecond, "how `LONG` the proxy takes in each direction; the last hop is allowed for where it is 0")
	reader  = flag.String("reader", "", "what this process is to read from, for another one")
)

// TestMain makes this binary print the table, be the reader, or test what makes the table.
func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	switch {
	case *reader != "":
		err = beReader(*reader, os.Stdout)
	case *program != "":
		err = table(os.Stdout)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stalls: error:", err)
		os.Exit(1)
	}
}

// table measures all cells, one after the other. The error has what does not hold in any
// of them.
func table(out io.Writer) (bad error) {
	dir, err := os.MkdirTemp("", "stalls")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(out, "stalls of 1 s every 5 s, a proxy that takes %v in each direction, Mosquitto, %v each\n\n%s", *lag, *lasts, head)
	rows := 0
	for _, c := range cells() {
		if !strings.Contains(c.String(), *only) {
			continue
		}
		rows++
		o, err := c.measure(dir, *program, *lag, *lasts)
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("%v: %w", c, err))
			continue
		}
		fmt.Fprint(out, c.row(o))
		allowed := time.Duration(0)
		if *lag == 0 {
			allowed = rank(o.hops, "p99")
		}
		for _, fault := range o.judge(allowed) {
			bad = errors.Join(bad, fmt.Errorf("%v: %s", c, fault))
		}
	}
	if rows == 0 {
		bad = fmt.Errorf("no cell contains %q", *only)
	}
	return bad
}
