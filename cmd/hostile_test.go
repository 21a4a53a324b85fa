package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
)

// hostileText is what somebody writes who wants to command a terminal, reorder a
// line, or begin one of their own.
const hostileText = "a\x1b[2J\x1b]0;t\x07\u009b31m\u202eb\u2066c\r\nINJECTED\x7f\u2028\u200bd"

// tamed says what of a text that is shown is not harmless; colours lets the
// sequences of our own colours pass.
func tamed(text []byte, colours bool) string {
	if colours {
		text = regexp.MustCompile("\x1b\\[(0|1|2|1;31|3[2346])m").ReplaceAll(text, nil)
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r != '\n' && r != '\t' && (!unicode.IsPrint(r) || r == utf8.RuneError && n == 1) {
			return "a character that is not harmless: " + string(text[max(0, i-40):min(len(text), i+20)])
		}
		i += n
	}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("INJECTED")) { // a line that was wrapped is indented
			return "a line that begins with foreign text"
		}
	}
	return ""
}

// shown runs a command for a terminal and for a pipe, and checks what it writes.
func shown(t *testing.T, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	for _, terminal := range []bool{true, false} {
		var out, errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
		Run(ctx, Process{Dir: dir, Args: args, Stdout: Stream{Writer: &out, Terminal: terminal}, Stderr: Stream{Writer: &errs, Terminal: terminal}})
		cancel()
		// What draws lines anew on a terminal is ours as well.
		errText := errs.Bytes()
		if terminal {
			errText = regexp.MustCompile("\r?\x1b\\[[0-9]*[KJA]|\r").ReplaceAll(errText, nil)
		}
		for name, text := range map[string][]byte{"stdout": out.Bytes(), "stderr": errText} {
			if problem := tamed(text, terminal); problem != "" {
				t.Errorf("%q, %s, terminal %v: %s\n%q", args, name, terminal, problem, text)
			}
		}
		stdout, stderr = out.String(), errs.String()
	}
	return stdout, stderr
}

// TestHostileNames has files, and what is in a scenario, be called by hostile
// names.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := strings.ReplaceAll(hostileText, "/", "") + ".toml"
	text := "title = \"t\\u202Et\\u2066\"\n[connect]\nclient_id = \"{id}\\n\\u001b[1mINJECTED\"\n[[device]]\nkind = \"light\"\nid = \"porch\"\n[phases]\nmeasure = \"50ms\"\n"
	for file, text := range map[string]string{
		name: text, "bad" + name: "x = [\n", "users" + name: "[[user]]\nname = \"a\\n\\u001b[1mINJECTED\"\npassword = \"p\"\npublish = [\"#\"]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"run", name, "-v", "--listen", "127.0.0.1:0", "--report", name + ".html", "--junit", name + ".xml", "--result", name + ".json", "--ready-file", name + ".ready"},
		{"run", name, "--listen", "127.0.0.1:0", "--json"},
		{"run", "./" + name, "--listen", "127.0.0.1:0", "--users", "users" + name},
		{"run", "bad" + name}, {"run", "bad" + name, "--json"}, {"run", "no" + name}, {"run", name, "--size", hostileText},
		{"run", name, "--result", name}, {"run", name, "--seed", hostileText}, {"run", name, "--users", "no" + name},
		{"check", name}, {"check", name, "--json"}, {"check", name, "--plan"}, {"check", "bad" + name},
		{"report", "no" + name}, {"report", name}, {hostileText}, {"run", "bedroom", "--" + hostileText}, {"run", "bedroom", hostileText},
		{"request", hostileText, "--broker", "mqtt://127.0.0.1:1"}, {"request", "a", "--broker", hostileText}, {"request", "a", "--payload-file", hostileText},
		{"broker", "--listen", hostileText}, {"kinds", hostileText}, {"scenarios", hostileText}, {"metrics", hostileText},
		{"report", name + ".json"}, {"report", name + ".json", "--json"},
	} {
		shown(t, dir, args...)
	}
	// That one is gone with its run: it is written again, with the same words.
	ready, err := newApp(Process{Dir: dir}).prepareReadyFile(name + ".ready")
	if err == nil {
		err = ready.write(readyDocument{Broker: hostileText, Scenario: name, Run: hostileText})
	}
	if err != nil {
		t.Error(err)
	}
	checkFiles(t, dir, name)
}

// checkFiles checks the files that a result was written to.
func checkFiles(t *testing.T, dir, name string) {
	t.Helper()
	for _, suffix := range []string{".html", ".xml", ".json", ".ready"} {
		text, err := os.ReadFile(filepath.Join(dir, name+suffix))
		if err != nil {
			t.Error(err)
			continue
		}
		if problem := tamed(text, false); problem != "" && !strings.Contains(problem, "begins") {
			t.Errorf("the file %s: %s", suffix, problem)
		}
		switch suffix {
		case ".json", ".ready":
			if !json.Valid(text) {
				t.Errorf("the file %s is no JSON:\n%s", suffix, text)
			}
		case ".xml":
			if err := xml.Unmarshal(text, new(struct{})); err != nil {
				t.Errorf("the file %s: %v", suffix, err)
			}
		}
	}
}

