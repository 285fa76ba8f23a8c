/** The visible part of the timeline, in milliseconds since 1970. */
export type View = { readonly from: number; readonly until: number };

/**
 * What a reader has chosen to see. `whole` and `last` follow a run as it grows; `fixed` does not move. Times are in
 * milliseconds.
 */
export type Range =
  | { readonly kind: 'whole' }
  | { readonly kind: 'last'; readonly millis: number }
  | { readonly kind: 'fixed'; readonly from: number; readonly until: number };

/** The observed time of a run. */
export type Extent = View & { readonly running: boolean };

export const WHOLE: Range = { kind: 'whole' };

/** The shortest visible range, in milliseconds. */
const MIN_VIEW_MS = 500;
/** The empty margin after the end of the run, as a share of the visible range, so that nothing touches the edge. */
const END_MARGIN = 0.02;

/** Returns slightly more than the whole run. */
export function wholeOf({ from, until }: View): View {
  const length = Math.max(until - from, 10_000);
  return { from: from - length * 0.01, until: from + length * (1 + END_MARGIN) };
}

/** Returns what is visible of a run now. */
export function viewOf(range: Range, run: Extent): View {
  const whole = wholeOf(run);
  if (range.kind === 'whole') return whole;
  if (range.kind === 'fixed') return within(range, run);
  const length = Math.max(MIN_VIEW_MS, range.millis);
  return length >= whole.until - whole.from ? whole : endingNow(length, run);
}

const endingNow = (length: number, { until }: Extent): View => {
  const end = until + length * END_MARGIN;
  return { from: end - length, until: end };
};

/** Moves a view so that it shows no more than the margin beside the run, and is not too short. */
function within({ from, until }: View, run: Extent): View {
  const whole = wholeOf(run);
  const length = Math.max(MIN_VIEW_MS, until - from);
  if (length >= whole.until - whole.from) return whole;
  const begin = Math.max(whole.from, Math.min(from, endingNow(length, run).from));
  return { from: begin, until: begin + length };
}

/** Chooses a view. A view that reaches the end of an active run follows the run; a view of the whole run always does. */
export function zoomTo(view: View, run: Extent): Range {
  const whole = wholeOf(run);
  const length = Math.max(MIN_VIEW_MS, view.until - view.from);
  if (length >= whole.until - whole.from) return WHOLE;
  if (run.running && view.until >= run.until) return { kind: 'last', millis: length };
  return { kind: 'fixed', ...within(view, run) };
}

/** Zooms in (`factor` under 1) or out around a time. */
export function zoomAround(
  view: View,
  run: Extent,
  { factor, at }: { readonly factor: number; readonly at: number },
): Range {
  return zoomTo({ from: at - (at - view.from) * factor, until: at + (view.until - at) * factor }, run);
}

/** Pans by a share of the visible range: 0.25 is a quarter to the right. */
export function panBy(view: View, run: Extent, share: number): Range {
  const by = (view.until - view.from) * share;
  return zoomTo({ from: view.from + by, until: view.until + by }, run);
}

/** Shows the beginning or the end of the run at the same zoom. */
export const showStart = ({ from, until }: View, run: Extent): Range =>
  zoomTo({ from: wholeOf(run).from, until: wholeOf(run).from + until - from }, run);
export const showEnd = ({ from, until }: View, run: Extent): Range => zoomTo(endingNow(until - from, run), run);
