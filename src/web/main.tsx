import { render } from 'preact';
import { isTimeZone } from '../domain/time.ts';
import { App } from './app.tsx';
import { embeddedData, readFile } from './file-source.ts';
import { readKept } from './kept.ts';
import { followDaemon } from './live-source.ts';
import { createStore } from './state.ts';
import { LOCAL } from './time-format.ts';
import './style.css';

/** Returns the time zone that the reader chose for pages of daemons; a report states its own. */
function keptZone(): string | null {
  const zone = readKept('zone');
  return zone !== null && isTimeZone(zone) ? zone : null;
}

const root = document.getElementById('rollwatch');
if (root === null) throw new Error('the page has no element #rollwatch');
const data = embeddedData();
const store = createStore();
const source = data === null ? followDaemon(store) : readFile(store, data);
render(<App store={store} source={source} zone={data?.zone ?? keptZone() ?? LOCAL} />, root);
