package report

// Severities of issues.
const (
	Error   = "E" // the record cannot be locked
	Warning = "W" // the operator must comment on it before it is
)

// A Check is a rule by which records are held: what breaks it, and what to do.
type Check struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	Fix      string `json:"fix"`
}

// Checks are all rules there are.
func Checks() []Check { return checks[:] }

// checks are in the order of the fields of a report.
var checks = [...]Check{
	{"E_PERIOD", Error, "the period is the calendar year, unless the site began in it", "correct report.in_operation_since in the site file"},
	{"E_PERIOD_OPEN", Error, "a report is of a year that is over", "wait for its end, and make the record again"},
	{"W_BEFORE_OPERATION", Warning, "meters count nothing before the site is in operation", "correct report.in_operation_since, or say in the comment what drew it: building, tests"},
	{"W_SCOPE_OUT", Warning, "a site below the threshold need not report", "say in the comment why it reports, or do not report"},
	{"W_SCOPE_NEAR", Warning, "installed power close to the threshold makes the decision need evidence", "keep the list of equipment as evidence, and name it in the comment"},
	{"E_ANNEX1_MISSING", Error, "every entry about the site is asked for", "write it under report of the site file, with evidence"},
	{"E_ANNEX1_FORM", Error, "an entry about the site has the form that is asked for", "write it as the text says"},
	{"W_ANNEX1_FORM", Warning, "redundancy is written N, N+1, 2N or 2(N+1)", "write it so, or say in the comment what it means"},
	{"E_ALSO_REPEATS", Error, "services besides are others than the main type", "leave out also_colo or also_cohost, or correct dc_type"},
	{"W_LAU_UNCHECKED", Warning, "the code of the location stands in Eurostat's table of the period", "look it up there, and say in the comment that it stands"},
	{"W_ANNEX1_STALE", Warning, "what is stated about a site is looked at every two years", "confirm it in the comment, or correct it"},
	{"E_MISSING", Error, "every figure that is asked for is there", "see the reason at the figure: add the meter, import its readings, or enter the figure with evidence"},
	{"E_PDIT_BELOW_LOAD", Error, "IT cannot draw more than a twentieth above its installed power in an hour", "complete it_power or the ratings of hosts; or look for an IT meter that counts something else"},
	{"E_PDIT_ZERO", Error, "installed power of IT is above zero", "correct it_power in the site file"},
	{"W_PDIT_UTILISATION", Warning, "mean load is 10 to 95 % of installed IT power", "check it_power and the unit of the IT meters, or say why it is so"},
	{"E_PDIT_BASIS", Error, "it is said whether power is installed or rated", "write basis: installed or basis: rated at it_power"},
	{"E_AREA", Error, "floor areas are above zero, and computer rooms within the whole", "correct s_dc_m2 and s_cr_m2"},
	{"W_AREA_DENSITY", Warning, "installed power is 0.3 to 60 kW per m² of computer room", "check the areas and it_power, or say why it is so"},
	{"E_EDC_BELOW_IT", Error, "the data centre draws at least what its IT does", "look for a supply without a meter, a meter that counts the wrong way, or IT of another site"},
	{"E_EDC_BELOW_PARTS", Error, "the data centre draws at least what its parts do, to 3 %", "look for a supply without a meter, or a part that is metered twice"},
	{"W_EDC_INVOICE", Warning, "energy is within 2 % of the invoices", "import the settlement, or explain the difference"},
	{"W_EDC_CONNECTION", Warning, "no more comes in than the connection lets flow", "check the connection and the unit of the meters"},
	{"E_BG_ABOVE_DC", Error, "back-up generators give no more than is drawn", "correct the role or the unit of the generators' meter"},
	{"W_BG_HIGH", Warning, "back-up generators give less than 2 % of the energy", "say which outages or tests it was"},
	{"W_BG_ZERO", Warning, "back-up generators run in tests", "say that none were run, or meter them"},
	{"E_EIT_ZERO", Error, "IT draws energy", "check the meters of IT"},
	{"E_EIT_BELOW_HOSTS", Error, "IT draws at least what its nodes do, to 2 %", "look for racks without a meter at this point, or nodes of another site"},
	{"W_COV_HOST", Warning, "nodes draw 85 to 100 % of the energy of IT", "look for nodes that are not read, or say what else is IT"},
	{"E_COV_GPU", Error, "boards draw no more than IT does", "look for IT without a meter, or boards of another site"},
	{"W_COV_GPU", Warning, "boards draw 45 to 85 % of the energy of IT of an AI site", "look for boards that are not read, or say what else there is"},
	{"W_UPS_RATING", Warning, "UPS carry no more than they are rated for", "check the rating: of the meters of role ups_output, and their unit"},
	{"W_REST", Warning, "what comes in is what the parts below take, to 3 %", "look for a part without a meter, or say what it is"},
	{"E_BTG_WITHOUT_GRID", Error, "capacity is offered to the grid only where grid functions are stated", "write report.grid_functions: yes, or correct offered_to_grid of the batteries"},
	{"W_BTG_ABOVE_BATTERY", Warning, "no more is offered to the grid than batteries give", "check c_btg_kw and power of the batteries"},
	{"E_WIN_BELOW_POT", Error, "potable water is part of all water", "correct the roles or units of the water meters, or what is entered"},
	{"E_WUE_CATEGORY", Error, "the category of the water figure is said", "write wue_category: 1 or 2 under boundary"},
	{"W_WIN_INVOICE", Warning, "water is within 2 % of the invoices", "import the invoice, or explain the difference"},
	{"W_WIN_ZERO", Warning, "a site with evaporative cooling takes water", "check the water meters, or report.evaporative_cooling"},
	{"W_WPOT_ZERO", Warning, "a site on the mains takes potable water", "check the meter, or report.mains_connection"},
	{"E_WFRE_ABOVE_WIN", Error, "fresh water is part of all water", "correct water: of the meters"},
	{"E_REUSE_RANGE", Error, "heat reused is not below zero and not above the energy drawn", "check the heat meters and what comes back"},
	{"W_REUSE_NEAR_IT", Warning, "less heat is handed over than IT gives off", "check the unit and the place of the heat meter"},
	{"W_REUSE_NO_CUSTOMER", Warning, "heat is handed over to somebody", "write report.heat_customers, with the contract as evidence"},
	{"E_TWH_RANGE", Error, "waste heat is 5 to 95 °C", "correct t_wh_c"},
	{"W_TWH_ODD", Warning, "waste heat is not colder than intake air by more than 5 K, nor above 70 °C", "check where it is measured, or say why it is so"},
	{"E_TIN_RANGE", Error, "set-points of intake air are 10 to 45 °C", "correct set_points"},
	{"W_TIN_ODD", Warning, "set-points of intake air are 18 to 32 °C", "check set_points, or say why it is so"},
	{"E_REFRIGERANT", Error, "refrigerants are named by their industrial designation", "write it as on the plate, such as R1234ze(E) or R717"},
	{"W_REFRIGERANT_NONE", Warning, "cooling of computer rooms uses a refrigerant", "confirm in the comment that there is none, as with water alone"},
	{"E_CDD", Error, "degree days are not below zero", "correct cdd, or the temperatures"},
	{"W_CDD_HIGH", Warning, "degree days of a year in Europe are below 1500", "check the unit and the place of the temperatures"},
	{"W_CDD_REGION", Warning, "degree days are within 15 % of those of the region", "check the place of the temperatures, or say why it is so"},
	{"E_GO_TWICE", Error, "a guarantee of origin counts once, for one site and one year", "take it out where it is not for"},
	{"E_GO_EXPIRED", Error, "a guarantee is retired within 18 months of its production, and used within twelve", "take it out, or correct its days"},
	{"E_GO_OWN", Error, "bought guarantees stem neither from the own agreement nor from own generation", "take it out of contracts.guarantees: it counts there"},
	{"E_PPA_NEGATIVE", Error, "an agreement counts for no less than nothing", "correct volume and not_retired"},
	{"E_PPA_OVER", Error, "sites together claim no more of an agreement than its contract has", "correct the volumes of the sites, or contract_volume"},
	{"E_OS_NEGATIVE", Error, "own generation that counts is not below zero", "check export, and guarantees that are not retired"},
	{"E_OS_ABOVE_METER", Error, "own generation that counts is no more than the meter shows", "check own_generation"},
	{"E_RES_SUM", Error, "renewable energy in all is the sum of its parts, to 1 kWh", "tell us: this must not happen"},
	{"E_RES_OVERCLAIM", Error, "no more renewable energy is claimed than was drawn", "claim less: leave guarantees out, and note for the audit which and why"},
	{"E_ICT_COVERAGE", Error, "it is said how much of the floor the capacity of ICT covers, 0 to 100 %", "write report.c_serv_cov_pct and report.c_stor_cov_pct"},
	{"W_STOR_SEEN", Warning, "storage is at least what agents of hosts see", "complete c_stor_pb"},
	{"E_DATA_ABOVE_BANDWIDTH", Error, "no more data flow than the bandwidth lets through", "check the units: gigabytes per second and exabytes"},
	{"W_TRAFFIC_RATIO", Warning, "traffic in and out differ by less than a hundred times", "check which is which, or say why it is so"},
	{"E_PUE_BELOW_1", Error, "PUE is not below 1", "look for a supply without a meter, or a meter that counts the wrong way"},
	{"W_PUE_ODD", Warning, "PUE is 1.02 to 2.5", "check the boundary, or say why it is so"},
	{"W_PUE_ESTIMATES", Warning, "PUE without estimates is within 1 % of the reported one", "import what was not read"},
	{"W_WUE_HIGH", Warning, "WUE is below 3 L/kWh", "check the unit of the water meters"},
	{"E_ERF_RANGE", Error, "ERF is 0 to 1", "see e_reuse_kwh"},
	{"W_YEAR_ON_YEAR", Warning, "indicators change by less than 10 % from year to year", "say what changed"},
	{"E_RESIDUAL_MISSING", Error, "market-based carbon rests on a residual mix or the supplier's", "write contracts.residual with the factor of the year"},
	{"W_CUE_MARKET", Warning, "market-based CUE is below 1.5 times the location-based one", "check the residual factor and its unit"},
	{"W_LIMIT", Warning, "limits of the country are kept", "say what is done about it, and by when"},
	{"W_LIMIT_UNKNOWN", Warning, "it is known whether limits of the country are kept", "see the reason"},
	{"W_HEAT_UPGRADE", Warning, "where a limit of PUE leaves out electricity that only makes waste heat warmer, it is known how much that is", "write report.e_heat_upgrade_kwh with evidence, or report.heat_upgrade: no"},
	{"E_NO_METER", Error, "a measured figure names its meters", "name the meters in the site file"},
	{"E_COVERAGE", Error, "at least 80 % of the period are known of every metered figure", "import readings of the meters that are missing"},
	{"W_COVERAGE", Warning, "at least 95 % of the period are known of every metered figure", "import readings of the meters that are missing"},
	{"W_GAP_LONG", Warning, "no meter is silent for more than a day", "import its readings, or say what happened"},
	{"E_GAP_UNFILLED", Error, "what was not read can be estimated", "import readings of that time, or enter them"},
	{"W_METER_RECORD", Warning, "serial number, accuracy class, calibration and place of meters are kept for ten years", "write serial, accuracy, calibrated and point at the meters"},
	{"W_EVIDENCE", Warning, "something stands behind every entry", "write evidence: at the entry"},
	{"W_LEDGER_NOTE", Warning, "meters count as they are stated", "see the note, and correct the site file"},
	{"E_UNSEALED", Error, "all hours of the period are sealed", "keep the aggregator running and ask again: it begins a quarter of an hour after the last import, or at once after import -last, and seals some thousand in a few minutes"},
	{"E_LOG", Error, "the ledger is the one that earlier records rest on", "find out who changed it; aggregator verify names the entry"},
	{"E_SIMULATED", Error, "readings come from meters and not from a model", "do not report this site"},
}

// An Issue is a rule that a record breaks.
type Issue struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Field    string `json:"field,omitempty"`
	Text     string `json:"text"`
	Fix      string `json:"fix,omitempty"`
	Comment  string `json:"comment,omitempty"` // of the operator, on a warning
}

// Open reports whether somebody has to do something about i before the record is
// locked.
func (i *Issue) Open() bool { return i.Severity == Error || i.Comment == "" }

func (i *Issue) String() string {
	t := i.Code
	if i.Field != "" {
		t += " (" + i.Field + ")"
	}
	return t + ": " + i.Text
}
