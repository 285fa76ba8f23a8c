import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckRun } from '../../src/domain/check.ts';
import type { Journal, JournalReader, SampleFilter } from '../../src/domain/journal.ts';
import type { Sample, Series } from '../../src/domain/sample.ts';
import type { ObservationGap, ServerEvent } from '../../src/domain/sampler-event.ts';
import { anySample } from '../support/any-sample.ts';
import { failedSample, okSample, SERIES } from '../support/samples.ts';
import { task } from '../support/tasks.ts';

/** A place for one journal, empty at first. It may be opened several times. */
export type JournalPlace = {
  write(): Promise<Journal>;
  read(): Promise<JournalReader>;
  clear(): Promise<void>;
};

const SESSION = { startedAt: 1000.25, version: '1.2.3', vantage: 'here', facts: { microversion: '2.1' } };
const OTHER: Series = { ...SERIES, probe: 'token', connection: '', interval: 5000, validFor: 7500 };

const PLACE = {
  cloud: 'cloud',
  vantage: 'here',
  probe: 'server-list',
  connection: 'new',
  target: '',
  session: 1,
  dueAt: 1_700_000_002_000,
  startedAt: 1_700_000_002_000.0625,
  endedAt: 1_700_000_002_001.5,
  stages: {},
  requestId: null,
} as const;

const GAP: ObservationGap = { from: 10.125, until: 20.5, kind: 'suspended', message: 'the host slept' };
const EVENT: ServerEvent = {
  cloud: 'cloud',
  vantage: 'here',
  kind: 'created',
  name: 'rollwatch-1',
  id: null,
  at: 30.75,
  message: '',
};

export async function collect(journal: JournalReader, filter?: SampleFilter): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of journal.samples(filter)) samples.push(sample);
  return samples;
}

const seqs = async (journal: JournalReader, filter: SampleFilter) => (await collect(journal, filter)).map((s) => s.seq);

