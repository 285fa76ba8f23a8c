import { span } from '../format/quantities.ts';
import { cut, FILE_COLUMNS } from '../report/text/layout.ts';
import { columnsOf, isTerminal, print, redrawStatusLine, type Sink } from '../terminal/output.ts';

/** Shows on standard error what a command is doing, until it is stopped. */
export type Progress = { show(step: string): void; stop(): void };

const REDRAW_INTERVAL_MS = 500;
/** A file or pipe, such as the log of a CI job, gets one line per interval: quick commands print none. */
const LINE_INTERVAL_MS = 10_000;

/** Starts showing the steps of a command: as the last line of a terminal, otherwise as lines. */
export function startProgress(err: Sink): Progress {
  const startedAt = performance.now();
  const hasTerminal = isTerminal(err);
  let current = '';
  const draw = (): void => {
    if (current === '') return;
    const text = `${current} (${span(Math.floor((performance.now() - startedAt) / 1000))})`;
    if (hasTerminal) redrawStatusLine(err, cut(text, (columnsOf(err) ?? FILE_COLUMNS) - 1));
    else void print(err, `rollwatch: ${text}`);
  };
  const timer = setInterval(draw, hasTerminal ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS);
  return {
    show(step) {
      current = step;
      if (hasTerminal) draw();
    },
    stop() {
      clearInterval(timer);
      if (hasTerminal) redrawStatusLine(err, '');
    },
  };
}
