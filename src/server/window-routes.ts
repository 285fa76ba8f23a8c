import { z } from 'zod';
import { toApiWindow, windowsSchema } from '../api/window.ts';
import { WINDOW_KINDS } from '../domain/downtime/window.ts';
import { type App, json, operation, type ServerOptions, seriesFilter } from './route.ts';
import { requireProbe } from './validation.ts';

const windowsQuery = z.strictObject({ ...seriesFilter, kind: z.enum(WINDOW_KINDS).exactOptional() });

/** Serves the windows of downtime and slowness. */
export function windowRoutes(app: App, { run }: ServerOptions): void {
  app.get(
    '/api/v1/windows',
    operation('windows', 'Downtime and slowness, in order of their start', {
      tag: 'data',
      querystring: windowsQuery,
      answers: json(windowsSchema),
    }),
    async ({ query: { cloud, probe, connection, target, kind } }) => {
      const { report } = run.live();
      if (probe !== undefined) requireProbe(probe, report);
      const fits = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value;
      const chosen = report.windows.filter(
        (window) =>
          fits(cloud, window.cloud) &&
          fits(probe, window.probe) &&
          fits(connection, window.connection) &&
          fits(target, window.target) &&
          fits(kind, window.kind),
      );
      return { windows: chosen.map(toApiWindow) };
    },
  );
}
