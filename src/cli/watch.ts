import { Command } from 'commander';
import { startWatch, type WatchOptions } from '../daemon/start-watch.ts';
import type { Report } from '../domain/run/report.ts';
import { reportJson } from '../report/json.ts';
import { reportText } from '../report/text/text.ts';
import { print } from '../terminal/output.ts';
import { type CommandFactory, stopSignal } from './command.ts';

/** A report is printed if at least one series has this many valid samples, or if a boot has chosen its image. */
const MIN_SAMPLES = 4;

export const watchCommand: CommandFactory = ({ output, finish }) =>
  new Command('watch')
    .description('probe clouds until stopped; records a journal, and serves metrics, an API and a page')
    .option('--config <file>', 'configuration file (default: ./rollwatch.yaml if it exists)')
    .option('--cloud <name>', 'cloud in clouds.yaml to watch; overrides OS_CLOUD and the clouds in rollwatch.yaml')
    .option('--listen <host:port>', 'address to serve on; port 0 for any free port (default: 127.0.0.1:9774)')
    .option(
      '--journal <file>',
      'journal file, continued if it exists (default: rollwatch.sqlite next to the configuration)',
    )
    .option('--json', 'print the final report as JSON instead of text')
    .addHelpText(
      'after',
      `
Reads credentials from clouds.yaml and OS_* like every OpenStack client. Ctrl-C (SIGINT or SIGTERM) stops it cleanly:
it records the samples in flight, deletes its test servers and prints the report. The exit code is 1 if a phase of the
upgrade exceeded its budget.

Examples:
  OS_CLOUD=mycloud rollwatch watch
  rollwatch watch --config /etc/rollwatch/rollwatch.yaml --listen 0.0.0.0:9774`,
    )
    .action(async (options: WatchOptions) => {
      await using cleanup = new AsyncDisposableStack();
      const stopping = stopSignal();
      cleanup.defer(() => stopping.release());
      const watch = await startWatch(options, output);
      const { url, configuration, log } = watch;
      const names = configuration.clouds.map(({ access }) => access.name).join(', ');
      log('info', `watching ${names} from ${configuration.vantage}: ${url}, journal ${configuration.journal}`, { url });
      let exitCode = 0;
      try {
        await Promise.race([stopping.stopped, watch.failed]);
      } finally {
        const report = await watch.stop();
        if (report.verdict.result === 'fail') exitCode = 1;
        if (isWorthPrinting(report)) {
          const { colour, width } = output;
          await print(output.out, options.json ? reportJson(report) : reportText(report, { colour, width }));
        }
      }
      finish(exitCode);
    });

/** Whether the cloud was ever reached. If not, the error message alone says more than an empty report. */
const isWorthPrinting = ({ run, probes }: Report): boolean =>
  run.facts['image'] !== undefined || probes.some(({ samples }) => samples.ok + samples.failed >= MIN_SAMPLES);
