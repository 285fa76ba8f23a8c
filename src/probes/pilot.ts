import { type Probe, type ProbeResult, voidResult } from '../domain/probe.ts';
import { REQUEST_STAGES, type Series } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { problemFromBody, problemFromFailure, problemFromResponse, timingOf } from '../openstack/diagnosis/classify.ts';
import { loadBalancerOf } from '../openstack/diagnosis/load-balancer-page.ts';
import { requestVersions } from '../openstack/diagnosis/ping.ts';
import type { HttpResult } from '../openstack/http/http-message.ts';
import { parseJson } from '../openstack/http/json.ts';
import type { Result } from '../openstack/result.ts';
import {
  type ProbeOrigin,
  type ProbeType,
  probeResultOf,
  type RequestSettings,
  requestSettings,
  seriesOf,
  timeoutsOf,
} from './probe.ts';

type PilotedCloud = Pick<Cloud, 'clock' | 'openUngated' | 'versionsUrl'>;

const settingsSchema = requestSettings({
  enabled: false,
  interval: '100ms',
  shortest: 20,
  slow: 1000,
  afterFailureInterval: 30,
});

/** The probe that asks the same API for more, less often. */
const SHARPENED = 'server-list';

/** A hung request is evidence; more of them would be a queue. */
const MAX_IN_FLIGHT = 2;

/**
 * While a request hangs, the second one is given up for a new one at these intervals: a share of the time for which
 * nothing has been answered. Each adds a request to the queue of the service, even though nobody waits for it any more.
 */
const RENEWAL = { minMs: 200, maxMs: 5000, share: 0.1 };

/** A request that waits longer than this hangs, so that the next answer is a recovery. */
const HANG_MS = 500;

type Request = {
  readonly sentAt: Millis;
  readonly result: Promise<ProbeResult>;
  readonly giveUp: () => void;
};

/** While requests take long, fewer are sent: each then counts for at least this long, in milliseconds. */
const MIN_VALID_MS = 1000;

function pilotSeries(origin: ProbeOrigin, settings: RequestSettings): Series {
  const series = seriesOf({ ...origin, probe: 'pilot', connection: '', target: '' }, settings);
  return { ...series, validFor: Math.max(series.validFor, MIN_VALID_MS) };
}

/**
 * Requests the version document of nova-api over a connection of its own, many times a second: it needs no token, no
 * database and no other service. It dates the edges of outages of the process or its load balancer, and finds those that
 * are too short for other probes. It sees nothing of what fails behind the process.
 *
 * At most two requests are in flight. If both hang, the older one stays, and the newer one is given up for a new one from
 * time to time, so that a recovery is seen. What was given up fails if the older request fails in the end, as it was
 * behind that one in the queue; otherwise it is void.
 */
export function pilot(cloud: PilotedCloud, origin: ProbeOrigin, settings: RequestSettings): Probe {
  const { clock } = cloud;
  const http = cloud.openUngated('reused');
  const timeouts = timeoutsOf(settings);
  let inFlight: readonly Request[] = [];
  let hasBeenUp = false;
  let isFailing = false;
  let lastOkSentAt: Millis = -Infinity;
  let onRecovery = () => {};

  function judge(result: HttpResult): Result<unknown> {
    if (result.type === 'failure') return problemFromFailure(result, 'nova-api');
    const { status, body } = result;
    const isError = status >= 500 || status === 429 || (status >= 400 && loadBalancerOf(status, body) !== null);
    if (isError) return problemFromResponse(result, 'nova-api');
    // Any other 4xx is an answer of the service as well: it may keep its versions to itself.
    if (status >= 400 || parseJson(body) !== undefined) return { ...timingOf(result), type: 'ok', value: null };
    return problemFromBody(result, 'nova-api', 'the version document is not JSON');
  }

  /** Whether nothing was answered for a while before a request was sent. */
  const hasHung = (sentAt: Millis): boolean =>
    inFlight.some((other) => other.sentAt > lastOkSentAt && other.sentAt < sentAt - HANG_MS);

  async function request(url: string, sentAt: Millis, signal: AbortSignal): Promise<ProbeResult> {
    const judged = judge(await requestVersions(http, { url, timeouts, signal }));
    const isRecovery = judged.type === 'ok' && (isFailing || hasHung(sentAt));
    if (judged.type === 'ok') lastOkSentAt = Math.max(lastOkSentAt, sentAt);
    if (judged.type !== 'void') isFailing = judged.type === 'failed';
    if (judged.type === 'ok') hasBeenUp = true;
    if (isRecovery) onRecovery();
    if (judged.type === 'failed' && !hasBeenUp) return voidResult('unproven', judged.cause.message);
    return probeResultOf(judged);
  }

  return {
    series: pilotSeries(origin, settings),
    loop: 'open',
    afterFailure: settings.afterFailure,
    maxInFlight: Infinity,
    sharpens: SHARPENED,
    isFailing: () => isFailing,
    isBusy() {
      const [older, newer] = inFlight;
      return (
        older !== undefined &&
        newer !== undefined &&
        clock.now() < newer.sentAt + renewalAfter(clock.now() - older.sentAt)
      );
    },
    onRecovery(listener) {
      onRecovery = listener;
    },
    async run({ signal }) {
      const url = cloud.versionsUrl('nova-api');
      if (url === null) return voidResult('unproven', 'the address of nova-api is not known yet');
      const older = inFlight[0];
      if (older !== undefined && inFlight.length >= MAX_IN_FLIGHT) inFlight.at(-1)?.giveUp();
      const abort = new AbortController();
      const onAbort = () => abort.abort();
      signal.addEventListener('abort', onAbort, { once: true });
      const sentAt = clock.now();
      const given = Promise.withResolvers<'given up'>();
      const own: Request = {
        sentAt,
        result: request(url, sentAt, abort.signal),
        giveUp() {
          given.resolve('given up');
          abort.abort();
          inFlight = inFlight.filter((other) => other !== own);
        },
      };
      inFlight = [...inFlight, own];
      const result = await Promise.race([own.result, given.promise]);
      signal.removeEventListener('abort', onAbort);
      inFlight = inFlight.filter((other) => other !== own);
      return result === 'given up' ? shareResult(sentAt, await older?.result) : result;
    },
    close: () => http.close(),
  };

  /** Returns the result of a request that was given up while an older one hung. */
  function shareResult(sentAt: Millis, older: ProbeResult | undefined): ProbeResult {
    if (older?.outcome === 'failed') {
      return { ...older, stages: {}, failureStartedAt: sentAt, settledAt: clock.now() };
    }
    return voidResult('superseded', 'unanswered when the next request was sent');
  }
}

const renewalAfter = (unansweredMs: number): number =>
  Math.min(RENEWAL.maxMs, Math.max(RENEWAL.minMs, unansweredMs * RENEWAL.share));

/** Requests nova-api's version document many times a second. */
export const pilotProbe: ProbeType<RequestSettings> = {
  description: {
    name: 'pilot',
    label: 'pilot',
    sentences: {
      operations: 'version requests',
      wasDown: 'Version requests failed for',
      isDown: 'Version requests have been failing',
      neverDown: 'No version request failed.',
      unknown: 'Whether the version document could be fetched is unknown: there is no valid sample.',
    },
    stages: REQUEST_STAGES,
    activity: null,
    startEstimate: 'between-samples',
    dependsOn: null,
    sharpens: SHARPENED,
    countsOverall: false,
  },
  settings: settingsSchema,
  series: (origin, settings) => [pilotSeries(origin, settings)],
  probes: (cloud, origin, { settings }) => [pilot(cloud, origin, settings)],
};
