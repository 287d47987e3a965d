import { type AdHocVariableFilter } from '@grafana/data';
import { type DataQuery } from '@grafana/schema';

// The questions as the back end reads them; it refuses a key that it does not
// know, and fills in the first of the choices where a key is left out.

export const modelVersion = 1;

export const levels = ['site', 'hall', 'rack', 'host', 'gpu', 'job', 'tenant'] as const;
export type Level = (typeof levels)[number];

export const boundaries = ['facility', 'it', 'host', 'gpu'] as const;
export type Boundary = (typeof boundaries)[number];

/** Where something stands; what is left out is everywhere. */
export interface Place {
  hall?: string;
  rack?: string;
  host?: string;
  gpu?: string;
  job?: string;
  tenant?: string;
}

interface Base extends DataQuery {
  version?: number;
  /** A name, several with commas, * for all; none: the data source's default. */
  site?: string;
  limit?: number;
  filters?: AdHocVariableFilter[];
  editorMode?: 'builder' | 'code';
  /** The question as a line; read where editorMode is code. */
  code?: string;
}

export interface PowerQuery extends Base, Place {
  queryType: 'power_energy';
  measure?: 'power' | 'energy';
  by?: Level;
  boundary?: Boundary;
  shape?: 'series' | 'total';
  step?: string;
  /** What all are called, in place of their own names. */
  legend?: string;
  /** So many of the largest; all others are added up. */
  largest?: number;
  unit?: 'Wh' | 'J';
}

export interface KPIQuery extends Base {
  queryType: 'kpi';
  kpis?: string[];
  shape?: 'value' | 'series' | 'table';
  period?: 'range' | 'today';
  step?: string;
  category?: number;
  part?: string;
}

export interface HealthQuery extends Base, Pick<Place, 'hall' | 'rack' | 'host' | 'gpu'> {
  queryType: 'health';
  shape?: 'table' | 'count' | 'needing';
  kind?: 'host' | 'gpu';
  states?: string[];
}

export interface CountsQuery extends Base {
  queryType: 'counts';
  shape?: 'numbers' | 'table';
}

export interface TopQuery extends Base, Pick<Place, 'hall' | 'rack' | 'host'> {
  queryType: 'top';
  of?: 'gpu' | 'host' | 'rack' | 'hall' | 'sensor';
  lane?: 'telemetry' | 'ledger';
  over?: string;
  metric?: string;
  order?: 'desc' | 'asc';
}

export interface MapQuery extends Base, Pick<Place, 'hall'> {
  queryType: 'map';
  value?: 'power' | 'temperature' | 'gpus_not_ok' | 'hosts_silent' | 'utilization';
  shape?: 'table' | 'tiles';
  words?: number;
}

export interface TreeQuery extends Base {
  queryType: 'reconciliation';
  stages?: string[];
  findings?: string[];
  shape?: 'table' | 'gap';
}

export interface AlertsQuery extends Base {
  queryType: 'alerts';
  state?: 'firing' | 'pending';
  shape?: 'table' | 'count';
}

export interface ReportQuery extends Base {
  queryType: 'report_status';
  shape?: 'figures' | 'issues' | 'steps' | 'open';
}

export interface PromQuery extends Base {
  queryType: 'promql';
  expr?: string;
  mode?: 'range' | 'instant';
  legend?: string;
  step?: string;
  unit?: string;
  format?: 'series' | 'table';
  unread?: string;
}

export interface LiveQuery extends Base {
  queryType: 'live';
  by?: 'site' | 'hall' | 'rack';
  boundary?: Boundary;
}

export interface AnnotationsQuery extends Base {
  queryType: 'annotations';
  what?: string[];
  host?: string;
}

export type Query =
  | PowerQuery
  | KPIQuery
  | HealthQuery
  | TopQuery
  | MapQuery
  | CountsQuery
  | TreeQuery
  | AlertsQuery
  | ReportQuery
  | PromQuery
  | LiveQuery
  | AnnotationsQuery;

export type Kind = Query['queryType'];
