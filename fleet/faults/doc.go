// Package faults gives a network connection the faults that real ones have:
// latency, little bandwidth, sliced writes, outages. It is a wrapper of net.Conn in
// the vocabulary of toxiproxy, and no proxy: it opens no connection and knows
// nothing of MQTT.
//
// # Directions
//
// Upstream is what is written, towards the broker; downstream is what is read,
// towards the device. Each direction is a line of its own. The end of a stream
// (a FIN, by CloseWrite here or by the peer) travels in line with the bytes.
// Bytes never overtake each other, and none is lost or doubled unless the
// connection ends.
//
// # Composition
//
// Faults have names, and each name is one stage of both lines. Bytes pass the
// stages in the order in which the names were first set, in both directions, and
// each stage sees only what came out of the one before:
//
//   - Two latencies add up. Latency and Bandwidth in either order deliver at the
//     rate of the Bandwidth, and the first byte after both.
//   - A new name is a new last stage. It does not touch what has already come out
//     of the stages before it.
//   - Setting a name again keeps its place. What waits there follows the new
//     fault, counted from when it came, but goes nowhere before now.
//   - Clearing a name has what waits there go on to the next stage at once, in
//     order and before all that comes later. Setting the name again puts it last.
//   - Timeout is no stage: it stops the clock of both lines. When the last one is
//     cleared everything goes on as if no time had passed, so that latencies and
//     rates still hold for what was written during the outage.
//
// A line holds at most 256 KiB. Beyond that a Write waits, and nothing more is
// read from the network, which then is the peer's to feel.
//
// # What a device sees
//
// Bytes that arrive are stamped when a Read finds them, so latency downstream is
// exact only for a connection that is being read. Timers are late, by some part
// of a millisecond and more on a busy machine; of packets that wait for each
// other this is made up for with the next one, so that many of them take as long
// as rate and latency say. Bytes that are written are
// taken at once; if writing them on fails later, the next Write says so, or the
// next Read that finds nothing to return.
//
// Close loses what is still held upstream, as a device does that loses its power.
// To have it arrive, call CloseWrite and read up to io.EOF first.
//
// All randomness comes from the seed of the connection, in the order in which
// faults are set; what one direction carries does not move the other's.
package faults

import (
	"math/rand/v2"
	"time"
)

// Fault is one of the faults of this package: Latency, Bandwidth, Slicer or
// Timeout. They are plain values, and hold for both directions.
type Fault interface {
	// pacer returns what paces one direction, or nil. The randomness is the
	// pacer's own.
	pacer(r *rand.Rand) pacer
}

// pacer decides when what waits in a stage goes on.
type pacer interface {
	// pace says how many of the n bytes that wait first, and came together, go
	// on as one piece, and when; the zero time means never. It is called once a
	// piece. last is when the stage let the piece before go, or began. With n 0
	// it is the end of the stream that waits.
	pace(n int, came, last time.Time) (k int, at time.Time)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
