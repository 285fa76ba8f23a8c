import { type PageData, readData } from './page-data.ts';
import { addSamples } from './samples.ts';
import type { Source, Store } from './state.ts';
import { readTasks } from './tasks.ts';

/** Fills the store with the data embedded in the page. */
export function readFile(store: Store, data: PageData): Source {
  addSamples(store.get().samples, data.chart);
  store.set({ link: { kind: 'file' }, report: data.report, tasks: readTasks(data.tasks), samplesVersion: 1 });
  return {
    samplesOf: async (window) => data.samples[window.id] ?? [],
    ticket: async () => data.ticket,
    addNote: null,
    close: () => {},
  };
}

/** The id of the element that contains the data. */
const ELEMENT = 'rollwatch-data';

/** Returns the data embedded in the page; null if a daemon served the page. */
export function embeddedData(): PageData | null {
  const text = document.getElementById(ELEMENT)?.textContent;
  return text === undefined || text === null || text === '' ? null : readData<PageData>(text);
}
