package client

import (
	"testing"
	"time"
)

// Full jitter is drawn below a ceiling that doubles with each failure, up to the most.
func TestBackoffCeiling(t *testing.T) {
	c := &BackoffPolicy{Min: time.Second, Max: time.Minute}
	tests := []struct {
		failures int
		want     time.Duration
	}{{1, time.Second}, {2, 2 * time.Second}, {6, 32 * time.Second}, {7, time.Minute}, {63, time.Minute}, {1 << 40, time.Minute}}
	for _, tt := range tests {
		if got := c.wait(tt.failures, 1); got != tt.want {
			t.Errorf("wait(failures %d, draw 1) = %v; want %v", tt.failures, got, tt.want)
		}
		if got := c.wait(tt.failures, 0); got != 0 {
			t.Errorf("wait(failures %d, draw 0) = %v; want 0", tt.failures, got)
		}
	}
}
