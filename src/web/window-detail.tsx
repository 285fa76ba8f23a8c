import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiSample } from '../api/sample.ts';
import type { ApiWindow } from '../api/window.ts';
import { causeLabel } from '../format/causes.ts';
import { duration, latency } from '../format/quantities.ts';
import type { Source } from './state.ts';
import { Table } from './table.tsx';
import type { TimeFormat } from './time-format.ts';

type DetailProps = {
  readonly window: ApiWindow;
  readonly times: TimeFormat;
  readonly source: Source;
  readonly onShow: () => void;
};

type Read = { readonly samples: readonly ApiSample[] } | { readonly problem: string } | null;

/** The samples around the edges of a window, with their request ids, and every task that may have caused it. */
export function WindowDetail({ window, times, source, onShow }: DetailProps): JSX.Element {
  const [read, setRead] = useState<Read>(null);
  const { id, end } = window;
  useEffect(() => {
    let wanted = true;
    source
      .samplesOf(window)
      .then((samples) => wanted && setRead({ samples }))
      .catch(
        (error: unknown) => wanted && setRead({ problem: error instanceof Error ? error.message : String(error) }),
      );
    return () => {
      wanted = false;
    };
    // Loads them again when the window has ended and has a second edge.
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
          caption="Tasks that were running when the window may have started, most likely first."
          keyOf={(task) => task.id}
          rows={window.candidates}
          columns={[
            { head: 'Task', cell: (task) => task.name },
            { head: 'Kind', cell: (task) => task.kind },
            { head: 'Role', cell: (task) => task.role ?? '' },
            { head: 'Play', cell: (task) => task.play ?? '' },
            { head: 'Hosts', cell: (task) => task.hosts.join(', ') },
            { head: 'Started', cell: (task) => times.exact(Date.parse(task.start)) },
            { head: 'Took', figure: true, cell: lasted },
            { head: 'Source', cell: (task) => task.sources.join(', ') },
          ]}
        />
      )}
      <h3>Samples around its edges</h3>
      <Samples read={read} times={times} />
    </div>
  );
}

const lasted = ({ start, end }: ApiWindow['candidates'][number]): string =>
  end === null ? 'end unknown' : duration((Date.parse(end) - Date.parse(start)) / 1000);

function Samples({ read, times }: { readonly read: Read; readonly times: TimeFormat }): JSX.Element {
  if (read === null) return <p class="note">Loading…</p>;
  if ('problem' in read) return <p class="note">Currently unavailable: {read.problem}.</p>;
  if (read.samples.length === 0) return <p class="note">No samples are available for this window.</p>;
  return (
    <Table
      caption="In the order sent. Search Nova's logs for the request id."
      keyOf={(one) => `${one.session} ${one.seq}`}
      rows={read.samples}
      columns={[
        { head: 'Sent', cell: (one) => times.exact(Date.parse(one.startedAt)) },
        {
          head: 'Outcome',
          cell: (one) => (
            <span class={TONES[one.outcome]}>
              {one.outcome}
              {one.extra ? <small> extra</small> : null}
            </span>
          ),
        },
        { head: 'Took', figure: true, cell: (one) => latency(one.durationSeconds) },
        {
          head: 'Cause',
          cell: ({ cause }) => (cause === null ? '' : `${causeLabel(cause)}: ${cause.message}`),
        },
        { head: 'Status', figure: true, cell: ({ cause }) => cause?.status ?? '' },
        { head: 'Request id', cell: (one) => <code>{one.requestId ?? ''}</code> },
        { head: 'Server', cell: (one) => <code>{one.serverId ?? ''}</code> },
      ]}
    />
  );
}

const TONES = { ok: 'good', failed: 'bad', void: 'unknown' } as const;
