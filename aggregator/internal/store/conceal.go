package store

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// concealing is a log of what remotes answer, without the tokens that they were shown:
// a careless one says them back. Of addresses it has no query, which may hold another.
type concealing struct {
	slog.Handler
	files   []string      // of tokens; read anew, since they may be replaced
	queries []string      // of addresses
	values  []secret.Text // in them
}

// conceal is log for what the remotes of c answer.
func conceal(c *Config) *slog.Logger {
	h := concealing{Handler: c.Logger.Handler()}
	for _, r := range c.RemoteWrite {
		for _, f := range []string{r.TokenFile, r.PasswordFile} {
			if f != "" {
				h.files = append(h.files, f)
			}
		}
		if u, err := r.URL.Parse(); err == nil && u.RawQuery != "" {
			h.queries, h.values = append(h.queries, "?"+query(u), "", query(u), ""), append(h.values, r.URL.Query()...)
		}
	}
	return slog.New(h)
}

// Handle implements slog.Handler. Below warnings nothing is of a remote's words.
func (h concealing) Handle(ctx context.Context, r slog.Record) error {
	texts := h.values
	if r.Level >= slog.LevelWarn {
		for _, f := range h.files {
			if t, err := secret.Read(f); err == nil {
				texts = append(texts[:len(texts):len(texts)], t, secret.Of(strings.TrimSpace(t.Reveal())))
			}
		}
	}
	out := slog.NewRecord(r.Time, r.Level, h.without(r.Message, texts), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a, texts))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// without is a text without queries and texts.
func (h concealing) without(said string, texts []secret.Text) string {
	return secret.Hide(strings.NewReplacer(h.queries...).Replace(said), texts...)
}

func (h concealing) attr(a slog.Attr, texts []secret.Text) slog.Attr {
	if v := a.Value.Resolve(); v.Kind() == slog.KindString || v.Kind() == slog.KindAny {
		text := v.String()
		if without := h.without(text, texts); without != text {
			return slog.String(a.Key, without)
		}
	}
	return a
}

// WithAttrs implements slog.Handler. Addresses are among the attributes.
func (h concealing) WithAttrs(attrs []slog.Attr) slog.Handler {
	without := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		without[i] = h.attr(a, h.values)
	}
	h.Handler = h.Handler.WithAttrs(without)
	return h
}

// WithGroup implements slog.Handler.
func (h concealing) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
