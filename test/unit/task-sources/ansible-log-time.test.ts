import { describe, expect, it } from 'vitest';
import { createAnsibleLogParser } from '../../../src/task-sources/ansible-log/ansible-log.ts';
import { parse } from './task-samples.ts';

const banner = (date: string, time: string): string => `${date} ${time},000 p=7 u=root n=ansible | TASK [a] ***`;

describe('the local time of the log', () => {
  const starts = (zone: string, ...lines: readonly [date: string, time: string][]): readonly string[] =>
    parse(createAnsibleLogParser({ zone }), lines.map(([date, time]) => banner(date, time)).join('\n')).map(
      ({ start }) => new Date(start).toISOString().slice(11, 19),
    );

  it.each([
    ['utc', '10:00:00'],
    ['Europe/Berlin', '08:00:00'],
    ['Asia/Kolkata', '04:30:00'],
    ['America/New_York', '14:00:00'],
  ])('of %s is converted', (zone, utc) => {
    expect(starts(zone, ['2026-06-01', '10:00:00'])).toEqual([utc]);
  });

  it('continues in the hour that is repeated when summer time ends', () => {
    const day = '2026-10-25';
    expect(
      starts(
        'Europe/Berlin',
        [day, '02:10:00'],
        [day, '02:50:00'],
        [day, '02:05:00'],
        [day, '02:55:00'],
        [day, '03:00:00'],
      ),
    ).toEqual(['00:10:00', '00:50:00', '01:05:00', '01:55:00', '02:00:00']);
  });

  it('never goes back in the hour that is skipped when summer time starts', () => {
    const day = '2026-03-29';
    expect(starts('Europe/Berlin', [day, '01:59:59'], [day, '02:30:00'], [day, '03:10:00'], [day, '03:40:00'])).toEqual(
      ['00:59:59', '01:30:00', '01:30:00', '01:40:00'],
    );
  });

  it('never goes back when the clock is set back', () => {
    const day = '2026-06-01';
    expect(starts('utc', [day, '10:00:05'], [day, '10:00:02'], [day, '09:10:00'], [day, '10:00:06'])).toEqual([
      '10:00:05',
      '10:00:05',
      '10:00:05',
      '10:00:06',
    ]);
  });

  it('with an invalid date is not recognised', () => {
    const parser = createAnsibleLogParser({ zone: 'utc' });
    expect(parser.line(banner('2026-13-01', '10:00:00'))).toEqual([]);
    expect(parser.lines()).toEqual({ recognised: 0, skipped: 1 });
  });

  it.each(['Mars/Olympus', ''])('of the unknown zone "%s" is refused', (zone) => {
    expect(() => createAnsibleLogParser({ zone })).toThrow(
      `unknown time zone "${zone}"; use an IANA name (such as Europe/Berlin), "local" or "utc"`,
    );
  });
});
