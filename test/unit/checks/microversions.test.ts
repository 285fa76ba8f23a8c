import { describe, expect, it } from 'vitest';
import { checkMicroversions } from '../../../src/checks/services/microversions.ts';
import { fail, pass, skip } from '../../../src/domain/check.ts';

describe('the microversion of nova-api', () => {
  const NAME = 'services: microversion of nova-api';

  it.each([
    [['2.95'], ['2.93'], pass(NAME, '2.95, was 2.93 before')],
    [['2.100'], ['2.96'], pass(NAME, '2.100, was 2.96 before')],
    [['2.95'], ['2.95'], pass(NAME, '2.95, as before')],
    [['2.95'], null, pass(NAME, '2.95')],
    [['2.93'], ['2.95'], fail(NAME, '2.93, was 2.95 before: an older nova-api answers')],
    [
      ['2.100', '2.96'],
      ['2.96'],
      fail(
        NAME,
        'varies between 2.96 and 2.100: nova-api of different releases answer, upgrade and restart all of them',
      ),
    ],
  ])('%j after %j', (found, before, expected) => {
    expect(checkMicroversions({ ok: true, found }, before)).toEqual(expected);
  });

  it('is skipped if it could not be read', () => {
    expect(checkMicroversions({ ok: false, reason: 'no answer' }, ['2.93'])).toEqual(skip(NAME, 'no answer'));
  });
});
