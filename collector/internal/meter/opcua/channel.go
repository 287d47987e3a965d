package opcua

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// A channel is a secure channel, and the session in it, if there is one.
type channel struct {
	*uasc.SecureChannel
	conn  *uacp.Conn
	token *ua.NodeID // of the session; nil: there is none
}

// Buffers that a server may agree on. The library would take any, and fail by it.
const (
	leastBuffer = 8192
	mostBuffer  = 1 << 20
)

// patience is for how long the library waits for an answer, if its caller does.
const patience = 10 * time.Second

// dial opens a channel.
func dial(ctx context.Context, endpoint string, c *uasc.Config) (*channel, error) {
	c.Lifetime, c.RequestTimeout = uint32(time.Hour/time.Millisecond), patience
	d := uacp.Dialer{Dialer: &net.Dialer{}, ClientACK: &uacp.Acknowledge{ReceiveBufSize: uacp.DefaultReceiveBufSize, SendBufSize: uacp.DefaultSendBufSize}}
	conn, err := d.Dial(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	for _, n := range []uint32{conn.ReceiveBufSize(), conn.SendBufSize()} {
		if n < leastBuffer || n > mostBuffer {
			conn.Close()
			return nil, fmt.Errorf("the server wants buffers of %d bytes, and %d to %d are allowed", n, leastBuffer, mostBuffer)
		}
	}
	sc, err := uasc.NewSecureChannel(endpoint, conn, c, make(chan error, 1))
	if err == nil {
		err = handshake(ctx, sc, conn)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &channel{SecureChannel: sc, conn: conn}, nil
}

// handshake opens a channel over a connection, and closes that where it takes too long. The
// library must not be told: what it leaves half open its own goroutine, with an answer
// that has just come, would use, and panic.
func handshake(ctx context.Context, sc *uasc.SecureChannel, conn *uacp.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	intime := context.AfterFunc(ctx, func() { conn.Close() })
	err := sc.Open(context.WithoutCancel(ctx))
	if !intime() {
		return os.ErrDeadlineExceeded
	}
	return err
}

// farewell is for how long a server is waited for at the end of a session. A reading
// whose time is over ends with it, and has a second to end in.
const farewell = time.Second / 2

// end ends the session and the channel, as far as the server takes part in it.
func (c *channel) end() {
	if c.token != nil {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		_, _ = ask[*ua.CloseSessionResponse](ctx, c, &ua.CloseSessionRequest{DeleteSubscriptions: true}) // it may be gone
	}
	c.conn.Close()
	c.Close()
}

// ask sends a request and takes the answer to it.
func ask[A ua.Response](ctx context.Context, c *channel, r ua.Request) (a A, err error) {
	err = c.SendRequest(ctx, r, c.token, func(got ua.Response) error {
		var ok bool
		if a, ok = got.(A); !ok {
			return fmt.Errorf("it answers a %T by a %T", r, got)
		}
		return nil
	})
	return a, err
}

// An entry is as whom, and how, a session is begun.
type entry struct {
	endpoint *ua.EndpointDescription
	cert     []byte // of us; none without security
	uri      string // by which we are called in it
	user     ua.UserTokenPolicy
	name     string // of the user
	password secret.Text
}

// enter begins a session.
func (c *channel) enter(ctx context.Context, url string, e *entry) error {
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	s, err := ask[*ua.CreateSessionResponse](ctx, c, &ua.CreateSessionRequest{
		ClientDescription: &ua.ApplicationDescription{
			ApplicationURI: e.uri, ProductURI: "urn:gigawatch", ApplicationName: ua.NewLocalizedText("gigawatch"), ApplicationType: ua.ApplicationTypeClient,
		},
		EndpointURL: url, SessionName: "gigawatch", ClientNonce: nonce, ClientCertificate: e.cert,
		RequestedSessionTimeout: float64(idle / time.Millisecond),
	})
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	shown := slices.Clip(s.ServerCertificate)
	if e.secure() {
		shown = slices.Clip(e.endpoint.ServerCertificate)
		if !bytes.HasPrefix(s.ServerCertificate, shown) { // those of its authorities may follow
			return errors.New("the server shows another certificate in the session than before it")
		}
		if s.ServerSignature == nil || c.VerifySessionSignature(shown, nonce, s.ServerSignature.Signature) != nil {
			return errors.New("the server does not show that its certificate is its own")
		}
	}
	r := &ua.ActivateSessionRequest{ClientSignature: &ua.SignatureData{}, LocaleIDs: []string{"en"}, UserTokenSignature: &ua.SignatureData{}}
	if r.ClientSignature.Signature, r.ClientSignature.Algorithm, err = c.NewSessionSignature(shown, s.ServerNonce); err != nil {
		return fmt.Errorf("sign for the session: %w", err)
	}
	who, err := e.token(c, shown, s.ServerNonce)
	if err != nil {
		return err
	}
	r.UserIdentityToken = ua.NewExtensionObject(who)
	c.token = s.AuthenticationToken
	if _, err := ask[*ua.ActivateSessionResponse](ctx, c, r); err != nil {
		return fmt.Errorf("enter the session: %w", err)
	}
	return nil
}

// idle is for how long a session lasts without a word.
const idle = 20 * time.Minute

func (e *entry) secure() bool { return e.endpoint.SecurityMode != ua.MessageSecurityModeNone }

// token is what the server is told of the user.
func (e *entry) token(c *channel, server, nonce []byte) (any, error) {
	if e.user.TokenType == ua.UserTokenTypeAnonymous {
		return &ua.AnonymousIdentityToken{PolicyID: e.user.PolicyID}, nil
	}
	if e.user.SecurityPolicyURI != ua.SecurityPolicyURINone {
		if err := keyed(server); err != nil {
			return nil, err
		}
	}
	sealed, algorithm, err := c.EncryptUserPassword(e.user.SecurityPolicyURI, e.password.Reveal(), server, nonce)
	if err != nil {
		return nil, fmt.Errorf("encrypt the password: %w", err)
	}
	return &ua.UserNameIdentityToken{PolicyID: e.user.PolicyID, UserName: e.name, Password: sealed, EncryptionAlgorithm: algorithm}, nil
}

// keyed says why nothing can be encrypted for the holder of a certificate.
func keyed(cert []byte) error {
	x, err := x509.ParseCertificate(cert)
	if err != nil {
		return fmt.Errorf("the server's certificate: %w", err)
	}
	if _, ok := x.PublicKey.(*rsa.PublicKey); !ok {
		return errors.New("the key of the server's certificate is not RSA's, which OPC UA wants")
	}
	return nil
}
