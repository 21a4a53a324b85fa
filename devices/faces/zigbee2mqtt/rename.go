package zigbee2mqtt

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// free reports what is wrong with a new friendly name; it is distinct, and a topic.
func (b *Bridge) free(name string) error {
	switch {
	case b.memberOf(name) != nil || b.groupOf(name) != nil:
		return faultf("friendly_name '%s' is already in use", name)
	case name == "":
		return fault("friendly_name must be at least 1 char long")
	case strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/"):
		return fault("friendly_name is not allowed to end or start with /")
	case strings.ContainsAny(name, "#+"):
		return faultf("MQTT wildcard (+ and #) not allowed in friendly_name ('%s')", name)
	case strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0:
		return fault("friendly_name is not allowed to contain control char")
	case strings.EqualFold(name, "coordinator") || name == "bridge" || strings.HasPrefix(name, "bridge/"):
		return faultf("Following friendly_name are not allowed: '%s'", name)
	case !utf8.ValidString(name):
		return fault("friendly_name is not UTF-8")
	case slices.ContainsFunc(strings.Split(name, "/"), func(level string) bool { return isVerb([]byte(level)) }):
		return faultf("friendly_name is not allowed to have a level set or get ('%s')", name)
	case len(name) > 256:
		return fault("friendly_name is too long")
	}
	return nil
}

// fromTo reads what a request to rename is about.
func fromTo(v any) (from, to string, err error) {
	o, _ := v.(*object)
	from, ok1 := text(have(o, "from"))
	to, ok2 := text(have(o, "to"))
	if !ok1 || !ok2 {
		return "", "", errPayload
	}
	return from, to, nil
}

// forget clears what was retained of a name.
func (b *Bridge) forget(name string, availability bool) {
	b.keep(name, 0, nil)
	if availability {
		b.keep(name+"/availability", 1, nil)
	}
}

func (b *Bridge) renameDevice(v any) (*object, error) {
	o, _ := v.(*object)
	if last, _ := have(o, "last").(bool); last {
		return nil, fault("No device has joined since start")
	}
	from, to, err := fromTo(v)
	if err != nil {
		return nil, err
	}
	m, err := b.device(from)
	if err != nil {
		return nil, err
	}
	if err := b.free(to); err != nil {
		return nil, err
	}
	renames, _ := have(o, "homeassistant_rename").(bool)
	b.forget(m.name, true)
	m.name = to
	b.tellDevices()
	b.tellInfo()
	b.tell(m, nil)
	b.after = append(b.after, func() {
		b.keep(m.name+"/availability", 1, []byte(`{"state":"online"}`))
		for _, g := range b.groups {
			if slices.Contains(g.members, m) {
				b.tellAvailability(g)
			}
		}
		b.discover(m)
	})
	return members("from", from, "homeassistant_rename", renames, "to", to), nil
}

func (b *Bridge) renameGroup(v any) (*object, error) {
	from, to, err := fromTo(v)
	if err != nil {
		return nil, err
	}
	g, err := b.group(from)
	if err != nil {
		return nil, err
	}
	if err := b.free(to); err != nil {
		return nil, err
	}
	o, _ := v.(*object)
	renames, _ := have(o, "homeassistant_rename").(bool)
	b.forget(g.name, true)
	g.name = to
	b.tellGroups()
	b.tellInfo()
	b.tellGroup(g, nil)
	b.after = append(b.after, func() {
		b.tellAvailability(g)
		b.discoverGroup(g)
	})
	return members("from", from, "homeassistant_rename", renames, "to", to), nil
}

// removeDevice takes a device out of the network. It is gone until the bridge's owner
// makes a new one: nobody joins here.
func (b *Bridge) removeDevice(v any) (*object, error) {
	name, m, err := b.deviceIn(v)
	if err != nil {
		return nil, err
	}
	o, _ := v.(*object)
	flag := func(key string) bool { set, _ := have(o, key).(bool); return set }
	b.undiscover(m)
	b.forget(m.name, false)
	b.members = slices.DeleteFunc(b.members, func(other *member) bool { return other == m })
	for _, g := range b.groups {
		g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	}
	b.tellGroups()
	b.tellDevices()
	b.tellDefinitions()
	return members("block", flag("block"), "clear_cache", flag("clear_cache"), "force", flag("force"), "id", name,
		"keep_config", flag("keep_config")), nil
}

// mostGroups is how many groups a bridge has at most, so that requests cannot fill the
// memory. A real network has at most 65,527.
const mostGroups = 256

func (b *Bridge) addGroup(v any) (*object, error) {
	name, err := nameIn(v, "friendly_name")
	if err != nil {
		return nil, err
	}
	if err := b.free(name); err != nil {
		return nil, err
	}
	if len(b.groups) >= mostGroups {
		return nil, faultf("there are %d groups already", mostGroups)
	}
	taken := func(id int) bool {
		return slices.ContainsFunc(b.groups, func(g *group) bool { return g.id == id })
	}
	id := 1
	for taken(id) {
		id++
	}
	o, _ := v.(*object)
	if want, given := o.get("id"); given && want != nil {
		n, ok := whole(want)
		if !ok || n < 1 || n > 65527 {
			return nil, errPayload
		}
		if taken(n) {
			return nil, faultf("Group ID '%d' is already in use", n)
		}
		id = n
	}
	b.groups = append(b.groups, &group{id: id, name: name, options: &object{}, state: &object{}})
	b.tellGroups()
	return members("friendly_name", name, "id", id), nil
}

func (b *Bridge) removeGroup(v any) (*object, error) {
	name, err := nameIn(v, "id")
	if err != nil {
		return nil, err
	}
	g, err := b.group(name)
	if err != nil {
		return nil, err
	}
	o, _ := v.(*object)
	force, _ := have(o, "force").(bool)
	b.undiscoverGroup(g)
	b.forget(g.name, false)
	b.groups = slices.DeleteFunc(b.groups, func(other *group) bool { return other == g })
	b.tellGroups()
	return members("force", force, "id", name), nil
}

// membership reads a request that adds a device to a group or takes it out.
func (b *Bridge) membership(v any) (g *group, m *member, data *object, err error) {
	o, _ := v.(*object)
	groupName, ok := text(have(o, "group"))
	deviceName, ok2 := text(have(o, "device"))
	if !ok || !ok2 {
		return nil, nil, nil, errPayload
	}
	if g, err = b.group(groupName); err != nil {
		return nil, nil, nil, err
	}
	if m, err = b.device(deviceName); err != nil {
		return nil, nil, nil, err
	}
	return g, m, members("device", deviceName, "endpoint", "default", "group", groupName), nil
}

func (b *Bridge) join(v any) (*object, error) {
	g, m, data, err := b.membership(v)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(g.members, m) {
		g.members = append(g.members, m)
	}
	b.after = append(b.after, func() {
		b.tellGroups()
		b.tellAvailability(g)
		b.discoverGroup(g)
		b.tellNetwork()
	})
	return data, nil
}

func (b *Bridge) leave(v any) (*object, error) {
	g, m, data, err := b.membership(v)
	if err != nil {
		return nil, err
	}
	g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	b.after = append(b.after, func() {
		b.tellGroups()
		b.tellAvailability(g)
		b.tellNetwork()
	})
	return data, nil
}
