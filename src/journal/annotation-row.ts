import { z } from 'zod';
import type { Annotation } from '../domain/upgrade/annotation.ts';
import { flag, json, moment } from './rows.ts';
import type { AnnotationRow } from './tables.ts';

export const annotationSchema = z
  .object({
    id: z.int(),
    time: moment,
    time_end: moment,
    text: z.string(),
    tags: json.pipe(z.array(z.string())),
    data: z.string().nullable(),
    dashboard_uid: z.string(),
    panel_id: z.int(),
    created: moment,
    updated: moment,
    deleted: flag,
  })
  .transform(
    ({ time_end, dashboard_uid, panel_id, ...rest }): Annotation => ({
      ...rest,
      timeEnd: time_end,
      dashboardUid: dashboard_uid,
      panelId: panel_id,
    }),
  );

export const annotationRow = ({
  timeEnd,
  dashboardUid,
  panelId,
  tags,
  deleted,
  ...rest
}: Annotation): AnnotationRow => ({
  ...rest,
  time_end: timeEnd,
  tags: JSON.stringify(tags),
  dashboard_uid: dashboardUid,
  panel_id: panelId,
  deleted: deleted ? 1 : 0,
});
