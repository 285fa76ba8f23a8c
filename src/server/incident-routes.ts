import { z } from 'zod';
import { incidentsSchema, toApiIncident } from '../api/incident.ts';
import { type App, json, operation, type ServerOptions } from './route.ts';

const incidentsQuery = z.strictObject({
  cloud: z.string().exactOptional(),
  open: z.enum(['true', 'false']).exactOptional().describe('only those that are, or are not, still open'),
});

/** Serves the incidents. */
export function incidentRoutes(app: App, { run }: ServerOptions): void {
  app.get(
    '/api/v1/incidents',
    operation('incidents', 'Outages as a person would count them, in order of their start', {
      tag: 'data',
      querystring: incidentsQuery,
      answers: json(incidentsSchema),
    }),
    async ({ query: { cloud, open } }) => {
      const { report } = run.live();
      const chosen = report.incidents.filter(
        (incident) =>
          (cloud === undefined || incident.cloud === cloud) &&
          (open === undefined || (incident.end === null) === (open === 'true')),
      );
      return { incidents: chosen.map((incident) => toApiIncident(incident, report)) };
    },
  );
}
