import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../../src/domain/ports.ts';
import { createServerBook } from '../../../src/domain/run/test-servers.ts';

const event = (kind: ServerEvent['kind'], name: string, over: Partial<ServerEvent> = {}): ServerEvent => ({
  cloud: 'prod',
  vantage: 'here',
  kind,
  name,
  id: `id-of-${name}`,
  at: 0,
  message: '',
  ...over,
});

function bookOf(...events: readonly ServerEvent[]) {
  const book = createServerBook();
  for (const one of events) book.accept(one);
  return book;
}

describe('the book of our servers', () => {
  it('knows which are there still, with their ids', () => {
    const book = bookOf(event('created', 'a'), event('created', 'b'), event('gone', 'a'));
    expect(book.left()).toEqual([{ cloud: 'prod', vantage: 'here', name: 'b', id: 'id-of-b' }]);
    expect(book.counts(false)).toEqual({ created: 2, deleted: 1, leaked: 1 });
  });

  it('calls none leaked while it runs, but for those it has given up for now', () => {
    const book = bookOf(event('created', 'a'), event('created', 'b'), event('leaked', 'b'));
    expect(book.counts(true)).toEqual({ created: 2, deleted: 0, leaked: 1 });
    book.accept(event('gone', 'b'));
    expect(book.counts(true)).toEqual({ created: 2, deleted: 1, leaked: 0 });
  });

  it('learns the id of one whose create was never answered when it is found', () => {
    const book = bookOf(event('leaked', 'a', { id: null }));
    expect(book.left()).toEqual([{ cloud: 'prod', vantage: 'here', name: 'a', id: null }]);
    book.accept(event('created', 'a'));
    expect(book.left().map((one) => one.id)).toEqual(['id-of-a']);
  });

  it('counts a server where it was made, also when it was deleted from elsewhere, and tells two clouds apart', () => {
    const book = bookOf(
      event('created', 'a'),
      event('created', 'a', { cloud: 'other' }),
      event('gone', 'a', { vantage: 'there' }),
    );
    expect(book.counts(false, { cloud: 'prod', vantage: 'here' })).toEqual({ created: 1, deleted: 1, leaked: 0 });
    expect(book.counts(false, { cloud: 'other', vantage: 'here' })).toEqual({ created: 1, deleted: 0, leaked: 1 });
    expect(book.counts(false, { cloud: 'prod', vantage: 'there' })).toEqual({ created: 0, deleted: 0, leaked: 0 });
  });
});