// TestHostileResult puts hostile text in the place of each text of a result, one
// after the other, and has report show it in each of its ways.
func TestHostileResult(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out bytes.Buffer
	scenario := "[[device]]\nkind = \"light\"\n[[controller]]\nattribute = \"power\"\nrate = \"50/s\"\n[phases]\nmeasure = \"100ms\"\n[expect]\n\"requests.lost\" = \"== 0\"\n"
	if err := os.WriteFile(filepath.Join(dir, "s.toml"), []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t.Context(), Process{Dir: dir, Args: []string{"run", "s.toml", "--listen", "127.0.0.1:0", "--json"}, Stdout: Stream{Writer: &out}})
	var doc any
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	// Which texts a result may have changed is tried one by one; then as many as
	// can stand together are shown at once.
	var good []swap
	read := func() error {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = metrics.DecodeResults(bytes.NewReader(text))
		return err
	}
	for i, s := range swaps(doc) {
		if i%some(3, 1) != 0 {
			continue
		}
		s.set()
		if read() == nil {
			good = append(good, s)
		}
		s.unset()
	}
	if len(good) < some(7, 20) {
		t.Fatalf("a result is read with hostile text in %d places; want most", len(good))
	}
	for k := range some(1, 5) {
		var set []swap
		for i, s := range good {
			if k > 0 && i%4 != k-1 {
				continue
			}
			if s.set(); read() != nil {
				s.unset()
				continue
			}
			set = append(set, s)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "r.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		shown(t, dir, "report", "r.json", "--html", "o.html", "--junit", "o.xml", "--result", "o.json")
		_ = os.WriteFile(filepath.Join(dir, "o.ready"), []byte("{}"), 0o600)
		checkFiles(t, dir, "o")
		shown(t, dir, "report", "r.json", "--json")
		shown(t, dir, "report", "r.json", "r.json", "--html", "c.html")
		for _, s := range set {
			s.unset()
		}
	}
}

// swap puts hostile text in the place of a text of a document, and back.
type swap struct{ set, unset func() }

// swaps lists them for each text and for a name in each table.
func swaps(v any) []swap {
	var all []swap
	switch v := v.(type) {
	case map[string]any:
		named := false
		for key, value := range v {
			text, isText := value.(string)
			n, isNumber := value.(float64)
			switch {
			case isText:
				all = append(all, swap{func() { v[key] = hostileText + text }, func() { v[key] = text }})
			case isNumber && n > 0 && !named:
				named = true
				all = append(all, swap{func() { delete(v, key); v[hostileText] = n }, func() { delete(v, hostileText); v[key] = n }})
			default:
				all = append(all, swaps(value)...)
			}
		}
	case []any:
		for i, value := range v {
			if text, ok := value.(string); ok {
				all = append(all, swap{func() { v[i] = hostileText + text }, func() { v[i] = text }})
			} else if i == 0 {
				all = append(all, swaps(value)...)
			}
		}
	}
	return all
}

// hostileBroker takes a client in and answers its request with hostile text
// wherever there is room for text.
func hostileBroker(t *testing.T, code byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	text := strings.ToValidUTF8(hostileText, "")
	serve := func(conn net.Conn) {
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(scriptPatience))
		for {
			p, err := packets.ReadPacket(conn)
			if err != nil {
				return
			}
			var reply io.WriterTo
			switch c := p.Content.(type) {
			case *packets.Connect:
				reply = &packets.Connack{ReasonCode: code, Properties: &packets.Properties{ReasonString: text, ServerReference: text, ResponseInfo: text, AssignedClientID: text}}
			case *packets.Subscribe:
				reply = &packets.Suback{PacketID: c.PacketID, Reasons: []byte{0}, Properties: &packets.Properties{ReasonString: text}}
			case *packets.Publish:
				reply = &packets.Publish{Topic: c.Properties.ResponseTopic, Payload: []byte(hostileText + "\x00\xff"), Properties: &packets.Properties{
					CorrelationData: c.Properties.CorrelationData, ContentType: text, User: []packets.User{{Key: text, Value: text}, {Key: "error", Value: text}},
				}}
			default:
				continue
			}
			if _, err := reply.WriteTo(conn); err != nil {
				return
			}
		}
	}
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(conn) })
		}
	})
	return "mqtt://" + l.Addr().String()
}

// TestHostileBroker shows what a broker, or who answers there, says.
func TestHostileBroker(t *testing.T) {
	t.Parallel()
	for _, code := range []byte{0, 0x87, 0x9C} {
		url := hostileBroker(t, code)
		for _, more := range [][]string{{}, {"--json"}, {"-v"}, {"--count", "2", "--timeout", "3s"}} {
			args := append([]string{"request", "cmnd/light/power", "ON", "--broker", url, "--qos", "0", "--client-id", "me"}, more...)
			stdout, stderr := shown(t, t.TempDir(), args...)
			if !strings.Contains(stdout+stderr, `\u202e`) {
				t.Errorf("%q shows\n%s%s\nwant what the broker said, escaped", args, stdout, stderr)
			}
		}
		shown(t, t.TempDir(), "run", "bedroom", "--broker", url, "--fail-fast", "--duration", "500ms", "-v")
	}
}
