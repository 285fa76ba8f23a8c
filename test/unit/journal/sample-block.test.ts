import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../src/domain/sample.ts';
import {
  createByteSink,
  createByteSource,
  packNumbers,
  packTexts,
  unpackNumbers,
  unpackTexts,
} from '../../../src/journal/packed-columns.ts';
import { isPackable, packBlock, unpackBlock } from '../../../src/journal/sample-block.ts';
import { sampleRow } from '../../../src/journal/sample-row.ts';
import type { SampleRow } from '../../../src/journal/tables.ts';
import { anySample } from '../../support/any-sample.ts';
import { failedSample, okSample, voidSample } from '../../support/samples.ts';

const START = Date.UTC(2026, 10, 26, 7);

function numbersThrough(column: readonly (number | null)[], prediction: Parameters<typeof packNumbers>[2] = null) {
  const sink = createByteSink();
  packNumbers(sink, column, prediction);
  const packed = sink.finish();
  return { bytes: packed.length, column: unpackNumbers(createByteSource(packed), [...column.keys()], prediction) };
}

function textsThrough(column: readonly (string | null)[]) {
  const sink = createByteSink();
  packTexts(sink, column);
  const packed = sink.finish();
  return { bytes: packed.length, column: unpackTexts(createByteSource(packed), [...column.keys()]) };
}

const nullable = <T>(values: fc.Arbitrary<T>) => fc.array(fc.option(values), { maxLength: 50 });

describe('a column of numbers', () => {
  const number = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(0, -0, 2 ** 52, -(2 ** 52), 2 ** 53, -(2 ** 53), 0.1, START, START + 2 ** -12, 5e-324),
    fc.integer({ min: 0, max: 2 ** 30 }).map((ticks) => START + ticks / 4096),
    fc.nat(60_000_000).map((micros) => micros / 1e6),
  );

  it('is unpacked to the last digit, whatever is predicted', () => {
    fc.assert(
      fc.property(nullable(number), fc.array(number, { minLength: 50, maxLength: 50 }), (column, near) => {
        expect(numbersThrough(column).column).toEqual(column);
        expect(numbersThrough(column, 'steps').column).toEqual(column);
        expect(numbersThrough(column, { near }).column).toEqual(column);
      }),
      { numRuns: Number(process.env['ROLLWATCH_FUZZ'] ?? 300) },
    );
  });

  it.each([
    ['one number', Array.from({ length: 1000 }, () => 17), null, 10],
    ['consecutive numbers', Array.from({ length: 1000 }, (_, index) => START + index * 100), 'steps', 20],
    ['flags with 3 exceptions', Array.from({ length: 1000 }, (_, index) => (index % 300 === 7 ? 1 : 0)), null, 45],
    ['nulls', Array.from({ length: 1000 }, () => null), null, 1],
  ] as const)('of %s takes few bytes', (_, column, prediction, most) => {
    expect(numbersThrough(column, prediction).bytes).toBeLessThanOrEqual(most);
  });
});

describe('a column of texts', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uuid(),
    fc.uuid().map((id) => `req-${id}`),
  );

  it('is unpacked as it was', () => {
    fc.assert(
      fc.property(nullable(text), (column) => {
        expect(textsThrough(column).column).toEqual(column);
      }),
    );
  });

  it.each(['', 'req-'])("of UUIDs after '%s' takes 16 bytes each", (prefix) => {
    const random = fc.sample(fc.uuid({ version: 4 }), { numRuns: 500, seed: 3 });
    const { bytes, column } = textsThrough(random.map((id) => prefix + id));
    expect([column, bytes < 500 * 16 + 60]).toEqual([random.map((id) => prefix + id), true]);
  });
});

function rowsThrough(rows: readonly SampleRow[]): readonly SampleRow[] {
  const [first, ...others] = rows;
  if (first === undefined) return [];
  const unpacked = unpackBlock(packBlock([first, ...others]));
  if ('damage' in unpacked) throw new Error(unpacked.damage);
  return rows.map((_, index) => unpacked.value.row(index));
}

