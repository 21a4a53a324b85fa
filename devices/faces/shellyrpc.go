package faces

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// rpcError is what a request failed with. Its codes are Shelly's.
type rpcError struct {
	code    int
	message string
}

func (e *rpcError) Error() string { return e.message }

func missingArgument(name string) error {
	return &rpcError{-103, "Missing or bad argument '" + name + "'!"}
}

func notFound(name string, value []byte) error {
	return &rpcError{-105, "Argument '" + name + "', value " + string(value) + " not found!"}
}

// frame is a request as it came: its parts are JSON as it was written.
type frame struct{ id, src, method, params []byte }

// request carries out an RPC and answers it on the topic that its src names, and on the
// Response Topic. What is no request is ignored.
func (s *shelly) request(t *Talk, me *Member, payload []byte) {
	o, ok := parseObject(payload)
	if !ok {
		return
	}
	var f frame
	for key, value, more := o.next(); more; key, value, more = o.next() {
		switch string(key) {
		case "id":
			f.id = value
		case "src":
			f.src = value
		case "method":
			f.method = value
		case "params":
			f.params = value
		}
	}
	method, ok := jsonText(f.method)
	if !ok || len(f.id) > 64 || len(method) > 128 {
		return
	}
	room := writer{t.result[:0]}
	err := t.Refusal
	free := strings.ToLower(method) // of case, as names of methods are
	if err == nil {
		err = s.carryOut(t, me, &room, method, free, f.params)
	}
	t.result = room.b
	s.reply(t, me, &f, room.b, err)
	if err == nil && s.commands(free) {
		s.memory(me).source = "MQTT"
		s.tellChange(t, me)
	}
}

// jsonText reads a string.
func jsonText(value []byte) (string, bool) {
	inner, ok := jsonWord(value)
	if !ok {
		return "", false
	}
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// commands reports whether a method, in small letters, changes what is told of the component.
func (s *shelly) commands(method string) bool {
	class, verb, _ := strings.Cut(method, ".")
	if !strings.EqualFold(class, s.class) {
		return false
	}
	switch verb {
	case "set", "toggle", "resetcounters", "dimup", "dimdown":
		return true
	}
	return false
}

// reply sends the answer to a request.
func (s *shelly) reply(t *Talk, me *Member, f *frame, result []byte, err error) {
	src, named := jsonText(f.src)
	m := t.Message(Answer)
	m.JSON, m.QoS, m.Fault, m.Reply = true, 1, err, Only
	if named && validTopic(src+"/rpc") && !s.Owns(&me.Who, []byte(src+"/rpc")) {
		m.Topic, m.Reply = append(append(m.Topic, src...), "/rpc"...), Also
	}
	w := writer{m.Payload}
	w.open('{')
	if len(f.id) > 0 {
		w.key("id")
		w.b = append(w.b, bytes.ToValidUTF8(f.id, []byte("?"))...)
	}
	s.textID(&w, "src", &me.Who, "")
	if named {
		w.text("dst", src)
	}
	if err != nil {
		code := -108 // unavailable for now
		if e, ok := err.(*rpcError); ok {
			code = e.code
		}
		w.key("error")
		w.open('{')
		w.integer("code", code)
		w.text("message", err.Error())
		w.close('}')
	} else {
		w.key("result")
		w.b = append(w.b, result...)
	}
	w.close('}')
	m.Payload = w.b
	t.Say(m)
}

// validTopic reports whether a text is a topic name that is not the broker's own.
func validTopic(topic string) bool {
	return topic != "" && topic[0] != '$' && len(topic) < 1<<16 && !strings.ContainsAny(topic, "+#\x00")
}

// carryOut writes the result of a method, which stands there as it was asked for, and free of
// case.
func (s *shelly) carryOut(t *Talk, me *Member, w *writer, method, free string, params []byte) error {
	class, verb, _ := strings.Cut(free, ".")
	switch free {
	case "shelly.getdeviceinfo":
		s.deviceInfo(w, me)
	case "shelly.getstatus":
		w.open('{')
		s.fullStatus(w, t, me)
		w.close('}')
	case "shelly.getconfig":
		s.config(w, me)
	case "shelly.listmethods":
		w.open('{')
		w.texts("methods", s.methods...)
		w.close('}')
	case "shelly.getcomponents":
		s.components(w, t, me)
	case "shelly.reboot", "sys.setconfig", "wifi.setconfig", "mqtt.setconfig", "cloud.setconfig":
		w.b = append(w.b, `{"restart_required":false}`...)
		if verb == "reboot" {
			w.b = append(w.b[:0], "null"...)
		}
	case "shelly.checkforupdate":
		w.b = append(w.b, "{}"...)
	case "sys.getstatus":
		s.sysStatus(w, t, me)
	case "sys.getconfig":
		s.sysConfig(w, me)
	case "wifi.getstatus":
		s.wifiStatus(w, t, me)
	case "mqtt.getstatus":
		s.mqttStatus(w, t, me)
	case "mqtt.getconfig":
		s.mqttConfig(w, me)
	case "cloud.getstatus":
		s.cloudStatus(w, t, me)
	default:
		if strings.EqualFold(class, s.class) {
			return s.callComponent(t, me, w, method, verb, params)
		}
		return &rpcError{404, "No handler for " + method}
	}
	return nil
}

// callComponent carries out a method of the one component.
func (s *shelly) callComponent(t *Talk, me *Member, w *writer, method, verb string, params []byte) error {
	if !slices.ContainsFunc(s.methods, func(m string) bool { return strings.EqualFold(m, method) }) {
		return &rpcError{404, "No handler for " + method}
	}
	a := arguments{}
	if err := a.parse(params); err != nil {
		return err
	}
	if f, ok := jsonNumber(a.id); !ok {
		return missingArgument("id")
	} else if f != 0 {
		return notFound("id", a.id)
	}
	switch verb {
	case "set":
		if s.class == "Switch" {
			return s.setSwitch(t, me, w, &a)
		}
		w.b = append(w.b, "null"...)
		return s.setLight(t, me, &a)
	case "toggle":
		was := s.isOn(me)
		if err := s.toggle(t, me); err != nil {
			return err
		}
		s.setTimer(t, s.memory(me), 0)
		if s.class == "Switch" {
			w.open('{')
			w.flag("was_on", was)
			w.close('}')
		} else {
			w.b = append(w.b, "null"...)
		}
	case "dimup", "dimdown":
		w.b = append(w.b, "null"...)
		return s.set(t, me, "brightness", map[string]string{"dimup": "+10", "dimdown": "-10"}[verb])
	case "dimstop":
		w.b = append(w.b, "null"...)
	case "getstatus":
		s.componentStatus(w, t, me)
	case "getconfig":
		s.componentConfig(w)
	case "setconfig":
		w.b = append(w.b, `{"restart_required":false}`...)
	case "resetcounters":
		w.b = append(w.b, "{}"...)
		if s.class == "Switch" {
			return s.set(t, me, "energy", "reset")
		}
	}
	return nil
}
