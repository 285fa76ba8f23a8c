import { Command } from 'commander';
import { z } from 'zod';
import { loadConfiguration } from '../config/configuration.ts';
import { redact } from '../domain/redaction.ts';
import { printableLine } from '../format/printable.ts';
import { counted } from '../format/quantities.ts';
import { readJournal } from '../journal/open-journal.ts';
import { openCloud } from '../openstack/cloud.ts';
import { userErrorOf } from '../openstack/diagnosis/preflight.ts';
import { createJanitor, type Swept } from '../probes/janitor.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import { print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';
import { callDaemonJson } from './daemon-client.ts';

type SweepFlags = {
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly anyVantage?: boolean;
  readonly now?: boolean;
  readonly journal?: string;
  readonly url?: string;
};

/** How long to wait for all servers to be gone. */
const DELETE_TIMEOUT_MS = 60_000;

export const sweepCommand: CommandFactory = ({ output, finish }) =>
  new Command('sweep')
    .description('delete leftover Rollwatch test servers (by name prefix and metadata)')
    .option('--dry-run', 'only list them')
    .option('--any-vantage', 'also servers created from other vantages')
    .option('--now', 'do not wait for servers that a running daemon may be using (stop all daemons first)')
    .option('--journal <file>', 'only servers of the run in this journal')
    .option('--url <url>', 'skip servers of the daemon at this URL; it deletes its own')
    .option('--config <file>', 'configuration file (default: ./rollwatch.yaml if it exists)')
    .option('--json', 'print an array of {cloud, id, name, status, gone, neededFor (seconds)}')
    .addHelpText(
      'after',
      `
A server that a running daemon may be using is not deleted immediately: sweep waits until the daemon has deleted it, or
until it is too old to be in use (usually within a minute).

Examples:
  OS_CLOUD=mycloud rollwatch sweep --dry-run
  OS_CLOUD=mycloud rollwatch sweep --url http://127.0.0.1:9774`,
    )
    .action(
      async ({ config, dryRun = false, json = false, anyVantage = false, now = false, journal, url }: SweepFlags) => {
        const configuration = loadConfiguration({ configFile: config });
        const run = journal === undefined ? null : await runOfJournal(journal);
        const exceptRun = url === undefined ? null : await runOfDaemon(url);
        const clock = createTimeline(machineClocks, configuration.sampler.clockStep);
        const rows: Row[] = [];
        for (const { access, probes } of configuration.clouds) {
          const cloud = openCloud({ access, clock });
          const { namePrefix, deleteTimeout, maxStuck } = probes['server-boot'];
          const creator = { prefix: namePrefix, vantage: configuration.vantage, run: '', cloud: access.name };
          const janitor = createJanitor({ cloud, creator, deleteTimeout, maxStuck, emit: () => {}, log: () => {} });
          const scope = { vantage: anyVantage ? null : configuration.vantage, run, exceptRun };
          const { signal } = new AbortController();
          try {
            const onWait = (servers: readonly unknown[], millis: number) =>
              void print(output.err, waitText(servers.length, millis));
            const swept = await janitor.sweep({
              dryRun,
              scope,
              evenIfNeeded: now,
              onWait,
              timeout: DELETE_TIMEOUT_MS,
              signal,
            });
            if (swept.type !== 'ok') throw userErrorOf(cloud, swept);
            // Two entries of clouds.yaml for the same project list the same servers.
            const listedIds = new Set(rows.map(({ id }) => id));
            const added = swept.value.filter(({ server }) => !listedIds.has(server.id));
            rows.push(...added.map((entry) => toRow(access.name, entry)));
          } finally {
            janitor.close();
            cloud.close();
          }
        }
        await print(output.out, json ? JSON.stringify(rows, null, 2) : sweepText(rows, dryRun));
        finish(dryRun || rows.every((row) => row.gone) ? 0 : 1);
      },
    );

async function runOfJournal(file: string): Promise<string> {
  const journal = await readJournal(file);
  await journal.close();
  return journal.run;
}

const reportSchema = z.object({ run: z.object({ id: z.string() }) });

async function runOfDaemon(url: string): Promise<string> {
  const request = { method: 'GET', path: '/api/v1/report?format=json' } as const;
  return (await callDaemonJson({ url, token: undefined }, request, reportSchema)).run.id;
}

type Row = ReturnType<typeof toRow>;

const toRow = (cloud: string, { server, gone, neededFor }: Swept) => ({
  cloud,
  id: server.id,
  name: redact(server.name),
  status: redact(server.status),
  gone,
  /** How long a running daemon may still use the server, in seconds. */
  neededFor: Math.ceil(neededFor / 1000),
});

const waitText = (count: number, millis: number): string =>
  `rollwatch: ${counted(count, 'server')} may be in use by a running daemon; waiting up to ${Math.ceil(millis / 1000)} s (--now deletes immediately)`;

function sweepText(rows: readonly Row[], dryRun: boolean): string {
  if (rows.length === 0) return 'No leftover test servers.';
  const lines = rows.map(({ cloud, id, name, status, gone, neededFor }) =>
    [
      cloud,
      id,
      name,
      gone ? 'deleted' : status,
      ...(dryRun && neededFor > 0 ? [`may be in use for ${neededFor} s`] : []),
    ]
      .map(printableLine)
      .join('  '),
  );
  const left = rows.filter((row) => !row.gone).length;
  const inUse = rows.filter((row) => row.neededFor > 0).length;
  const inUseText = inUse === 0 ? '' : ` (${inUse} may be in use by a running daemon)`;
  const summary = dryRun
    ? `${counted(rows.length, 'leftover test server')}${inUseText}; nothing was deleted.`
    : `${counted(rows.length - left, 'server')} deleted, ${left} left.`;
  return [...lines, summary].join('\n');
}
