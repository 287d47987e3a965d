package odata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// auth is what a request carries.
type auth struct {
	token   secret.Text // of the session, or from the file
	session string      // path, to give it back
	user    string      // with secret instead of a token, where the service has no sessions
	secret  secret.Text // from the file
	fresh   bool        // nothing was asked with it yet
}

const sessionsPath = ServicePath + "SessionService/Sessions"

// login makes r.auth what the next request may carry.
func (r *Client) login(ctx context.Context) error {
	if r.auth != (auth{}) || r.c.User == "" && r.c.TokenFile == "" {
		return nil
	}
	file := r.c.PasswordFile + r.c.TokenFile // one of them is empty
	word, err := secret.Read(file)
	if err == nil {
		err = r.gate.Check(r.c.User, word, file)
	}
	if err != nil {
		return Later(err, time.Minute)
	}
	r.tells(word)
	if r.c.TokenFile != "" {
		r.auth = auth{token: word, secret: word}
		return nil
	}
	b, err := json.Marshal(map[string]string{"UserName": r.c.User, "Password": word.Reveal()})
	if err != nil {
		return errors.New("password cannot be sent")
	}
	resp, err := r.send(ctx, http.MethodPost, sessionsPath, b)
	if err != nil {
		return err
	}
	defer discard(resp)
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated:
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest:
		return r.shut(word, fmt.Errorf("log in as %s: %s", r.c.User, resp.Status))
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		r.auth = auth{user: r.c.User, secret: word}
		return nil
	default:
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
		if bytes.Contains(said, []byte("SessionLimitExceeded")) { // by others: ask without one
			r.auth = auth{user: r.c.User, secret: word}
			return nil
		}
		return refusal(resp, "log in as "+r.c.User)
	}
	r.auth = auth{token: secret.Of(resp.Header.Get("X-Auth-Token")), secret: word, fresh: true}
	if r.auth.token.IsZero() {
		r.auth = auth{}
		return fmt.Errorf("log in as %s: no X-Auth-Token", r.c.User)
	}
	if r.auth.session, err = r.Local(resp.Header.Get("Location")); err != nil {
		var made Link
		if json.NewDecoder(io.LimitReader(resp.Body, largest)).Decode(&made) == nil {
			r.auth.session, _ = r.Local(made.ID)
		}
	}
	r.tells(word, r.auth.token)
	r.gate = secret.Gate{}
	return nil
}

// refused is the error where what was asked for at a path is not for us.
func (r *Client) refused(path string) error {
	if r.c.User == "" && r.c.TokenFile == "" {
		return fmt.Errorf("get %s: 401 Unauthorized: it asks for credentials", path)
	}
	word := r.auth.secret
	r.auth = auth{}
	return r.shut(word, fmt.Errorf("get %s: 401 Unauthorized", path))
}

func (r *Client) shut(word secret.Text, why error) error {
	r.gate.Shut(r.c.User, word, why)
	return Later(why, time.Minute)
}
