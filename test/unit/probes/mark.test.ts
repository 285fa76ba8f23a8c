import { describe, expect, it } from 'vitest';
import { isOurs, metadataOf, nameOf } from '../../../src/probes/mark.ts';

const MARK = { prefix: 'rollwatch-', vantage: 'Host 1.example', run: '5f0c-11aa-77' };
const OURS = { name: 'rollwatch-x', metadata: { rollwatch: '1', vantage: 'here', run: 'r' } };

describe('the mark of a server of ours', () => {
  it('is in its name, which no other one bears, and in its metadata', () => {
    expect(nameOf(MARK, 3, 14)).toBe('rollwatch-host-1.example-5f0c11aa-3-14');
    expect(metadataOf(MARK)).toEqual({ rollwatch: '1', vantage: 'Host 1.example', run: '5f0c-11aa-77' });
  });

  it.each([
    [OURS, { vantage: 'here', run: 'r' }, true],
    [OURS, { vantage: 'here', run: null }, true],
    [OURS, { vantage: null, run: null }, true],
    [OURS, { vantage: 'there', run: null }, false],
    [OURS, { vantage: 'here', run: 'other' }, false],
    [{ ...OURS, name: 'my-rollwatch-x' }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: {} }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: { rollwatch: '1' } }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: { ...OURS.metadata, rollwatch: 'true' } }, { vantage: null, run: null }, false],
  ])('needs all of it: %#', (server, scope, ours) => {
    expect(isOurs(server, 'rollwatch-', scope)).toBe(ours);
  });
});
