// Homefleet emulates smart homes: virtual lights, thermostats and plugs that
// speak MQTT 5 as real devices do. Everything it does is in the packages below;
// package cmd is its command line.
package main

import (
	"os"

	"homefleet/cmd"
)

func main() { os.Exit(cmd.Main()) }
