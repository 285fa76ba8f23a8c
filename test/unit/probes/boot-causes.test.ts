import { expect, it } from 'vitest';
import { describeStageTimes } from '../../../src/probes/boot-causes.ts';

it.each([
  [
    [
      { stage: 'accepted', millis: 7200 },
      { stage: 'scheduling', millis: 7800 },
    ],
    'accepted after 7.2 s, 7.8 s in scheduling',
  ],
  [
    [
      { stage: 'accepted', millis: 30 },
      { stage: 'scheduling', millis: 400 },
      { stage: 'scheduled', millis: 1000 },
      { stage: 'unobserved', millis: 9600 },
      { stage: 'networking', millis: 20 },
      { stage: 'spawning', millis: 2000 },
      { stage: 'networking', millis: 10 },
      { stage: 'spawning', millis: 2000 },
    ],
    'accepted after 0.0 s, 0.4 s in scheduling, 1.0 s with a host chosen, 9.6 s without an answer, 4.0 s in spawning',
  ],
])('describes the stage times %j', (stageTimes, expected) => {
  expect(describeStageTimes(stageTimes)).toBe(expected);
});
