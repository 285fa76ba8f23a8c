import { render } from 'preact';
import { App } from './app.tsx';
import { embeddedData, readFile } from './file-source.ts';
import { followDaemon } from './live-source.ts';
import { createStore } from './state.ts';
import { LOCAL } from './time-format.ts';
import './style.css';

const root = document.getElementById('rollwatch');
if (root === null) throw new Error('the page has no element #rollwatch');
const data = embeddedData();
const store = createStore();
const source = data === null ? followDaemon(store) : readFile(store, data);
render(<App store={store} source={source} zone={data?.zone ?? LOCAL} />, root);
