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

/** The page's own script and style are ours. */
const withoutOurs = (text: string) => text.replace(/<style>.*?<\/style>|<script type="module">.*?<\/script>/gs, '');

describe('a report with control characters wherever others may put them', () => {
  it.each(REPORT_FORMATS)('has none of them as $name, and shows them', ({ write }) => {
    const report = hostileReport(CONTROLS);
    const drawing = createDrawing(report);
    drawing.add(sample);
    const whole = write(report, { colour: false, width: 100, drawing: drawing.finish() });
    // Printing changes nothing: a browser runs the page's script only as it is hashed
    expect(printable(whole)).toBe(whole);
    const text = withoutOurs(whole);
    expect(text.match(RAW)).toBeNull();
    expect(text).toMatch(/u001b\\?\[2J/);
    expect(text.isWellFormed()).toBe(true);
  });

  it.each(REPORT_FORMATS)('has as many lines as without them as $name', ({ write }) => {
    const linesOf = (text: string) => write(hostileReport(text), { colour: false, width: 400 }).split('\n').length;
    expect(linesOf('x\r\ny')).toBe(linesOf('x  y'));
  });

  it.each(SAMPLE_FORMATS)('nor have samples as $name', ({ line }) => {
    const text = line(sample);
    expect(text.match(RAW)).toBeNull();
    expect(text).toContain('\\u001b[2J');
    expect(text.isWellFormed()).toBe(true);
  });
});
