import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listOf, recordOf } from '../../../src/http/lists.ts';
import { briefsSchema, createdSchema, detailsSchema, showSchema } from '../../../src/openstack/compute/server-body.ts';
import { problemFromResponse } from '../../../src/openstack/diagnosis/classify.ts';
import { readJson } from '../../../src/openstack/http/json.ts';
import { hasPathTraversal, ipAddress, resourceId, segment } from '../../../src/openstack/http/resource-id.ts';
import { catalogueSchema } from '../../../src/openstack/identity/catalogue.ts';

const STRAY_IDS = ['../flavors/f1', '..', '.', '', 'a/b', 'a\\b', 'a?b', 'a#b', '%2e%2e', 'a\nb', 'ü', 'x'.repeat(256)];

describe('a resource id', () => {
  it.each(['7a0f0f3c-7f0b-4d7e-9d4f-1e0c7f3f4b11', '42', 'm1.tiny', 'a b', '_x', '-1'])('may be %s', (id) => {
    expect(resourceId.parse(id)).toBe(id);
    expect(hasPathTraversal(`/servers/${segment(id)}`)).toBe(false);
  });

  it.each(STRAY_IDS)('cannot be %j', (id) => {
    expect(resourceId.safeParse(id).success).toBe(false);
  });

  const server = (id: string) => ({ id, name: 'n', status: 'ACTIVE' });
  it.each(STRAY_IDS)('invalidates a single resource if it is %j', (id) => {
    for (const [schema, body] of [
      [createdSchema, { server: { id } }],
      [showSchema, { server: server(id) }],
      [detailsSchema, { servers: [server(id), server(id)] }],
      [briefsSchema, { servers: [server(id)] }],
    ] as const) {
      const read = readJson(JSON.stringify(body), z.unknown().pipe(schema));
      expect(read).toMatchObject({ ok: false, problem: expect.stringMatching(/id: '.*' is not a valid id$/s) });
    }
  });

  it.each(STRAY_IDS)('drops only its row from a list if it is %j', (id) => {
    const read = detailsSchema.parse({ servers: [server(id), server('good'), server(id)] });
    expect(read.servers.map((one) => one.id)).toEqual(['good']);
  });
});

describe('a path', () => {
  it.each([
    '/servers/..',
    '/servers/../flavors/f1',
    '/servers/%2e%2E/x',
    '/servers/a%2fb',
    '/servers/a%5Cb',
    '/a\\b',
    '/.',
  ])('%s has a path traversal', (path) => {
    expect(hasPathTraversal(path)).toBe(true);
  });

  it.each(['/servers/detail?name=%5Ea%2F..', '/servers/a.b', '/servers/..a', '/flavors/a%20b', '/x#/../'])(
    '%s has none',
    (path) => {
      expect(hasPathTraversal(path)).toBe(false);
    },
  );
});

describe('an address', () => {
  it.each(['10.0.0.5', 'fd00::5'])('may be %s', (address) => expect(ipAddress.parse(address)).toBe(address));

  it.each(['localhost', 'example.com', '10.0.0', '-oProxyCommand=x', '10.0.0.5 x', ''])('cannot be %j', (address) =>
    expect(ipAddress.safeParse(address).success).toBe(false),
  );
});

describe('an external list', () => {
  it('returns the parsed rows', () => {
    expect(listOf(z.object({ a: z.coerce.number() })).parse([{ a: '1' }, { a: 2 }])).toEqual([{ a: 1 }, { a: 2 }]);
    expect(recordOf(z.string()).parse({ a: 'x', b: 'y' })).toEqual({ a: 'x', b: 'y' });
  });

  it('reports only the first issue, however many rows are invalid', () => {
    for (const schema of [listOf(z.object({ id: z.string(), name: z.string() })), recordOf(z.string())]) {
      const wrong = Array.from({ length: 1000 }, () => ({}));
      const read = schema.safeParse(schema instanceof z.ZodType && wrong);
      expect(read.error?.issues).toHaveLength(1);
    }
    const read = listOf(z.object({ id: z.string() })).safeParse([{ id: 'a' }, {}, {}]);
    expect(read.error?.issues).toMatchObject([
      { path: [1, 'id'], message: expect.stringContaining('expected string') },
    ]);
  });

  it('parses no row after the first invalid one, and none of a list that is too long', () => {
    let count = 0;
    const counting = z.unknown().refine(() => ++count < 3);
    expect(listOf(counting).safeParse(Array.from({ length: 1000 }, () => 0)).success).toBe(false);
    expect(count).toBe(3);
    count = 0;
    const long = listOf(counting, 10).safeParse(Array.from({ length: 11 }, () => 0));
    expect(long.error?.issues[0]?.message).toBe('11 entries, more than 10');
    expect(count).toBe(0);
  });

  it.each([[null], [{}], ['x'], [undefined]])('is rejected if it is %j', (given) => {
    expect(listOf(z.unknown()).safeParse(given).error?.issues[0]?.message).toMatch(/^Invalid input: expected array/);
  });
});

describe('a body', () => {
  it.each([
    ['{"servers":[{}', ',{}', ']}'],
    ['{"servers":[', '[', ''],
    ['{"servers":[0', ',0', ']}'],
  ])('with too many values is not parsed: %s%s', (head, piece, tail) => {
    const read = readJson(head + piece.repeat(700_000) + tail, detailsSchema);
    expect(read).toEqual({ ok: false, problem: 'a body of more than 500000 values' });
  });

  it('that nests deeply is rejected without a crash', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const text of [deep, `{"servers":${deep}}`, `{"servers":[{"id":${deep}}]}`]) {
      expect(readJson(text, detailsSchema)).toMatchObject({ ok: false });
    }
    expect(readJson(`[{"type":"x","endpoints":[],"extra":${deep}}]`, catalogueSchema).ok).toBe(true);
    const answer = { type: 'response', status: 500, headers: {}, stages: {}, sentAt: 0, endedAt: 0 } as const;
    expect(problemFromResponse({ ...answer, body: deep }, 'nova-api').cause.kind).toBe('http-500');
  });
});
