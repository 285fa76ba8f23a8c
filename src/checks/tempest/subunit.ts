import { crc32 } from 'node:zlib';
import { TEST_STATUSES, type TestEvent } from './test-results.ts';

const SIGNATURE = 0xb3;
/** The smallest packet: signature, flags, length, CRC. */
const SHORTEST = 8;
/** The longest packet that the protocol allows. */
const LONGEST = 4_194_303;

const VERSION_MASK = 0xf000;
const VERSION_2 = 0x2000;
const RESERVED = 0x0008;
const STATUS_MASK = 0x0007;
const HAS = {
  test: 0x0800,
  route: 0x0400,
  time: 0x0200,
  tags: 0x0080,
  type: 0x0020,
  file: 0x0040,
} as const;

export type SubunitPart = { readonly event: TestEvent } | { readonly text: string };

type Decoder = {
  /** What the stream tells up to here; a packet that is not whole yet waits for the next bytes. */
  decode(bytes: Buffer): readonly SubunitPart[];
  /** What waited is text after all: nothing follows. */
  end(): readonly SubunitPart[];
};

/**
 * Reads a stream of subunit, version 2, in which test runners written in Python tell how each test went
 * (https://github.com/testing-cabal/subunit). What stands between its packets is handed out as text.
 */
export function createSubunitDecoder(): Decoder {
  let waiting = Buffer.alloc(0);
  const read = (last: boolean): readonly SubunitPart[] => {
    const parts: SubunitPart[] = [];
    let at = 0;
    let textFrom = 0;
    const tellText = (until: number) => {
      if (until > textFrom) parts.push({ text: waiting.toString('utf8', textFrom, until) });
    };
    while (at < waiting.length) {
      const start = waiting.indexOf(SIGNATURE, at);
      if (start === -1) break;
      const found = packetAt(waiting.subarray(start));
      if (found === 'more' && !last) {
        // What stands before it waits, too: it may be cut in the middle of a character
        waiting = Buffer.from(waiting.subarray(textFrom));
        return parts;
      }
      at = start + 1;
      if (found === 'more' || found === 'none') continue;
      tellText(start);
      parts.push({ event: found.event });
      at = start + found.length;
      textFrom = at;
    }
    tellText(waiting.length);
    waiting = Buffer.alloc(0);
    return parts;
  };
  return {
    decode(bytes) {
      waiting = Buffer.concat([waiting, bytes]);
      return read(false);
    },
    end: () => read(true),
  };
}

type Packet = { readonly event: TestEvent; readonly length: number };

/** The packet with which these bytes begin; `more`: it may be one, once more bytes are there. */
function packetAt(bytes: Buffer): Packet | 'more' | 'none' {
  if (bytes.length < SHORTEST) return 'more';
  const flags = bytes.readUInt16BE(1);
  if ((flags & VERSION_MASK) !== VERSION_2 || (flags & RESERVED) !== 0) return 'none';
  const reader = createReader(bytes, 3);
  const length = reader.number();
  if (length < SHORTEST || length > LONGEST) return 'none';
  if (bytes.length < length) return 'more';
  if (crc32(bytes.subarray(0, length - 4)) !== bytes.readUInt32BE(length - 4)) return 'none';
  try {
    return { event: eventOf(flags, createReader(bytes.subarray(0, length - 4), reader.at())), length };
  } catch (error) {
    if (error instanceof RangeError) return 'none';
    throw error;
  }
}

function eventOf(flags: number, reader: Reader): TestEvent {
  const has = (part: keyof typeof HAS) => (flags & HAS[part]) !== 0;
  // Its parts stand in this order
  const at = has('time') ? reader.uint32() * 1000 + reader.number() / 1e6 : null;
  const test = has('test') ? reader.text() : null;
  if (has('tags')) for (let left = reader.number(); left > 0; left--) reader.text();
  if (has('type')) reader.text();
  const file = has('file') ? { name: reader.text(), text: reader.text() } : null;
  return { at, test, file, status: TEST_STATUSES[flags & STATUS_MASK] ?? null };
}

type Reader = ReturnType<typeof createReader>;

/** Throws a RangeError where the bytes end too early. */
function createReader(bytes: Buffer, from: number) {
  let at = from;
  const uint = (size: number): number => {
    const value = bytes.readUIntBE(at, size);
    at += size;
    return value;
  };
  /** One to four bytes; the two highest bits tell how many more there are. */
  const number = (): number => {
    const more = (bytes.readUInt8(at) & 0xc0) >> 6;
    return uint(1 + more) & (2 ** (6 + 8 * more) - 1);
  };
  return {
    at: () => at,
    uint32: () => uint(4),
    number,
    text(): string {
      const length = number();
      if (at + length > bytes.length) throw new RangeError('a text ends beyond its packet');
      at += length;
      return bytes.toString('utf8', at - length, at);
    },
  };
}
