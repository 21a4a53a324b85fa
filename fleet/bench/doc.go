// Package bench measures what a device of a fleet costs, side by side with a
// responder that does nothing but read and write sockets, and with one client of
// a well-known library per device. It has no API: everything is in its test
// files, so that nothing of it is part of the program, and it runs by way of
// .ci/bench, on Linux, for only there does the system tell what is asked.
//
// Each measurement is made in processes of its own: the broker, what sends the
// requests, and the contender, whose figures are taken from the outside or from
// its own runtime. They are the test binary, started again in another role.
package bench
