package bench

import _ "embed"

// Reference has in Markdown what a device and a request cost, and how that was measured.
//
//go:embed README.md
var Reference string
