import { type AnnotationQuery, type AnnotationSupport, type QueryEditorProps } from '@grafana/data';
import React from 'react';

import { type Options } from './config/settings';
import { type DataSource } from './datasource';
import { Events } from './forms/Small';
import { asKind } from './query/kinds';
import { migrate } from './query/migrate';
import { type AnnotationsQuery, type Query, modelVersion } from './query/types';

const asEvents = (q?: Query): AnnotationsQuery => {
  const at = migrate(q ?? ({ refId: 'Anno' } as Query));
  return (at.queryType === 'annotations' ? at : asKind(at, 'annotations')) as AnnotationsQuery;
};

/** Marks on a dashboard's graphs. */
export const annotationSupport: AnnotationSupport<Query> = {
  getDefaultQuery: () => ({ version: modelVersion, queryType: 'annotations' }),
  prepareQuery: (anno: AnnotationQuery<Query>) => ({ ...asEvents(anno.target), refId: anno.target?.refId || 'Anno' }),
  QueryEditor: EventsEditor,
};

function EventsEditor({ datasource, query, annotation, onChange, onRunQuery }: QueryEditorProps<DataSource, Query, Options> & { annotation?: AnnotationQuery<Query> }) {
  return (
    <Events
      datasource={datasource}
      query={asEvents(query?.queryType ? query : annotation?.target)}
      onChange={(q) => {
        onChange(q);
        onRunQuery();
      }}
    />
  );
}
