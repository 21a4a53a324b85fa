package devices

import (
	"bytes"
	"math"
)

const hexDigits = "0123456789abcdef"

// parseHex reads exactly six hexadecimal digits.
func parseHex(b []byte) (rgb [3]uint8, ok bool) {
	if len(b) != 6 {
		return rgb, false
	}
	for i, c := range b {
		var digit uint8
		switch c = lower(c); {
		case '0' <= c && c <= '9':
			digit = c - '0'
		case 'a' <= c && c <= 'f':
			digit = c - 'a' + 10
		default:
			return rgb, false
		}
		rgb[i/2] = rgb[i/2]<<4 | digit
	}
	return rgb, true
}

func appendHex(dst []byte, rgb [3]uint8) []byte {
	dst = append(dst, '#')
	for _, c := range rgb {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// parseHSB reads three unsigned numbers with commas between them. It checks no
// upper ends.
func parseHSB(b []byte) (h, s, v float64, ok bool) {
	var out [3]float64
	for i := range out {
		part, rest, found := bytes.Cut(b, []byte{','})
		if found != (i < len(out)-1) {
			return 0, 0, 0, false
		}
		f, signed, good := parseNumber(trim(part))
		if !good || signed {
			return 0, 0, 0, false
		}
		out[i], b = f, rest
	}
	return out[0], out[1], out[2], true
}

// fullColor is the colour of a hue (0-360 degrees) and saturation (0-100 %) at
// full value: each channel falls off linearly with its distance from the hue.
func fullColor(hue, saturation float64) [3]uint8 {
	var rgb [3]uint8
	for i, at := range [3]float64{0, 120, 240} { // where red, green and blue are
		d := math.Abs(math.Mod(hue-at+540, 360) - 180)
		full := min(max(2-d/60, 0), 1)
		rgb[i] = uint8(math.Round(255 * (1 - saturation/100*(1-full))))
	}
	return rgb
}
