// Package attack attacks a broker that runs in a process of its own, over sockets,
// and measures from outside what it keeps: its resident memory after a collection,
// as the system tells it, beside what it charges, and how long a bystander in a
// third process waits meanwhile. It has no API: everything is in its test files,
// and it runs at full size by way of .ci/attack.
package attack
