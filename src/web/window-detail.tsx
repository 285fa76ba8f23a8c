import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiSample } from '../api/sample.ts';
import type { ApiWindow } from '../api/window.ts';
import { causeLabel } from '../format/causes.ts';
import { counted, duration, latency } from '../format/quantities.ts';
import type { Source } from './state.ts';
import { Table } from './table.tsx';
import type { TimeFormat } from './time-format.ts';

type DetailProps = {
  readonly window: ApiWindow;
  readonly times: TimeFormat;
  readonly source: Source;
  readonly onShow: () => void;
};

/** Further candidates are shown on request, so that the samples stay in sight. */
const MAX_CANDIDATES = 5;

type LoadedSamples = { readonly samples: readonly ApiSample[] } | { readonly problem: string } | null;

/** Shows every task that may have caused a window, and the samples around its edges with their request ids. */
export function WindowDetail({ window, times, source, onShow }: DetailProps): JSX.Element {
  const [loaded, setLoaded] = useState<LoadedSamples>(null);
  const [all, setAll] = useState(false);
  const shown = all ? window.candidates : window.candidates.slice(0, MAX_CANDIDATES);
  const { id, end } = window;
  useEffect(() => {
    let current = true;
    source
      .samplesOf(window)
      .then((samples) => current && setLoaded({ samples }))
      .catch(
        (error: unknown) => current && setLoaded({ problem: error instanceof Error ? error.message : String(error) }),
      );
    return () => {
      current = false;
    };
    // Loads the samples again once the window has ended, because it then has a second edge.
  }, [id, end === null, source]);

  return (
    <div class="window-detail">
      <div class="title-row">
        <h3>Candidates</h3>
        <button type="button" onClick={onShow}>
          Show in the timeline
        </button>
      </div>
      {window.candidates.length === 0 ? (
        <p class="note">No task is known to have been running when the window may have started.</p>
      ) : (
        <Table
          stacks
          caption="Tasks that were running when the window may have started, most likely first."
          keyOf={(task) => task.id}
          rows={shown}
          columns={[
            { head: 'Task', cell: (task) => task.name },
            { head: 'Kind', cell: (task) => task.kind },
            { head: 'Role', cell: (task) => task.role ?? '-' },
            { head: 'Play', cell: (task) => task.play ?? '-' },
            { head: 'Hosts', cell: (task) => <Hosts hosts={task.hosts} /> },
            { head: 'Started', cell: (task) => times.exact(Date.parse(task.start)) },
            { head: 'Took', figure: true, cell: lasted },
            { head: 'Source', cell: (task) => task.sources.join(', ') },
          ]}
        />
      )}
      {shown.length < window.candidates.length ? (
        <button type="button" onClick={() => setAll(true)}>
          Show all {window.candidates.length} candidates
        </button>
      ) : null}
      <h3>Samples around its edges</h3>
      <Samples loaded={loaded} times={times} />
    </div>
  );
}

/** More hosts than this are counted, and listed on request. */
const MAX_LISTED_HOSTS = 3;

function Hosts({ hosts }: { readonly hosts: readonly string[] }): JSX.Element {
  if (hosts.length <= MAX_LISTED_HOSTS) return <>{hosts.length === 0 ? '-' : hosts.join(', ')}</>;
  return (
    <details>
      <summary>{counted(hosts.length, 'host')}</summary>
      {hosts.join(', ')}
    </details>
  );
}

const lasted = ({ start, end }: ApiWindow['candidates'][number]): string =>
  end === null ? 'end unknown' : duration((Date.parse(end) - Date.parse(start)) / 1000);

function Samples({ loaded, times }: { readonly loaded: LoadedSamples; readonly times: TimeFormat }): JSX.Element {
  if (loaded === null) return <p class="note">Loading…</p>;
  if ('problem' in loaded) return <p class="note">Currently unavailable: {loaded.problem}.</p>;
  if (loaded.samples.length === 0) return <p class="note">No samples are available for this window.</p>;
  return (
    <Table
      caption="In the order sent. Search Nova's logs for the request id."
      keyOf={(sample) => `${sample.session} ${sample.seq}`}
      rows={loaded.samples}
      columns={[
        { head: 'Sent', cell: (sample) => times.exact(Date.parse(sample.startedAt)) },
        {
          head: 'Outcome',
          cell: (sample) => (
            <span class={TONES[sample.outcome]}>
              {sample.outcome}
              {sample.extra ? <small> extra</small> : null}
            </span>
          ),
        },
        { head: 'Took', figure: true, cell: (sample) => latency(sample.durationSeconds) },
        {
          head: 'Cause',
          cell: ({ cause }) => (cause === null ? '' : `${causeLabel(cause)}: ${cause.message}`),
        },
        { head: 'Status', figure: true, cell: ({ cause }) => cause?.status ?? '' },
        { head: 'Request id', cell: (sample) => <code>{sample.requestId ?? ''}</code> },
        { head: 'Server', cell: (sample) => <code>{sample.serverId ?? ''}</code> },
      ]}
    />
  );
}

const TONES = { ok: 'good', failed: 'bad', void: 'unknown' } as const;
