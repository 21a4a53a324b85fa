package cmd

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// desktopBrowser returns what has a browser show a file; nil where there is no desktop.
func desktopBrowser(lookup func(string) (string, bool)) func(file string) error {
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open"}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		x11, _ := lookup("DISPLAY")
		wayland, _ := lookup("WAYLAND_DISPLAY")
		if x11 == "" && wayland == "" {
			return nil
		}
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil
	}
	return func(file string) error {
		c := exec.Command(path, append(command[1:], file)...)
		if err := c.Start(); err != nil {
			return err
		}
		return c.Process.Release() // it may stay for as long as the browser does
	}
}

// uiFlag says how the page of a run is shown.
type uiFlag string

const (
	uiOpen uiFlag = "open" // in a browser, where there is a desktop
	uiURL  uiFlag = "url"  // its address is printed, and that is all
)

func (f *uiFlag) String() string { return string(*f) }
func (f *uiFlag) Type() string   { return "how" }

func (f *uiFlag) Set(text string) error {
	if text != string(uiOpen) && text != string(uiURL) {
		return fmt.Errorf("want --ui, or --ui=url to open no browser")
	}
	*f = uiFlag(text)
	return nil
}

// showPage has a browser open the page, if somebody sits at a desktop. The address, which has
// the token in it, goes there in a file that is ours alone: whoever looks at the list of
// processes sees the command line of a browser.
func (r *running) showPage() {
	if r.control == nil || r.control.page != uiOpen || !r.Stdout.Terminal || r.Browser == nil {
		return
	}
	file, err := os.CreateTemp("", "homefleet-*.html")
	if err != nil {
		return // the address is on the screen
	}
	r.control.shown = file.Name()
	at := html.EscapeString(r.control.browse())
	_, err = file.WriteString(strings.Join([]string{
		`<!doctype html><meta charset="utf-8"><title>homefleet</title>`,
		`<meta name="referrer" content="no-referrer">`,
		`<meta http-equiv="refresh" content="0; url=` + at + `">`,
		`<p><a href="` + at + `">homefleet</a></p>`, ""}, "\n"))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = r.Browser(file.Name())
	}
	if err != nil {
		r.log.Debug("opening a browser: " + err.Error())
	}
}
