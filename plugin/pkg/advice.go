package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// A mistake is something wrong with what was asked. Its text says what to write.
type mistake struct{ text string }

func (m *mistake) Error() string { return m.text }

func wrong(format string, args ...any) error { return &mistake{fmt.Sprintf(format, args...)} }

// advised is err as people read it: who is at fault, and what to do.
func advised(from string, err error) error {
	if err == nil {
		return nil
	}
	var m *mistake
	var e backend.ErrorWithSource
	if errors.As(err, &m) || errors.As(err, &e) {
		return err
	}
	return backend.DownstreamError(&failure{from, advice(err), err})
}

// failure is an error of one aggregator, with a sentence that says what to do.
type failure struct {
	from, advice string
	err          error
}

func (f *failure) Error() string { return "aggregator " + f.from + ": " + f.advice }
func (f *failure) Unwrap() error { return f.err }

// advice is what to do about err.
func advice(err error) string {
	var q *query.Error
	if errors.As(err, &q) {
		return refusal(q)
	}
	var (
		dns       *net.DNSError
		unknownCA x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		alert     tls.AlertError
		record    tls.RecordHeaderError
		syntax    *json.SyntaxError
		shape     *json.UnmarshalTypeError
		timeout   interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "the question was given up before it was answered"
	case errors.Is(err, errTooLong):
		return "the answer is longer than this data source takes: ask for fewer things or a shorter time, or raise limits.bytes in its settings"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing answers at its address: check that the aggregator runs and that host and port are right (connection refused)"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %q is not known: check the spelling of the address, and the DNS that Grafana's server uses", dns.Name)
	case errors.As(err, &unknownCA):
		return "its certificate is signed by nobody that is trusted here: give the CA certificate in the settings"
	case errors.As(err, &name):
		return "its certificate is of another name: use the name that it is of as the address, or set tlsServerName"
	case errors.As(err, &invalid):
		return "its certificate is not valid (" + invalid.Error() + "): renew it, and check the clocks"
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls"):
		return "it refused the TLS connection, most likely for want of a client certificate: give certificate and key in the settings (" + last(err) + ")"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it speaks plain HTTP: write http:// in the address, or give the aggregator a certificate"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: ask for a shorter time or fewer things, or raise the timeout in the settings; if all questions end so, check the way to the aggregator"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the answer was cut off: the aggregator, or a proxy before it, closed the connection; try again, and look into its log"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to it in the network: check address, routes and firewalls"
	case errors.As(err, &syntax), errors.As(err, &shape), strings.Contains(err.Error(), "not of an aggregator"):
		return "what answers is no aggregator of Gigawatch: check the address; a proxy or a sign-in page may stand before it (" + last(err) + ")"
	}
	return last(err)
}

// last is what err ends with: the cause, without the address and its query.
func last(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// refusal is what to do where an aggregator said no.
func refusal(q *query.Error) string {
	switch {
	case q.Status == http.StatusUnauthorized:
		return "it does not know the token: write the token of its token file into this data source's settings (401)"
	case q.Status == http.StatusForbidden:
		return "the token may not read this: ask for a token that may, or ask for what this one may read (403: " + q.Message + ")"
	case q.Status == http.StatusMisdirectedRequest:
		return "it answers to loopback names only while it has no token: use 127.0.0.1 as the address, or give it a token"
	case q.Status == http.StatusNotImplemented || q.Status == http.StatusNotFound && strings.HasPrefix(q.Message, "no such path"):
		return "its version does not answer this; update the aggregator (" + q.Message + ")"
	case q.Status == http.StatusServiceUnavailable && q.Reason == query.Timeout:
		return "it did not finish in time: ask for a shorter time, a longer step or fewer things"
	case q.Status == http.StatusServiceUnavailable:
		return "it is busy or starting: try again in a moment; if it stays so, refresh less often (" + q.Message + ")"
	case q.Status >= 300 && q.Status < 400:
		return fmt.Sprintf("it sends elsewhere (%d): write the address of the aggregator itself", q.Status)
	case q.Reason == query.Execution && strings.Contains(q.Message, "too many samples"):
		return "the question touches too many samples: ask for fewer series, a shorter time or a longer step (" + q.Message + ")"
	case q.Reason == "":
		return fmt.Sprintf("what answers is no aggregator of Gigawatch (%d): check the address and what stands before it", q.Status)
	}
	return q.Message
}
