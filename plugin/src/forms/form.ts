import { type DataSource } from '../datasource';
import { type Query } from '../query/types';

/** What every builder gets: its question, and what to do when it changes. */
export interface Form<Q extends Query> {
  datasource: DataSource;
  query: Q;
  onChange: (query: Q) => void;
}
