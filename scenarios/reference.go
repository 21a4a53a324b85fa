package scenarios

import _ "embed"

//go:embed README.md
var reference string

// Reference returns the reference of scenario files and users files, in Markdown:
// what each table may hold, with examples. It is this package's README.md, in
// which the tables of keys are made from those that check a file.
func Reference() string { return reference }
