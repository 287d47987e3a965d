import { DataSourcePlugin } from '@grafana/data';

import { QueryEditor } from './QueryEditor';
import { ConfigEditor } from './config/ConfigEditor';
import { type Options, type Secrets } from './config/settings';
import { DataSource } from './datasource';
import { type Query } from './query/types';

export const plugin = new DataSourcePlugin<DataSource, Query, Options, Secrets>(DataSource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
