package handshake

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// PluginID is what Grafana calls the plugin by.
const PluginID = "gigawatch-gigawatch-datasource"

// A Program is the data source's back end, running.
type Program struct {
	Diagnostics pluginv2.DiagnosticsClient
	Data        pluginv2.DataClient
	Resource    pluginv2.ResourceClient
	Stream      pluginv2.StreamClient

	client *goplugin.Client
}

// Start runs the program at path. What it logs as a warning or worse goes to log.
func Start(path string, log io.Writer) (p *Program, err error) {
	cmd := exec.Command(path)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	p = &Program{client: goplugin.NewClient(&goplugin.ClientConfig{
		Cmd: cmd, SkipHostEnv: true, AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: grpcplugin.ProtocolVersion, MagicCookieKey: grpcplugin.MagicCookieKey, MagicCookieValue: grpcplugin.MagicCookieValue},
		Plugins: goplugin.PluginSet{
			"diagnostics": part[pluginv2.DiagnosticsClient]{client: pluginv2.NewDiagnosticsClient},
			"data":        part[pluginv2.DataClient]{client: pluginv2.NewDataClient},
			"resource":    part[pluginv2.ResourceClient]{client: pluginv2.NewResourceClient},
			"stream":      part[pluginv2.StreamClient]{client: pluginv2.NewStreamClient},
		},
		Logger: hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Warn}),
	})}
	defer func() {
		if err != nil {
			p.Kill()
		}
	}()
	rpc, err := p.client.Client()
	if err != nil {
		return nil, fmt.Errorf("handshake with %s: %w", path, err)
	}
	for name, set := range map[string]func(any) bool{
		"diagnostics": func(v any) (ok bool) { p.Diagnostics, ok = v.(pluginv2.DiagnosticsClient); return ok },
		"data":        func(v any) (ok bool) { p.Data, ok = v.(pluginv2.DataClient); return ok },
		"resource":    func(v any) (ok bool) { p.Resource, ok = v.(pluginv2.ResourceClient); return ok },
		"stream":      func(v any) (ok bool) { p.Stream, ok = v.(pluginv2.StreamClient); return ok },
	} {
		v, err := rpc.Dispense(name)
		if err != nil {
			return nil, fmt.Errorf("ask %s for its %s: %w", path, name, err)
		}
		if !set(v) {
			return nil, fmt.Errorf("ask %s for its %s: it gives a %T", path, name, v)
		}
	}
	return p, nil
}

// Kill ends the program.
func (p *Program) Kill() { p.client.Kill() }

// part hands out one gRPC client.
type part[T any] struct {
	goplugin.NetRPCUnsupportedPlugin
	client func(grpc.ClientConnInterface) T
}

func (part[T]) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

func (p part[T]) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return p.client(c), nil
}
