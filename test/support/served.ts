import type { CheckRun } from '../../src/domain/check.ts';
import type { SampleFilter } from '../../src/domain/journal.ts';
import type { Sample } from '../../src/domain/sample.ts';
import type { Annotation } from '../../src/domain/upgrade/annotation.ts';
import type { PhaseMark } from '../../src/domain/upgrade/phases.ts';
import type { Task } from '../../src/domain/upgrade/task.ts';
import { createTaskRegistry } from '../../src/domain/upgrade/task-registry.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { REPORT_FORMATS, SAMPLE_FORMATS } from '../../src/report/formats.ts';
import { LIVE_POLICY } from '../../src/report/page-document.ts';
import type { ServerOptions } from '../../src/server/route.ts';
import { createServer } from '../../src/server/server.ts';
import { live, readerOf, type ShownStatus } from './live.ts';

export type Served = AsyncDisposable & {
  readonly url: string;
  readonly log: readonly string[];
  /** The filters of the requests to the journal. */
  readonly filters: readonly SampleFilter[];
  readonly orders: readonly string[];
  readonly tasks: readonly Task[];
  readonly phases: readonly PhaseMark[];
  show(now: ShownStatus): void;
  /** Emits a sample as the daemon does. */
  sample(sample: Sample): void;
};

type Facts = Partial<ServerOptions> & { readonly now?: ShownStatus; readonly stored?: () => AsyncIterable<Sample> };

/** Starts a server on a free port with the given state; records the requests to the daemon. */
export async function serve({ now = live(), stored = async function* () {}, ...options }: Facts = {}): Promise<Served> {
  let shown = now;
  const log: string[] = [];
  const filters: SampleFilter[] = [];
  const orders: string[] = [];
  const tasks: Task[] = [];
  const registry = createTaskRegistry();
  const phases: PhaseMark[] = [];
  const annotations = new Map<number, Annotation>();
  const checkRuns: CheckRun[] = [];
  const listeners = new Set<(sample: Sample) => void>();
  const order = (name: string) => async () => {
    orders.push(name);
  };
  const server = await createServer({
    listen: { host: '127.0.0.1', port: 0 },
    writeToken: null,
    run: readerOf(() => shown),
    metrics: createMetrics({ version: '0.1.0', probes: describeProbes() }),
    journal: {
      samples(filter = {}) {
        filters.push(filter);
        return stored();
      },
    },
    reports: REPORT_FORMATS,
    samples: SAMPLE_FORMATS,
    upgrade: {
      task(task) {
        tasks.push(task);
        registry.report(task);
      },
      taskLoadWith: registry.loadWith,
      phase: (phase) => phases.push(phase),
      annotate: (annotation) => annotations.set(annotation.id, annotation),
      annotations: () => [...annotations.values()],
      check: (run) => checkRuns.push(run),
      checkRuns: () => checkRuns,
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    page: {
      document: '<!doctype html><title>the page</title>',
      script: '// script',
      style: '/* style */',
      policy: LIVE_POLICY,
    },
    pause: order('pause'),
    resume: order('resume'),
    version: '0.1.0',
    log: (level, message) => log.push(`${level} ${message}`),
    events: { check: 10, heartbeat: 60_000, alive: 60_000 },
    ...options,
  });
  return {
    url: server.url,
    log,
    filters,
    orders,
    tasks,
    phases,
    show(next) {
      shown = next;
    },
    sample(sample) {
      for (const listener of listeners) listener(sample);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Sends a request with headers that fetch() does not allow, such as Host. */
export async function ask(
  url: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
