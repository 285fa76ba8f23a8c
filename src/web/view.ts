/** The visible part of the timeline, in milliseconds since 1970; null shows the whole run as it grows. */
export type View = { readonly from: number; readonly until: number };

/** The shortest visible range, in milliseconds. */
const CLOSEST = 500;

const clamped = ({ from, until }: View, whole: View): View | null => {
  const wide = Math.max(CLOSEST, until - from);
  if (wide >= whole.until - whole.from) return null;
  const begin = Math.min(Math.max(from, whole.from), whole.until - wide);
  return { from: begin, until: begin + wide };
};

export const zoomTo = (view: View, whole: View): View | null => clamped(view, whole);

/** Zooms in (`factor` under 1) or out around a time. */
export function zoomAround(
  view: View,
  whole: View,
  { factor, at }: { readonly factor: number; readonly at: number },
): View | null {
  return clamped({ from: at - (at - view.from) * factor, until: at + (view.until - at) * factor }, whole);
}

/** Moves by a share of the visible range: 0.25 is a quarter to the right. */
export function panBy(view: View, whole: View, share: number): View | null {
  const by = (view.until - view.from) * share;
  return clamped({ from: view.from + by, until: view.until + by }, whole);
}

/** Returns slightly more than the whole run, so that nothing touches the edge. */
export function wholeOf({ from, until }: View): View {
  const wide = Math.max(until - from, 10_000);
  return { from: from - wide * 0.01, until: from + wide * 1.02 };
}