const inOrder = (rows: readonly SampleRow[]) => rows.toSorted((a, b) => a.started_at - b.started_at || a.seq - b.seq);

describe('a block', () => {
  it('has the samples that were packed, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(anySample, { minLength: 1, maxLength: 30 }), (samples) => {
        const rows = inOrder(samples.map((sample) => sampleRow(4, { ...sample, session: 2 })));
        expect(rows.every(isPackable)).toBe(true);
        expect(rowsThrough(rows)).toEqual(rows);
      }),
    );
  });

  it('keeps texts of stages that it would write otherwise', () => {
    const texts = ['{"body":0.10}', '{', '[]', '{"b":1,"1":2}', '{"__proto__":1}', '{"body":null}', '{"body":-0}'];
    for (const stages of texts) {
      const rows = [0, 1].map((seq) => ({ ...sampleRow(1, okSample({ seq, at: seq })), stages }));
      expect(rowsThrough(rows)).toEqual(rows);
    }
  });

  const pilot = (seq: number): Sample => {
    const late = ((seq * 7919) % 1021) / 4096;
    const place = { seq, at: START + seq * 100 };
    const sample = okSample({ ...place, at: place.at + late }, 1 + ((seq * 104_729) % 4093) / 4096);
    return { ...sample, probe: 'pilot', dueAt: place.at };
  };

  it('of 1000 ok samples without stages and request ids takes less than 6 bytes per sample', () => {
    const rows = Array.from({ length: 1000 }, (_, seq) => sampleRow(1, pilot(seq)));
    expect(packBlock([rows[0] ?? sampleRow(1, pilot(0)), ...rows.slice(1)]).data.length).toBeLessThan(6 * 1000);
  });

  it('counts outcomes, and has the range of its samples', () => {
    const samples = [okSample({ seq: 3, at: 30 }), failedSample({ seq: 1, at: 40 }), voidSample({ seq: 2, at: 50 })];
    const [first = sampleRow(1, pilot(0)), ...others] = samples.map((sample) => sampleRow(9, sample));
    expect(packBlock([first, ...others])).toMatchObject({
      session: 1,
      series: 9,
      first_seq: 1,
      last_seq: 3,
      from_at: 30,
      until_at: 50,
      samples: 3,
      failed: 1,
      void: 1,
    });
  });

  const block = packBlock([sampleRow(1, pilot(0)), sampleRow(1, pilot(1))]);

  it('is damaged if any byte or column of it has changed', () => {
    for (let at = 0; at < block.data.length; at++) {
      const data = Uint8Array.from(block.data);
      data[at] = (data[at] ?? 0) ^ 0x40;
      expect(unpackBlock({ ...block, data })).toEqual({ damage: 'data: the checksum is wrong' });
    }
    for (const column of [
      'session',
      'series',
      'first_seq',
      'last_seq',
      'from_at',
      'samples',
      'failed',
      'void',
    ] as const)
      expect(unpackBlock({ ...block, [column]: block[column] + 1 })).toEqual({ damage: 'data: the checksum is wrong' });
  });

  it.each([
    [{ ...block, data: null }, 'data: Invalid input'],
    [{ ...block, samples: 1e9 }, 'samples: Too big'],
    [{ ...block, from_at: 'soon' }, 'from_at: Invalid input'],
    [undefined, ': Invalid input'],
  ])('with a value of another type is damaged', (row, damage) => {
    expect(unpackBlock(row)).toEqual({ damage: expect.stringContaining(damage) });
  });
});

it.each([{ started_at: 1e18 }, { seq: -1 }, { seq: 2 ** 60 }, { ended_at: Infinity }, { cause_message: '\ud800' }])(
  'a row with %o stays a row',
  (change) => {
    expect(isPackable({ ...sampleRow(1, okSample({ seq: 0, at: 0 })), ...change })).toBe(false);
  },
);
