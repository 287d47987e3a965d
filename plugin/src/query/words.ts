import { type Boundary, type Level } from './types';

export const levelWords: Record<Level, { label: string; many: string; title: string }> = {
  site: { label: 'Site', many: 'sites', title: 'The whole data centre' },
  hall: { label: 'Hall', many: 'halls', title: 'One line for each hall' },
  rack: { label: 'Rack', many: 'racks', title: 'One line for each rack' },
  host: { label: 'Host', many: 'hosts', title: 'One line for each server' },
  gpu: { label: 'GPU', many: 'GPUs', title: 'One line for each GPU: narrow it down to a rack or host' },
  job: { label: 'Job', many: 'jobs', title: 'What each job drew, as the scheduler placed it' },
  tenant: { label: 'Tenant', many: 'tenants', title: 'What each tenant’s jobs drew' },
};

export const boundaryWords: Record<Boundary, { label: string; title: string }> = {
  facility: { label: 'Facility', title: 'All that the site takes from the grid: cooling, losses and lights too' },
  it: { label: 'IT', title: 'What the racks are fed, at the UPS or PDU outputs' },
  host: { label: 'Hosts', title: 'What the servers draw, by their own sensors' },
  gpu: { label: 'GPUs', title: 'What the GPU boards draw, by their own counters' },
};

/** The boundaries that each level has, the usual one first. */
export const boundariesOf: Record<Level, readonly Boundary[]> = {
  site: ['facility', 'it', 'host', 'gpu'],
  hall: ['host', 'it', 'gpu'],
  rack: ['host', 'it', 'gpu'],
  host: ['host', 'gpu'],
  gpu: ['gpu'],
  job: ['host', 'gpu'],
  tenant: ['host', 'gpu'],
};

/** Why there is no such boundary at a level; undefined if there is. The back end
 *  refuses it in the same words. */
export function whyNot(by: Level, boundary: Boundary, measure: 'power' | 'energy'): string | undefined {
  if (by === 'host' && boundary === 'gpu' && measure === 'power') {
    return 'By host there is the power of the whole host.';
  }
  if (boundariesOf[by].includes(boundary)) {
    return undefined;
  }
  if (by === 'job' || by === 'tenant') {
    return `What lies outside the hosts is no ${by}’s by any meter.`;
  }
  switch (boundary) {
    case 'facility':
      return `No meter shows the facility power of single ${levelWords[by].many}: the facility is metered as a whole.`;
    case 'it':
      return `No meter shows the IT power of single ${levelWords[by].many}: IT meters stand at UPS and PDU outputs, of racks at the innermost.`;
    default:
      return 'A GPU has no share of its host that is metered.';
  }
}

/** Figures as the aggregator names them, and as people do. */
export const figures = [
  { value: 'pue', label: 'PUE', description: 'Facility energy over IT energy (ISO/IEC 30134-2)' },
  { value: 'wue', label: 'WUE', description: 'Litres of water for each kWh of IT (ISO/IEC 30134-9)' },
  { value: 'wue_freshwater', label: 'WUE, fresh water', description: 'Litres of fresh water for each kWh of IT' },
  { value: 'cue', label: 'CUE', description: 'Carbon for each kWh of IT, by location (ISO/IEC 30134-8)' },
  { value: 'cue_market', label: 'CUE, by market', description: 'Carbon for each kWh of IT, by contracts' },
  { value: 'erf', label: 'ERF', description: 'Share of the energy that is used again as heat (ISO/IEC 30134-6)' },
  { value: 'ref', label: 'REF', description: 'Share of renewable energy (ISO/IEC 30134-3)' },
  { value: 'cfe', label: 'Carbon-free share', description: 'Hour by hour, of what the facility drew' },
  { value: 'carbon_location', label: 'Carbon, by location', description: 'Scope 2: what the grid emitted for it' },
  { value: 'carbon_market', label: 'Carbon, by market', description: 'Scope 2: by contracts, the rest by the residual mix' },
  { value: 'carbon_hourly', label: 'Carbon, hourly matched', description: 'What no carbon-free hour was matched with' },
  { value: 'carbon_market_hourly', label: 'Carbon, by market, hourly', description: 'Contracts of the same hour, the rest by the residual mix' },
  { value: 'carbon_scope1', label: 'Carbon, burnt on site', description: 'Scope 1: fuel of generators' },
  { value: 'cost', label: 'Cost', description: 'Grid energy by its tariff, without value added tax' },
] as const;
