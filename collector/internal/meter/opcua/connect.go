package opcua

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uapolicy"
	"github.com/gopcua/opcua/uasc"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// A ServerConfig says how a server is reached, and as whom.
type ServerConfig struct {
	Endpoint     string // opc.tcp://host:port
	Policy       string // None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss; "": None
	Mode         string // Sign, SignAndEncrypt; "" of None
	Cert, Key    string // files, PEM or DER: who we are
	ServerCert   string // file: whom to trust; "": whoever answers
	User         string // "": nobody
	PasswordFile string
}

// keys are what the files of a ServerConfig hold.
type keys struct {
	cert, server []byte // DER
	key          *rsa.PrivateKey
}

// load reads the files of c, and says what is wrong with them.
func (c *ServerConfig) load() (k keys, err error) {
	if c.PasswordFile != "" {
		if _, err := c.password(); err != nil {
			return k, err
		}
	}
	if c.ServerCert != "" {
		if k.server, err = certificate(c.ServerCert); err != nil {
			return k, fmt.Errorf("the certificate by which we know it: %w", err)
		}
	}
	if c.Policy == "None" {
		return k, nil
	}
	if mode(c.Mode) == ua.MessageSecurityModeInvalid {
		return k, fmt.Errorf("security mode %q; want Sign or SignAndEncrypt", c.Mode)
	}
	if k.cert, err = certificate(c.Cert); err != nil {
		return k, fmt.Errorf("the certificate by which it knows us: %w", err)
	}
	if k.key, err = private(c.Key); err != nil {
		return k, fmt.Errorf("its key: %w", err)
	}
	if x, err := x509.ParseCertificate(k.cert); err != nil || !k.key.PublicKey.Equal(x.PublicKey) {
		return k, fmt.Errorf("%s is not the key of %s", c.Key, c.Cert)
	}
	return k, nil
}

func mode(name string) ua.MessageSecurityMode {
	switch name {
	case "Sign":
		return ua.MessageSecurityModeSign
	case "SignAndEncrypt":
		return ua.MessageSecurityModeSignAndEncrypt
	}
	return ua.MessageSecurityModeInvalid
}

