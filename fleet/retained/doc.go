// Package retained is about what a broker retains of the devices of a scenario: it is fetched
// by a client that comes for it, compared with what devices say of themselves, and emptied.
// What devices are and say it has from their faces; it runs none.
package retained
