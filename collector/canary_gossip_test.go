//go:build cgo && linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
	"github.com/gosnmp/gosnmp"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// gossips are devices that say back what they were told in confidence, in the words of
// their protocol.
type gossips struct {
	snmp, snmp3       string // ports, of two addresses each
	ipmi, mqtt, opcua string // where they are

	mu    sync.Mutex
	heard strings.Builder
}

func (g *gossips) hear(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fmt.Fprintln(&g.heard, what)
}

func (g *gossips) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.heard.String()
}

func gossip(t *testing.T) *gossips {
	t.Helper()
	g := &gossips{}
	for _, port := range []*string{&g.snmp, &g.snmp3} {
		_, *port, _ = net.SplitHostPort(loopback.Free(t))
		for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
			g.datagrams(t, net.JoinHostPort(host, *port), g.saysSNMP)
		}
	}
	g.ipmi = loopback.Free(t)
	g.datagrams(t, g.ipmi, func(b []byte) []byte { return b })
	g.mqtt = loopback.Free(t)
	l, err := net.Listen("tcp", g.mqtt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go g.saysMQTT(c)
		}
	}()
	g.opcua = loopback.Free(t)
	g.saysOPCUA(t, "opc.tcp://"+g.opcua)
	return g
}

// datagrams answers each by another.
func (g *gossips) datagrams(t *testing.T, at string, answer func([]byte) []byte) {
	t.Helper()
	c, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(answer(slices.Clone(b[:n])), from)
		}
	}()
}

// forms is a secret as a careless device shows it.
func forms(told string) string {
	return "you said " + told + ", " + hex.EncodeToString([]byte(told)) + ", " + base64.StdEncoding.EncodeToString([]byte("user:"+told))
}

// saysSNMP answers v2c by its community, in all that is asked for, and else by the
// question itself.
func (g *gossips) saysSNMP(question []byte) []byte {
	p, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c}).SnmpDecodePacket(question)
	if err != nil || p.Version != gosnmp.Version2c {
		return question
	}
	g.hear("community " + p.Community)
	p.PDUType, p.NonRepeaters, p.MaxRepetitions = gosnmp.GetResponse, 0, 0
	for i := range p.Variables {
		p.Variables[i].Type, p.Variables[i].Value = gosnmp.OctetString, p.Community
	}
	b, err := p.MarshalMsg()
	if err != nil {
		return question
	}
	return b
}

// saysMQTT lets everybody in, and publishes the password wherever it is asked to.
func (g *gossips) saysMQTT(c net.Conn) {
	defer c.Close()
	told := ""
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			told = string(p.Password)
			g.hear("password " + told)
			packets.NewControlPacket(packets.Connack).Write(c)
		case *packets.SubscribePacket:
			a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			a.MessageID, a.ReturnCodes = p.MessageID, make([]byte, len(p.Topics))
			a.Write(c)
			for _, topic := range p.Topics {
				m := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
				m.TopicName, m.Payload = topic, []byte(told)
				m.Write(c)
			}
		}
	}
}

// saysOPCUA asks for a password in the clear, refuses it, and offers it from then on
// as a policy.
func (g *gossips) saysOPCUA(t *testing.T, endpoint string) {
	t.Helper()
	l, err := uacp.Listen(t.Context(), endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close() })
	var mu sync.Mutex
	told := ""
	answer := func(r ua.Request) ua.Response {
		mu.Lock()
		defer mu.Unlock()
		head := func(status ua.StatusCode) *ua.ResponseHeader {
			return &ua.ResponseHeader{Timestamp: time.Now(), RequestHandle: r.Header().RequestHandle, ServiceResult: status, ServiceDiagnostics: &ua.DiagnosticInfo{}, StringTable: []string{forms(told)}, AdditionalHeader: ua.NewExtensionObject(nil)}
		}
		switch q := r.(type) {
		case *ua.GetEndpointsRequest:
			policy := ua.SecurityPolicyURINone
			if told != "" {
				policy = "#" + forms(told)
			}
			return &ua.GetEndpointsResponse{ResponseHeader: head(ua.StatusOK), Endpoints: []*ua.EndpointDescription{{
				EndpointURL: endpoint, SecurityMode: ua.MessageSecurityModeNone, SecurityPolicyURI: policy, Server: &ua.ApplicationDescription{ApplicationName: ua.NewLocalizedText("gossip")},
				UserIdentityTokens: []*ua.UserTokenPolicy{{PolicyID: "u", TokenType: ua.UserTokenTypeUserName, SecurityPolicyURI: ua.SecurityPolicyURINone}},
			}}}
		case *ua.CreateSessionRequest:
			id := ua.NewNumericNodeID(0, 1)
			return &ua.CreateSessionResponse{ResponseHeader: head(ua.StatusOK), SessionID: id, AuthenticationToken: id, RevisedSessionTimeout: 60_000, ServerSignature: &ua.SignatureData{}, ServerNonce: make([]byte, 32)}
		case *ua.ActivateSessionRequest:
			if u, ok := q.UserIdentityToken.Value.(*ua.UserNameIdentityToken); ok {
				told = string(u.Password)
				g.hear("password " + told)
			}
		}
		return &ua.ServiceFault{ResponseHeader: head(ua.StatusBadUserAccessDenied)}
	}
	go func() {
		for n := uint32(1); ; n++ {
			conn, err := l.Accept(ctx)
			if err != nil {
				return
			}
			conf := &uasc.Config{SecurityPolicyURI: ua.SecurityPolicyURINone, SecurityMode: ua.MessageSecurityModeNone, Lifetime: 3_600_000, RequestTimeout: time.Second}
			sc, err := uasc.NewServerSecureChannel("", conn, conf, make(chan error, 9), n, 1, n)
			if err != nil {
				t.Error(err)
				return
			}
			go func() {
				defer func() { _ = recover(); sc.Close() }() // the library is no server of this kind: it may trip
				for m := sc.Receive(ctx); m.Err == nil; m = sc.Receive(ctx) {
					if r := m.Request(); r != nil && sc.SendResponseWithContext(ctx, m.RequestID, answer(r)) != nil {
						return
					}
				}
			}()
		}
	}()
}
