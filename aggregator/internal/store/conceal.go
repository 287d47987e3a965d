package store

import (
	"context"
	"log/slog"
	"os"
	"strings"
)

// concealing is a log of what remotes answer, without the tokens that they were shown:
// a careless one says them back.
type concealing struct {
	slog.Handler
	files []string // of tokens; read anew, since they may be replaced
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
	}
	return slog.New(h)
}

// Handle implements slog.Handler. Below warnings nothing is of a remote's words.
func (h concealing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || len(h.files) == 0 {
		return h.Handler.Handle(ctx, r)
	}
	var pairs []string
	for _, f := range h.files {
		b, err := os.ReadFile(f)
		if t := strings.TrimSpace(string(b)); err == nil && t != "" {
			pairs = append(pairs, t, "[redacted]")
		}
	}
	without := strings.NewReplacer(pairs...)
	out := slog.NewRecord(r.Time, r.Level, without.Replace(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if v := a.Value.Resolve(); v.Kind() == slog.KindString || v.Kind() == slog.KindAny {
			if text := v.String(); without.Replace(text) != text {
				a = slog.String(a.Key, without.Replace(text))
			}
		}
		out.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h concealing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return concealing{h.Handler.WithAttrs(attrs), h.files}
}

// WithGroup implements slog.Handler.
func (h concealing) WithGroup(name string) slog.Handler {
	return concealing{h.Handler.WithGroup(name), h.files}
}
