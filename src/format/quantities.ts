import type { Measured } from '../domain/downtime/window.ts';

/** Durations of this many seconds or more are shown in minutes, shorter ones in seconds, the unit of budgets. */
const MIN_SECONDS_IN_MINUTES = 600;

/** Floating point may leave 6.5 as 6.499999. */
const EPSILON = 1e-6;

type Rounding = 'down' | 'near' | 'up';

function rounded(value: number, decimals: number, how: Rounding): number {
  const scale = 10 ** decimals;
  if (how === 'near') return Math.round(value * scale) / scale;
  if (how === 'down') return Math.floor(value * scale + EPSILON) / scale;
  return Math.ceil(value * scale - EPSILON) / scale;
}

/** Formats a duration: '6.9 s', '12 min 30 s', '2 h 05 min'. */
export function duration(seconds: number, decimals?: number): string {
  if (seconds >= MIN_SECONDS_IN_MINUTES) return inMinutes(seconds);
  return `${decimals === undefined ? Number(seconds.toFixed(decimalsOf(seconds))) : withDecimals(seconds, decimals)} s`;
}

/** Formats the length of a run: '50 s', '1 min 30 s', '2 h 05 min'. */
export const span = (seconds: number): string => (seconds < 60 ? duration(seconds) : inMinutes(seconds));

function inMinutes(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  const rest = String(minutes % 60).padStart(2, '0');
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${rest} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const withDecimals = (seconds: number, decimals: number): string => (seconds === 0 ? '0' : seconds.toFixed(decimals));

const decimalsOf = (seconds: number): number => (seconds >= 60 ? 0 : seconds >= 1 ? 1 : 2);

/**
 * Formats an error bar: '6.9 s (6.5 to 7.4 s)'. The lower bound is rounded down and the upper one up, so that the true
 * value is within.
 */
export function errorBar({ min, estimate, max }: Measured): string {
  const decimals = decimalsFor(max - min);
  const low = rounded(min, decimals, 'down');
  const middle = rounded(estimate, decimals, 'near');
  const high = rounded(max, decimals, 'up');
  if (low === high) return duration(middle, decimals);
  if (high >= MIN_SECONDS_IN_MINUTES)
    return `${duration(middle, decimals)} (${duration(low, decimals)} to ${duration(high, decimals)})`;
  return `${withDecimals(middle, decimals)} s (${withDecimals(low, decimals)} to ${withDecimals(high, decimals)} s)`;
}

/** Returns how many decimals are significant, given the width of the error bar in seconds. */
function decimalsFor(spread: number): number {
  if (spread >= 20) return 0;
  if (spread >= 0.4) return 1;
  return spread >= 0.02 || spread === 0 ? 2 : 3;
}

/**
 * Formats an availability: '99.08 %'. The difference from 100 has two significant digits and is rounded up, so that any
 * downtime shows.
 */
export function percent(availability: number | null, hadDowntime: boolean): string {
  if (availability === null) return '-';
  // Slightly increased, because 1 - 0.99999 is slightly less than 0.00001 in floating point.
  const missingPercent = (1 - availability) * 100 * (1 + 1e-9);
  if (missingPercent <= 0) return hadDowntime ? '< 100 %' : '100 %';
  if (missingPercent < 1e-6) return '> 99.99999 %';
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(missingPercent)));
  const shown = 100 - rounded(missingPercent, decimals, 'up');
  return `${shown.toFixed(decimals)} %`;
}

/** Formats a share with its error bar: '33 % (29 to 38 %)'. */
export function shareText({ min, estimate, max }: Measured): string {
  const decimals = max - min >= 0.02 ? 0 : 1;
  const low = rounded(min * 100, decimals, 'down');
  const high = rounded(max * 100, decimals, 'up');
  return `${rounded(estimate * 100, decimals, 'near')} % (${low} to ${high} %)`;
}

/** Formats a latency: '42 ms', '1.25 s'; below 100 s with at most three digits. */
export function latency(seconds: number): string {
  const millis = seconds * 1000;
  if (millis < 9.95) return `${millis.toFixed(1)} ms`;
  if (millis < 999.5) return `${millis.toFixed(0)} ms`;
  return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
}

/** Formats how much a latency has grown: ' ×1.4', ' ×0.04'; empty without a latency from before. */
export function grown(before: number | undefined, during: number): string {
  if (before === undefined || before <= 0) return '';
  const factor = during / before;
  return ` ×${factor >= 0.95 ? factor.toFixed(1) : Number(factor.toPrecision(2))}`;
}

/** Makes the first letter a capital: 'Boot downtime'. */
export const capitalised = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** Counts things: '1 window', '2 windows'. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
