import { describe, expect, it } from 'vitest';
import { createNotices } from '../../../src/webhook/notices.ts';
import { around, BEGAN, report, window } from '../../support/live.ts';

const incidents = (facts: Parameters<typeof window>[0] = {}) => report({ windows: [window(facts)] }).incidents;
const second = (seconds: number) => BEGAN + seconds * 1000;

describe('messages about an incident', () => {
  it('are due when it has been open for a while, and once it is over', () => {
    const notices = createNotices({ since: BEGAN, after: 5000 });
    const open = incidents({ end: null });
    expect(notices.due(open, second(304))).toEqual([]);
    const [first] = notices.due(open, second(305));
    expect(first).toMatchObject({ stage: 'open' });
    if (first !== undefined) notices.delivered(first);
    expect(notices.due(open, second(306))).toEqual([]);
    const [last] = notices.due(incidents(), second(308));
    expect(last).toMatchObject({ stage: 'over' });
    if (last !== undefined) notices.delivered(last);
    expect(notices.due(incidents(), second(309))).toEqual([]);
  });

  it('are due again until one was delivered', () => {
    const notices = createNotices({ since: BEGAN, after: 0 });
    expect(notices.due(incidents(), second(310))).toHaveLength(1);
    expect(notices.due(incidents(), second(311))).toHaveLength(1);
  });

  it('wait until its end is final', () => {
    const notices = createNotices({ since: BEGAN, after: 0 });
    expect(notices.due(incidents({ provisional: true }), second(310))).toEqual([]);
  });

  it('are not due if it was over before the daemon started', () => {
    const notices = createNotices({ since: second(400), after: 0 });
    expect(notices.due(incidents({ end: around(307) }), second(500))).toEqual([]);
    expect(notices.due(incidents({ end: null }), second(500))).toHaveLength(1);
  });
});
