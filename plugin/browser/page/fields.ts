import {
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  FieldType,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  identityOverrideProcessor,
  numberOverrideProcessor,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';

// The properties of a field that a dashboard may set. Grafana registers them in its
// own page; what they do is in @grafana/data.

type Process = FieldConfigPropertyItem['process'];

const standard: Record<string, Process> = {
  unit: unitOverrideProcessor as Process,
  min: numberOverrideProcessor as Process,
  max: numberOverrideProcessor as Process,
  fieldMinMax: identityOverrideProcessor as Process,
  decimals: numberOverrideProcessor as Process,
  displayName: displayNameOverrideProcessor as Process,
  noValue: stringOverrideProcessor as Process,
  thresholds: thresholdsOverrideProcessor as Process,
  mappings: valueMappingsOverrideProcessor as Process,
  links: dataLinksOverrideProcessor as Process,
  color: identityOverrideProcessor as Process,
};

const numeric = new Set(['unit', 'min', 'max', 'fieldMinMax', 'decimals', 'thresholds']);

/** Those of the kinds of panels that the dashboards use. */
const custom = [
  'drawStyle', 'lineInterpolation', 'lineWidth', 'fillOpacity', 'gradientMode', 'spanNulls', 'showPoints', 'pointSize', 'stacking', 'lineStyle', 'barAlignment', 'barWidthFactor', 'barMaxWidth', 'fillBelowTo', 'thresholdsStyle',
  'axisSoftMin', 'axisSoftMax', 'axisPlacement', 'axisLabel', 'axisWidth', 'axisCenteredZero', 'axisBorderShow', 'axisColorMode', 'axisGridShow', 'scaleDistribution', 'hideFrom', 'hideFrom.viz', 'hideFrom.legend',
  'cellOptions', 'width', 'minWidth', 'align', 'filterable', 'inspect', 'wrapText', 'wrapHeaderText',
];

const item = (id: string, path: string, process: Process, isCustom: boolean): FieldConfigPropertyItem =>
  ({
    id, path, name: id, isCustom, process, editor: () => null, override: () => null, settings: { expandTemplateVars: true },
    shouldApply: (f: { type: FieldType }) => isCustom || !numeric.has(id) || f.type !== FieldType.time,
  }) as unknown as FieldConfigPropertyItem;

/** What is known is applied; what is not is told, so that no setting is lost here unseen. */
export const properties = new FieldConfigOptionsRegistry(() => [
  ...Object.entries(standard).map(([id, process]) => item(id, id, process, false)),
  ...custom.map((path) => item(`custom.${path}`, path, identityOverrideProcessor as Process, true)),
]);

export const unknownProperties = (source: { defaults?: { custom?: object | null }; overrides?: Array<{ properties: Array<{ id: string }> }> }): string[] => [
  ...Object.keys(source.defaults ?? {}).filter((k) => k !== 'custom' && !standard[k]),
  ...Object.keys(source.defaults?.custom ?? {}).filter((k) => !custom.includes(k)),
  ...(source.overrides ?? []).flatMap((o) => o.properties.map((p) => p.id)).filter((id) => !properties.getIfExists(id)),
];
