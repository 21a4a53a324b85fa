package devices

import (
	"strings"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for _, test := range []struct {
		in     string
		want   float64
		signed bool
		ok     bool
	}{
		{"0", 0, false, true}, {"007", 7, false, true}, {"21.5", 21.5, false, true}, {"0.1", 0.1, false, true},
		{"+10", 10, true, true}, {"-0.5", -0.5, true, true}, {"123456789012345", 123456789012345, false, true},
		{"0.12345678901234", 0.12345678901234, false, true},
		{"", 0, false, false}, {"+", 0, false, false}, {"-", 0, false, false}, {".", 0, false, false},
		{".5", 0, false, false}, {"5.", 0, false, false}, {"+.5", 0, false, false}, {"1.2.3", 0, false, false},
		{"--1", 0, false, false}, {"+-1", 0, false, false}, {"1e3", 0, false, false}, {"0x10", 0, false, false},
		{"1_0", 0, false, false}, {"NaN", 0, false, false}, {"Inf", 0, false, false}, {"-inf", 0, false, false},
		{"1 0", 0, false, false}, {"1,5", 0, false, false}, {"\u0661", 0, false, false}, {"1\x00", 0, false, false},
		{"1234567890123456", 0, false, false}, {strings.Repeat("0", 70000), 0, false, false},
	} {
		got, signed, ok := parseNumber([]byte(test.in))
		if got != test.want || signed != test.signed && ok || ok != test.ok {
			t.Errorf("parseNumber(%.30q) = %v, %v, %v; want %v, %v, %v", test.in, got, signed, ok, test.want, test.signed, test.ok)
		}
	}
}

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " \t\r\n\v\f": "", " ON\n": "ON", "O N": "O N", "\u00a0ON": "\u00a0ON", "\x00ON": "\x00ON",
	} {
		if got := string(trim([]byte(in))); got != want {
			t.Errorf("trim(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                         `""`,
		"abc":                      `"abc"`,
		"a\"\\\n\x00\xff":          `"a\"\\\n\x00\xff"`,
		"gr\u00fcn":                `"gr\u00fcn"`,
		strings.Repeat("a", 36):    `"` + strings.Repeat("a", 35) + `"... (36 bytes)`,
		strings.Repeat("a", 1e5):   `"` + strings.Repeat("a", 35) + `"... (100000 bytes)`,
		strings.Repeat("\x00", 50): `"` + strings.Repeat(`\x00`, 8) + `"... (50 bytes)`,
	} {
		if got := quote([]byte(in)); got != want {
			t.Errorf("quote(%.40q) = %s; want %s", in, got, want)
		}
	}
}

func TestAppendFixed(t *testing.T) {
	for _, test := range []struct {
		f        float64
		decimals int
		want     string
	}{
		{0, 1, "0.0"}, {-0.04, 1, "0.0"}, {-0.4, 0, "0"}, {-0.06, 1, "-0.1"}, {1234.5678, 3, "1234.568"}, {-10, 0, "-10"},
	} {
		if got := string(appendFixed([]byte("x"), test.f, test.decimals)); got != "x"+test.want {
			t.Errorf("appendFixed(%v, %d) = %s; want x%s", test.f, test.decimals, got, test.want)
		}
	}
}

// An index that no attribute has is an error and no panic, everywhere.
func TestNoSuchAttribute(t *testing.T) {
	for _, k := range Kinds() {
		d := makeDevice(t, k.Name, 1, 0, nil)
		for _, i := range []int{-1, len(k.Attributes), 1 << 40} {
			c, err := d.Do(i, []byte("ON"))
			wantError(t, k.Name+".Do", err, k.Name+": no attribute")
			if c != 0 {
				t.Errorf("%s.Do(%d) = %b; want no changes", k.Name, i, c)
			}
			if got := string(d.AppendValue([]byte("x"), i)); got != "x" {
				t.Errorf("%s.AppendValue(%d) = %q; want nothing", k.Name, i, got)
			}
		}
	}
}
