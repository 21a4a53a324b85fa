//go:build linux

package attack

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

var (
	full     = flag.Bool("attack", false, "attack at full size, which takes two minutes, and print a table")
	only     = flag.String("only", "", "of the attacks, those whose names contain this `TEXT`")
	program  = flag.String("program", "", "the built homefleet `FILE`, whose HTTP listeners are attacked, too")
	role     = flag.String("role", "", "what this process is to be for another one")
	roleData = flag.String("role-data", "", "what the role is to know")
)

// TestMain makes this binary the attacker or, in a role, the broker or a bystander.
func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	switch *role {
	case "":
		os.Exit(m.Run())
	case "broker":
		err = beBroker(os.Stdin, os.Stdout)
	case "http":
		err = beHTTP(os.Stdin, os.Stdout)
	case "floor":
		err = beFloor(*roleData, os.Stdin, os.Stdout)
	case "bystander":
		err = beBystander(*roleData, os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("-role is %q", *role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack: error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