/** The contract of a journal in any dialect. */
export function journalContract(name: string, open: () => Promise<JournalPlace>, { runs = 60 } = {}): void {
  describe(name, () => {
    let place: JournalPlace;
    let journal: Journal;

    beforeEach(async () => {
      place = await open();
      journal = await place.write();
    });

    afterEach(async () => {
      await journal.close();
      await place.clear();
    });

    const reopen = async () => {
      await journal.close();
      journal = await place.write();
    };

    const record = (...samples: Sample[]) => {
      for (const sample of samples) journal.append({ type: 'sample', sample });
      return journal.flush(0);
    };

    it('keeps its run name', async () => {
      const { run } = journal;
      await reopen();
      const reader = await place.read();
      expect([run.length > 0, journal.run, reader.run]).toEqual([true, run, run]);
      await reader.close();
    });

    it('is empty at first', async () => {
      expect(await journal.sessions()).toEqual([]);
      expect(await journal.series()).toEqual([]);
      expect(await journal.observationGaps()).toEqual([]);
      expect(await journal.serverEvents()).toEqual([]);
      expect(await collect(journal)).toEqual([]);
    });

    it('numbers sessions from 1, and keeps the latest sign of life of each', async () => {
      const first = await journal.openSession(SESSION, [SERIES]);
      expect(first).toEqual({ ...SESSION, id: 1, aliveAt: 1000.25, ended: false });
      await journal.flush(2000.5);
      await journal.flush(1500);
      expect(await journal.sessions()).toEqual([{ ...first, aliveAt: 2000.5 }]);
      await reopen();
      const second = await journal.openSession({ ...SESSION, startedAt: 3000, version: '1.2.4' }, [SERIES]);
      await journal.closeSession(4000);
      expect(await journal.sessions()).toEqual([
        { ...first, aliveAt: 2000.5 },
        { ...second, id: 2, aliveAt: 4000, ended: true },
      ]);
    });

    it('adds facts to the open session', async () => {
      await journal.openSession(SESSION, [SERIES]);
      journal.append({ type: 'facts', facts: { flavor: 'm1.tiny' } });
      journal.append({ type: 'facts', facts: { flavor: 'm1.nano', image: 'cirros' } });
      await journal.flush(2000);
      await reopen();
      const [session] = await journal.sessions();
      expect(session?.facts).toEqual({ microversion: '2.1', flavor: 'm1.nano', image: 'cirros' });
    });

    it('returns the series of a session, and by default the latest settings of all series', async () => {
      await journal.openSession(SESSION, [SERIES, OTHER]);
      await journal.closeSession(2000);
      await journal.openSession(SESSION, [{ ...SERIES, slow: 250.5 }]);
      await journal.closeSession(3000);
      expect(await journal.series(1)).toEqual([SERIES, OTHER]);
      expect(await journal.series(2)).toEqual([{ ...SERIES, slow: 250.5 }]);
      expect(await journal.series()).toEqual([{ ...SERIES, slow: 250.5 }, OTHER]);
    });

    it('returns every kind of sample unchanged', async () => {
      const samples: Sample[] = [
        { ...okSample({ seq: 0, at: 1_700_000_000_000.123 }, 12.345), stages: { dns: 0.001, body: 0.1 + 0.2 } },
        {
          ...okSample({ seq: 1, at: 1_700_000_001_000.5 }, 9.5),
          outcome: 'failed',
          cause: { kind: 'http-503', service: 'load-balancer', message: 'no server', status: 503, body: '<html>é\n' },
          lastKnownUpAt: null,
          failureStartedAt: 1_700_000_001_000.5,
          settledAt: 1_700_000_001_010,
          timedOut: true,
          requestId: 'req-1',
        },
        {
          ...PLACE,
          seq: 2,
          outcome: 'void',
          cause: { kind: 'missed', service: 'rollwatch', message: 'busy' },
          slots: 17,
          extra: true,
          serverId: 'server-1',
        },
      ];
      await record(...samples);
      expect(await collect(journal)).toEqual(samples);
    });

    it('returns samples only after they are flushed', async () => {
      journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 0 }) });
      expect(await collect(journal)).toEqual([]);
      await journal.flush(0);
      expect(await collect(journal)).toHaveLength(1);
    });

    it('keeps a sample once if it is written repeatedly', async () => {
      await record(okSample({ seq: 0, at: 5 }), okSample({ seq: 0, at: 5 }));
      await record(okSample({ seq: 0, at: 5 }));
      expect(await collect(journal)).toEqual([okSample({ seq: 0, at: 5 })]);
    });

    it('returns samples by session and start, whatever the order of their ends', async () => {
      const early = okSample({ seq: 0, at: 100, session: 1 });
      const late = okSample({ seq: 1, at: 200, session: 1 });
      const other: Sample = { ...okSample({ seq: 0, at: 150, session: 1 }), probe: 'token', connection: '' };
      const next = okSample({ seq: 0, at: 50, session: 2 });
      await record(next, late, other, early);
      expect(await collect(journal)).toEqual([early, other, late, next]);
    });

    it('returns the samples that match a filter', async () => {
      await record(
        okSample({ seq: 0, at: 100, session: 1 }),
        failedSample({ seq: 1, at: 200, session: 1 }),
        { ...okSample({ seq: 2, at: 300, session: 1 }), probe: 'token', connection: '' },
        { ...okSample({ seq: 3, at: 400, session: 2 }), cloud: 'second' },
        okSample({ seq: 4, at: 500, session: 2 }),
      );
      expect(await seqs(journal, { from: 200 })).toEqual([1, 2, 3, 4]);
      expect(await seqs(journal, { until: 200 })).toEqual([0]);
      expect(await seqs(journal, { from: 200, until: 401 })).toEqual([1, 2, 3]);
      expect(await seqs(journal, { session: 2 })).toEqual([3, 4]);
      expect(await seqs(journal, { cloud: 'second' })).toEqual([3]);
      expect(await seqs(journal, { probe: 'token' })).toEqual([2]);
      expect(await seqs(journal, { connection: 'new' })).toEqual([0, 1, 3, 4]);
      expect(await seqs(journal, { connection: '' })).toEqual([2]);
      expect(await seqs(journal, { outcome: 'failed' })).toEqual([1]);
      expect(await seqs(journal, { outcome: 'void' })).toEqual([]);
      expect(await seqs(journal, { outcome: 'ok', limit: 2 })).toEqual([0, 2]);
      expect(await seqs(journal, { limit: 0 })).toEqual([]);
      expect(await seqs(journal, { cloud: 'none' })).toEqual([]);
      expect(await seqs(journal, { session: 3 })).toEqual([]);
    });

    it('streams several pages, each sample once, also with equal starts', async () => {
      const samples = Array.from({ length: 3001 }, (_, seq) => okSample({ seq, at: Math.floor(seq / 700) }));
      await record(...samples);
      expect(await seqs(journal, {})).toEqual(samples.map((sample) => sample.seq));
      expect(await seqs(journal, { limit: 1700, outcome: 'ok' })).toEqual(samples.slice(0, 1700).map((s) => s.seq));
    });

    it('can be written while a stream is read', async () => {
      await record(...Array.from({ length: 1200 }, (_, seq) => okSample({ seq, at: seq })));
      const read: number[] = [];
      for await (const { seq } of journal.samples()) {
        if (seq % 100 === 0 && seq < 1200) await record(okSample({ seq: 2000 + seq, at: 1200 }));
        read.push(seq);
      }
      expect(read.slice(0, 1200)).toEqual(Array.from({ length: 1200 }, (_, seq) => seq));
      expect(await seqs(journal, { from: 1200 })).toEqual(Array.from({ length: 12 }, (_, n) => 2000 + n * 100));
    });

    it('returns observation gaps in order of appending, and those that overlap a range', async () => {
      const later: ObservationGap = { from: 40, until: 50, kind: 'paused', message: '' };
      journal.append({ type: 'gap', gap: later });
      journal.append({ type: 'gap', gap: GAP });
      await journal.flush(0);
      await reopen();
      expect(await journal.observationGaps()).toEqual([later, GAP]);
      expect(await journal.observationGaps({ from: 21 })).toEqual([later]);
      expect(await journal.observationGaps({ until: 40 })).toEqual([GAP]);
      expect(await journal.observationGaps({ from: 15, until: 16 })).toEqual([GAP]);
    });

    it('returns server events in order of appending, after reopening', async () => {
      journal.append({ type: 'server', event: EVENT });
      await journal.flush(0);
      await reopen();
      const gone: ServerEvent = { ...EVENT, kind: 'gone', id: 'id-1', at: 5 };
      journal.append({ type: 'gap', gap: GAP });
      journal.append({ type: 'server', event: gone });
      await reopen();
      expect(await journal.serverEvents()).toEqual([EVENT, gone]);
    });

    it('returns every check run in order, after reopening', async () => {
      const run = (stage: 'before' | 'after', at: number): CheckRun => ({
        stage,
        cloud: 'prod',
        vantage: 'lab',
        at,
        checks: [{ name: 'services', status: 'pass', detail: 'all up' }],
        baseline: '{}',
      });
      const all = [run('before', 1000), run('before', 2000), run('after', 3000)];
      for (const one of all) {
        journal.append({ type: 'check', run: one });
        await reopen();
      }
      expect(await journal.checkRuns()).toEqual(all);
    });

    it('returns the latest state of tasks by start, and phases in order, after reopening', async () => {
      const one = task({ id: 'a', hosts: ['x', 'y'], role: 'r', play: 'p', playbook: 'b' });
      const earlier = task({ id: 'b', name: 'earlier', start: 5000, kind: 'handler' });
      journal.append({ type: 'task', task: { ...one, end: null, status: 'running' } });
      journal.append({ type: 'task', task: earlier });
      journal.append({ type: 'phase', phase: { name: 'maintenance', at: 4000 } });
      await journal.flush(0);
      await reopen();
      journal.append({ type: 'task', task: one });
      journal.append({ type: 'phase', phase: { name: 'finish', at: 9000 } });
      await reopen();
      expect(await journal.tasks()).toEqual([earlier, one]);
      expect(await journal.phases()).toEqual([
        { name: 'maintenance', at: 4000 },
        { name: 'finish', at: 9000 },
      ]);
    });

    it('is recording when it is opened', () => {
      expect(journal.state()).toEqual({ kind: 'recording' });
    });

    it('writes pending entries when it is closed, and ignores later ones', async () => {
      journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 0 }) });
      await journal.close();
      journal.append({ type: 'sample', sample: okSample({ seq: 1, at: 1 }) });
      await journal.close();
      journal = await place.write();
      expect(await seqs(journal, {})).toEqual([0]);
    });

    it('writes all other entries if one cannot be written, and reports that one', async () => {
      const impossible = { ...okSample({ seq: 1, at: 1 }), endedAt: Number.NaN };
      await expect(record(okSample({ seq: 0, at: 0 }), impossible, okSample({ seq: 2, at: 2 }))).rejects.toThrow(
        'ended_at',
      );
      await record(okSample({ seq: 3, at: 3 }));
      expect(await seqs(journal, {})).toEqual([0, 2, 3]);
      expect(journal.state()).toEqual({ kind: 'recording' });
    });

    it('can be read while it is written, as of when the reader opened it', async () => {
      await record(okSample({ seq: 0, at: 0 }));
      const reader = await place.read();
      await record(okSample({ seq: 1, at: 1 }));
      const later = await place.read();
      expect(await seqs(reader, {})).toEqual([0]);
      expect(await seqs(later, {})).toEqual([0, 1]);
      await Promise.all([reader.close(), later.close()]);
    });

    it('returns what was appended after any order of flushes and reopenings', async () => {
      const action = fc.oneof(
        { weight: 8, arbitrary: anySample.map((sample) => ({ do: 'append', sample }) as const) },
        { weight: 2, arbitrary: fc.constant({ do: 'flush' } as const) },
        { weight: 1, arbitrary: fc.constant({ do: 'reopen' } as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
          const own = await open();
          let writer = await own.write();
          try {
            const appended: Sample[] = [];
            for (const one of actions) {
              if (one.do === 'append') {
                const sample = { ...one.sample, seq: appended.length };
                appended.push(sample);
                writer.append({ type: 'sample', sample });
              } else if (one.do === 'flush') {
                await writer.flush(0);
              } else {
                await writer.close();
                writer = await own.write();
              }
            }
            await writer.flush(0);
            const read = await collect(writer);
            expect(read.toSorted((a, b) => a.seq - b.seq)).toEqual(appended);
            expect(read).toEqual(read.toSorted((a, b) => a.session - b.session || a.startedAt - b.startedAt));
          } finally {
            await writer.close();
            await own.clear();
          }
        }),
        { numRuns: runs },
      );
    });
  });
}
