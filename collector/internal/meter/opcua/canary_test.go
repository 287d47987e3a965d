package opcua

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// A server knows the password of whom it refused, and may say it back when it is asked
// for its endpoints.
func TestAPasswordThatIsSaidBackIsNotSaid(t *testing.T) {
	us, them := identify(t, "collector"), identify(t, "server")
	file := us.cert + ".password"
	write(t, file, []byte("canary-7f3a91d2\n"))
	v := guard(t, them, "Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, map[string]*ua.DataValue{"P": bare(500.), "E": bare(uint64(1000))})
	v.users["u"] = "another"
	d := meterOf(v.endpoint)
	d.Policy, d.Mode, d.Cert, d.Key, d.User, d.PasswordFile = "Basic256Sha256", "SignAndEncrypt", us.cert, us.pem, "u", file
	var l Servers
	r := of(t, &l, d)
	s := l.list[d.Endpoint]
	defer s.close()
	if _, err := r.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "the server does not let the user in") {
		t.Errorf("%v", err)
	}
	told := "canary-7f3a91d2"
	v.mu.Lock()
	v.policies = []*ua.EndpointDescription{{
		EndpointURL: v.endpoint, SecurityPolicyURI: "#you-said-" + told + "-or-" + base64.URLEncoding.EncodeToString([]byte("u:"+told)), Server: v.policies[0].Server,
	}}
	v.mu.Unlock()
	s.rest = resting{}
	_, err := r.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it offers you-said-[redacted]") || secret.Of(told).Stands(err.Error()) {
		t.Errorf("%v", err)
	}
}
