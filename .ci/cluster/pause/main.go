// Command pause is the container that holds a pod's network, and does nothing: it lives until it
// is told to end. An image for the laboratory is made of it.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
}
