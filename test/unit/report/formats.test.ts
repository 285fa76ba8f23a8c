import { describe, expect, it } from 'vitest';
import { createDrawing } from '../../../src/api/drawing.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { printable } from '../../../src/format/printable.ts';
import { REPORT_FORMATS, SAMPLE_FORMATS } from '../../../src/report/formats.ts';
import { CONTROLS, hostileReport, RAW } from '../../support/hostile.ts';
import { BEGAN } from '../../support/live.ts';
import { failedSample } from '../../support/samples.ts';

const sample: Sample = {
  ...failedSample({ seq: 0, at: BEGAN + 300_000 }),
  cloud: CONTROLS,
  vantage: CONTROLS,
  target: CONTROLS,
  requestId: CONTROLS,
  outcome: 'failed',
  cause: { kind: 'http-500', service: 'nova-api', message: CONTROLS, status: 500, body: CONTROLS },
  lastKnownUpAt: null,
  failureStartedAt: BEGAN,
  settledAt: BEGAN,
  timedOut: false,
};

/** Without the page's own script and style. */
const withoutOurs = (text: string) => text.replace(/<style>.*?<\/style>|<script type="module">.*?<\/script>/gs, '');

describe('a report with control characters in every text from outside', () => {
  it.each(REPORT_FORMATS)('has none of them as $name, but shows them escaped', ({ write }) => {
    const report = hostileReport(CONTROLS);
    const drawing = createDrawing(report);
    drawing.add(sample);
    const whole = write(report, { colour: false, width: 100, drawing: drawing.finish() });
    // Printing does not change it: a browser runs only the script with the right hash.
    expect(printable(whole)).toBe(whole);
    const text = withoutOurs(whole);
    expect(text.match(RAW)).toBeNull();
    expect(text).toMatch(/u001b\\?\[2J/);
    expect(text.isWellFormed()).toBe(true);
  });

  it.each(REPORT_FORMATS)('has as many lines as $name as without them', ({ write }) => {
    const linesOf = (text: string) => write(hostileReport(text), { colour: false, width: 400 }).split('\n').length;
    expect(linesOf('x\r\ny')).toBe(linesOf('x  y'));
  });

  it.each(SAMPLE_FORMATS)('has none of them in samples as $name', ({ line }) => {
    const text = line(sample);
    expect(text.match(RAW)).toBeNull();
    expect(text).toContain('\\u001b[2J');
    expect(text.isWellFormed()).toBe(true);
  });
});
