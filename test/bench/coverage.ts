/**
 * Checks the statistics on simulated samples, where the truth is known: 1 Hz over two connections, extra samples after a
 * failure, no cloud and no clock.
 *
 *   npm run bench -- coverage [SEEDS] [NIGHTS]
 *
 * 1. Partial outages: ten minutes in which each request fails with a probability, SEEDS (200) times each.
 * 2. Totals: NIGHTS (1000) nights of 2 to 12 outages of 0.1 to 60 s, as the whole and by connection.
 * 3. Proof of zero: NIGHTS nights of 5 to 30 outages that last 1.6 s together, a little more than the proof excludes.
 *
 * Exits with code 1 if a partial outage is not one window (on average at most 1.1, or 5 with a probability of 0.02), a
 * mean total is off by more than 3 %, an interval contains the truth in fewer than 93 % or more than 97 % of the runs by
 * more than three standard errors, or a proof of zero is wrong in more than 5 % of the nights.
 */
import { overallDowntimeOf } from '../../src/domain/downtime/overall.ts';
import type { SeriesState } from '../../src/domain/downtime/series-state.ts';
import type { Measured } from '../../src/domain/downtime/window.ts';
import { zeroProof } from '../../src/domain/downtime/zero-proof.ts';
import type { Interval } from '../../src/domain/time.ts';
import { SERIES } from '../support/samples.ts';
import { createRandom, simulateSeries, type Truth } from '../support/simulated-samples.ts';

const [seeds = 200, nights = 1000] = process.argv.slice(2).map(Number);
const CONNECTIONS = ['new', 'reused'] as const;
const TARGET = { min: 0.93, max: 0.97 };
let failures = 0;

