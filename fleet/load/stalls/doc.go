// Package stalls runs the built program behind a proxy that stalls, in front of a
// broker in a third process, and compares the response times that it reports with those
// that follow from the plan and the proxy's own books. It shares no code with the
// program. It has no API: everything is in its test files, and .ci/stalls runs it in
// full.
package stalls
