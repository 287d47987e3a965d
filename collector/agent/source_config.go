package agent

import (
	"regexp"
	"time"

	"github.com/gigawatch/gigawatch/collector/setting"
)

// A HostConfig is about the host's own statistics.
type HostConfig struct {
	Enabled bool
	Root    string // "/" on a real host
}

// A GPUConfig is about the host's accelerators.
type GPUConfig struct {
	Driver    string // auto, dcgm, nvml, amd, gaudi or none
	Engine    string // DCGM host engine: host:port, or a socket's path; empty: the usual port
	Profiling string // auto, on or off
	Expected  int    // boards that the host should have; 0: the most that were seen
	DCGM      string // file of libdcgm.so.4; empty: as the loader finds it
	NVML      string // file of libnvidia-ml.so.1; empty: as the loader finds it
}

// A PowerConfig is about the power of the whole node.
type PowerConfig struct {
	Enabled         bool
	Redfish         RedfishConfig
	IPMI            IPMIConfig
	Period, Timeout time.Duration
}

// A RedfishConfig says how the baseboard controller is reached over HTTPS.
type RedfishConfig struct {
	URL, User, PasswordFile, TokenFile string
	CA, ServerName                     string
	Insecure                           bool
	System, Chassis                    string
}

// An IPMIConfig says how it is reached by IPMI.
type IPMIConfig struct {
	Enabled                          bool
	Device, Host, User, PasswordFile string
}

// A JobConfig says who knows which job holds which GPU; nobody if all is empty.
type JobConfig struct {
	Mapping, Drop string
	Slurm         bool
	Kubelet       string
	PodJob        *regexp.Regexp
	Jobs, Tenants string // keep, hash or omit
	KeyFile       string
}

// rawSources mirrors the part of the file.
type rawSources struct {
	Host struct {
		Enabled *bool  `yaml:"enabled"`
		Root    string `yaml:"root"`
	} `yaml:"host"`
	GPU struct {
		Driver    string `yaml:"driver"`
		Engine    string `yaml:"engine"`
		Profiling string `yaml:"profiling"`
		Expected  int    `yaml:"expected"`
		DCGM      string `yaml:"dcgm_library"`
		NVML      string `yaml:"nvml_library"`
	} `yaml:"gpu"`
	Power struct {
		Enabled *bool `yaml:"enabled"`
		Redfish struct {
			URL          string `yaml:"url"`
			User         string `yaml:"user"`
			PasswordFile string `yaml:"password_file"`
			TokenFile    string `yaml:"token_file"`
			CA           string `yaml:"ca"`
			ServerName   string `yaml:"server_name"`
			Insecure     bool   `yaml:"insecure"`
			System       string `yaml:"system"`
			Chassis      string `yaml:"chassis"`
		} `yaml:"redfish"`
		IPMI struct {
			Enabled      *bool  `yaml:"enabled"`
			Device       string `yaml:"device"`
			Host         string `yaml:"host"`
			User         string `yaml:"user"`
			PasswordFile string `yaml:"password_file"`
		} `yaml:"ipmi"`
		Period  *setting.Scalar `yaml:"period"`
		Timeout *setting.Scalar `yaml:"timeout"`
	} `yaml:"node_power"`
	Jobs struct {
		Mapping string `yaml:"mapping_dir"`
		Drop    string `yaml:"drop_dir"`
		Slurm   bool   `yaml:"slurm"`
		Kubelet string `yaml:"kubelet"`
		PodJob  string `yaml:"pod_job"`
		Jobs    string `yaml:"job_names"`
		Tenants string `yaml:"tenant_names"`
		KeyFile string `yaml:"key_file"`
	} `yaml:"jobs"`
	Meters rawMeters `yaml:"meters"`
	Grid   rawGrid   `yaml:"grid"`
}

// take fills c's sources from r, and complains to f.
func (r *rawSources) take(c *Config, f *setting.File) {
	c.Host = HostConfig{Enabled: r.Host.Enabled == nil || *r.Host.Enabled, Root: or(r.Host.Root, "/")}

	g := &r.GPU
	c.GPU = GPUConfig{Driver: or(g.Driver, "auto"), Engine: g.Engine, Profiling: or(g.Profiling, "auto"), Expected: g.Expected, DCGM: g.DCGM, NVML: g.NVML}
	oneOf(f, "sources.gpu.driver", c.GPU.Driver, "auto", "dcgm", "nvml", "amd", "gaudi", "none")
	oneOf(f, "sources.gpu.profiling", c.GPU.Profiling, "auto", "on", "off")
	f.Require(g.Expected >= 0 && g.Expected <= 64, "sources.gpu.expected", "%d is not a number of GPUs from 0 to 64", g.Expected)

	p := &r.Power
	c.Power = PowerConfig{
		Enabled: p.Enabled == nil || *p.Enabled,
		Redfish: RedfishConfig{p.Redfish.URL, p.Redfish.User, p.Redfish.PasswordFile, p.Redfish.TokenFile, p.Redfish.CA, p.Redfish.ServerName,
			p.Redfish.Insecure, p.Redfish.System, p.Redfish.Chassis},
		IPMI:    IPMIConfig{p.IPMI.Enabled == nil || *p.IPMI.Enabled, p.IPMI.Device, p.IPMI.Host, p.IPMI.User, p.IPMI.PasswordFile},
		Period:  f.Duration("sources.node_power.period", p.Period, 10*time.Second),
		Timeout: f.Duration("sources.node_power.timeout", p.Timeout, 30*time.Second),
	}
	f.Require(c.Power.Period <= 30*time.Second, "sources.node_power.period", "%s is more than 30s", c.Power.Period)

	j := &r.Jobs
	c.Jobs = JobConfig{Mapping: j.Mapping, Drop: j.Drop, Slurm: j.Slurm, Kubelet: j.Kubelet, Jobs: or(j.Jobs, "keep"), Tenants: or(j.Tenants, "keep"), KeyFile: j.KeyFile}
	oneOf(f, "sources.jobs.job_names", c.Jobs.Jobs, "keep", "hash", "omit")
	oneOf(f, "sources.jobs.tenant_names", c.Jobs.Tenants, "keep", "hash", "omit")
	f.Require(j.KeyFile != "" || c.Jobs.Jobs != "hash" && c.Jobs.Tenants != "hash", "sources.jobs.key_file", "missing: names are to be hashed with the site's key")
	if j.PodJob != "" {
		var err error
		c.Jobs.PodJob, err = regexp.Compile(j.PodJob)
		f.Require(err == nil, "sources.jobs.pod_job", "%v", err)
	}
}

// oneOf complains unless value is one of those.
func oneOf(f *setting.File, key, value string, those ...string) {
	for _, t := range those {
		if t == value {
			return
		}
	}
	f.Complain(key, "%q is none of %v", value, those)
}
