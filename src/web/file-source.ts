import { type PageData, readData } from './page-data.ts';
import { addSamples } from './samples.ts';
import type { Source, Store } from './state.ts';
import { readTasks } from './tasks.ts';

/** Fills the store with what is inside the page itself. */
export function readFile(store: Store, data: PageData): Source {
  addSamples(store.get().samples, data.chart);
  store.set({ link: { kind: 'file' }, report: data.report, tasks: readTasks(data.tasks), drawn: 1 });
  return {
    samplesOf: async (window) => data.samples[window.id] ?? [],
    close: () => {},
  };
}

/** The id of the element that holds the data. */
const ELEMENT = 'rollwatch-data';

/** Null where a daemon is to be asked. */
export function embeddedData(): PageData | null {
  const text = document.getElementById(ELEMENT)?.textContent;
  return text === undefined || text === null || text === '' ? null : readData<PageData>(text);
}
