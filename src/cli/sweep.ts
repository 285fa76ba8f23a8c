import { Command } from 'commander';
import { z } from 'zod';
import { loadConfiguration } from '../config/configuration.ts';
import { redact } from '../domain/redaction.ts';
import { printableLine } from '../format/printable.ts';
import { readJournal } from '../journal/open-journal.ts';
import { openCloud } from '../openstack/cloud.ts';
import { refusalOf } from '../openstack/diagnosis/preflight.ts';
import { createJanitor, type Swept } from '../probes/janitor.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import { askFor } from './api-client.ts';
import type { CommandFactory } from './command.ts';
import { print } from './output.ts';

type SweepFlags = {
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly anyVantage?: boolean;
  readonly now?: boolean;
  readonly journal?: string;
  readonly url?: string;
};

/** How long a sweep waits until everything has gone, in milliseconds. */
const PATIENCE = 60_000;

export const sweepCommand: CommandFactory = ({ output, finish }) =>
  new Command('sweep')
    .description('delete the servers that a stopped Rollwatch has left, and no others')
    .option('--dry-run', 'only show them')
    .option('--any-vantage', 'those of other hosts, too')
    .option('--now', 'also what a running daemon may need: only where none is at work')
    .option('--journal <file>', 'only those of the run in this journal')
    .option('--url <url>', 'spare those of the daemon that runs there: it deletes its own')
    .option('--config <file>', 'rollwatch.yaml')
    .option('--json', 'an array of {cloud, id, name, status, gone, neededFor (seconds)}')
    .addHelpText(
      'after',
      '\nA server that a running daemon may need is waited for: it goes by itself, or is deleted once it is too old for\nthat (within a minute, as a rule).\n\nExamples:\n  OS_CLOUD=mycloud rollwatch sweep --dry-run\n  OS_CLOUD=mycloud rollwatch sweep --url http://127.0.0.1:9774',
    )
    .action(
      async ({ config, dryRun = false, json = false, anyVantage = false, now = false, journal, url }: SweepFlags) => {
        const configuration = loadConfiguration({ configFile: config });
        const run = journal === undefined ? null : await runOfJournal(journal);
        const spare = url === undefined ? null : await runOfDaemon(url);
        const clock = createTimeline(machineClocks, configuration.sampler.clockStep);
        const rows: ReturnType<typeof row>[] = [];
        for (const { access, probes } of configuration.clouds) {
          const cloud = openCloud({ access, clock });
          const { namePrefix, deleteLimit, maxStuck } = probes['server-boot'];
          const mark = { prefix: namePrefix, vantage: configuration.vantage, run: '', cloud: access.name };
          const janitor = createJanitor({ cloud, mark, deleteLimit, maxStuck, emit: () => {}, log: () => {} });
          const scope = { vantage: anyVantage ? null : configuration.vantage, run, spare };
          const { signal } = new AbortController();
          try {
            const onWait = (servers: readonly unknown[], millis: number) =>
              void print(output.err, waitingFor(servers.length, millis));
            const swept = await janitor.sweep({ dryRun, scope, now, onWait, limit: PATIENCE, signal });
            if (swept.type !== 'ok') throw refusalOf(cloud, swept);
            // Two entries of one project show the same servers.
            const known = new Set(rows.map(({ id }) => id));
            rows.push(...swept.value.filter(({ server }) => !known.has(server.id)).map((one) => row(access.name, one)));
          } finally {
            cloud.close();
          }
        }
        await print(output.out, json ? JSON.stringify(rows, null, 2) : told(rows, dryRun));
        // What waits for a second look, or a server that won't go, does not keep the command.
        finish(dryRun || rows.every((one) => one.gone) ? 0 : 1);
        setImmediate(() => process.exit());
      },
    );

async function runOfJournal(file: string): Promise<string> {
  const journal = await readJournal(file);
  await journal.close();
  return journal.run;
}

const report = z.object({ run: z.object({ id: z.string() }) });

async function runOfDaemon(url: string): Promise<string> {
  return (await askFor(report, url, { method: 'GET', path: '/api/v1/report?format=json' })).run.id;
}

const row = (cloud: string, { server, gone, neededFor }: Swept) => ({
  cloud,
  id: server.id,
  name: redact(server.name),
  status: redact(server.status),
  gone,
  /** In seconds: a living run may need it for so long. */
  neededFor: Math.ceil(neededFor / 1000),
});

const waitingFor = (count: number, millis: number): string =>
  `rollwatch: ${serverCount(count)} may be in use by a running daemon: waits up to ${Math.ceil(millis / 1000)} s for ${count === 1 ? 'it' : 'them'} to go (--now: deletes at once)`;

const serverCount = (count: number): string => `${count} server${count === 1 ? '' : 's'}`;

function told(rows: readonly ReturnType<typeof row>[], dryRun: boolean): string {
  if (rows.length === 0) return 'No server of ours is left behind.';
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
  const left = rows.filter((one) => !one.gone).length;
  const needed = rows.filter((one) => one.neededFor > 0).length;
  const used = needed === 0 ? '' : `, ${needed} of them perhaps in use by a running daemon`;
  const end = dryRun
    ? `${serverCount(rows.length)} of ours${used}; nothing was deleted.`
    : `${serverCount(rows.length - left)} deleted, ${left} left.`;
  return [...lines, end].join('\n');
}
