// Package loopback finds addresses for servers of tests that must be known before the
// server listens.
//
//	ports   1024 ......... 20000 |== given ==| 32767 | 32768 ... outgoing connections
//
// A port that the kernel chose and that was closed again can be taken at once by any
// outgoing connection of the machine. So ports are given from below those, each at most
// once in a process.
package loopback

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

const first, ports = 20000, 12768

// rest are the ports that are not given yet, in this process' own order.
var rest = struct {
	sync.Mutex
	ports []int
}{ports: rand.Perm(ports)}

// Free is an address on 127.0.0.1 that nobody listens at, by TCP or by UDP.
func Free(t testing.TB) string {
	t.Helper()
	rest.Lock()
	defer rest.Unlock()
	for len(rest.ports) > 0 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rest.ports[0]))
		rest.ports = rest.ports[1:]
		if free(address) {
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

func free(address string) bool {
	stream, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer stream.Close()
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	packets.Close()
	return true
}
