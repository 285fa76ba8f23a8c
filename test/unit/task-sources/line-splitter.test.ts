import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnsibleParser } from '../../../src/task-sources/ansible-parser.ts';
import { createLineSplitter } from '../../../src/task-sources/line-splitter.ts';
import { sample } from './task-samples.ts';

const chunksAt = (bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((until, index) => bytes.subarray(places[index], until));
};

const split = (chunks: readonly Uint8Array[], longest?: number): readonly string[] => {
  const splitter = createLineSplitter(longest);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.flush()];
};

describe('splitting chunks into lines', () => {
  it('yields the same lines wherever the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', 'é', '😀', '\u2028', ' ') });
    fc.assert(
      fc.property(text, fc.array(fc.nat()), (written, cuts) => {
        const lines = written.split('\n');
        const whole = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
        expect(split(chunksAt(new TextEncoder().encode(written), cuts))).toEqual(whole);
      }),
    );
  });

  it.each(['core-2.14.log', 'serial.jsonl', 'serial-jsonl.log'])('yields the same tasks wherever %s is cut', (name) => {
    const bytes = new TextEncoder().encode(sample(name));
    const tasksOf = (cuts: readonly number[]) => {
      const parser = createAnsibleParser({ zone: 'Europe/Berlin' });
      return [...split(chunksAt(bytes, cuts)).flatMap((line) => parser.line(line)), ...parser.end()];
    };
    const whole = tasksOf([]);
    expect(whole.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => {
        expect(tasksOf(cuts)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('ends lines only at \\n and \\r\\n', () => {
    expect(split([new TextEncoder().encode('a\r\nb\rc\u2028d\n\ne')])).toEqual(['a', 'b\rc\u2028d', '', 'e']);
  });

  it('truncates a line that is too long, and no later line', () => {
    const chunks = ['abc', 'def', 'g\nh', 'i\n'].map((text) => new TextEncoder().encode(text));
    expect(split(chunks, 4)).toEqual(['abcd', 'hi']);
  });
});
