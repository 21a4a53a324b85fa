package cmd

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What is no regular file is written to and stays what it is.
func TestWholeFileSpares(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		b, _ := os.ReadFile(path)
		got <- string(b)
	}()
	w := wholeFile{name: "pipe", path: path}
	if err := w.check(); err != nil {
		t.Fatalf("check() = %v of a pipe", err)
	}
	if err := w.remove(); err != nil {
		t.Fatalf("remove() = %v of a pipe", err)
	}
	err := w.put(func(out io.Writer) error {
		_, err := io.WriteString(out, "news")
		return err
	})
	if err != nil {
		t.Fatalf("put() = %v", err)
	}
	if text := <-got; text != "news" {
		t.Errorf("the pipe brought %q; want news", text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("put() made something else of the pipe: %v, %v", info, err)
	}
}
