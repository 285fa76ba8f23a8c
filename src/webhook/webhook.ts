import type { Secret } from '../domain/redaction.ts';
import type { OnConnectionChange } from '../domain/run/connection-status.ts';
import type { Incident } from '../domain/run/incident.ts';
import type { Millis } from '../domain/time.ts';
import { createJsonClient, HttpError } from '../http/json-client.ts';
import { type PushTiming, startPushLoop } from '../http/push-loop.ts';
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

const TIMING: PushTiming = { interval: 1000, minRetry: 1000, maxRetry: 60_000 };
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Posts a message as `{"text": "..."}` when an incident begins and when it is over, as Slack, Mattermost and others accept
 * it (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). After a failure it tries again, later
 * each time; what is due is computed each time, so nothing queues up.
 */
export function startWebhook(
  { url, after, since, incidents, textOf, onConnectionChange }: WebhookOptions,
  timing: PushTiming = TIMING,
): { stop(): Promise<void> } {
  const notices = createNotices({ since, after });
  return startPushLoop({
    timing,
    onConnectionChange,
    create(signal) {
      const http = createJsonClient({ url: url.reveal() }, { signal, timeout: REQUEST_TIMEOUT_MS });
      return {
        async push() {
          const current = incidents();
          for (const notice of notices.due(current.incidents, current.now)) {
            const { status } = await http.request('POST', '', { body: { text: textOf(notice) } });
            if (status >= 300) throw new HttpError(`it answered ${status}`);
            notices.delivered(notice);
          }
        },
        close: http.close,
      };
    },
  });
}
