package metrics

import _ "embed"

// Reference says in Markdown what every field of a result means, of one run and of
// several.
//
//go:embed README.md
var Reference string
