import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiReport } from '../api/report.ts';
import type { ApiSeriesStatus, ApiStatus } from '../api/status.ts';
import { counted, duration, errorBar, latency } from '../format/quantities.ts';
import { STATE_WORDS, seriesNames } from '../format/run-labels.ts';
import { SIGNS } from './now.tsx';

type StatesProps = {
  readonly status: ApiStatus;
  readonly report: ApiReport;
  readonly now: number;
  /** The selected cloud; empty if all are shown. */
  readonly cloud: string;
  /** Selects a cloud, or all. */
  readonly onCloud: (cloud: string) => void;
};

/** With more series than this, and several clouds, there is one line for each cloud. */
const MAX_TILES = 8;

/** Shows the current state of each series; with many of them, of each cloud. */
export function States({ status, report, now, cloud, onCloud }: StatesProps): JSX.Element {
  if (report.clouds.length > 1 && status.series.length > MAX_TILES)
    return <CloudStates status={status} report={report} cloud={cloud} onCloud={onCloud} />;
  const nameOf = seriesNames(report);
  return (
    <ul class="probes" aria-label="Probes">
      {status.series.map((series) => (
        <SeriesState
          key={keyOf(series)}
          series={series}
          name={nameOf(series)}
          activity={status.probeTypes.find(({ name }) => name === series.probe)?.activity ?? null}
          now={now}
        />
      ))}
    </ul>
  );
}

const keyOf = ({ cloud, vantage, probe, connection, target }: ApiSeriesStatus): string =>
  [cloud, vantage, probe, connection, target].join(' ');

type State = ApiSeriesStatus['state'];
const TONES = { up: 'good', down: 'bad', partial: 'bad', degraded: 'warn', unknown: 'unknown' } as const;
/** Worst first. */
const BY_SEVERITY: readonly State[] = ['down', 'partial', 'unknown', 'degraded', 'up'];

const worstOf = (series: readonly ApiSeriesStatus[]): State =>
  BY_SEVERITY.find((state) => series.some((other) => other.state === state)) ?? 'unknown';

/** More clouds than this are shown on request; those that are not up come first. */
const MAX_CLOUDS = 6;

/** Shows one line for each cloud and vantage: its state, the state of each probe, and its downtime so far. */
function CloudStates({ status, report, cloud: selected, onCloud }: Omit<StatesProps, 'now'>): JSX.Element {
  const [all, setAll] = useState(false);
  const severalVantages = report.run.vantages.length > 1;
  const places = report.clouds
    .map(({ cloud, vantage, overall }) => {
      const series = status.series.filter((other) => other.cloud === cloud && other.vantage === vantage);
      return { cloud, name: severalVantages ? `${cloud} ${vantage}` : cloud, overall, series, state: worstOf(series) };
    })
    .toSorted((a, b) => BY_SEVERITY.indexOf(a.state) - BY_SEVERITY.indexOf(b.state));
  const shown = all ? places : places.slice(0, MAX_CLOUDS);
  return (
    <div class="clouds">
      <ul aria-label="Clouds">
        {shown.map(({ cloud, name, overall, series, state }) => (
          <li key={name} class={TONES[state]}>
            <button
              type="button"
              class="link name"
              aria-pressed={cloud === selected}
              title="Show only this cloud"
              onClick={() => onCloud(cloud === selected ? '' : cloud)}
            >
              {name}
            </button>
            <strong>
              <span aria-hidden="true">{SIGNS[TONES[state]]}</span> {STATE_WORDS[state]}
            </strong>
            <span class="cloud-probes">
              {status.probeTypes.flatMap((type) => {
                const own = series.filter(({ probe }) => probe === type.name);
                if (own.length === 0) return [];
                const worst = worstOf(own);
                return [
                  <span key={type.name} class={TONES[worst]}>
                    {type.label} <span aria-hidden="true">{SIGNS[TONES[worst]]}</span>{' '}
                    {worst === 'up' ? <span class="visually-hidden">up</span> : STATE_WORDS[worst]}
                  </span>,
                ];
              })}
            </span>
            <small>
              {overall.downtimeSeconds.max > 0 ? `down ${errorBar(overall.downtimeSeconds)}` : 'never down'}
            </small>
          </li>
        ))}
      </ul>
      {shown.length < places.length ? (
        <button type="button" onClick={() => setAll(true)}>
          Show {counted(places.length - shown.length, 'more cloud')}
        </button>
      ) : null}
    </div>
  );
}

/** Shorter waits are normal. */
const MIN_WAIT_SECONDS = 1;

function SeriesState({
  series,
  name,
  activity,
  now,
}: {
  readonly series: ApiSeriesStatus;
  readonly name: string;
  /** What a sample in flight does, if it takes long by design. */
  readonly activity: string | null;
  readonly now: number;
}): JSX.Element {
  const { state, lastSample, waiting, suspended } = series;
  const tone = TONES[state];
  const waited = waiting === null ? 0 : (now - Date.parse(waiting.since)) / 1000;
  const last =
    lastSample === null
      ? 'no sample yet'
      : lastSample.outcome === 'ok'
        ? `last took ${latency(lastSample.durationSeconds)}`
        : (lastSample.cause?.kind ?? lastSample.outcome);
  const note =
    suspended ??
    (waited > MIN_WAIT_SECONDS && (activity !== null || waited > 1.5)
      ? `${activity ?? 'no answer'} for ${duration(Math.round(waited))}`
      : last);
  return (
    <li class={tone}>
      <span class="name">{name}</span>
      <strong>
        <span aria-hidden="true">{SIGNS[tone]}</span> {STATE_WORDS[state]}
      </strong>
      <small>{note}</small>
    </li>
  );
}
