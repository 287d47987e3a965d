package opcua

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
)

// A vault is a server with security, which holds users against their passwords and
// clients against their signatures. It has no policy without security; endpoints
// are told to anybody.
type vault struct {
	endpoint string
	identity
	policies []*ua.EndpointDescription
	nodes    map[string]*ua.DataValue

	mu       sync.Mutex
	forged   bool // its signatures are another's
	users    map[string]string
	sessions map[string]*vaultSession
	most     int // nodes that it reads at once; 0: any number
}

type vaultSession struct {
	token *ua.NodeID
	nonce []byte
	cert  []byte
	in    bool
}

// guard starts a vault that offers a policy and a mode.
func guard(t *testing.T, id identity, policy string, how ua.MessageSecurityMode, nodes map[string]*ua.DataValue) *vault {
	t.Helper()
	v := &vault{endpoint: "opc.tcp://127.0.0.1:" + strconv.Itoa(freePort(t)), identity: id, nodes: nodes, users: map[string]string{}, sessions: map[string]*vaultSession{}}
	uri := ua.FormatSecurityPolicyURI(policy)
	v.policies = []*ua.EndpointDescription{{
		EndpointURL: v.endpoint, SecurityMode: how, SecurityPolicyURI: uri, ServerCertificate: id.der,
		Server:             &ua.ApplicationDescription{ApplicationName: ua.NewLocalizedText("vault")},
		UserIdentityTokens: []*ua.UserTokenPolicy{{PolicyID: "a", TokenType: ua.UserTokenTypeAnonymous}, {PolicyID: "u", TokenType: ua.UserTokenTypeUserName, SecurityPolicyURI: uri}},
	}}
	l, err := uacp.Listen(t.Context(), v.endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept(ctx)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // whoever it was left before it had greeted
				n--
				continue
			}
			cfg := &uasc.Config{SecurityPolicyURI: ua.SecurityPolicyURINone, SecurityMode: ua.MessageSecurityModeNone, Lifetime: 3_600_000, RequestTimeout: time.Second, Certificate: id.der, LocalKey: id.key}
			if n%2 == 1 { // what comes first of a client asks for endpoints
				cfg.SecurityPolicyURI, cfg.SecurityMode = uri, how
			}
			sc, err := uasc.NewServerSecureChannel("", conn, cfg, make(chan error, 9), uint32(n+1), 1, uint32(n+1))
			if err != nil {
				t.Error(err)
				return
			}
			go v.serve(ctx, sc, n%2 == 1)
		}
	}()
	return v
}

func (v *vault) serve(ctx context.Context, sc *uasc.SecureChannel, secure bool) {
	defer func() { _ = recover(); sc.Close() }() // the library is no server of this kind: it may trip
	for {
		m := sc.Receive(ctx)
		if m.Err != nil {
			return
		}
		r := m.Request()
		if r == nil {
			continue
		}
		if err := sc.SendResponseWithContext(ctx, m.RequestID, v.answer(sc, r, secure)); err != nil {
			return
		}
	}
}

func header(r ua.Request, status ua.StatusCode) *ua.ResponseHeader {
	return &ua.ResponseHeader{Timestamp: time.Now(), RequestHandle: r.Header().RequestHandle, ServiceResult: status, ServiceDiagnostics: &ua.DiagnosticInfo{}, AdditionalHeader: ua.NewExtensionObject(nil)}
}

func (v *vault) answer(sc *uasc.SecureChannel, r ua.Request, secure bool) ua.Response {
	v.mu.Lock()
	defer v.mu.Unlock()
	no := func(status ua.StatusCode) ua.Response { return &ua.ServiceFault{ResponseHeader: header(r, status)} }
	if q, ok := r.(*ua.GetEndpointsRequest); ok {
		return &ua.GetEndpointsResponse{ResponseHeader: header(q, ua.StatusOK), Endpoints: v.policies}
	}
	if !secure {
		return no(ua.StatusBadSecurityPolicyRejected)
	}
	switch q := r.(type) {
	case *ua.CreateSessionRequest:
		s := &vaultSession{token: ua.NewNumericNodeID(0, uint32(len(v.sessions)+1)), nonce: make([]byte, 32), cert: q.ClientCertificate}
		rand.Read(s.nonce)
		v.sessions[s.token.String()] = s
		nonce := q.ClientNonce
		if v.forged {
			nonce = s.nonce
		}
		sig, alg, err := sc.NewSessionSignature(q.ClientCertificate, nonce)
		if err != nil {
			return no(ua.StatusBadInternalError)
		}
		return &ua.CreateSessionResponse{
			ResponseHeader: header(q, ua.StatusOK), SessionID: s.token, AuthenticationToken: s.token, RevisedSessionTimeout: 60_000,
			ServerSignature: &ua.SignatureData{Signature: sig, Algorithm: alg}, ServerCertificate: v.der, ServerNonce: s.nonce, ServerEndpoints: v.policies,
		}
	case *ua.ActivateSessionRequest:
		s := v.sessions[q.RequestHeader.AuthenticationToken.String()]
		if s == nil {
			return no(ua.StatusBadSessionIDInvalid)
		}
		if err := sc.VerifySessionSignature(s.cert, s.nonce, q.ClientSignature.Signature); err != nil {
			return no(ua.StatusBadSecurityChecksFailed)
		}
		if u, ok := q.UserIdentityToken.Value.(*ua.UserNameIdentityToken); ok && !v.admit(u, s.nonce) {
			return no(ua.StatusBadUserAccessDenied)
		} else if !ok && len(v.users) > 0 {
			return no(ua.StatusBadIdentityTokenRejected)
		}
		s.in = true
		return &ua.ActivateSessionResponse{ResponseHeader: header(q, ua.StatusOK), ServerNonce: s.nonce}
	case *ua.ReadRequest:
		if s := v.sessions[q.RequestHeader.AuthenticationToken.String()]; s == nil || !s.in {
			return no(ua.StatusBadSessionIDInvalid)
		}
		if v.most > 0 && len(q.NodesToRead) > v.most {
			return no(ua.StatusBadTooManyOperations)
		}
		a := &ua.ReadResponse{ResponseHeader: header(q, ua.StatusOK)}
		for _, n := range q.NodesToRead {
			a.Results = append(a.Results, v.nodes[n.NodeID.StringID()])
		}
		return a
	case *ua.CloseSessionRequest:
		delete(v.sessions, q.RequestHeader.AuthenticationToken.String())
		return &ua.CloseSessionResponse{ResponseHeader: header(q, ua.StatusOK)}
	}
	return no(ua.StatusBadServiceUnsupported)
}

// admit holds a user's password, as it was encrypted for us, against the one that
// is known.
func (v *vault) admit(u *ua.UserNameIdentityToken, nonce []byte) bool {
	plain, err := rsa.DecryptOAEP(sha1.New(), nil, v.key, u.Password, nil)
	if err != nil || len(plain) < 4+len(nonce) || int(binary.LittleEndian.Uint32(plain)) != len(plain)-4 {
		return false
	}
	want, known := v.users[u.UserName]
	return known && string(plain[4:len(plain)-len(nonce)]) == want
}
