package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// A variable is one choice of the person who looks.
type variable struct {
	name, label, help string
	within            []string // variables that it is narrowed by
	everything        bool     // it may be left open
	choices           []string // where they are fixed
}

// The variables, outer to inner.
var (
	bySite   = variable{name: "site", label: "Site", help: "Which site"}
	byHall   = variable{name: "hall", label: "Hall", help: "Which hall of the site", within: []string{"site"}}
	byRack   = variable{name: "rack", label: "Rack", help: "Which rack of the hall", within: []string{"site", "hall"}}
	byHost   = variable{name: "host", label: "Host", help: "Which host of the rack", within: []string{"site", "hall", "rack"}}
	byGPU    = variable{name: "gpu", label: "GPU", help: "Which GPU of the host", within: []string{"site", "host"}}
	byTenant = variable{name: "tenant", label: "Tenant", help: "Who runs jobs at the site now", within: []string{"site"}, everything: true}
	byJob    = variable{name: "job", label: "Job", help: "Which of the jobs that run now", within: []string{"site"}}
)

// open is v, which may be left open.
func (v variable) open() variable {
	v.everything = true
	return v
}

// whose is v, narrowed by others.
func (v variable) whose(within ...string) variable {
	v.within = within
	return v
}

func (v *variable) model() dashboard.VariableModel {
	m := dashboard.VariableModel{
		Type: dashboard.VariableTypeQuery, Name: v.name, Label: ptr(v.label), Description: ptr(v.help), Multi: ptr(false),
		IncludeAll: ptr(v.everything), AllowCustomValue: ptr(true), Refresh: ptr(dashboard.VariableRefreshOnDashboardLoad), Sort: ptr(dashboard.VariableSortDisabled),
	}
	if len(v.choices) > 0 {
		m.Type, m.Refresh, m.Sort, m.IncludeAll = dashboard.VariableTypeCustom, nil, nil, ptr(false)
		text := ""
		for i, c := range v.choices {
			if i > 0 {
				text += ","
			}
			text += c
			m.Options = append(m.Options, option(c, i == 0))
		}
		m.Query, m.Current = &dashboard.StringOrMap{String: ptr(text)}, ptr(option(v.choices[0], true))
		return m
	}
	q := map[string]any{"refId": "variable", "version": 1, "of": v.name}
	for _, w := range v.within {
		q[w] = "$" + w
	}
	if v.name == "host" {
		q["limit"] = mostHosts
	}
	m.Datasource, m.Query, m.Definition = &common.DataSourceRef{Type: ptr(plugin), Uid: ptr("${ds}")}, &dashboard.StringOrMap{Map: q}, ptr(fmt.Sprintf("list of %ss", v.name))
	if v.everything {
		m.AllValue = ptr(".*")
		m.Current = &dashboard.VariableOption{Text: said("All"), Value: said("$__all")}
	}
	return m
}

// mostHosts bounds the list of hosts: who wants another writes its name.
const mostHosts = 2000

func said(s string) dashboard.StringOrArrayOfString {
	return dashboard.StringOrArrayOfString{String: ptr(s)}
}

func option(s string, selected bool) dashboard.VariableOption {
	return dashboard.VariableOption{Selected: ptr(selected), Text: said(s), Value: said(s)}
}

// sourceVariable is which data source is asked: by a dashboard no name is known.
func sourceVariable() dashboard.VariableModel {
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeDatasource, Name: "ds", Label: ptr("Data source"), Description: ptr("Which Gigawatch data source is asked"),
		Query: &dashboard.StringOrMap{String: ptr(plugin)}, Refresh: ptr(dashboard.VariableRefreshOnDashboardLoad), Multi: ptr(false), IncludeAll: ptr(false),
		AllowCustomValue: ptr(false), Hide: ptr(dashboard.VariableHideDontHide),
	}
}