/** Prints a row, and whether it is as it should be. */
function row(cells: readonly (string | number)[], isRight: boolean): void {
  if (!isRight) failures++;
  console.log(`${cells.map((cell) => String(cell).padStart(10)).join('')}  ${isRight ? '' : '<- WRONG'}`);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Whether a share of `runs` runs is within the target, allowing for three standard errors. */
function isCovered(share: number, runs: number): boolean {
  const slack = 3 * Math.sqrt((TARGET.min * (1 - TARGET.min)) / runs);
  return share >= TARGET.min - slack && share <= TARGET.max + slack;
}

const contains = ({ min, max }: Measured, truth: number): boolean => min <= truth && truth <= max;

type Watched = { readonly states: readonly SeriesState[]; readonly overall: Measured; readonly outages: number };

/** Samples a truth over both connections, half an interval apart, starting at a random place in the interval. */
function watch(truth: Truth, seconds: number, random: () => number): Watched {
  const phase = random() * 500;
  const states = CONNECTIONS.map((connection, index) =>
    simulateSeries(truth, { seconds, offset: phase + 500 * index }, { ...SERIES, connection }),
  );
  const now = seconds * 1000;
  const { downtime, outageCount } = overallDowntimeOf(
    states.map((state) => ({
      series: state.series,
      windows: state.windows(now),
      gaps: state.gaps(now),
      watched: state.watched(now),
    })),
    { selected: ['server-list'], probeTypes: [] },
  );
  return { states, overall: downtime, outages: outageCount };
}

const OUTAGE_S = 600;
const MARGIN_S = 180;

console.log(`Partial outages of ${OUTAGE_S} s, ${seeds} seeds: one connection, then both`);
console.log('     share   windows     total      true   covered      both   covered');
for (const share of [0.02, 0.1, 1 / 3, 2 / 3, 0.9]) {
  const truth = share * OUTAGE_S;
  const seconds = OUTAGE_S + 2 * MARGIN_S;
  const runs = Array.from({ length: seeds }, (_, seed) => {
    const random = createRandom(1000 * seed + Math.round(share * 100));
    const isFailing = (at: number) => at >= MARGIN_S * 1000 && at < (MARGIN_S + OUTAGE_S) * 1000 && random() < share;
    const { states, overall } = watch(isFailing, seconds, random);
    const totals = states[0]?.totals(seconds * 1000);
    if (totals === undefined) throw new Error('no series');
    return { windows: totals.windows, one: totals.downtime, both: overall };
  });
  const windows = mean(runs.map((run) => run.windows));
  const [one, both] = [mean(runs.map((run) => run.one.estimate)), mean(runs.map((run) => run.both.estimate))];
  const coverage = (of: 'one' | 'both') => mean(runs.map((run) => Number(contains(run[of], truth))));
  const isNear = (total: number) => Math.abs(total / truth - 1) <= 0.03 + 3 * Math.sqrt((1 - share) / (truth * seeds));
  row(
    [
      share.toFixed(2),
      windows.toFixed(2),
      one.toFixed(1),
      truth.toFixed(1),
      percent(coverage('one')),
      both.toFixed(1),
      percent(coverage('both')),
    ],
    windows <= (share < 0.05 ? 5 : 1.1) &&
      isNear(one) &&
      isNear(both) &&
      isCovered(coverage('one'), seeds) &&
      isCovered(coverage('both'), seeds),
  );
}

/** Returns outages in order, 30 to 120 s apart, with lengths evenly spread on a logarithmic scale. */
function outagesOf(
  random: () => number,
  count: number,
  [shortest, longest]: readonly [number, number],
): readonly Interval[] {
  const outages: Interval[] = [];
  let at = 30_000;
  for (let index = 0; index < count; index++) {
    const from = at + 30_000 + 90_000 * random();
    at = from + 1000 * shortest * (longest / shortest) ** random();
    outages.push({ from, until: at });
  }
  return outages;
}

const truthOf =
  (outages: readonly Interval[]): Truth =>
  (at) =>
    outages.some(({ from, until }) => at >= from && at < until);

console.log(`\nTotals of ${nights} nights with 2 outages or more`);
console.log('              total      true   covered     width');
const totals = Array.from({ length: nights }, (_, night) => {
  const random = createRandom(77_000 + night);
  const outages = outagesOf(random, 2 + Math.floor(random() * 11), [0.1, 60]);
  const seconds = Math.ceil((outages.at(-1)?.until ?? 0) / 1000) + 150;
  const truth = outages.reduce((sum, { from, until }) => sum + until - from, 0) / 1000;
  const { states, overall, outages: found } = watch(truthOf(outages), seconds, random);
  const [one] = states.map((state) => state.totals(seconds * 1000));
  if (one === undefined) throw new Error('no series');
  return { truth, one: one.downtime, windows: one.windows, both: overall, outages: found };
});
for (const [name, of, count] of [
  ['one', 'one', 'windows'],
  ['both', 'both', 'outages'],
] as const) {
  const several = totals.filter((night) => night[count] >= 2);
  const covered = mean(several.map((night) => Number(contains(night[of], night.truth))));
  const [total, truth] = [mean(several.map((night) => night[of].estimate)), mean(several.map((night) => night.truth))];
  const width = mean(several.map((night) => night[of].max - night[of].min));
  row(
    [name, total.toFixed(2), truth.toFixed(2), percent(covered), width.toFixed(2)],
    isCovered(covered, several.length) && Math.abs(total / truth - 1) <= 0.03,
  );
}

console.log(`\nProof of zero in ${nights} nights with short outages of 1.6 s together`);
console.log('     given     wrong');
const proofs = Array.from({ length: nights }, (_, night) => {
  const random = createRandom(99_000 + night);
  const count = 5 + Math.floor(random() * 26);
  // Just as much downtime as the proof says there is not.
  const outages = outagesOf(random, count, [1.6 / count, 1.6 / count]);
  const seconds = Math.ceil((outages.at(-1)?.until ?? 0) / 1000) + 60;
  const { states } = watch(truthOf(outages), seconds, random);
  const proof = zeroProof(
    states.map(({ series, trace }) => ({ series, trace })),
    [{ from: 1000, until: seconds * 1000 - 1000 }],
  );
  if (proof === null) return { given: false, wrong: false };
  const lengths = outages.map(({ from, until }) => (until - from) / 1000);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return { given: true, wrong: Math.max(...lengths) >= proof.outage || total >= proof.total };
});
const wrong = mean(proofs.map((proof) => Number(proof.wrong)));
row([proofs.filter(({ given }) => given).length, percent(wrong)], wrong <= 0.05);
process.exitCode = failures > 0 ? 1 : 0;
