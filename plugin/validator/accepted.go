package main

// An acceptance lets one finding stand, for a reason.
type acceptance struct {
	analyzer, rule, title, why string
}

// accepted are the findings that may stand in this plugin.
var accepted = []acceptance{
	{"manifest", "unsigned-plugin", "unsigned plugin",
		"only Grafana signs, for an account; who installs it allows the id"},
	{"buildtools", "non-standard-frontend-build-tooling", "non-standard frontend build tooling",
		"the scaffold's packages do not all install from npm alone; webpack.config.js keeps its contract: AMD, Grafana's packages outside, source map"},
}
