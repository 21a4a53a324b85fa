package metrics

import (
	"fmt"
	"io"
)

// DecodeResult reads a document of one run.
func DecodeResult(rd io.Reader) (*Result, error) {
	results, _, err := DecodeResults(rd)
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, fmt.Errorf("%d results; want one", len(results))
	}
	return results[0], nil
}
