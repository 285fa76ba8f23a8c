import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '../domain/redaction.ts';
import { createConnectionStatus, type OnConnectionChange } from '../domain/run/connection-status.ts';
import type { Incident } from '../domain/run/incident.ts';
import type { Millis } from '../domain/time.ts';
import { createJsonClient, HttpError } from '../http/json-client.ts';
import { createNotices, type Notice } from './notices.ts';

export type WebhookOptions = {
  readonly url: Secret;
  /** How long an incident must be open before it is reported, in milliseconds. */
  readonly after: number;
  /** When the session started: incidents that were over before are not reported. */
  readonly since: Millis;
  /** Returns the current incidents. */
  readonly incidents: () => { readonly now: Millis; readonly incidents: readonly Incident[] };
  readonly textOf: (notice: Notice) => string;
  readonly onConnectionChange: OnConnectionChange;
};

export type WebhookTiming = { readonly interval: number; readonly minRetry: number; readonly maxRetry: number };

const TIMING: WebhookTiming = { interval: 1000, minRetry: 1000, maxRetry: 60_000 };
const REQUEST_TIMEOUT_MS = 10_000;
/** How long the last messages may take when the daemon stops. */
const STOP_TIMEOUT_MS = 5000;

/**
 * Posts a message as `{"text": "..."}` when an incident begins and when it is over, as Slack, Mattermost and others accept
 * it (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). After a failure it tries again, later
 * each time; what is due is computed each time, so nothing queues up.
 */
export function startWebhook(
  { url, after, since, incidents, textOf, onConnectionChange }: WebhookOptions,
  timing: WebhookTiming = TIMING,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const ended = new AbortController();
  const http = createJsonClient({ url: url.reveal() }, { signal: ended.signal, timeout: REQUEST_TIMEOUT_MS });
  const notices = createNotices({ since, after });
  const connection = createConnectionStatus(onConnectionChange);

  async function sendDue(): Promise<void> {
    const current = incidents();
    for (const notice of notices.due(current.incidents, current.now)) {
      const { status } = await http.request('POST', '', { body: { text: textOf(notice) } });
      if (status >= 300) throw new HttpError(`it answered ${status}`);
      notices.delivered(notice);
    }
  }

  async function run(): Promise<void> {
    let retry = timing.minRetry;
    while (!ended.signal.aborted) {
      const isLast = stopping.signal.aborted;
      try {
        await sendDue();
        connection.succeeded();
        retry = timing.minRetry;
        if (isLast) return;
        await pause(timing.interval);
      } catch (error) {
        if (ended.signal.aborted) return;
        // After a bug, too, sending is only retried: it must not end sampling.
        connection.failed(error instanceof Error ? error.message : String(error));
        await pause(retry);
        retry = Math.min(retry * 2, timing.maxRetry);
      }
    }
  }

  const pause = (millis: number): Promise<void> =>
    delay(millis, undefined, { signal: stopping.signal.aborted ? ended.signal : stopping.signal }).catch(() => {});

  const finished = run();
  return {
    async stop() {
      stopping.abort();
      const timeout = setTimeout(() => ended.abort(), STOP_TIMEOUT_MS);
      await finished;
      clearTimeout(timeout);
      ended.abort();
      http.close();
    },
  };
}
