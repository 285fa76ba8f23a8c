import { crc32 } from 'node:zlib';
import { TEST_STATUSES, type TestEvent } from '../../src/checks/tempest/test-results.ts';

/** Encodes a packet of subunit, version 2, as python-subunit does; `at` is in milliseconds. */
export function subunitPacket({ test = null, status = null, at = null, file = null }: Partial<TestEvent>): Buffer {
  const flags =
    0x2000 |
    (at === null ? 0 : 0x0200) |
    (test === null ? 0 : 0x0800) |
    (file === null ? 0 : 0x0040) |
    TEST_STATUSES.indexOf(status);
  const parts = [
    ...(at === null ? [] : [uint32(Math.floor(at / 1000)), number((at % 1000) * 1e6)]),
    ...(test === null ? [] : [text(test)]),
    ...(file === null ? [] : [text(file.name), text(file.text)]),
  ];
  const body = Buffer.concat(parts);
  const head = Buffer.from([0xb3, flags >> 8, flags & 0xff]);
  const short = head.length + body.length + 4;
  // The length includes itself.
  const size = [1, 2, 3].find((bytes) => number(short + bytes).length === bytes) ?? 4;
  const content = Buffer.concat([head, number(short + size), body]);
  return Buffer.concat([content, uint32(crc32(content))]);
}

/** Encodes what a test runner reports about a test of one second; `file` comes before the end of the test. */
export const subunitTest = (
  test: string,
  status: NonNullable<TestEvent['status']>,
  file: TestEvent['file'] = null,
): Buffer =>
  Buffer.concat([
    subunitPacket({ test, status: 'inprogress', at: 1_700_000_000_000 }),
    ...(file === null ? [] : [subunitPacket({ test, file })]),
    subunitPacket({ test, status, at: 1_700_000_001_000 }),
  ]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Encodes a number as one to four bytes; the highest two bits are the number of further bytes. */
function number(value: number): Buffer {
  const more = [0x40, 0x4000, 0x40_0000].filter((limit) => value >= limit).length;
  return uint32(value + more * 2 ** (6 + 8 * more)).subarray(3 - more);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}
