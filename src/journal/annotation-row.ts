import { z } from 'zod';
import type { Annotation } from '../domain/annotation.ts';
import { decode, flag, json } from './rows.ts';
import type { AnnotationRow } from './tables.ts';

const annotationSchema = z
  .object({
    id: z.int(),
    time: z.number(),
    time_end: z.number(),
    text: z.string(),
    tags: json.pipe(z.array(z.string())),
    data: z.string().nullable(),
    dashboard_uid: z.string(),
    panel_id: z.int(),
    created: z.number(),
    updated: z.number(),
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

export const annotationOf = (row: AnnotationRow, name: string): Annotation =>
  decode(annotationSchema, row, { name, row: `annotations, row ${row.id}` });

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
