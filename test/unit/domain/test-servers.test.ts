import { describe, expect, it } from 'vitest';
import { createTestServers } from '../../../src/domain/run/test-servers.ts';
import type { ServerEvent } from '../../../src/domain/sampler-event.ts';

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

function serversOf(...events: readonly ServerEvent[]) {
  const servers = createTestServers();
  for (const one of events) servers.accept(one);
  return servers;
}

describe('test servers', () => {
  it('are left until they are gone', () => {
    const servers = serversOf(event('created', 'a'), event('created', 'b'), event('gone', 'a'));
    expect(servers.left()).toEqual([{ cloud: 'prod', vantage: 'here', name: 'b', id: 'id-of-b' }]);
    expect(servers.counts(false)).toEqual({ created: 2, deleted: 1, leaked: 1 });
  });

  it('count as leaked during a run only if their deletion is given up for now', () => {
    const servers = serversOf(event('created', 'a'), event('created', 'b'), event('leaked', 'b'));
    expect(servers.counts(true)).toEqual({ created: 2, deleted: 0, leaked: 1 });
    servers.accept(event('gone', 'b'));
    expect(servers.counts(true)).toEqual({ created: 2, deleted: 1, leaked: 0 });
  });

  it('get their id when they are found, if the create request got no answer', () => {
    const servers = serversOf(event('leaked', 'a', { id: null }));
    expect(servers.left()).toEqual([{ cloud: 'prod', vantage: 'here', name: 'a', id: null }]);
    servers.accept(event('created', 'a'));
    expect(servers.left().map((one) => one.id)).toEqual(['id-of-a']);
  });

  it('count where they were created, even if they were deleted from elsewhere, and for each cloud', () => {
    const servers = serversOf(
      event('created', 'a'),
      event('created', 'a', { cloud: 'other' }),
      event('gone', 'a', { vantage: 'there' }),
    );
    expect(servers.counts(false, { cloud: 'prod', vantage: 'here' })).toEqual({ created: 1, deleted: 1, leaked: 0 });
    expect(servers.counts(false, { cloud: 'other', vantage: 'here' })).toEqual({ created: 1, deleted: 0, leaked: 1 });
    expect(servers.counts(false, { cloud: 'prod', vantage: 'there' })).toEqual({ created: 0, deleted: 0, leaked: 0 });
  });
});
