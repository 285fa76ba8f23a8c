import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createDrawing } from '../../../src/api/drawing.ts';
import type { Report } from '../../../src/domain/run/report.ts';
import { attributeWindows } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { escaped } from '../../../src/format/printable.ts';
import { reportHtml } from '../../../src/report/html.ts';
import type { PageData } from '../../../src/web/page-data.ts';
import { hostileReport } from '../../support/hostile.ts';
import { around, BEGAN, ofListNew, report, window } from '../../support/live.ts';
import { failedSample, okSample } from '../../support/samples.ts';
import { task } from '../../support/tasks.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const write = (some: Report) => reportHtml(some, { colour: false, width: 80 });
const dataOf = (text: string): PageData =>
  JSON.parse(/<script type="application\/json" id="rollwatch-data">(.*?)<\/script>/s.exec(text)?.[1] ?? '') as PageData;
const policyOf = (text: string): string =>
  (/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? '').replaceAll('&#39;', "'");

const HOSTILE = `</title><script>alert("x")</script><!--'&\u0000\u202e`;

describe('the report as HTML', () => {
  it('is one file that runs only its own script and fetches nothing', () => {
    const text = write(report());
    expect(text.startsWith('<!doctype html>\n<html lang="en">\n')).toBe(true);
    const hashes = [
      ['script-src', /<script type="module">(.*?)<\/script>/s.exec(text)?.[1] ?? ''],
      ['style-src', /<style>(.*?)<\/style>/s.exec(text)?.[1] ?? ''],
    ].map(([name, code = '']) => `${name} 'sha256-${createHash('sha256').update(code).digest('base64')}'`);
    expect(policyOf(text)).toBe(
      `default-src 'none'; ${hashes.join('; ')}; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(text).not.toMatch(/<(img|iframe|object|base|form)\b|@import|\bsrc=/i);
  });

  it('contains hostile names as data, and shows them as text without scripts', () => {
    const text = write(hostileReport(HOSTILE));
    expect(text.match(/<script/g)?.length).toBe(2);
    expect(text.match(/<\/title>/g)?.length).toBe(1);
    expect(text.match(/<!--/g)).toBeNull();
    const data = dataOf(text);
    expect(data.report.run.clouds[0]).toBe(HOSTILE);
    expect(data.report.windows[0]?.task?.name).toBe(HOSTILE);
    expect(data.tasks.names).toEqual([`${HOSTILE} : ${HOSTILE}`]);
    const [, shown = ''] = /<noscript><pre>(.*?)<\/pre>/s.exec(text) ?? [];
    expect(shown).toContain('&lt;/title&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
    expect(shown).not.toMatch(/(?!\n)\p{Cc}|\p{Cf}/u);
  });

  it('has the verdict first, the samples in columns, and all samples near the edges of each window', () => {
    const verdict = { plan: 'p', result: 'fail', phases: [phaseVerdict()] } as const;
    const some = report({ verdict, windows: [window({ id: 'w', start: around(300), end: around(307) })] });
    const drawing = createDrawing(some);
    const samples = [
      okSample({ seq: 0, at: BEGAN + 1000 }, 42),
      okSample({ seq: 1, at: BEGAN + 299_500 }, 43),
      { ...failedSample({ seq: 2, at: BEGAN + 300_500 }), requestId: 'req-1' },
    ].map(ofListNew);
    for (const sample of samples) drawing.add(sample);
    const data = dataOf(
      reportHtml(some, { colour: false, width: 80, drawing: drawing.finish(), zone: 'Europe/Berlin' }),
    );
    expect(data.report.summary[0]).toEqual({ text: 'FAIL: maintenance exceeded its budget (plan p).', tone: 'bad' });
    expect(data.zone).toBe('Europe/Berlin');
    const [series] = data.chart.series;
    expect(series).toMatchObject({ after: [1000, 298_500, 1000], outcomes: 'oof', causes: [0] });
    expect(data.samples['w']?.map(({ seq, requestId }) => [seq, requestId])).toEqual([
      [1, samples[1]?.requestId],
      [2, 'req-1'],
    ]);
  });

  it('draws ten thousand tasks, and lists only those with downtime attributed to them', () => {
    const registry = createTaskRegistry();
    for (let index = 0; index < 10_000; index++)
      registry.report(
        task({ id: `t${index}`, name: `task ${index % 50}`, start: BEGAN + index * 60, end: BEGAN + index * 60 + 60 }),
      );
    const windows = attributeWindows([window()], { tasks: registry, phases: [], probes: [] });
    const data = dataOf(write(report({ windows, tasks: taskDowntimes(registry.all(), windows) })));
    expect(data.report.tasks.map(({ windows }) => windows)).toEqual([1]);
    expect(data.tasks.after.length).toBe(10_000);
    expect(data.tasks.names.length).toBe(50);
  });
});

describe('escaped text', () => {
  it('has neither tags nor control characters', () => {
    expect(escaped(`<b title="'">a\u0007b\u2028c\ud800\nd`)).toBe(
      '&lt;b title=&quot;&#39;&quot;&gt;a\\u0007b\\u2028c\ufffd\nd',
    );
  });
});
