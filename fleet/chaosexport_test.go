package fleet

import "homefleet/fleet/audit"

// LockedBuffer is a log that may be written and read at once.
type LockedBuffer = lockedBuffer

// AuditFaults returns what the audit of a fleet accuses its broker of.
func AuditFaults(f *Fleet, limit int) []audit.Outage { return f.audit.Faults(limit) }

// AuditRecent returns what it knows of the latest outages of a device.
func AuditRecent(f *Fleet, device int) []audit.Outage { return f.audit.Recent(device, f.now()) }
