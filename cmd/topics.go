package cmd

import (
	"github.com/spf13/cobra"

	"homefleet/fleet/metrics"
)

// topicCommands are pages that help prints and that do nothing: "homefleet help result".
func topicCommands() []*cobra.Command {
	return []*cobra.Command{{
		Use:   "result",
		Short: "Every field of a result",
		Long:  metrics.Reference,
	}}
}
