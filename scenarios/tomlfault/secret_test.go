package tomlfault

import (
	"strings"
	"testing"
)

// What is secret is shown nowhere in a fault, whatever is wrong around it; what
// is not, is.
func TestSecretsAreHidden(t *testing.T) {
	for _, c := range []struct{ text, shown string }{
		{`password = "hunter22"`, `password = "********"`},
		{`pasword="hunter22" # mine`, `pasword="********" # mine`},
		{`PASSWORD = 'hunter22'`, `PASSWORD = '********'`},
		{`passphrase = "a \"hunter22\" b"`, `passphrase = "****************"`},
		{`password = """hunter22"""`, `password = """********"""`},
		{`"password" = "hunter22`, `"password" = "********`},
		{`password = hunter22`, `password = ********`},
		{`password = 1hunter22!`, `password = **********`},
		{`broker = { password = "hünter22", x = 1 }`, `broker = { password = "********", x = 1 }`},
		{`url = "mqtt://me:hunter22@host"`, `url = "mqtt://***********@host"`},
		{`url = "me:hunter22@host"`, `url = "***********@host"`},
		{`adress = "wss://me:hunter22/@x@host/path"`, `adress = "wss://**************@host/path"`},
		{`password_env = "MQTT_PASSWORD"`, `password_env = "MQTT_PASSWORD"`},
		{`password_file = "/run/secrets/mqtt"`, `password_file = "/run/secrets/mqtt"`},
		{`url = "wss://host/path"`, `url = "wss://host/path"`},
		{`title = "two @ three"`, `title = "two @ three"`},
	} {
		d := Parse("f", []byte(c.text+"\nzzz = "))
		if !d.Broken() {
			t.Fatalf("Parse(%q) is not broken; want a fault", c.text)
		}
		d.add(Error, span{0, 1}, "", "a fault", "")
		var found bool
		for _, f := range d.Faults() {
			found = found || f.Line == 1 && f.Source == c.shown
			if strings.Contains(f.Source+f.Message+f.Hint, "unter") {
				t.Errorf("a fault of %q shows the secret: %+v", c.text, f)
			}
		}
		if !found {
			t.Errorf("the faults of %q are\n%s\nwant the source %s", c.text, d.Faults(), c.shown)
		}
	}
}
