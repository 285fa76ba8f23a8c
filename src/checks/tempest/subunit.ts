import { crc32 } from 'node:zlib';
import { TEST_STATUSES, type TestEvent } from './test-results.ts';

const SIGNATURE = 0xb3;
/** Signature, flags, length and CRC. */
const MIN_PACKET_BYTES = 8;
/** The limit of the protocol. */
const MAX_PACKET_BYTES = 4_194_303;

const VERSION_MASK = 0xf000;
const VERSION_2 = 0x2000;
const RESERVED_FLAG = 0x0008;
const STATUS_MASK = 0x0007;
const FLAGS = {
  test: 0x0800,
  route: 0x0400,
  time: 0x0200,
  tags: 0x0080,
  type: 0x0020,
  file: 0x0040,
} as const;

export type SubunitPart = { readonly event: TestEvent } | { readonly text: string };

type SubunitDecoder = {
  /** Returns what these bytes complete. The beginning of a packet waits for the next bytes. */
  decode(bytes: Buffer): readonly SubunitPart[];
  /** Returns the rest at the end of the stream. An incomplete packet is text. */
  end(): readonly SubunitPart[];
};

/**
 * Decodes a stream of subunit version 2, in which Python test runners report results
 * (https://github.com/testing-cabal/subunit). Returns anything between the packets as text.
 */
export function createSubunitDecoder(): SubunitDecoder {
  let buffer = Buffer.alloc(0);
  const read = (last: boolean): readonly SubunitPart[] => {
    const parts: SubunitPart[] = [];
    let at = 0;
    let textFrom = 0;
    const addText = (until: number) => {
      if (until > textFrom) parts.push({ text: buffer.toString('utf8', textFrom, until) });
    };
    while (at < buffer.length) {
      const start = buffer.indexOf(SIGNATURE, at);
      if (start === -1) break;
      const packet = packetAt(buffer.subarray(start));
      if (packet === 'incomplete' && !last) {
        // The text before the packet waits, too: it may end in the middle of a character.
        buffer = Buffer.from(buffer.subarray(textFrom));
        return parts;
      }
      at = start + 1;
      if (packet === 'incomplete' || packet === 'none') continue;
      addText(start);
      parts.push({ event: packet.event });
      at = start + packet.length;
      textFrom = at;
    }
    addText(buffer.length);
    buffer = Buffer.alloc(0);
    return parts;
  };
  return {
    decode(bytes) {
      buffer = Buffer.concat([buffer, bytes]);
      return read(false);
    },
    end: () => read(true),
  };
}

type Packet = { readonly event: TestEvent; readonly length: number };

/** Parses the packet at the start of the bytes. `incomplete` means that more bytes may complete it. */
function packetAt(bytes: Buffer): Packet | 'incomplete' | 'none' {
  if (bytes.length < MIN_PACKET_BYTES) return 'incomplete';
  const flags = bytes.readUInt16BE(1);
  if ((flags & VERSION_MASK) !== VERSION_2 || (flags & RESERVED_FLAG) !== 0) return 'none';
  const reader = createReader(bytes, 3);
  const length = reader.number();
  if (length < MIN_PACKET_BYTES || length > MAX_PACKET_BYTES) return 'none';
  if (bytes.length < length) return 'incomplete';
  if (crc32(bytes.subarray(0, length - 4)) !== bytes.readUInt32BE(length - 4)) return 'none';
  try {
    return { event: eventOf(flags, createReader(bytes.subarray(0, length - 4), reader.at())), length };
  } catch (error) {
    if (error instanceof RangeError) return 'none';
    throw error;
  }
}

function eventOf(flags: number, reader: Reader): TestEvent {
  const has = (part: keyof typeof FLAGS) => (flags & FLAGS[part]) !== 0;
  // The protocol defines this order.
  const at = has('time') ? reader.uint32() * 1000 + reader.number() / 1e6 : null;
  const test = has('test') ? reader.text() : null;
  if (has('tags')) for (let remaining = reader.number(); remaining > 0; remaining--) reader.text();
  if (has('type')) reader.text();
  const file = has('file') ? { name: reader.text(), text: reader.text() } : null;
  return { at, test, file, status: TEST_STATUSES[flags & STATUS_MASK] ?? null };
}

type Reader = ReturnType<typeof createReader>;

/** Creates a reader, whose methods throw a RangeError if the bytes end too early. */
function createReader(bytes: Buffer, from: number) {
  let at = from;
  const uint = (size: number): number => {
    const value = bytes.readUIntBE(at, size);
    at += size;
    return value;
  };
  /** Reads one to four bytes; the two highest bits of the first are the number of further bytes. */
  const number = (): number => {
    const furtherBytes = (bytes.readUInt8(at) & 0xc0) >> 6;
    return uint(1 + furtherBytes) & (2 ** (6 + 8 * furtherBytes) - 1);
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
