import { describe, expect, it } from 'vitest';
import { type Address, readAddress, START, writeAddress } from '../../../src/web/address.ts';

const CHOSEN: Address = {
  range: { kind: 'last', millis: 900_000 },
  zone: 'Europe/Berlin',
  window: 'down prod/lab&1',
  filter: {
    cloud: 'prod a',
    probe: 'server-list',
    cause: 'connection-refused (nova-api)',
    text: "stop 50% #1 'nova'",
    onlyDown: true,
  },
  open: new Map([
    ['windows', true],
    ['series', true],
    ['tasks', false],
  ]),
};

describe("the page's address", () => {
  it('keeps everything that was chosen', () => {
    expect(readAddress(`#${writeAddress(CHOSEN)}`)).toEqual(CHOSEN);
  });

  it('is empty if nothing was chosen', () => {
    expect(writeAddress(START)).toBe('');
    expect(readAddress('')).toEqual(START);
  });

  it('is legible', () => {
    const range = { kind: 'fixed', from: Date.UTC(2026, 10, 23, 7, 10), until: Date.UTC(2026, 10, 23, 7, 25) } as const;
    expect(writeAddress({ ...START, range, zone: 'Europe/Berlin', open: new Map([['windows', true]]) })).toBe(
      'from=2026-11-23T07:10:00.000Z&to=2026-11-23T07:25:00.000Z&zone=Europe/Berlin&open=windows',
    );
  });

  it.each([
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['90s', 90_000],
    ['0.5s', 500],
  ])('reads the last %s', (last, millis) => {
    expect(readAddress(`last=${last}`).range).toEqual({ kind: 'last', millis });
  });

  it.each([
    'last=soon',
    'last=-5m',
    'last=0m',
    'from=yesterday&to=today',
    'from=2026-11-23T08:00Z&to=2026-11-23T07:00Z',
  ])('ignores %s', (hash) => {
    expect(readAddress(hash)).toEqual(START);
  });

  it('ignores a time zone that does not exist', () => {
    expect(readAddress('zone=Europe/Nowhere').zone).toBeNull();
    expect(readAddress('zone=Asia/Kathmandu').zone).toBe('Asia/Kathmandu');
  });
});
