package cmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestPlural(t *testing.T) {
	for _, c := range []struct {
		n    int
		noun string
		want string
	}{
		{0, "device", "0 devices"}, {1, "device", "1 device"}, {1000, "device", "1,000 devices"},
		{2, "reply", "2 replies"}, {1, "reply", "1 reply"}, {1234567, "switch", "1,234,567 switches"},
	} {
		if got := plural(c.n, c.noun); got != c.want {
			t.Errorf("plural(%d, %q) = %q; want %q", c.n, c.noun, got, c.want)
		}
	}
}

func TestJSONSpan(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "0ms", 512 * time.Microsecond: "0.512ms", 12 * time.Millisecond: "12ms", 1234 * time.Millisecond: "1.234s", 200 * time.Second: "200s",
	} {
		if got := jsonSpan(in); got != want {
			t.Errorf("jsonSpan(%v) = %q; want %q", in, got, want)
		}
	}
}

func TestReadable(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0123", "0123"}, {"", `""`}, {"\x00\xff", "0x00ff"}, {"a\x1b[2Jb", `"a\x1b[2Jb"`}, {"grün", "grün"},
	} {
		if got := readable([]byte(c.in)); got != c.want {
			t.Errorf("readable(%q) = %q; want %q", c.in, got, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"ON", "ON"}, {"", "(empty)"}, {"a\nb\n", "a\nb"}, {"\x1b[31m", `"\x1b[31m"`},
		{strings.Repeat("\x00", 100), `"` + strings.Repeat(`\x00`, 64) + `"… (100 bytes)`},
	} {
		if got := payloadWords([]byte(c.in)); got != c.want {
			t.Errorf("payloadWords(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"cmnd/light-01/power", "cmnd/light-01/power"}, {"", "''"}, {"a b", "'a b'"}, {"it's", `'it'\''s'`}, {"$(x)", "'$(x)'"}, {"#", "'#'"},
	} {
		if got := shellQuote(c.in); got != c.want {
			t.Errorf("shellQuote(%q) = %s; want %s", c.in, got, c.want)
		}
	}
}

func TestBuiltByGoRun(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for _, c := range []struct {
		exe  string
		want bool
	}{
		{"/tmp/go-build123456/b001/exe/homefleet", true},
		{"/home/u/.cache/go-build/0a/" + hash + "-d/homefleet", true},
		{"/tmp/go-build123456/b001/cmd.test", false},
		{"/usr/local/bin/homefleet", false},
		{"/home/u/go-builds/exe/homefleet", false},
		{"/home/u/x-d/homefleet", false},
	} {
		if got := builtByGoRun(c.exe); got != c.want {
			t.Errorf("builtByGoRun(%q) = %v; want %v", c.exe, got, c.want)
		}
	}
}

func TestFold(t *testing.T) {
	line := "mosquitto_rr -h 127.0.0.1 -V mqttv5 -t cmnd/light/power -e state/light/power -m ON"
	narrow := Stream{Terminal: true, Columns: func() int { return 50 }}
	got := fold(line, narrow)
	for row := range strings.SplitSeq(got, "\n") {
		if len(row) >= 50 {
			t.Errorf("a row has %d columns; want under 50: %q", len(row), row)
		}
	}
	if joined := strings.Join(strings.Fields(strings.ReplaceAll(got, "\\\n", "")), " "); joined != line {
		t.Errorf("a shell reads %q; want %q", joined, line)
	}
	if got := fold(line, Stream{}); got != "  "+line {
		t.Errorf("fold on a file = %q; want one line", got)
	}
}

func TestNumbersLast(t *testing.T) {
	root := newApp(Process{}).root()
	for _, c := range []struct{ in, want string }{
		{"request t -10", "request t -- -10"},
		{"request t -10 --qos 0", "request t --qos 0 -- -10"},
		{"request --timeout -5s t", "request --timeout -5s t"},
		{"request --count -5 t", "request --count -5 t"},
		{"request t -- -10", "request t -- -10"},
		{"request t -0.5 -q", "request t -q -- -0.5"},
		{"request t -", "request t -"},
	} {
		if got := strings.Join(numbersLast(root, strings.Fields(c.in)), " "); got != c.want {
			t.Errorf("numbersLast(%q) = %q; want %q", c.in, got, c.want)
		}
	}
}

// TestColour checks that colour is decided for each stream by itself.
func TestColour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		terminal bool
		env      map[string]string
		args     []string
		want     bool
	}{
		{"terminal", true, nil, nil, true},
		{"file", false, nil, nil, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, nil, false},
		{"empty NO_COLOR", true, map[string]string{"NO_COLOR": ""}, nil, true},
		{"dumb terminal", true, map[string]string{"TERM": "dumb"}, nil, false},
		{"--no-color", true, nil, []string{"--no-color"}, false},
		{"HOMEFLEET_NO_COLOR", true, map[string]string{"HOMEFLEET_NO_COLOR": "true"}, nil, false},
	} {
		var stdout, stderr bytes.Buffer
		Run(t.Context(), Process{
			Args:   append([]string{"check", "bedrom"}, c.args...),
			Stdout: Stream{Writer: &stdout}, Stderr: Stream{Writer: &stderr, Terminal: c.terminal},
			LookupEnv: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok },
		})
		if got := strings.Contains(stderr.String(), "\x1b["); got != c.want {
			t.Errorf("%s: colour on stderr = %v; want %v: %q", c.name, got, c.want, &stderr)
		}
		stderr.Reset()
		Run(t.Context(), Process{
			Args:   append([]string{"check", "bedroom"}, c.args...),
			Stdout: Stream{Writer: &stdout}, Stderr: Stream{Writer: &stderr, Terminal: true},
		})
		if strings.Contains(stdout.String(), "\x1b[") {
			t.Errorf("%s: colour on stdout, which is no terminal: %q", c.name, &stdout)
		}
	}
}

// TestScreen checks that what is written scrolls by above the status line.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := &screen{stream: Stream{Writer: &out, Terminal: true, Columns: func() int { return 20 }}}
	s.Status("12 of 1,000 devices are up", paint{})
	if _, err := s.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	s.Status("", paint{})
	const status = "12 of 1,000 device…"
	if want := clearLine + status + clearLine + "a line\n" + status + clearLine; out.String() != want {
		t.Errorf("the terminal got %q; want %q", &out, want)
	}
	out.Reset()
	s = &screen{stream: Stream{Writer: &out}}
	s.Status("12 of 1,000 devices are up", paint{})
	if out.Len() > 0 {
		t.Errorf("a file got the status line: %q", &out)
	}
}

