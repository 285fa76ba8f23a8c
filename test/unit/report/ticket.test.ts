import { describe, expect, it } from 'vitest';
import { reportTicket } from '../../../src/report/ticket.ts';
import { hostileReport } from '../../support/hostile.ts';
import { around, BEGAN, overall, report, summary, window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const SEVEN = { min: 6, estimate: 7, max: 8 };
const STOP = {
  ...task({ name: 'Stop services', role: 'os_nova', kind: 'handler', hosts: ['control1'], start: BEGAN }),
  sources: ['callback' as const],
  lastedUntil: BEGAN + 400_000,
};
const down = report({
  overall: overall({ down: { 'server-list': SEVEN } }),
  probes: [summary({ downtime: SEVEN, windows: 1 })],
  windows: [window({ candidates: [STOP] })],
  verdict: { plan: 'p', result: 'fail', phases: [phaseVerdict()] },
});
const whole = { colour: false, width: 80 } as const;

describe('a ticket', () => {
  it('has verdict, incidents, cause, run and link in five lines', () => {
    const link = 'http://127.0.0.1:9774/#last=15m';
    const lines = reportTicket(down, { ...whole, zone: 'Europe/Berlin', link }).split('\n');
    expect(lines).toEqual([
      '**FAIL: maintenance exceeded its budget (plan p).**',
      "- The API was down for 7.0 s (6.0 to 8.0 s) from 08:15:00.0, while handler 'Stop services' of role os\\_nova on control1 was running. Not expected: no phase was under way.",
      "- Cause: 10 connection-refused (nova-api), 2 http-503 (load-balancer); attributed to handler 'Stop services' of role os\\_nova on control1.",
      '- prod from lab, 2026-11-23 08:10:00 to 08:22:30 Europe/Berlin (UTC+01:00) (12 min 30 s), run run-1, rollwatch 0.1.0',
      '- <http://127.0.0.1:9774/#last=15m>',
      '',
    ]);
  });

  it('says which incident the cause is of if there are several', () => {
    const two = report({
      windows: [
        window(),
        window({ id: 'later', start: around(400), end: around(420), duration: { min: 19, estimate: 20, max: 21 } }),
      ],
    });
    expect(reportTicket(two, whole)).toContain(
      '- Cause of the longest incident, from 07:16:40.0 UTC: 10 connection-refused',
    );
  });

  it('says what was not down if nothing was, and that there is no verdict without a plan', () => {
    expect(reportTicket(report(), whole).split('\n')).toEqual([
      '**No verdict: no plan judged this run.**',
      '- The API was never down.',
      expect.stringContaining('prod from lab'),
      '',
    ]);
  });

  it('says that the run is not over', () => {
    const running = { ...down, run: { ...down.run, running: true } };
    expect(reportTicket(running, whole)).toMatch(/^\*\*FAIL: .* The run is not over\.\*\*\n/);
  });

  it('has five lines with any text, and a link that nothing can end', () => {
    const text = reportTicket(hostileReport('a\r\nb **c** <img src=x> [d](e)'), {
      ...whole,
      link: 'http://host/#search=<b>%0A> x',
    });
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(5);
    expect(text).not.toMatch(/<img|(?<!\\)\]\(|(?<!\\)\*c/);
    expect(text).toContain('<http://host/#search=%3Cb%3E%0A%3E%20x>');
  });
});
