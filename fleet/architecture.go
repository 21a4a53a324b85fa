package fleet

import _ "embed"

// Architecture says in Markdown what the packages are, how one command goes through
// them, and how to add to them.
//
//go:embed README.md
var Architecture string