// TestBlock checks that several lines are drawn over each other, that what is
// written scrolls by above them, and that a narrower terminal is cleared whole.
func TestBlock(t *testing.T) {
	var out bytes.Buffer
	columns := 20
	s := &screen{stream: Stream{Writer: &out, Terminal: true, Columns: func() int { return columns }}}
	bold := paint{true}.bold
	got := func() string { text := out.String(); out.Reset(); return text }
	s.Block([]statusLine{{{"one", bold}, {" is long, and longer", nil}}, {{"two", nil}}})
	const one = "\x1b[1mone\x1b[0m is long, and l…"
	if text, want := got(), clearLine+one+"\ntwo"; text != want {
		t.Errorf("first: %q; want %q", text, want)
	}
	if _, err := s.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	if text, want := got(), "\x1b[1A"+clearDown+"a line\n"+one+"\ntwo"; text != want {
		t.Errorf("a line: %q; want %q", text, want)
	}
	s.Block([]statusLine{{{"1", nil}}, {{"2", nil}}})
	if text, want := got(), "\x1b[1A\r1"+restOfLine+"\n2"+restOfLine; text != want {
		t.Errorf("over it: %q; want %q", text, want)
	}
	s.Block([]statusLine{{{"1", nil}}, {{"2", nil}}})
	if text := got(); text != "" {
		t.Errorf("the same again: %q; want nothing", text)
	}
	s.Block([]statusLine{{{"fifteen columns", nil}}, {{"2", nil}}})
	got()
	columns = 10 // the first line takes two rows now
	s.Block(nil)
	if text, want := got(), "\x1b[2A"+clearDown; text != want {
		t.Errorf("away: %q; want %q", text, want)
	}
}

// TestCompletion checks that a shell is offered what there is.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"run ", "apartment-block"}, {"check ", "bedroom"}, {"scenarios ", "apartment"}, {"kinds ", "thermostat"}, {"", "request"},
		{"run --size ", "m"}, {"run request-response --size ", "l"}, {"check --size ", "s"}, {"report ", ":8"},
	} {
		var stdout bytes.Buffer
		args := append([]string{cobra.ShellCompRequestCmd}, strings.SplitAfter(c.args, " ")...)
		for i := range args {
			args[i] = strings.TrimSpace(args[i])
		}
		code := Run(t.Context(), Process{Args: args, Stdout: Stream{Writer: &stdout}})
		if code != 0 || !strings.Contains(stdout.String(), c.want) {
			t.Errorf("completion of %q = %q, exit code %d; want %q among it", c.args, &stdout, code, c.want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var stdout bytes.Buffer
		if code := Run(t.Context(), Process{Args: []string{"completion", shell}, Stdout: Stream{Writer: &stdout}}); code != 0 || stdout.Len() < 100 {
			t.Errorf("completion %s = exit code %d, %d bytes; want a script", shell, code, stdout.Len())
		}
	}
}
