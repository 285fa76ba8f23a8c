/** The visible part of the timeline, in milliseconds since 1970; null shows the whole run as it grows. */
export type View = { readonly from: number; readonly until: number };

/** The shortest visible range, in milliseconds. */
const MIN_VIEW_MS = 500;

const clamped = ({ from, until }: View, wholeRun: View): View | null => {
  const length = Math.max(MIN_VIEW_MS, until - from);
  if (length >= wholeRun.until - wholeRun.from) return null;
  const begin = Math.min(Math.max(from, wholeRun.from), wholeRun.until - length);
  return { from: begin, until: begin + length };
};

export const zoomTo = (view: View, wholeRun: View): View | null => clamped(view, wholeRun);

/** Zooms in (`factor` under 1) or out around a time. */
export function zoomAround(
  view: View,
  wholeRun: View,
  { factor, at }: { readonly factor: number; readonly at: number },
): View | null {
  return clamped({ from: at - (at - view.from) * factor, until: at + (view.until - at) * factor }, wholeRun);
}

/** Pans by a share of the visible range: 0.25 is a quarter to the right. */
export function panBy(view: View, wholeRun: View, share: number): View | null {
  const by = (view.until - view.from) * share;
  return clamped({ from: view.from + by, until: view.until + by }, wholeRun);
}

/** Returns slightly more than the whole run, so that nothing touches the edge. */
export function wholeOf({ from, until }: View): View {
  const length = Math.max(until - from, 10_000);
  return { from: from - length * 0.01, until: from + length * 1.02 };
}
