import { describe, expect, it } from 'vitest';
import { blamed } from '../../../src/domain/blame.ts';
import type { Report } from '../../../src/domain/summary.ts';
import { createTaskBook } from '../../../src/domain/task-book.ts';
import { taskDowntimes } from '../../../src/domain/task-downtime.ts';
import { reportHtml } from '../../../src/report/html.ts';
import { html } from '../../../src/report/html-markup.ts';
import { around, BEGAN, LIST_NEW, overall, report, summary, window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';
import { budget, neverBegun, phaseVerdict } from '../../support/verdicts.ts';

const write = (some: Report) => reportHtml(some, { colour: false, width: 80 });
/** What a reader sees of a piece of the page, without the markup. */
const words = (text: string) =>
  text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
const section = (some: Report, title: string) => write(some).split(`>${title}</h2>`)[1]?.split('</section>')[0] ?? '';
const rows = (some: Report, title: string) => section(some, title).split('<tr>').slice(2).map(words);

const HOSTILE = `</title><script>alert("x")</script>'&\u0000\u202e`;
const SHOWN = '&lt;/title&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;';

/** With the hostile text wherever a cloud, a playbook or a plan may put one. */
function hostile(): Report {
  const book = createTaskBook();
  const start = BEGAN + 299_000;
  book.tell(task({ id: 'a', name: HOSTILE, role: HOSTILE, start, end: BEGAN + 302_000 }));
  const series = { ...LIST_NEW, cloud: HOSTILE, vantage: HOSTILE };
  const windows = blamed([window({ series })], { tasks: book, phases: [] }).map((one) => ({ ...one, phase: HOSTILE }));
  const phase = phaseVerdict({ name: HOSTILE, promise: HOSTILE, task: HOSTILE, windows });
  const run = { ...report().run, id: HOSTILE, version: HOSTILE, clouds: [HOSTILE, 'b'], vantages: [HOSTILE, 'b'] };
  return report({
    run: { ...run, facts: { [HOSTILE]: HOSTILE } },
    probes: [summary({ series, windows: 1 })],
    windows,
    tasks: taskDowntimes(book.all(), windows),
    verdict: { plan: HOSTILE, result: 'fail', phases: [phase, neverBegun(HOSTILE)] },
    marks: [{ kind: 'stalled', from: BEGAN, until: BEGAN + 1500, message: HOSTILE }],
  });
}

describe('the report as HTML', () => {
  it('is one file without a script that fetches nothing', () => {
    const text = write(hostile());
    expect(text.startsWith('<!doctype html>\n<html lang="en">\n')).toBe(true);
    expect(text).toContain(`content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;;`);
    expect(text).not.toMatch(/<(script|link|img|iframe|object|base|form|a)\b|\bon\w+=|url\(|@import|\b(src|href)=/i);
  });

  it('shows whatever anything is called as text', () => {
    const text = write(hostile());
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(/<script|(?!\n)\p{Cc}|\p{Cf}/u);
    expect(text.match(/<\/title>/g)?.length).toBe(text.match(/<title>/g)?.length);
  });

  it('has every tag closed that it opens', () => {
    const open: string[] = [];
    for (const [, close, name = '', self] of write(hostile()).matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/g)) {
      if (close === '/') expect(open.pop()).toBe(name);
      else if (self !== '/' && name !== 'meta') open.push(name);
    }
    expect(open).toEqual([]);
  });

  it('begins with the verdict, coloured by it', () => {
    const verdict = { plan: 'p', result: 'fail', phases: [phaseVerdict()] } as const;
    const all = overall({ api: { min: 6, estimate: 7, max: 8 } });
    const text = write(report({ verdict, windows: [window()], overall: all }));
    expect(text).toContain('<header class="bad">');
    expect(text).toContain('<h1>FAIL: maintenance cost more than p promises.</h1>');
    expect(text).toContain('<li class="bad">The API was down for 7.0 s (6.0 to 8.0 s) in 1 window.</li>');
    expect(text).toContain('<dt>API downtime</dt><dd>7.0 s<small>6.0 to 8.0 s</small></dd>');
    expect(text).not.toContain('<dt>Boot downtime</dt>');
  });

  it('draws each series with the error bars of its windows', () => {
    const gaps = [{ from: BEGAN + 600_000, until: BEGAN + 675_000 }];
    const open = window({ start: around(720), end: null, lastSeen: BEGAN + 742_500, kind: 'degraded' });
    const timeline = section(report({ probes: [summary({ gaps })], windows: [window(), open] }), 'Timeline');
    expect(timeline).toContain('role="img" aria-labelledby="timeline" aria-describedby="timeline-words"');
    const bars = [...timeline.matchAll(/<rect class="([^"]+)" x="([^"]+)" width="([^"]+)" y/g)];
    expect(bars.map(([, ...bar]) => bar)).toEqual([
      ['up', '0%', '100%'],
      ['unobserved', '80%', '10%'],
      ['degraded max', '95.933%', '4.067%'],
      ['degraded estimate', '96%', '4%'],
      ['degraded min', '96.067%', '2.933%'],
      ['down max', '39.933%', '1.067%'],
      ['down estimate', '40%', '0.933%'],
      ['down min', '40.067%', '0.8%'],
    ]);
    expect(timeline).toContain(
      '<title>down 7.0 s (6.0 to 8.0 s), from 07:15:00.000 (-0.500 +0.500 s) to 07:15:07.000 (-0.500 +0.500 s)</title>',
    );
  });

  it('draws ten thousand windows as what they look like together', () => {
    const windows = Array.from({ length: 10_000 }, (_, index) =>
      window({ start: around(100 + index * 0.01), end: around(100.005 + index * 0.01), id: `w${index}` }),
    );
    const some = report({ windows });
    expect(section(some, 'Timeline').match(/<rect/g)?.length).toBeLessThan(20);
    expect(rows(some, 'Windows').length).toBe(200);
    expect(words(section(some, 'Windows'))).toMatch(/And 9800 more: the JSON report has them all\.$/);
  });

  it('draws the phases, and the task to blame with when it began', () => {
    const timeline = section(hostile(), 'Timeline');
    expect(timeline).toContain('<rect class="phase fail" x="37.333%" width="8%"');
    expect(timeline).toContain('<rect class="task" x="39.867%" width="0.4%"');
    expect(timeline).toContain('1 window began in it, from 07:14:59.000</title>');
  });

  it('has a row a budget, and one of each phase that was not judged', () => {
    const budgets = [budget(), budget({ name: 'slowdown', limit: 1.25, measured: null, result: 'not-proven' })];
    const verdict = { plan: 'p', result: 'fail', phases: [phaseVerdict({ budgets }), neverBegun()] } as const;
    expect(rows(report({ verdict }), 'Phases of the upgrade')).toEqual([
      'maintenance from 07:14:40, took 1 min 0 s Expect API downtime. API downtime at most 0 s 7.0 s (6.0 to 8.0 s) FAIL',
      'maintenance slowdown of the median list at most 1.25x not measured not proven',
      'computes - - not begun, not judged',
    ]);
    expect(rows(report({ verdict }), 'Latency before and during')).toEqual([
      'maintenance server-list new 40 ms → 50 ms 80 ms → 100 ms 100 ms → 400 ms',
    ]);
  });

  it('has a row a window, also of one that is open, and names the cloud where there are several', () => {
    const run = { ...report().run, clouds: ['prod', 'far'] };
    const open = window({ end: null, provisional: true, phase: 'maintenance', series: { ...LIST_NEW, cloud: 'far' } });
    expect(rows(report({ run, windows: [window({ causes: [] }), open] }), 'Windows')).toEqual([
      'DOWN prod server-list new 07:15:00.000 -0.500 +0.500 s 07:15:07.000 -0.500 +0.500 s 7.0 s 6.0 to 8.0 s 12 failed samples: - -',
      'DOWN far server-list new 07:15:00.000 -0.500 +0.500 s not over yet 7.0 s 6.0 to 8.0 s open, provisional ' +
        '12 failed samples: connection-refused by nova-api (10), http-503 by load-balancer (2) - maintenance',
    ]);
  });

  it('names the heads of its tables', () => {
    const [, head = ''] = section(report(), 'Downtime by series').split('<thead>');
    expect(head).toContain('<th scope="col" class="words">Series</th>');
    expect(head).toContain('<th scope="row">server-list new</th>');
  });

  it('says that nothing was watched, and draws nothing then', () => {
    const text = write(report({ probes: [], clouds: [] }));
    expect(text).toContain('<h1>Nothing was watched: there is no sample.</h1>');
    expect(text).not.toContain('<svg');
  });
});

describe('markup', () => {
  it('takes what is filled in for text, unless it is markup', () => {
    expect(html`<b title="${`"'`}">${['<', html`<i>${1}</i>`, null]}</b>`.markup).toBe(
      '<b title="&quot;&#39;">&lt;<i>1</i></b>',
    );
    expect(html`${'a\u0007b\u2028c\ud800'}`.markup).toBe('a b c\ufffd');
  });
});
