package files

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"empty": "", "five": "12345", "six": "123456"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.WriteFile(at("image"), nil, 0o600), os.Truncate(at("image"), 2<<30),
		syscall.Mkfifo(at("pipe"), 0o600),
		os.Symlink("/dev/zero", at("link")), os.Symlink("nothing", at("dangling")), os.Symlink("five", at("alias")),
	); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, c := range []struct{ path, want, fault string }{
		{at("empty"), "", ""},
		{at("five"), "12345", ""},
		{at("alias"), "12345", ""},
		{at("six"), "", "6 bytes; want at most 5"},
		{at("image"), "", "2,147,483,648 bytes; want at most 5"},
		{dir, "", "a directory; want a file"},
		{at("pipe"), "", "a pipe; want a file"},
		{at("socket"), "", "a socket; want a file"},
		{"/dev/zero", "", "a device; want a file"},
		{"/dev/null", "", "a device; want a file"},
		{at("link"), "", "a device; want a file"},
		{at("dangling"), "", "no such file"},
		{at("nothing"), "", "no such file"},
		{"/proc/self/maps", "", "more than 5 bytes; want at most that"}, // a regular file of size 0
	} {
		began := time.Now()
		got, err := Read(c.path, 5)
		switch {
		case c.fault == "" && (err != nil || string(got) != c.want):
			t.Errorf("Read(%s, 5) = %q, %v; want %q", c.path, got, err, c.want)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("Read(%s, 5) = %q, %v; want an error with %q", c.path, got, err, c.fault)
		case err != nil && !errors.As(err, new(*fs.PathError)):
			t.Errorf("Read(%s, 5) = %#v; want a PathError", c.path, err)
		}
		if took := time.Since(began); took > time.Minute { // it would be for ever
			t.Errorf("Read(%s, 5) took %v; want no waiting", c.path, took)
		}
	}
}

func TestAll(t *testing.T) {
	if got, err := All(strings.NewReader("12345"), 5); err != nil || string(got) != "12345" {
		t.Errorf("All of 5 bytes, 5 = %q, %v; want them", got, err)
	}
	if got, err := All(strings.NewReader("123456"), 5); err == nil {
		t.Errorf("All of 6 bytes, 5 = %q; want an error", got)
	}
}
