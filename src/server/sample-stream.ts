import { Readable } from 'node:stream';
import type { SampleFormat } from '../api/formats.ts';
import type { Sample } from '../domain/sample.ts';

/** Characters of a piece: a line at a time would cost more in calls than in bytes. */
const PIECE = 32_768;

/**
 * Samples as text, read only as fast as the reader takes them. The first piece is read before this resolves, so that
 * a journal that can't be read is an error and not a broken answer; when the reader goes away, reading ends.
 */
export async function sampleStream(samples: AsyncIterable<Sample>, format: SampleFormat): Promise<Readable> {
  const pieces = inPieces(samples, format);
  const first = await pieces.next();
  return Readable.from(
    (async function* () {
      try {
        if (first.done !== true) yield first.value;
        yield* pieces;
      } finally {
        await pieces.return();
      }
    })(),
    { objectMode: false },
  );
}

async function* inPieces(samples: AsyncIterable<Sample>, format: SampleFormat): AsyncGenerator<string, void, void> {
  let piece = format.head;
  for await (const sample of samples) {
    piece += format.line(sample);
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
