package broker

// fifo is a queue. The zero value is empty; an empty one holds no memory to
// speak of.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) at(i int) *T { return &q.items[q.head+i] }

func (q *fifo[T]) push(v T) {
	if q.head > 0 && len(q.items) == cap(q.items) && q.head >= len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

func (q *fifo[T]) pop() T {
	v := *q.at(0)
	q.remove(0)
	return v
}

// remove takes out the item at i; the front costs nothing.
func (q *fifo[T]) remove(i int) {
	copy(q.items[q.head+1:], q.items[q.head:q.head+i])
	var zero T
	q.items[q.head] = zero
	q.head++
	if q.head == len(q.items) {
		if cap(q.items) > 16 {
			q.items = nil
		}
		q.items, q.head = q.items[:0], 0
	}
}
