// Package deliveries keeps the account of one-way messages, states and telemetry,
// between the devices that send them and those who watch: each is delivered,
// altered, lost or one of a few more, and it knows what came twice and what came
// out of order. It knows no connection, no clock and no scenario.
//
// # What is counted
//
// A stream is one topic of one device. Its messages are numbered from 0 and carry
// that number ([Stamp]). Any topic filter matches a stream as a whole or not at
// all, so that the numbers have no holes for anybody who watches; and order is
// promised for a topic (4.6).
//
// An account is who is to get each message once: a watcher, or all members of a
// shared subscription together (4.8.2). What is counted are pairs of a message and
// an account, as far as the account's filters match the topic. Each pair of a
// message that was sent while the fleet measured ends in exactly one state; see
// [metrics.DeliveryTotals]. Rows are by group of watchers and by QoS, the lower of
// what a message was published with and what the group was granted (3.8.4).
//
// # What a message counts as that did not come
//
// "Lost" accuses the broker, so it is said only of what is known.
//
//   - A message of QoS 1 or 2 that the broker acknowledged, or has yet to, and that
//     did not come, is lost. One that it refused (0x80 and above) is refused; one
//     that was given up with its session is unconfirmed: nobody knows whether it
//     arrived.
//   - A message of QoS 0 that was written is lost as well: nothing guarantees it, and
//     the row says QoS 0. But where the connection then broke, what was sent last on
//     it, with nothing behind it that came, is unconfirmed.
//   - A message that was sent while an account had nobody subscribed is unwatched. A
//     watcher is subscribed from its SUBACK to the end of its session. What was on
//     its way at that end, sent before it and with nothing behind it that came, is
//     unwatched too. Of a shared subscription that is everything that had not come
//     when a member went, for it may have been on its way to that member; and where
//     other processes have members, everything that did not come here.
//   - What did not come, with nothing behind it that did, before the run was
//     interrupted, or to a watcher that was busy with messages older than half a
//     second as it ended, is unfinished.
//
// Whatever comes counts, also if it did not have to. A message that was sent before
// the measuring, or after it, is in no figure but those of strays.
//
// A second copy is a duplicate. If it came at QoS 1 after its publisher had to send
// it again on a new connection, or with DUP on a session that the watcher resumed,
// it is redelivered, which the standard allows (4.3.2). Where several filters of one
// client match, the broker may send a copy for each (3.3.4-2): those are neither.
//
// A message is reordered if it comes behind a later one of its topic and QoS, in the
// same session of a watcher and from the same connection of the device. Across the
// members of a shared subscription no order is defined; of a group, the order is
// judged for the sixteen members that came first to a topic or replaced one.
//
// Messages without a stamp, with one that does not add up, of other processes or
// other runs, and retained ones for a new subscription, are strays: they are counted
// and never make up for what is lost. Nothing expires: states and telemetry carry no
// Message Expiry Interval.
//
// # What it costs
//
// Nothing without watchers. With them some 130 bytes for each topic that something
// was sent on, and 24 for each account that is to get it; where something is
// missing, a bit for each message behind it, for at most 4,096 of them (512 bytes),
// when the oldest are given up as lost. What comes later than that counts as
// forgotten. A backlog, however long, takes nothing. Of a device that comes and goes,
// what is missing is given up likewise when it has reconnected some 64 times since
// and later messages have come. Where none have, there is room for 512 changes of
// circumstances on a topic, such as reconnects, and 1,024 odd messages; with more,
// what is missing on it is unconfirmed. A message allocates nothing once its topic
// is known.
//
// A figure of what is missing is final when the ledger is closed. Before that it is
// outstanding, unless it was given up; what came is exact at any time. Whoever wants
// to know of losses earlier asks [Ledger.Overdue].
package deliveries
