import { describe, expect, it } from 'vitest';
import { seriesNames, sessionState } from '../../../src/format/run-labels.ts';

const KEY = { cloud: 'prod', vantage: 'lab', probe: 'server-list', connection: 'new', target: '' };

describe('the name of a series', () => {
  it.each([
    { clouds: ['prod'], vantages: ['lab'], name: 'server-list new' },
    { clouds: ['prod', 'test'], vantages: ['lab'], name: 'prod server-list new' },
    { clouds: ['prod'], vantages: ['lab', 'site'], name: 'lab server-list new' },
    { clouds: ['prod', 'test'], vantages: ['lab', 'site'], name: 'prod lab server-list new' },
  ])('of $clouds from $vantages is $name', ({ name, ...run }) => {
    expect(seriesNames({ run })(KEY)).toBe(name);
  });

  it('contains the target and no line break', () => {
    const nameOf = seriesNames({ run: { clouds: ['prod'], vantages: ['lab'] } });
    expect(nameOf({ ...KEY, probe: 'server-reach', connection: '', target: 'web\n1' })).toBe('server-reach web 1');
  });
});

describe('the state of a session', () => {
  const stopped = { id: 1, ended: true };
  const killed = { id: 2, ended: false };
  const last = { id: 3, ended: false };
  const sessions = [stopped, killed, last];

  it('shows a session that was killed, even while the run is running', () => {
    const states = sessions.map((session) => sessionState({ running: true, sessions }, session));
    expect(states).toEqual(['', 'not stopped cleanly', 'running']);
  });

  it('shows no running session once the run has ended', () => {
    const states = sessions.map((session) => sessionState({ running: false, sessions }, session));
    expect(states).toEqual(['', 'not stopped cleanly', 'not stopped cleanly']);
  });
});
