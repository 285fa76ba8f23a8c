/** Formats times (milliseconds since 1970) for a reader, in one time zone. */
export type TimeFormat = {
  readonly zone: string;
  /** Returns '07:15:02'. */
  time(at: number): string;
  /** Returns '07:15:02.125'. */
  exact(at: number): string;
  /** Returns '07:15:02.1'. */
  tenths(at: number): string;
  /** Returns '2026-11-23 07:15:02'. */
  day(at: number): string;
  /** Returns the label of a time on an axis whose ticks are `step` seconds apart. */
  axis(at: number, step: number): string;
};

export const LOCAL = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Returns the time zones to choose from. */
export const zones = (): readonly string[] => [
  'UTC',
  ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC'),
];

export function createTimeFormat(zone: string): TimeFormat {
  const clock = { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  // The Swedish locale formats dates as ISO 8601 does.
  const time = new Intl.DateTimeFormat('sv-SE', clock);
  const day = new Intl.DateTimeFormat('sv-SE', { ...clock, year: 'numeric', month: '2-digit', day: '2-digit' });
  const exact = (at: number): string => {
    const millis = Math.round(at);
    return `${time.format(millis)}.${String(((millis % 1000) + 1000) % 1000).padStart(3, '0')}`;
  };
  const dayOf = (at: number): string => day.format(at).replace(',', '');
  return {
    zone,
    time: (at) => time.format(at),
    exact,
    tenths: (at) => exact(at).slice(0, 10),
    day: dayOf,
    axis(at, step) {
      if (step < 1) return exact(at).slice(0, step < 0.01 ? 12 : step < 0.1 ? 11 : 10);
      if (step < 60) return time.format(at);
      return step < 86_400 ? time.format(at).slice(0, 5) : dayOf(at).slice(5, 10);
    },
  };
}
