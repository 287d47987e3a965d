import {
  type AdHocVariableFilter,
  CoreApp,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  type MetricFindValue,
  type ScopedVars,
  type TestDataSourceResponse,
} from '@grafana/data';
import { DataSourceWithBackend, HealthCheckError, HealthStatus, type TemplateSrv, getTemplateSrv } from '@grafana/runtime';
import { type Observable } from 'rxjs';

import { annotationSupport } from './annotations';
import { type Options } from './config/settings';
import { fillQuery } from './query/fill';
import { clean } from './query/kinds';
import { migrate } from './query/migrate';
import { type Query, modelVersion } from './query/types';
import { type Item, type VariableQuery, fillVariable } from './variables/fill';
import { Variables } from './variables/variables';

export class DataSource extends DataSourceWithBackend<Query, Options> {
  readonly defaultSite?: string;

  constructor(
    settings: DataSourceInstanceSettings<Options>,
    private readonly templates: TemplateSrv = getTemplateSrv()
  ) {
    super(settings);
    this.defaultSite = settings.jsonData.defaultSite;
    this.annotations = annotationSupport;
    this.variables = new Variables(this);
  }

  override query(request: DataQueryRequest<Query>): Observable<DataQueryResponse> {
    return super.query({ ...request, targets: request.targets.map(migrate) });
  }

  /** What a new query asks: of a rule a number, in Explore where the power goes. */
  override getDefaultQuery(app: CoreApp): Partial<Query> {
    switch (app) {
      case CoreApp.UnifiedAlerting:
        return { version: modelVersion, queryType: 'health', shape: 'count', states: ['failed'] };
      case CoreApp.Explore:
        return { version: modelVersion, queryType: 'power_energy', by: 'hall' };
      default:
        return { version: modelVersion, queryType: 'power_energy' };
    }
  }

  override filterQuery(query: Query): boolean {
    if (query.hide) {
      return false;
    }
    if (query.queryType === 'promql') {
      return Boolean(query.expr?.trim());
    }
    return query.editorMode !== 'code' || Boolean(query.code?.trim());
  }

  override applyTemplateVariables(query: Query, scoped: ScopedVars, filters?: AdHocVariableFilter[]): Query {
    return clean(fillQuery(migrate(query), (text, vars, format) => this.templates.replace(text, vars, format), scoped, filters));
  }

  override interpolateVariablesInQueries(queries: Query[], scoped: ScopedVars, filters?: AdHocVariableFilter[]): Query[] {
    return queries.map((q) => ({ ...this.applyTemplateVariables(q, scoped, filters), datasource: this.getRef() }));
  }

  /** The dashboard's variables, as a field offers them. */
  variableNames(): string[] {
    return this.templates.getVariables().map((v) => `$${v.name}`);
  }

  /** Names of what there is: halls, racks, … */
  async names(of: string, where: Record<string, string | undefined> = {}): Promise<MetricFindValue[]> {
    const params: Record<string, string> = {};
    for (const [k, v] of Object.entries(where)) {
      const filled = v ? this.templates.replace(v, undefined, 'csv') : '';
      // Of several halls there is no list; of all halls there is.
      if (filled && (k === 'site' || !/[,*$]/.test(filled))) {
        params[k] = filled;
      }
    }
    return (await this.getResource<Choices>(of, params)).items;
  }

  /** The values of a dashboard's variable. */
  async values(query: VariableQuery, scoped?: ScopedVars): Promise<MetricFindValue[]> {
    const { ask, keep } = fillVariable(query, (text, vars, format) => this.templates.replace(text, vars, format), scoped);
    return (await this.postResource<Choices>('variables', ask)).items.filter(keep);
  }

  override async getTagKeys(): Promise<MetricFindValue[]> {
    return (await this.getResource<Choices>('tag-keys')).items;
  }

  override async getTagValues(options: DataSourceGetTagValuesOptions<Query>): Promise<MetricFindValue[]> {
    const site = options.filters.find((f) => f.key === 'site' && f.operator === '=' && options.key !== 'site')?.value;
    return (await this.getResource<Choices>('tag-values', { key: options.key, ...(site ? { site } : {}) })).items;
  }

  /** Says in short how it is, and then what the back end says in full. */
  override async testDatasource(): Promise<TestDataSourceResponse> {
    const health = await this.callHealthCheck();
    const list = (health.details?.aggregators ?? []) as Array<{ sites?: unknown[]; error?: string }>;
    const bad = list.filter((a) => a.error).length;
    const sites = list.reduce((n, a) => n + (a.sites?.length ?? 0), 0);
    const details = { message: health.message.split('; ').join('\n') };
    if (health.status !== HealthStatus.OK) {
      throw new HealthCheckError(list.length > 1 && bad > 0 ? `${bad} of ${list.length} aggregators cannot be used` : 'The aggregator cannot be used', details);
    }
    return { status: 'success', message: sites === 1 ? 'It works: one site' : `It works: ${sites} sites`, details };
  }
}

/** A list as the back end answers it. */
interface Choices {
  items: Array<MetricFindValue & Item>;
}
