// Package files reads the files that people name: scenarios, passwords,
// certificates, results. It reads regular files of a bounded size and nothing
// else, so that no device, no pipe and no disk image that a name leads to by
// mistake fills the memory or is waited for. It writes nothing.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"homefleet/devices/words"
)

// The most that is read of a file, in bytes, by what it holds.
const (
	MostPassword    = 1<<16 - 1 + 2 // Binary Data (MQTT 5.0, 1.5.6), and the newline of an editor
	MostCertificate = 4 << 20       // PEM: a bundle of CAs is a twentieth of that
	MostPayload     = 1<<28 - 1     // Remaining Length (MQTT 5.0, 1.5.5)
)

// Read returns the content of a regular file of at most so many bytes. Kind and
// size are looked at before anything is read, and the file is opened in a way
// that waits for nobody. The errors are [fs.PathError]s; what is not there is
// [fs.ErrNotExist].
func Read(path string, most int64) ([]byte, error) {
	refuse := func(err error) error { return &fs.PathError{Op: "read", Path: path, Err: err} }
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := fit(info, most); err != nil { // to open some devices is to command them
		return nil, refuse(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := fit(info, most); err != nil { // another one by now
		return nil, refuse(err)
	}
	text, err := All(f, most)
	if errors.As(err, new(*tooLarge)) {
		err = refuse(err)
	}
	return text, err
}

// All reads a stream of at most so many bytes to its end.
func All(r io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		err = &tooLarge{most: most}
	}
	return text, err
}

// tooLarge is the error of what is larger than it may be.
type tooLarge struct{ has, most int64 } // bytes; has 0: not known

func (e *tooLarge) Error() string {
	if e.has == 0 {
		return fmt.Sprintf("more than %s; want at most that", words.Plural(e.most, "byte", "bytes"))
	}
	return fmt.Sprintf("%s; want at most %s", words.Plural(e.has, "byte", "bytes"), words.Grouped(e.most))
}

// fit says why something cannot be read, by its kind and size.
func fit(info fs.FileInfo, most int64) error {
	kind := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		if info.Size() > most {
			return &tooLarge{info.Size(), most}
		}
		return nil
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	default:
		kind = "no regular file"
	}
	return errors.New(kind + "; want a file")
}
