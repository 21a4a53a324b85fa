package wire

import "github.com/eclipse/paho.golang/packets"

// WithoutUsers returns a SUBSCRIBE, UNSUBSCRIBE, DISCONNECT or AUTH of version 5 without its
// User Properties, for those who do not look at them: [Decode] makes a hundred times as many
// bytes of one as it has. It returns the frame itself if it has none, or is not in order.
func WithoutUsers(f Frame) Frame {
	t, c := f.Type(), cursor{b: f.Body()}
	begin := c.take(map[byte]int{packets.SUBSCRIBE: 2, packets.UNSUBSCRIBE: 2, packets.DISCONNECT: 1, packets.AUTH: 1}[t])
	if len(c.b) == 0 {
		return f
	}
	var others []byte
	users := false
	c.properties(t, func(p property) {
		if p.id == packets.PropUser {
			users = true
		} else {
			others = append(others, p.block[p.at:p.end]...)
		}
	})
	if c.err != nil || !users {
		return f
	}
	n := len(begin) + uvarintWidth(len(others)) + len(others) + len(c.b)
	b := appendUvarint(append(make(Frame, 0, 5+n), f[0]), n)
	b = append(appendUvarint(append(b, begin...), len(others)), others...)
	return append(b, c.b...)
}
