import { Command } from 'commander';
import { z } from 'zod';
import { incidentsSchema } from '../api/incident.ts';
import { UserError } from '../domain/errors.ts';
import { ACKNOWLEDGED_TAG } from '../domain/run/note.ts';
import { NOTE_TAG } from '../domain/upgrade/annotation.ts';
import { print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';
import {
  addDaemonOptions,
  callDaemonJson,
  type DaemonAddress,
  type DaemonFlags,
  resolveDaemon,
} from './daemon-client.ts';

type NoteFlags = DaemonFlags & {
  readonly incident?: string;
  readonly acknowledge?: boolean;
  readonly json?: boolean;
};

const LATEST = 'latest';
const createdSchema = z.object({ id: z.int() });

export const noteCommand: CommandFactory = ({ output, finish }) =>
  addDaemonOptions(new Command('note'))
    .description('note something for the report, the page and Grafana')
    .argument('[text]', 'what to note; with --acknowledge it may be left out')
    .option('--incident <id>', `the incident that it is about, or '${LATEST}' (see /api/v1/incidents)`)
    .option('--acknowledge', 'say that you take care of the incident (the latest by default)')
    .option('--json', 'print {id, incident} to standard output')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch note 'the load balancer was drained by hand'
  rollwatch note --acknowledge 'looking into it, Ana'`,
    )
    .action(async (text: string | undefined, { acknowledge = false, json = false, ...flags }: NoteFlags) => {
      if (text === undefined && !acknowledge) throw new UserError("the text is missing: rollwatch note 'TEXT'");
      const daemon = resolveDaemon(flags);
      const wanted = flags.incident ?? (acknowledge ? LATEST : undefined);
      const incident = wanted === undefined ? null : await findIncident(daemon, wanted);
      const tags = [NOTE_TAG, ...(incident === null ? [] : [incident]), ...(acknowledge ? [ACKNOWLEDGED_TAG] : [])];
      const body = { text: text ?? 'acknowledged', tags };
      const { id } = await callDaemonJson(daemon, { method: 'POST', path: '/api/annotations', body }, createdSchema);
      if (json) await print(output.out, JSON.stringify({ id, incident }));
      else await print(output.err, incident === null ? 'noted' : `noted about ${incident}`);
      finish(0);
    });

/** @throws UserError if the daemon knows no such incident */
async function findIncident(daemon: DaemonAddress, wanted: string): Promise<string> {
  const { incidents } = await callDaemonJson(daemon, { method: 'GET', path: '/api/v1/incidents' }, incidentsSchema);
  const found = wanted === LATEST ? incidents.at(-1) : incidents.find(({ id }) => id === wanted);
  if (found !== undefined) return found.id;
  throw new UserError(
    wanted === LATEST ? 'there is no incident so far' : `there is no incident '${wanted}'; see /api/v1/incidents`,
  );
}
