import { expect, it } from 'vitest';
import { isLoopback } from '../../../src/domain/network-address.ts';

it.each(['localhost', '127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '0000::0001', '::ffff:127.0.0.1'])(
  '%s is loopback',
  (host) => expect(isLoopback(host)).toBe(true),
);

it.each([
  '',
  '0.0.0.0',
  '::',
  '::2',
  '::11',
  '128.0.0.1',
  '127.evil.example',
  '127.0.0.1.evil.example',
  '127.0.0.256',
  '127.0.0.01',
  '127.1',
  '1127.0.0.1',
  'localhost.evil.example',
  '1::1',
  'fd00::1',
  '::ffff:10.0.0.1',
])('%s is not loopback', (host) => expect(isLoopback(host)).toBe(false));
