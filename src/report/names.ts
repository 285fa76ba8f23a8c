import type { BriefReport } from '../domain/run/report.ts';
import type { SeriesKey } from '../domain/sample.ts';
import { printableLine } from '../format/printable.ts';

/** What a series is called within a report: cloud and vantage only where there are several. */
export function seriesNames({ run }: Pick<BriefReport, 'run'>): (key: SeriesKey) => string {
  return ({ cloud, vantage, probe, connection, target }) => {
    const place = [...(run.clouds.length > 1 ? [cloud] : []), ...(run.vantages.length > 1 ? [vantage] : [])];
    return printableLine([...place, probe, connection, target].filter((part) => part !== '').join(' '));
  };
}
