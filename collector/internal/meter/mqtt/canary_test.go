package mqtt

import (
	"encoding/base64"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// gossip is a broker that lets everybody in, and publishes the password on whatever
// topic is asked for.
func gossip(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go gossipTo(c)
		}
	}()
	return l.Addr().String()
}

func gossipTo(c net.Conn) {
	defer c.Close()
	var told []byte
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			told = p.Password
			packets.NewControlPacket(packets.Connack).Write(c)
		case *packets.SubscribePacket:
			a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			a.MessageID, a.ReturnCodes = p.MessageID, make([]byte, len(p.Topics))
			a.Write(c)
			for _, topic := range p.Topics {
				m := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
				m.TopicName, m.Payload = topic, []byte("you said "+string(told)+" or "+base64.StdEncoding.EncodeToString(told))
				m.Write(c)
			}
		}
	}
}

func TestAPasswordThatIsSaidBackIsNotSaid(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	write(t, password, "canary-7f3a\n")
	for _, status := range []string{"", "b"} {
		h := &hall{t: t}
		d := device(gossip(t), "a")
		d.User, d.PasswordFile, d.Status = "gigawatch", password, status
		h.add("m", d, 0)
		h.run(false)
		h.wants("m", -1, "you said [redacted]")
		if said := h.Describe(); secret.Of("canary-7f3a").Stands(said) {
			t.Error(said)
		}
	}
	if _, _, err := new(Brokers).Of(device("u:canary-7f3a@host", "a")); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}
