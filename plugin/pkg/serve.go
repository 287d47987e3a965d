package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/tracing"
)

// serve answers Grafana until it ends this program.
func serve() error {
	backend.SetupPluginEnvironment(pluginID)
	if err := backend.SetupTracer(pluginID, tracing.Opts{}); err != nil {
		return fmt.Errorf("set up tracing: %w", err)
	}
	s := &sources{instancemgmt.NewInstanceManagerWrapper(provider{datasource.NewInstanceProvider(newInstance)})}
	return backend.Manage(pluginID, backend.ServeOpts{CheckHealthHandler: s, CallResourceHandler: s, QueryDataHandler: s, StreamHandler: s})
}

// A provider tells data sources apart by all that Grafana says of them: one of
// another organization is another, and one with another token is new, whatever its
// time of change says.
type provider struct{ instancemgmt.InstanceProvider }

func (p provider) GetKey(ctx context.Context, pc backend.PluginContext) (any, error) {
	key, err := p.InstanceProvider.GetKey(ctx, pc)
	//lint:ignore SA1019 the namespace, which is to stand for it, is in the key already where Grafana sends one
	return fmt.Sprintf("%v of organization %d", key, pc.OrgID), err
}

func (p provider) NeedsUpdate(ctx context.Context, pc backend.PluginContext, kept instancemgmt.CachedInstance) bool {
	a, b := pc.DataSourceInstanceSettings, kept.PluginContext.DataSourceInstanceSettings
	alike := a.URL == b.URL && bytes.Equal(a.JSONData, b.JSONData) && maps.Equal(a.DecryptedSecureJSONData, b.DecryptedSecureJSONData)
	return !alike || p.InstanceProvider.NeedsUpdate(ctx, pc, kept)
}

// sources hand each request to its data source. Where its settings are wrong,
// every question is told so.
type sources struct{ kept instancemgmt.InstanceManager }

func (s *sources) of(ctx context.Context, pc backend.PluginContext) (*instance, error) {
	kept, err := s.kept.Get(ctx, pc)
	if err != nil {
		return nil, err
	}
	d, ok := kept.(*instance)
	if !ok {
		return nil, errors.New("this is no data source of this plugin")
	}
	return d, nil
}

func (s *sources) QueryData(ctx context.Context, req *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	d, err := s.of(ctx, req.PluginContext)
	if err == nil {
		return d.QueryData(ctx, req)
	}
	out := backend.NewQueryDataResponse()
	for _, q := range req.Queries {
		out.Responses[q.RefID] = refusedAnswer(err)
	}
	return out, nil
}

func (s *sources) CheckHealth(ctx context.Context, req *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	d, err := s.of(ctx, req.PluginContext)
	if err != nil {
		return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: err.Error()}, nil
	}
	return d.CheckHealth(ctx, req)
}

func (s *sources) CallResource(ctx context.Context, req *backend.CallResourceRequest, sender backend.CallResourceResponseSender) error {
	d, err := s.of(ctx, req.PluginContext)
	if err != nil {
		return err
	}
	return d.CallResource(ctx, req, sender)
}

func (s *sources) SubscribeStream(ctx context.Context, req *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	d, err := s.of(ctx, req.PluginContext)
	if err != nil {
		return nil, err
	}
	return d.SubscribeStream(ctx, req)
}

func (s *sources) PublishStream(ctx context.Context, req *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	d, err := s.of(ctx, req.PluginContext)
	if err != nil {
		return nil, err
	}
	return d.PublishStream(ctx, req)
}

func (s *sources) RunStream(ctx context.Context, req *backend.RunStreamRequest, sender *backend.StreamSender) error {
	d, err := s.of(ctx, req.PluginContext)
	if err != nil {
		return err
	}
	return d.RunStream(ctx, req, sender)
}
