package report

import (
	"reflect"
	"testing"
)

func TestNoteworthy(t *testing.T) {
	phases := []string{"measure", "connect", "drain"}
	for _, tt := range []struct {
		name    string
		rows    []messageRow
		columns []string
		want    []messageRow
	}{
		{"nothing", nil, []string{"measure"}, nil},
		{"all went well", []messageRow{{"telemetry.sent", []int64{5, 0, 0}}, {"announcements.sent", []int64{0, 20, 20}}, {"devices.replies", []int64{9, 0, 1}}},
			[]string{"measure"}, []messageRow{{"telemetry.sent", []int64{5}}}},
		{"last words without a PUBACK", []messageRow{{"announcements.unacknowledged", []int64{0, 0, 20}}}, []string{"measure"}, nil},
		{"first words without a PUBACK", []messageRow{{"announcements.unacknowledged", []int64{0, 3, 20}}},
			[]string{"measure", "connect"}, []messageRow{{"announcements.unacknowledged", []int64{0, 3}}}},
		{"telemetry without a PUBACK in the drain", []messageRow{{"telemetry.unacknowledged", []int64{0, 0, 2}}},
			[]string{"measure", "drain"}, []messageRow{{"telemetry.unacknowledged", []int64{0, 2}}}},
		{"too large", []messageRow{{"replies.too_large", []int64{7, 0, 0}}}, []string{"measure"}, []messageRow{{"replies.too_large", []int64{7}}}},
	} {
		columns, got := noteworthy(phases, tt.rows)
		if !reflect.DeepEqual(columns, tt.columns) || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: noteworthy() = %q, %v; want %q, %v", tt.name, columns, got, tt.columns, tt.want)
		}
	}
}
