package opcua

import (
	"context"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uapolicy"
	"github.com/gopcua/opcua/uasc"
)

// An answer to who has just left, as a busy server gives it, ends no program: the
// library takes it in a goroutine of its own.
func TestAnAnswerAtTheLastMoment(t *testing.T) {
	t.Parallel()
	them, us := identify(t, "server"), identify(t, "collector")
	for _, name := range []string{"a", "b", "c", "d"} { // so that they get into each other's way
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := guard(t, them, "Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt, nil)
			try := func(limit time.Duration, conf uasc.Config) bool {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				c, err := dial(ctx, v.endpoint, &conf)
				if err == nil {
					c.end()
				}
				return err == nil
			}
			plain := uasc.Config{SecurityPolicyURI: ua.SecurityPolicyURINone, SecurityMode: ua.MessageSecurityModeNone}
			secure := uasc.Config{
				SecurityPolicyURI: ua.FormatSecurityPolicyURI("Basic256Sha256"), SecurityMode: ua.MessageSecurityModeSignAndEncrypt,
				Certificate: us.der, LocalKey: us.key, RemoteCertificate: them.der, Thumbprint: uapolicy.Thumbprint(them.der),
			}
			limit, met, missed := 50*time.Millisecond, 0, 0
			for began := time.Now(); time.Since(began) < 4*time.Second; {
				if !try(time.Second, plain) { // the vault awaits the other kind: who was last had not greeted it
					continue
				}
				if try(limit, secure) {
					met, limit = met+1, limit-limit/20
				} else {
					missed, limit = missed+1, limit+limit/20
				}
			}
			t.Logf("%d answers came in time, %d did not, at last within %v", met, missed, limit)
			if met == 0 || missed == 0 {
				t.Error("nothing was tried")
			}
		})
	}
}
