import { describe, expect, it } from 'vitest';
import { createSubunitDecoder } from '../../../src/checks/tempest/subunit.ts';
import { subunitPacket } from '../../support/subunit.ts';

/** Packets of python-subunit 1.4: two of a test, with a tag and a route; a reason with its type; output. */
const REAL = Buffer.from(
  'syuCPmsFC8AAJnRlbXBlc3QuYXBpLmEuVGVzdC50ZXN0X29rW2lkLTEsc21va2VdAQh3b3JrZXItMJkwoPCzLwM5awULwM7msoAmdGVtcGVzdC5hcGkuYS5UZXN0LnRlc3Rfb2tbaWQtMSxzbW9rZV0BML7edhizKXAzAsOpF3RleHQvcGxhaW47Y2hhcnNldD11dGY4BnJlYXNvbgh3ZWdlbiDDtg6NHU+zIUAWBnN0ZG91dAZoZWxsbwrfp7IB',
  'base64',
);
const TEST = 'tempest.api.a.Test.test_ok[id-1,smoke]';
const AT = Date.UTC(2026, 10, 24, 4);
const EVENTS = [
  { event: { test: TEST, status: 'inprogress', at: AT, file: null } },
  { event: { test: TEST, status: 'success', at: AT + 250, file: null } },
  { event: { test: 'é', status: null, at: null, file: { name: 'reason', text: 'wegen ö' } } },
  { event: { test: null, status: null, at: null, file: { name: 'stdout', text: 'hello\n' } } },
];

const decodeAll = (chunks: readonly Buffer[]) => {
  const decoder = createSubunitDecoder();
  return [...chunks.flatMap((chunk) => decoder.decode(chunk)), ...decoder.end()];
};

describe('a subunit stream', () => {
  it('is decoded as python-subunit writes it, whole and byte by byte', () => {
    expect(decodeAll([REAL])).toEqual(EVENTS);
    expect(decodeAll(Array.from(REAL, (byte) => Buffer.from([byte])))).toEqual(EVENTS);
  });

  it('returns a packet as soon as it is complete', () => {
    const packet = subunitPacket({ test: 'a', status: 'success' });
    const decoder = createSubunitDecoder();
    expect(decoder.decode(packet.subarray(0, -1))).toEqual([]);
    expect(decoder.decode(packet.subarray(-1))).toEqual([
      { event: { test: 'a', status: 'success', at: null, file: null } },
    ]);
  });

  it('may have packets of any length', () => {
    for (const length of [1, 50, 63, 64, 16_000, 16_384, 100_000]) {
      const file = { name: 'traceback', text: 'x'.repeat(length) };
      expect(decodeAll([subunitPacket({ test: 'a', file })])).toEqual([
        { event: { test: 'a', status: null, at: null, file } },
      ]);
    }
  });

  it('returns text between packets, and damaged packets as text', () => {
    const [good, bad] = [
      subunitPacket({ test: 'a', status: 'success' }),
      subunitPacket({ test: 'b', status: 'success' }),
    ];
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
    const decoded = { event: { test: 'a', status: 'success', at: null, file: null } };
    expect(decodeAll([Buffer.from('No .stestr.conf\n'), good])).toEqual([{ text: 'No .stestr.conf\n' }, decoded]);
    expect(decodeAll([bad, good])).toEqual([{ text: bad.toString('utf8') }, decoded]);
    // 'ó ' is C3 B3 20, like the start of a packet
    expect(decodeAll([Buffer.from('algodón ó no\n'), good])).toEqual([{ text: 'algodón ó no\n' }, decoded]);
    expect(decodeAll([good, good.subarray(0, 5)])).toEqual([decoded, { text: good.toString('utf8', 0, 5) }]);
  });
});
