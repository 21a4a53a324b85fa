package scenarios

import "strings"

// distinctAtAGlance reports whether no two devices of the groups can have one id, as far as
// their templates tell: to compare the ids of a million takes a while. False is no more than
// that it does not show.
//
// Within a group it shows where the numbers that differ from device to device stand in the id,
// each with something between it and the next that is no digit, so that they can be read in it.
// Of two groups it shows in what is left of their ids without the digits: that is the same for
// all devices of a group.
func distinctAtAGlance(groups []describedGroup) bool {
	rests := make(map[string]bool)
	for _, g := range groups {
		rest, ok := g.numbersApart()
		if !ok || rests[rest] {
			return false
		}
		rests[rest] = true
	}
	return true
}

// numbersApart reports whether the ids of the group are distinct at a glance, and what is left
// of each without its digits.
func (g *Group) numbersApart() (rest string, ok bool) {
	if g.Rows != nil || g.First < 0 || g.FirstHome < 0 {
		return "", false
	}
	left := new(strings.Builder)
	apart, inHome, tells := true, false, make(map[string]bool)
	var look func(t Template) bool
	look = func(t Template) bool {
		for s := string(t); s != ""; {
			tok := nextToken(s)
			s = s[tok.size:]
			text := ""
			switch {
			case tok.fault != nil:
				return false
			case tok.name == "":
				text = tok.text
			case tok.name == "n", tok.name == "h" && g.Homes > 0:
				if !apart {
					return false
				}
				apart, tells[tok.name] = false, true
			case tok.name == "h", tok.name == "seed":
				text = "1" // a number that is the same for all of them
			case tok.name == "kind" && g.Kind != nil:
				text = g.Kind.Name
			case tok.name == "home" && !inHome:
				inHome = true
				ok := look(g.Home)
				if inHome = false; !ok {
					return false
				}
			default:
				return false
			}
			for _, r := range text {
				if r < '0' || r > '9' {
					apart = true
					left.WriteRune(r)
				}
			}
		}
		return true
	}
	ok = look(g.ID) && (tells["n"] || g.Count == 1) && (tells["h"] || g.Homes <= 1)
	return left.String(), ok
}
