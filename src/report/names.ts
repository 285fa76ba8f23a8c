import type { BriefReport } from '../domain/run/report.ts';
import type { SeriesKey } from '../domain/sample.ts';
import { printableLine } from '../format/printable.ts';

/** Returns a function that names a series within a report: with cloud and vantage only if there are several. */
export function seriesNames({ run }: Pick<BriefReport, 'run'>): (key: SeriesKey) => string {
  return ({ cloud, vantage, probe, connection, target }) => {
    const place = [...(run.clouds.length > 1 ? [cloud] : []), ...(run.vantages.length > 1 ? [vantage] : [])];
    return printableLine([...place, probe, connection, target].filter((part) => part !== '').join(' '));
  };
}
