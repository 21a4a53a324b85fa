package fleet

import "homefleet/fleet/audit"

// AuditFaults returns what the audit of a fleet accuses its broker of.
func AuditFaults(f *Fleet, limit int) []audit.Outage { return f.audit.Faults(limit) }

// AuditRecent returns what it knows of the latest outages of a device.
func AuditRecent(f *Fleet, device int) []audit.Outage { return f.audit.Recent(device, f.now()) }
