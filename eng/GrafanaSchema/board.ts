// What a board may have, of the types that Grafana publishes (Apache-2.0): closed by the kind of panel, and with what
// the Prometheus data source adds, which those types leave open. 'make' writes board.schema.json of it.
import type { AnnotationQuery, Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel } from '@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen';
import type * as heatmap from '@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as states from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/types/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as series from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A query of the Prometheus data source. */
interface Target {
  datasource?: Panel['datasource'];
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
  refId: string;
}
interface Defaults<C> extends Omit<FieldConfig, 'custom'> { custom?: C; }
interface Fields<C> extends Omit<FieldConfigSource, 'defaults'> { defaults: Defaults<C>; }
interface Of<T extends string, O, C> extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: T; options: O; fieldConfig: Fields<C>; targets: Target[];
}
interface Text extends Omit<Panel, 'type' | 'options'> { type: 'text'; options: text.Options; }
type AnyPanel = Of<'timeseries', series.Options, series.FieldConfig> | Of<'stat', stat.Options, {}> | Of<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | Of<'state-timeline', states.Options, states.FieldConfig> | Text;
interface Row extends Omit<RowPanel, 'panels'> { panels: AnyPanel[]; }
/** The Prometheus data source has its query beside the rest. */
interface Annotation extends AnnotationQuery { expr?: string; step?: string; titleFormat?: string; textFormat?: string; tagKeys?: string; }
export interface Board extends Omit<Dashboard, 'panels' | 'annotations'> { annotations: { list: Annotation[] }; panels: (AnyPanel | Row)[]; }
