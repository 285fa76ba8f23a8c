import { Command } from 'commander';
import { z } from 'zod';
import { loadConfiguration } from '../config/configuration.ts';
import { redact } from '../domain/redaction.ts';
import { printableLine } from '../domain/words/printable.ts';
import { readJournal } from '../journal/open-journal.ts';
import { openCloud } from '../openstack/cloud.ts';
import { refusalOf } from '../openstack/preflight.ts';
import { createJanitor, type Swept } from '../probes/janitor.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import type { CommandFactory } from './command.ts';
import { askFor } from './daemon-client.ts';
import { print } from './output.ts';

type SweepFlags = {
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly anyVantage?: boolean;
  readonly journal?: string;
  readonly url?: string;
};

/** How long a sweep waits until everything has gone, in milliseconds. */
const PATIENCE = 60_000;

export const sweepCommand: CommandFactory = ({ output, finish }) =>
  new Command('sweep')
    .description('delete the servers that bear our mark (name prefix and metadata), and no others')
    .option('--dry-run', 'only show them')
    .option('--any-vantage', 'those of other hosts too: make sure that no daemon is at work there')
    .option('--journal <file>', 'only those of the run in this journal')
    .option('--url <url>', 'spare those of the daemon that runs there: it deletes its own')
    .option('--config <file>', 'rollwatch.yaml')
    .option('--json', 'an array of {cloud, id, name, status, gone}')
    .addHelpText(
      'after',
      '\nExamples:\n  OS_CLOUD=mycloud rollwatch sweep --dry-run\n  OS_CLOUD=mycloud rollwatch sweep --url http://127.0.0.1:9774',
    )
    .action(async ({ config, dryRun = false, json = false, anyVantage = false, journal, url }: SweepFlags) => {
      const configuration = loadConfiguration({ configFile: config });
      const run = journal === undefined ? null : await runOfJournal(journal);
      const spare = url === undefined ? null : await runOfDaemon(url);
      const clock = createTimeline(machineClocks, configuration.sampler.clockStep);
      const rows: { cloud: string; id: string; name: string; status: string; gone: boolean }[] = [];
      for (const { access, probes } of configuration.clouds) {
        const cloud = openCloud({ access, clock });
        const { namePrefix, deleteLimit, maxStuck } = probes['server-boot'];
        const mark = { prefix: namePrefix, vantage: configuration.vantage, run: '' };
        const janitor = createJanitor({ cloud, mark, deleteLimit, maxStuck, emit: () => {}, log: () => {} });
        const scope = { vantage: anyVantage ? null : configuration.vantage, run, spare };
        const { signal } = new AbortController();
        try {
          const swept = await janitor.sweep({ dryRun, scope, limit: PATIENCE, signal });
          if (swept.type !== 'ok') throw refusalOf(cloud, swept);
          rows.push(...swept.value.map((one) => row(access.name, one)));
        } finally {
          cloud.close();
        }
      }
      await print(output.out, json ? JSON.stringify(rows, null, 2) : told(rows, dryRun));
      // What waits for a second look, or a server that won't go, does not keep the command.
      finish(dryRun || rows.every((one) => one.gone) ? 0 : 1);
      setImmediate(() => process.exit());
    });

async function runOfJournal(file: string): Promise<string> {
  const journal = await readJournal(file);
  await journal.close();
  return journal.run;
}

const report = z.object({ run: z.object({ id: z.string() }) });

async function runOfDaemon(url: string): Promise<string> {
  return (await askFor(report, url, { method: 'GET', path: '/api/v1/report?format=json' })).run.id;
}

const row = (cloud: string, { server, gone }: Swept) => ({
  cloud,
  id: server.id,
  name: redact(server.name),
  status: redact(server.status),
  gone,
});

function told(rows: readonly ReturnType<typeof row>[], dryRun: boolean): string {
  if (rows.length === 0) return 'No server of ours.';
  const lines = rows.map(({ cloud, id, name, status, gone }) =>
    [cloud, id, name, gone ? 'deleted' : status].map(printableLine).join('  '),
  );
  const left = rows.filter((one) => !one.gone).length;
  const servers = (count: number) => `${count} server${count === 1 ? '' : 's'}`;
  const end = dryRun
    ? `${servers(rows.length)} of ours; nothing was deleted.`
    : `${servers(rows.length - left)} deleted, ${left} left.`;
  return [...lines, end].join('\n');
}
