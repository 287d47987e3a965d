import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse, type DataSourceApi, type QueryEditorProps } from '@grafana/data';
import { type ComponentType } from 'react';
import { type Observable, from } from 'rxjs';

import { type DataSource } from '../datasource';
import { type Options } from '../config/settings';
import { type Query, modelVersion } from '../query/types';
import { VariableEditor } from './VariableEditor';
import { type VariableQuery } from './fill';

/** Lists of what there is, for a dashboard's variables. */
export class Variables extends CustomVariableSupport<DataSourceApi<Query, Options>, VariableQuery, Query, Options> {
  // Grafana calls it with the data source that made it, whatever the type says.
  override editor = VariableEditor as ComponentType<QueryEditorProps<DataSourceApi<Query, Options>, Query, Options, VariableQuery>>;

  constructor(private readonly datasource: DataSource) {
    super();
  }

  override getDefaultQuery(): Partial<Query> {
    const query: Partial<VariableQuery> = { version: modelVersion, of: 'site' };
    return query as Partial<Query>;
  }

  override query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    return from(this.datasource.values(request.targets[0], request.scopedVars).then((data) => ({ data })));
  }
}
