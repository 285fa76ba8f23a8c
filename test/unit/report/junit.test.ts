import { describe, expect, it } from 'vitest';
import { type Check, checkReports, fail, pass, reportOf, skip } from '../../../src/domain/check.ts';
import { checksJunit, reportJunit } from '../../../src/report/junit.ts';
import { BEGAN, report, window } from '../../support/live.ts';
import { budget, neverBegun, phaseVerdict } from '../../support/verdicts.ts';

const OPTIONS = { colour: false, width: 100 };

const bad = phaseVerdict({
  name: 'a<b>"&',
  promise: 'Nothing \u0007fails.',
  budgets: [
    budget(),
    budget({ name: 'slowdown', limit: 1.25, measured: { min: 1.1, estimate: 1.2, max: 1.3 }, result: 'not-proven' }),
    budget({ name: 'error_ratio', limit: 0.01, measured: { min: 0, estimate: 0, max: 0 }, result: 'pass' }),
  ],
  windows: [window()],
});
const verdict = { plan: 'nova-rolling-upgrade', result: 'fail', phases: [bad, neverBegun()] } as const;

describe('the report as JUnit', () => {
  it('has a suite per phase and a case per budget, with the windows in the text of a failure', () => {
    expect(reportJunit(report({ verdict }), OPTIONS)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="rollwatch nova-rolling-upgrade" tests="4" failures="1" errors="0" time="750.000">
<testsuite name="rollwatch.a&lt;b&gt;&quot;&amp;" tests="3" failures="1" errors="0" skipped="0" time="60.000" timestamp="2026-11-23T07:14:40" hostname="lab">
<properties>
<property name="run" value="run-1"/>
<property name="clouds" value="prod"/>
<property name="rollwatch" value="0.1.0"/>
<property name="promise" value="Nothing \\u0007fails."/>
<property name="first task" value="Stop services"/>
</properties>
<testcase classname="rollwatch.a&lt;b&gt;&quot;&amp;" name="API downtime at most 0 s" time="60.000"><failure message="API downtime: 7.0 s (6.0 to 8.0 s), over the budget of 0 s even at the minimum" type="fail">a&lt;b&gt;&quot;&amp;: API downtime: 7.0 s (6.0 to 8.0 s), over the budget of 0 s even at the minimum
Nothing \\u0007fails.

Windows
  DOWN  server-list new  7.0 s (6.0 to 8.0 s)
        from 07:15:00.000 (-0.500 +0.500 s) to 07:15:07.000 (-0.500 +0.500 s)
        12 failed samples: 10 connection-refused (nova-api), 2 http-503 (load-balancer)</failure></testcase>
<testcase classname="rollwatch.a&lt;b&gt;&quot;&amp;" name="slowdown of the median list request at most 1.25x" time="60.000"><system-out>NOT PROVEN: slowdown of the median list request: 1.20x (1.10x to 1.30x), not proven to be within the budget of 1.25x</system-out></testcase>
<testcase classname="rollwatch.a&lt;b&gt;&quot;&amp;" name="failed list requests at most 1 %" time="60.000"><system-out>0 %</system-out></testcase>
</testsuite>
<testsuite name="rollwatch.computes" tests="1" failures="0" errors="0" skipped="1" time="0.000" timestamp="2026-11-23T07:10:00" hostname="lab">
<properties>
<property name="run" value="run-1"/>
<property name="clouds" value="prod"/>
<property name="rollwatch" value="0.1.0"/>
</properties>
<testcase classname="rollwatch.computes" name="phase" time="0.000"><skipped message="the phase never started"/></testcase>
</testsuite></testsuites>
`);
  });

  it('has a suite per stage of checks, in which only regressions fail', () => {
    const run = (stage: 'before' | 'after', checks: readonly Check[]) => ({
      stage,
      cloud: 'prod',
      vantage: 'lab',
      at: BEGAN,
      checks,
      baseline: '',
    });
    const before = run('before', [pass('a', 'well'), fail('b', 'down')]);
    const after = run('after', [fail('a', 'gone <&>'), fail('b', 'down'), skip('c', 'nobody may')]);
    const suite = `<testsuite name="rollwatch.check-after" tests="3" failures="1" errors="0" skipped="1" time="0.000" timestamp="2026-11-23T07:10:00" hostname="lab">
<properties>
<property name="cloud" value="prod"/>
</properties>
<testcase classname="rollwatch.check-after" name="a" time="0.000"><failure message="gone &lt;&amp;&gt;" type="fail">gone &lt;&amp;&gt;</failure></testcase>
<testcase classname="rollwatch.check-after" name="b" time="0.000"><system-out>also failed before: down</system-out></testcase>
<testcase classname="rollwatch.check-after" name="c" time="0.000"><skipped message="nobody may"/></testcase>
</testsuite>`;
    expect(reportJunit(report({ checks: checkReports([before, after]) }), OPTIONS)).toContain(suite);
    expect(checksJunit([reportOf(after, before)])).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="rollwatch check" tests="3" failures="1" errors="0">\n${suite}</testsuites>\n`,
    );
  });

  it('fails what is not proven if requested', () => {
    const text = reportJunit(report({ verdict }), { ...OPTIONS, strict: true });
    expect(text).toContain('tests="4" failures="2"');
    expect(text).toContain('type="not-proven"');
  });

  it('has no character that XML forbids, and fails if nothing was judged', () => {
    const hostile = phaseVerdict({ task: 'x\u0000\ud800\ufffe]]>' });
    const text = reportJunit(report({ verdict: { ...verdict, phases: [hostile] } }), OPTIONS);
    expect(text).toMatch(/^[\n\u0020-\ud7ff\ue000-\ufffd]*$/);
    expect(text).toContain('value="x\\u0000\ufffd\ufffd]]&gt;"');
    expect(reportJunit(report(), OPTIONS)).toContain('<testsuites name="rollwatch" tests="1" failures="1"');
  });
});
