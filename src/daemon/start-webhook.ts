import type { WebhookSettings } from '../config/webhook-settings.ts';
import type { Log } from '../domain/log.ts';
import { incidentSentence, utcTime } from '../format/incidents.ts';
import { startWebhook } from '../webhook/webhook.ts';
import type { Daemon } from './daemon.ts';
import { logConnection } from './log.ts';

/** Reports incidents to a webhook until stopped. Starts when the journal has been replayed. */
export function startIncidentWebhook(
  { url, after }: WebhookSettings,
  { daemon, log }: { readonly daemon: Daemon; readonly log: Log },
): { stop(): Promise<void> } {
  let isStopped = false;
  const since = daemon.now();
  const started = daemon.replayed.then(() => {
    if (isStopped) return null;
    log('info', 'reporting incidents to the webhook');
    return startWebhook({
      url,
      after,
      since,
      incidents() {
        const { at, report } = daemon.live();
        return { now: at, incidents: report.incidents };
      },
      textOf({ incident, stage }) {
        const { run, probeTypes } = daemon.live().report;
        const time = utcTime({ from: run.startedAt, until: run.endedAt });
        return `${stage === 'open' ? 'INCIDENT' : 'Over'}: ${incidentSentence(incident, { run, probeTypes, time })}`;
      },
      onConnectionChange: logConnection('the webhook', log),
    });
  });
  return {
    async stop() {
      isStopped = true;
      await (await started)?.stop();
    },
  };
}
