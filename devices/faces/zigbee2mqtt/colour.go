package zigbee2mqtt

import "math"

// The ways a colour is given, and how one follows from another: CIE 1931 x and y; hue
// in degrees and saturation in per cent; red, green and blue, linear or with the gamma
// of sRGB, in the wide gamut of the lamps (by the matrices that their maker published);
// and mired.

type rgb struct{ r, g, b float64 } // 0 to 1

// linear takes the gamma of sRGB off.
func (c rgb) linear() rgb {
	f := func(v float64) float64 {
		if v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	return rgb{f(c.r), f(c.g), f(c.b)}
}

// gamma puts it on.
func (c rgb) gamma() rgb {
	f := func(v float64) float64 {
		if v > 0.0031308 {
			return 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return 12.92 * v
	}
	return rgb{f(c.r), f(c.g), f(c.b)}
}

// xy returns the chromaticity; of black, that of white.
func (c rgb) xy() (x, y float64) {
	x = c.r*0.664511 + c.g*0.154324 + c.b*0.162028
	y = c.r*0.283881 + c.g*0.668433 + c.b*0.047685
	z := c.r*0.000088 + c.g*0.072310 + c.b*0.986039
	if sum := x + y + z; sum > 0 {
		return x / sum, y / sum
	}
	return 0.3227, 0.329
}

// fromXY returns the brightest colour of a chromaticity, linear.
func fromXY(x, y float64) rgb {
	y = max(y, 1e-4)
	X, Z := x/y, (1-x-y)/y
	c := rgb{
		X*1.656492 - 0.354851 - Z*0.255038,
		-X*0.707196 + 1.655397 + Z*0.036152,
		X*0.051713 - 0.121364 + Z*1.011530,
	}
	c = rgb{max(c.r, 0), max(c.g, 0), max(c.b, 0)}
	most := max(c.r, c.g, c.b)
	if most == 0 {
		return rgb{1, 1, 1}
	}
	return rgb{c.r / most, c.g / most, c.b / most}
}

// fromHS returns the brightest colour of a hue and a saturation.
func fromHS(h, s float64) rgb {
	s = min(max(s/100, 0), 1)
	h = math.Mod(math.Mod(h, 360)+360, 360) / 60
	f := func(n float64) float64 {
		k := math.Mod(n+h, 6)
		return 1 - s*max(0, min(k, 4-k, 1))
	}
	return rgb{f(5), f(3), f(1)}
}

// hs returns hue and saturation, whole.
func (c rgb) hs() (h, s float64) {
	most, least := max(c.r, c.g, c.b), min(c.r, c.g, c.b)
	span := most - least
	if span <= 0 {
		return 0, 0
	}
	switch most {
	case c.r:
		h = math.Mod((c.g-c.b)/span+6, 6)
	case c.g:
		h = (c.b-c.r)/span + 2
	default:
		h = (c.r-c.g)/span + 4
	}
	return math.Mod(math.Round(h*60), 360), math.Round(span / most * 100)
}

// miredOf returns the nearest colour temperature of a chromaticity, after McCamy.
func miredOf(x, y float64) float64 {
	n := (x - 0.3320) / (0.1858 - y)
	mired := 1e6 / (437*n*n*n + 3601*n*n + 6861*n + 5517)
	if math.IsNaN(mired) {
		return 0
	}
	return mired
}

// isotherms are the chromaticities u and v (CIE 1960) of a black body at 150 mired and on
// in steps of 25, of Robertson's table (J. Opt. Soc. Am. 58, 1968).
var isotherms = [...][2]float64{
	{0.19962, 0.30921}, {0.20525, 0.31647}, {0.21142, 0.32312}, {0.21807, 0.32909}, {0.22511, 0.33439},
	{0.23247, 0.33904}, {0.24010, 0.34308}, {0.24792, 0.34655}, {0.25591, 0.34951}, {0.26400, 0.35200},
	{0.27218, 0.35407}, {0.28039, 0.35577}, {0.28863, 0.35714}, {0.29685, 0.35823}, {0.30505, 0.35907},
}

// xyOf returns the chromaticity of a black body of 150 to 500 mired.
func xyOf(mired float64) (x, y float64) {
	at := min(max((mired-150)/25, 0), float64(len(isotherms)-1))
	i := min(int(at), len(isotherms)-2)
	a, b, part := isotherms[i], isotherms[i+1], at-float64(i)
	u, v := a[0]+(b[0]-a[0])*part, a[1]+(b[1]-a[1])*part
	sum := 2*u - 8*v + 4
	return 3 * u / sum, 2 * v / sum
}

// places rounds to decimals.
func places(f float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(f*scale) / scale
}
