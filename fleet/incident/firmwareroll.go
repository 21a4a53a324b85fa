package incident

import (
	"time"

	"homefleet/fleet/client"
	"homefleet/scenarios"
)

// firmwareRoll restarts the devices batch by batch.
var firmwareRoll = kind{
	name:   scenarios.FirmwareRoll,
	what:   always("restarted with new firmware, batch by batch"),
	begin:  rollFirmware,
	breaks: breaksOnce,
}

func rollFirmware(o *occurrence) {
	mode, back := client.OfflineMode(o.incident.Way), o.back()
	batches := max(int(1/o.incident.Batch+0.999999), 1)
	length := o.to.Sub(o.from) / time.Duration(batches)
	for i, t := range o.targets {
		at := o.from.Add(time.Duration(i*batches/len(o.targets)) * length)
		o.strike(at, func() { t.Tell(func(d Device) { d.Disconnect(o.by, mode) }) })
		o.release(at.Add(length), func() { t.Tell(func(d Device) { d.Reconnect(o.by, back) }) })
	}
}
