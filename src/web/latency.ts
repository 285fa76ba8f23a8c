import { latency } from '../format/quantities.ts';
import type { Palette } from './palette.ts';
import type { Brush, Pane } from './pane.ts';
import { FAILED, firstFrom, isExtra, nearest, OK, outcomeOf, type SampleColumns, VOID } from './samples.ts';
import type { Scene, SeriesLane } from './scene.ts';

/** The height of each series' row of failed samples, at the top of the plot, in CSS pixels. */
const FAILED_ROW_HEIGHT = 7;
/** If there are more samples per pixel than this, they are drawn smaller. */
const MAX_SAMPLES_PER_PIXEL = 1.2;
const MIN_SECONDS = 0.001;

const latencyLanes = ({ lanes }: Scene): readonly SeriesLane[] => lanes.filter(({ probe }) => probe !== 'server-boot');

/** Draws the latency of every probe but server-boot on a log scale; failed samples are crosses on top. */
export const latencyPane: Pane = {
  name: 'latency',
  height: () => 170,
  axis: {
    log: true,
    range(scene) {
      const slowest = Math.max(
        1,
        ...latencyLanes(scene).map(({ slow, samples }) => Math.max(slow, slowestOk(samples))),
      );
      return [MIN_SECONDS, 10 ** Math.ceil(Math.log10(slowest * 1.2))];
    },
    label: (value) => (value >= 1 ? `${value} s` : `${Math.round(value * 1000)} ms`),
  },
  draw(brush, scene) {
    latencyLanes(scene).forEach((lane, row) => {
      if (lane.samples !== null) drawSamples(brush, lane.samples, { colour: colourOf(brush.palette, lane), row });
    });
    drawLimits(brush, scene);
  },
  hit({ at, slack }, scene, { exact }) {
    const lines = latencyLanes(scene).flatMap(({ name, samples }) => {
      const index = samples === null ? -1 : nearest(samples, at);
      if (samples === null || index < 0 || Math.abs((samples.at[index] ?? 0) - at) > Math.max(slack, 1500)) return [];
      const outcome = outcomeOf(samples.marks[index] ?? VOID);
      const took = latency(samples.took[index] ?? 0);
      const how = outcome === OK ? took : outcome === FAILED ? `failed after ${took}` : 'void';
      return [`${name}: ${how}`];
    });
    return lines.length === 0 ? null : { lines: [exact(at), ...lines] };
  },
};

const colourOf = (palette: Palette, { probe, connection }: Pick<SeriesLane, 'probe' | 'connection'>): string =>
  probe === 'token' ? palette['line-token'] : connection === 'reused' ? palette['line-reused'] : palette['line-new'];

function slowestOk(samples: SampleColumns | null): number {
  let found = 0;
  for (let index = 0; index < (samples?.count ?? 0); index++) {
    if (outcomeOf(samples?.marks[index] ?? VOID) === OK) found = Math.max(found, samples?.took[index] ?? 0);
  }
  return found;
}

/** Draws the ok samples of each column of pixels as a bar from the fastest to the slowest; failed ones are crosses. */
function drawSamples(brush: Brush, samples: SampleColumns, { colour, row }: { colour: string; row: number }): void {
  const { context, palette, ratio, x, y, top } = brush;
  const first = Math.max(0, firstFrom(samples, brush.from) - 1);
  const end = Math.min(samples.count, firstFrom(samples, brush.until) + 1);
  const crowded = (end - first) / Math.max(1, brush.width / ratio) > MAX_SAMPLES_PER_PIXEL;
  const size = (crowded ? 1 : 1.6) * ratio;
  const failedY = top + (4 + row * FAILED_ROW_HEIGHT) * ratio;
  context.fillStyle = colour;
  let column = Number.NaN;
  let low = 0;
  let high = 0;
  const flush = () => {
    if (!Number.isNaN(column)) context.fillRect(column - size, high - size, size * 2, low - high + size * 2);
    column = Number.NaN;
  };
  const crosses: number[] = [];
  for (let index = first; index < end; index++) {
    const mark = samples.marks[index] ?? VOID;
    const outcome = outcomeOf(mark);
    const place = Math.round(x(samples.at[index] ?? 0));
    if (outcome === FAILED && crosses.at(-1) !== place) crosses.push(place);
    if (outcome !== OK || isExtra(mark)) continue;
    const height = y(Math.max(MIN_SECONDS, samples.took[index] ?? 0));
    if (place === column) {
      low = Math.max(low, height);
      high = Math.min(high, height);
      continue;
    }
    flush();
    column = place;
    low = height;
    high = height;
  }
  flush();
  context.strokeStyle = palette.down;
  context.lineWidth = 1.3 * ratio;
  context.beginPath();
  const arm = 2.4 * ratio;
  for (const place of crosses) {
    context.moveTo(place - arm, failedY - arm);
    context.lineTo(place + arm, failedY + arm);
    context.moveTo(place - arm, failedY + arm);
    context.lineTo(place + arm, failedY - arm);
  }
  context.stroke();
}

/** Draws the limits above which a sample is slow. */
function drawLimits({ context, palette, ratio, y, left, width }: Brush, scene: Scene): void {
  context.strokeStyle = palette.degraded;
  context.lineWidth = ratio;
  context.setLineDash([4 * ratio, 4 * ratio]);
  context.beginPath();
  for (const limit of new Set(latencyLanes(scene).map(({ slow }) => slow))) {
    context.moveTo(left, y(limit));
    context.lineTo(left + width, y(limit));
  }
  context.stroke();
  context.setLineDash([]);
}
