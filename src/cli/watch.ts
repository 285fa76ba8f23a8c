import { Command } from 'commander';
import { type RunOptions, startRunning } from '../daemon/start.ts';
import { reportJson } from '../report/json.ts';
import { reportText } from '../report/text.ts';
import type { CommandFactory } from './command.ts';
import { print } from './output.ts';
import { stopSignal } from './stop-signal.ts';

export const watchCommand: CommandFactory = ({ output, finish }) =>
  new Command('watch')
    .description('watch clouds until told to stop: sample, keep a journal, serve metrics, API and page')
    .option('--config <file>', 'rollwatch.yaml (default: ./rollwatch.yaml if it is there)')
    .option('--cloud <name>', 'the cloud of clouds.yaml to watch, before OS_CLOUD and the clouds of rollwatch.yaml')
    .option('--listen <host:port>', 'where to serve, port 0 for any free one (default: 127.0.0.1:9774)')
    .option('--journal <file>', 'the journal to go on in (default: rollwatch.sqlite beside the configuration)')
    .option('--json', 'when it ends, print the report as JSON instead of text')
    .addHelpText(
      'after',
      `
Credentials come from clouds.yaml and OS_* as for every OpenStack client. Ctrl-C (SIGINT, SIGTERM) ends it in order:
what is under way is recorded, the servers it made are deleted, the report is printed. The exit code is 1 when a phase
of the upgrade cost more than its plan promises.

Examples:
  OS_CLOUD=mycloud rollwatch watch
  rollwatch watch --config /etc/rollwatch/rollwatch.yaml --listen 0.0.0.0:9774`,
    )
    .action(async (options: RunOptions) => {
      await using opened = new AsyncDisposableStack();
      const signal = stopSignal();
      opened.defer(() => signal.release());
      const running = await startRunning(options, output);
      const { url, configuration, log } = running;
      const names = configuration.clouds.map(({ access }) => access.name).join(', ');
      log('info', `watching ${names} from ${configuration.vantage}: ${url}, journal ${configuration.journal}`, { url });
      let code = 0;
      try {
        await Promise.race([signal.stopped, running.refused]);
      } finally {
        const report = await running.stop();
        if (report.verdict.result === 'fail') code = 1;
        const { colour, width } = output;
        if (
          report.run.facts['image'] !== undefined ||
          report.probes.some((one) => one.samples.ok + one.samples.failed > 3)
        ) {
          await print(output.out, options.json ? reportJson(report) : reportText(report, { colour, width }));
        }
      }
      finish(code);
    });
