package cmd

import (
	"github.com/spf13/cobra"

	"homefleet/fleet/metrics"
)

func (a *app) metricsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "metrics",
		Short: "List what a scenario may expect of a run",
		Long: `List the metrics that the [expect] table of a scenario may name, such as

  [expect]
  "response.p99"             = "< 250ms"
  "response.p99{kind=light}" = "< 300ms"
  "requests.lost"            = { want = "== 0", abort = true }
  "devices.online"           = ">= 99.9%"
  "wills.missing"            = "== 0"
  "recovery.all"             = "< 30s"`,
		Args:              want(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if !a.json {
				return a.printf("%s", metrics.CatalogueText())
			}
			list := []metricDocument{}
			for _, m := range metrics.Catalogue() {
				list = append(list, metricDocument{m.Name, m.Unit, m.Of, m.Labels, m.Help})
			}
			return a.document(list)
		},
	}
}

type metricDocument struct {
	Name   string       `json:"name"`
	Unit   metrics.Unit `json:"unit"`
	Of     string       `json:"share_of,omitempty"` // of what it may be a share
	Labels bool         `json:"labels"`             // may be of one kind, stage or controller group
	Help   string       `json:"help"`
}