// certificate is that of a file.
func certificate(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if p, _ := pem.Decode(b); p != nil {
		b = p.Bytes
	}
	if _, err := x509.ParseCertificate(b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// private is the key of a file.
func private(path string) (*rsa.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if p, _ := pem.Decode(b); p != nil {
		b = p.Bytes
	}
	if key, err := x509.ParsePKCS1PrivateKey(b); err == nil {
		return key, nil
	}
	some, err := x509.ParsePKCS8PrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := some.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is no RSA key, which OPC UA wants", path)
	}
	return key, nil
}

// password is that of its file.
func (c *ServerConfig) password() (secret.Text, error) {
	b, err := os.ReadFile(c.PasswordFile)
	return secret.Of(strings.TrimRight(string(b), "\r\n")), err // it may be empty
}

// password is read each time: it may have been changed. Even before it is told it is
// not to be said: the server may know it since long.
func (s *Server) password() (secret.Text, error) {
	if s.c.PasswordFile == "" {
		return secret.Text{}, nil
	}
	word, err := s.c.password()
	if err == nil {
		s.word = word
	}
	return word, err
}

// connect begins a session.
func (s *Server) connect(ctx context.Context) (*channel, error) {
	word, err := s.password()
	if err != nil {
		return nil, err
	}
	list, err := s.endpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("find its endpoints: %w", err)
	}
	how, err := s.choose(list)
	if err != nil {
		return nil, err
	}
	e, err := s.who(how, word)
	if err != nil {
		return nil, err
	}
	conf := &uasc.Config{SecurityPolicyURI: how.SecurityPolicyURI, SecurityMode: how.SecurityMode}
	if e.secure() {
		if err := keyed(how.ServerCertificate); err != nil {
			return nil, err
		}
		conf.Certificate, conf.LocalKey = s.keys.cert, s.keys.key
		conf.RemoteCertificate, conf.Thumbprint = how.ServerCertificate, uapolicy.Thumbprint(how.ServerCertificate)
	}
	c, err := dial(ctx, s.c.Endpoint, conf)
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	if err := c.enter(ctx, s.c.Endpoint, e); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// endpoints are those that the server says it has, to anybody.
func (s *Server) endpoints(ctx context.Context) ([]*ua.EndpointDescription, error) {
	c, err := dial(ctx, s.c.Endpoint, &uasc.Config{SecurityPolicyURI: ua.SecurityPolicyURINone, SecurityMode: ua.MessageSecurityModeNone})
	if err != nil {
		return nil, err
	}
	defer c.end()
	a, err := ask[*ua.GetEndpointsResponse](ctx, c, &ua.GetEndpointsRequest{EndpointURL: s.c.Endpoint})
	if err != nil {
		return nil, err
	}
	return a.Endpoints, nil
}

// choose is the endpoint that the settings are about.
func (s *Server) choose(list []*ua.EndpointDescription) (*ua.EndpointDescription, error) {
	want, how := ua.FormatSecurityPolicyURI(s.c.Policy), mode(s.c.Mode)
	if s.c.Policy == "None" {
		how = ua.MessageSecurityModeNone
	}
	var offers []string
	var found *ua.EndpointDescription
	for _, e := range list {
		if e == nil {
			continue
		}
		if e.SecurityPolicyURI == want && e.SecurityMode == how {
			found = e
			break
		}
		_, policy, _ := strings.Cut(e.SecurityPolicyURI, "#")
		offer := strings.TrimSuffix(policy+" "+strings.TrimPrefix(e.SecurityMode.String(), "MessageSecurityMode"), " None")
		if !slices.Contains(offers, offer) && len(offers) < 16 {
			offers = append(offers, offer)
		}
	}
	switch {
	case len(list) == 0:
		return nil, errors.New("the server has no endpoints by this name: write endpoint: as it names itself")
	case found == nil:
		return nil, fmt.Errorf("the server does not offer %s; it offers %s", strings.TrimSpace(s.c.Policy+" "+s.c.Mode), strings.Join(offers, ", "))
	case s.keys.server != nil && !bytes.Equal(found.ServerCertificate, s.keys.server):
		return nil, fmt.Errorf("the server has another certificate than %s: it was renewed, or this is another server", s.c.ServerCert)
	}
	return found, nil
}

// who is as whom a session is begun at an endpoint.
func (s *Server) who(how *ua.EndpointDescription, word secret.Text) (*entry, error) {
	e := &entry{endpoint: how, cert: s.keys.cert, uri: "urn:gigawatch:collector", name: s.c.User, password: word}
	if x, err := x509.ParseCertificate(s.keys.cert); err == nil && len(x.URIs) > 0 { // servers hold one against the other
		e.uri = x.URIs[0].String()
	}
	kind := ua.UserTokenTypeAnonymous
	if s.c.User != "" {
		kind = ua.UserTokenTypeUserName
	}
	i := slices.IndexFunc(how.UserIdentityTokens, func(t *ua.UserTokenPolicy) bool { return t != nil && t.TokenType == kind })
	switch {
	case i < 0 && s.c.User != "":
		return nil, errors.New("the server takes no user with a password at this endpoint: leave out user: and password_file: here")
	case i < 0:
		return nil, errors.New("the server lets nobody in without a user: write user: and password_file: for one")
	}
	e.user = *how.UserIdentityTokens[i]
	e.user.SecurityPolicyURI = cmp.Or(e.user.SecurityPolicyURI, how.SecurityPolicyURI)
	if s.c.User == "" {
		return e, nil
	}
	if s.c.Mode == "Sign" && e.user.SecurityPolicyURI == ua.SecurityPolicyURINone {
		return nil, errors.New("the server wants the password in the clear: write security_mode: SignAndEncrypt")
	}
	return e, nil
}
