import type { ApiChart, ApiChartTasks } from '../api/chart.ts';
import type { ApiReport } from '../api/report.ts';
import type { ApiSample } from '../api/sample.ts';
import type { ApiHeartbeat, ApiStatus } from '../api/status.ts';
import type { ApiWindow } from '../api/window.ts';
import { ACKNOWLEDGED_TAG } from '../domain/run/note.ts';
import { NOTE_TAG } from '../domain/upgrade/annotation.ts';
import { readData } from './page-data.ts';
import { addSamples } from './samples.ts';
import type { Source, Store } from './state.ts';
import { fetchSince, mergeTasks, readTasks } from './tasks.ts';

/** How often figures that grow with time (budgets, downtime so far) are fetched, and how soon after a change. */
const POLL_INTERVAL_MS = 5000;
const POLL_DELAY_MS = 400;
/** A daemon sends a heartbeat every second. After a longer silence it counts as lost, which shows within 3 s. */
const MAX_SILENCE_MS = 2500;
const SILENCE_CHECK_MS = 250;

/** How many samples are shown around each edge of a window, and how far from it, in milliseconds. */
const EDGE = { samples: 60, margin: 3000 };

/** Keeps the store up to date with the daemon that served the page. */
export function followDaemon(store: Store): Source {
  const events = new EventSource('api/v1/events');
  let lastEventAt = Date.now();
  let loaded = false;
  let fetchWanted = false;
  let fetching = false;
  let fetchTimer: ReturnType<typeof setTimeout> | null = null;

  function markAlive(): void {
    lastEventAt = Date.now();
    if (store.get().link.kind !== 'live') store.set({ link: { kind: 'live' } });
  }

  function on<Body>(name: string, act: (body: Body) => void): void {
    events.addEventListener(name, (event) => {
      markAlive();
      act(readData<Body>((event as MessageEvent<string>).data));
    });
  }

  on<ApiStatus>('status', (status) => {
    store.set({ status, ahead: Date.parse(status.at) - Date.now() });
    fetchSoon();
  });
  on<ApiHeartbeat>('alive', ({ samplerAt }) => {
    const { status } = store.get();
    if (status !== null && status.sampler !== null && samplerAt !== null)
      store.set({ status: { ...status, sampler: { ...status.sampler, at: samplerAt } } });
  });
  on<ApiWindow>('window', fetchSoon);
  on<ApiChart>('samples', (chart) => {
    addSamples(store.get().samples, chart);
    store.set({ samplesVersion: store.get().samplesVersion + 1 });
  });
  // After a reconnection the stream has only new samples; the missed ones are fetched.
  events.addEventListener('open', () => {
    markAlive();
    void catchUp();
  });

  function fetchSoon(): void {
    fetchTimer ??= setTimeout(() => {
      fetchTimer = null;
      void fetchReport();
    }, POLL_DELAY_MS);
  }

  /** Fetches the report and the tasks; only one fetch runs at a time. */
  async function fetchReport(): Promise<void> {
    fetchWanted = true;
    if (fetching) return;
    fetching = true;
    while (fetchWanted) {
      fetchWanted = false;
      const known = store.get().tasks;
      const since = fetchSince(known);
      const query = since === null ? '' : `?from=${new Date(since).toISOString()}`;
      const [report, tasks] = await Promise.all([
        get<ApiReport>('api/v1/report?format=json&tasks=attributed'),
        get<ApiChartTasks>(`api/v1/chart/tasks${query}`),
      ]);
      store.set({
        ...(report !== null && { report }),
        ...(tasks !== null && {
          tasks: since === null ? readTasks(tasks) : mergeTasks(known, readTasks(tasks), since),
        }),
      });
    }
    fetching = false;
  }

  async function catchUp(): Promise<void> {
    const last = Math.max(0, ...[...store.get().samples.series.values()].map(({ at, count }) => at[count - 1] ?? 0));
    // Samples that were sent before the last one may have ended after it.
    const query = loaded ? `?from=${new Date(Math.max(0, last - 120_000)).toISOString()}` : '';
    void fetchReport();
    const chart = await get<ApiChart>(`api/v1/chart${query}`);
    if (chart === null) return;
    loaded = true;
    addSamples(store.get().samples, chart);
    store.set({ samplesVersion: store.get().samplesVersion + 1 });
  }

  const silenceTimer = setInterval(() => {
    if (Date.now() - lastEventAt > MAX_SILENCE_MS && store.get().link.kind === 'live')
      store.set({ link: { kind: 'lost', since: lastEventAt } });
  }, SILENCE_CHECK_MS);
  const pollTimer = setInterval(() => {
    if (store.get().link.kind !== 'lost' && !document.hidden) void fetchReport();
  }, POLL_INTERVAL_MS);

  return {
    async samplesOf(window) {
      const edges = [window.start, ...(window.end === null ? [] : [window.end])];
      const samplesByEdge = await Promise.all(
        edges.map(({ earliest, latest }) => {
          const from = new Date(Date.parse(earliest) - EDGE.margin).toISOString();
          const to = new Date(Date.parse(latest) + EDGE.margin).toISOString();
          const { cloud, probe, connection, target } = window;
          const query = new URLSearchParams({
            cloud,
            probe,
            connection,
            target,
            from,
            to,
            limit: String(EDGE.samples),
          });
          return getLines<ApiSample>(`api/v1/samples?${query}&format=jsonl`);
        }),
      );
      const samples = samplesByEdge.flat().filter(({ vantage }) => vantage === window.vantage);
      return [...new Map(samples.map((sample) => [`${sample.session} ${sample.seq}`, sample])).values()];
    },
    async ticket(zone) {
      const query = new URLSearchParams({ format: 'ticket', zone, link: location.href });
      const answer = await fetch(`api/v1/report?${query}`);
      if (!answer.ok) throw new Error(`the daemon answered ${answer.status}`);
      return answer.text();
    },
    async addNote({ incident, text, acknowledges }) {
      const tags = [NOTE_TAG, incident, ...(acknowledges ? [ACKNOWLEDGED_TAG] : [])];
      const answer = await fetch('api/annotations', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ text, tags }),
      });
      if (answer.status === 401) throw new Error("the daemon requires a token; use 'rollwatch note'");
      if (!answer.ok) throw new Error(`the daemon answered ${answer.status}`);
      await fetchReport();
    },
    close() {
      events.close();
      clearInterval(silenceTimer);
      clearInterval(pollTimer);
      if (fetchTimer !== null) clearTimeout(fetchTimer);
    },
  };
}

/** Returns null if there is no answer; the caller fetches again later. */
async function get<Body>(url: string): Promise<Body | null> {
  try {
    const answer = await fetch(url);
    return answer.ok ? readData<Body>(await answer.text()) : null;
  } catch {
    return null;
  }
}

async function getLines<Body>(url: string): Promise<readonly Body[]> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the daemon answered ${answer.status}`);
  const text = await answer.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readData<Body>(line));
}
