import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeResult } from '../../../src/domain/probe.ts';
import type { Facts } from '../../../src/domain/sampler-event.ts';
import {
  type BootChoice,
  type BootPreferences,
  bootCandidates,
} from '../../../src/openstack/compute/boot-candidates.ts';
import { createJanitor } from '../../../src/probes/janitor.ts';
import { serverBoot } from '../../../src/probes/server-boot.ts';
import {
  novaNotFound,
  options,
  type ScriptedAnswer,
  type ScriptedCloud,
  type ScriptedRequest,
  serveScriptedCloud,
  tokenAnswer,
} from '../../support/scripted-cloud.ts';

const image = (id: string, changes: object = {}) => ({
  id,
  name: id,
  status: 'active',
  size: 20_000_000,
  min_disk: 0,
  min_ram: 0,
  visibility: 'public',
  ...changes,
});
const flavor = (id: string, changes: object = {}) => ({ id, name: id, vcpus: 1, ram: 512, disk: 10, ...changes });
const ANY: BootPreferences = { flavor: null, image: null, network: null, volume: null };

type Offer = {
  readonly images?: readonly object[];
  readonly flavors?: readonly object[];
  /** Glance's answers, instead of the whole list. */
  readonly glance?: (request: ScriptedRequest) => ScriptedAnswer | null;
  /** Null if accepted. */
  readonly refuse?: (server: { readonly flavorRef: string; readonly imageRef: string }) => ScriptedAnswer | null;
  /** The fault of an accepted server; null if it becomes ACTIVE. */
  readonly fault?: (server: { readonly imageRef: string }) => string | null;
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve({
  images = [image('cirros')],
  flavors = [flavor('m1.tiny')],
  ...offer
}: Offer): Promise<ScriptedCloud> {
  const servers = new Map<string, { readonly imageRef: string; readonly flavorRef: string }>();
  const scripted = await serveScriptedCloud((request) => {
    const { method, path, body } = request;
    const [place = ''] = path.split('?');
    if (place.startsWith('/image/v2/images')) {
      const given = offer.glance?.(request) ?? null;
      if (given !== null) return given;
      return place === '/image/v2/images' ? { status: 200, body: { images } } : { status: 404, body: NO_IMAGE };
    }
    if (place.endsWith('/flavors/detail')) return { status: 200, body: { flavors } };
    if (place.endsWith('/networks'))
      return { status: 200, body: { networks: [{ id: 'n', name: 'private', subnets: ['s'], shared: true }] } };
    if (place.endsWith('/servers') && method === 'POST') {
      const { server } = JSON.parse(body);
      const refusal = offer.refuse?.(server) ?? null;
      if (refusal !== null) return refusal;
      const id = `s${servers.size + 1}`;
      servers.set(id, server);
      return { status: 202, body: { server: { id } } };
    }
    const id = place.split('/servers/')[1] ?? '';
    const server = servers.get(id);
    if (server === undefined)
      return place.includes('/servers/') && id !== 'detail'
        ? novaNotFound(`Instance ${id} could not be found.`)
        : place.endsWith('/detail')
          ? { status: 200, body: { servers: [] } }
          : null;
    if (method === 'DELETE') {
      servers.delete(id);
      return { status: 204 };
    }
    const message = offer.fault?.(server) ?? null;
    const shown = {
      id,
      name: id,
      status: message === null ? 'ACTIVE' : 'ERROR',
      ...(message === null ? {} : { fault: { message } }),
    };
    return { status: 200, body: { server: shown } };
  });
  closing.push(() => scripted.close());
  return scripted;
}
const NO_IMAGE =
  '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No image found with ID<br /><br />\n </body>\n</html>';

/** The boot probe of a cloud and its facts for the report. */
async function watch(offer: Offer, wanted: Partial<BootPreferences> = {}) {
  const { cloud, asked } = await serve(offer);
  const mark = { prefix: 'rollwatch-', vantage: 'v', run: 'r', cloud: 'cloud' };
  const facts: Facts[] = [];
  const notes: string[] = [];
  const janitor = createJanitor({
    cloud,
    creator: mark,
    deleteTimeout: 1000,
    maxStuck: 1,
    emit: () => {},
    log: () => {},
  });
  const settings = {
    ...{ enabled: true, interval: 1000, slow: 1000, afterFailure: { interval: 100, limit: 60_000 }, ...ANY, ...wanted },
    ...{ activeTimeout: 5000, deleteTimeout: 5000, poll: 20, requestTimeout: 2000, availabilityZone: null },
    ...{ namePrefix: 'rollwatch-', maxStuck: 1 },
  };
  const onFacts = (found: Facts) => facts.push(found);
  const probe = serverBoot(
    cloud,
    { cloud: 'cloud', vantage: 'v' },
    { settings, session: 1, creator: mark, janitor, admin: null, onFacts },
  );
  closing.unshift(async () => {
    await janitor.stop(1000);
    probe.close();
  });
  const { signal } = options();
  const boot = () => probe.run({ signal, clock: cloud.clock, progress: (note) => notes.push(note) });
  return {
    boot,
    facts,
    notes,
    creates: () => asked.filter(({ method, path }) => method === 'POST' && path.endsWith('/servers')).length,
  };
}

const brief = (result: ProbeResult) => (result.outcome === 'ok' ? ['ok'] : [result.outcome, result.cause.kind]);

async function chosen(scripted: ScriptedCloud, wanted: Partial<BootPreferences> = {}) {
  const found = await bootCandidates(scripted.cloud, { ...ANY, ...wanted }, options());
  return found.type === 'ok'
    ? found.value.map(({ names }: BootChoice) => `${names.image} ${names.flavor}`)
    : found.cause.message;
}

describe('a server that boots from a volume', () => {
  it('is created with block_device_mapping_v2, from an image that needs no flavor with a disk', async () => {
    const asked: object[] = [];
    const refuse = (server: object) => {
      asked.push(server);
      return null;
    };
    const flavors = [flavor('no-disk', { disk: 0 }), flavor('disk', { vcpus: 2 })];
    const { boot } = await watch({ flavors, refuse }, { volume: 3 });
    expect(brief(await boot())).toEqual(['ok']);
    expect(asked).toEqual([
      {
        name: expect.stringMatching(/^rollwatch-/),
        flavorRef: 'no-disk',
        block_device_mapping_v2: [
          {
            boot_index: 0,
            source_type: 'image',
            uuid: 'cirros',
            destination_type: 'volume',
            volume_size: 3,
            delete_on_termination: true,
          },
        ],
        metadata: expect.anything(),
        networks: [{ uuid: 'n' }],
      },
    ]);
  });

  it('is rejected if the volume is too small for the image', async () => {
    const large = await serve({ images: [image('windows', { min_disk: 40 })] });
    expect(await chosen(large, { volume: 39 })).toBe(
      'a volume of 39 GiB is too small for image windows, which needs 40 GiB',
    );
    expect(await chosen(large, { volume: 40 })).toEqual(['windows m1.tiny']);
  });
});

describe('images', () => {
  it('are read page by page from the endpoint, whatever host `next` names', async () => {
    const pages: Readonly<Record<string, object>> = {
      '': { images: [image('large', { size: 30_000_000 })], next: 'http://elsewhere.example/v2/images?marker=large' },
      large: { images: [image('small', { size: 1 })], next: '/v2/images?marker=large' },
    };
    const glance = ({ path }: ScriptedRequest) => ({
      status: 200,
      body: pages[new URLSearchParams(path.split('?')[1]).get('marker') ?? ''] ?? {},
    });
    expect(await chosen(await serve({ glance }))).toEqual(['small m1.tiny', 'large m1.tiny']);
  });

  it('are found by id and name beyond the first page and among community images', async () => {
    const community = image('0c0ffee0-0000-4000-8000-000000000001', {
      name: 'cirros-community',
      visibility: 'community',
    });
    const far = image('i-29', { name: 'far' });
    const glance = ({ path }: ScriptedRequest): ScriptedAnswer | null => {
      const [place = '', query] = path.split('?');
      const asked = new URLSearchParams(query);
      const all = [far, community, image('first')];
      const shown = all.find(({ id }) => place.endsWith(`/${id}`));
      if (shown !== undefined) return { status: 200, body: shown };
      if (place !== '/image/v2/images') return null;
      const visibility = asked.get('visibility') ?? 'public';
      const found = all.filter((one) => one.name === asked.get('name') && one.visibility === visibility);
      return { status: 200, body: { images: asked.has('name') ? found : [image('first')] } };
    };
    const scripted = await serve({ glance });
    expect(await chosen(scripted, { image: community.id })).toEqual(['cirros-community m1.tiny']);
    expect(await chosen(scripted, { image: 'cirros-community' })).toEqual(['cirros-community m1.tiny']);
    expect(await chosen(scripted, { image: 'far' })).toEqual(['far m1.tiny']);
    expect(await chosen(scripted, { image: 'none' })).toBe("no image 'none' (available: first)");
  });

  it('are read from v2 if the catalogue names v1', async () => {
    const scripted: ScriptedCloud = await serveScriptedCloud(({ path }) => {
      if (path.startsWith('/identity')) return tokenAnswer(scripted.url, { image: `${scripted.url}/image/v1` });
      if (path.startsWith('/image/v2/images')) return { status: 200, body: { images: [image('cirros')] } };
      if (path.includes('/flavors/')) return { status: 200, body: { flavors: [flavor('m1.tiny')] } };
      return path.endsWith('/networks') ? { status: 200, body: { networks: [] } } : null;
    });
    closing.push(() => scripted.close());
    expect(await chosen(scripted)).toEqual(['cirros m1.tiny']);
  });
});

const ZERO_DISK = {
  status: 403,
  body: { forbidden: { code: 403, message: 'Only volume-backed servers are allowed for flavors with zero disk.' } },
};

describe('a boot that Nova rejects for its flavor or image', () => {
  it('does not use a flavor without a disk if there is another', async () => {
    const flavors = [flavor('v1.tiny', { disk: 0 }), flavor('m1.tiny')];
    const { boot, facts } = await watch({
      flavors,
      refuse: ({ flavorRef }) => (flavorRef === 'v1.tiny' ? ZERO_DISK : null),
    });
    expect(brief(await boot())).toEqual(['ok']);
    expect(facts).toMatchObject([{ flavor: 'm1.tiny' }]);
  });

  it('is void with advice if no flavor has a disk', async () => {
    const { boot } = await watch({ flavors: [flavor('v1.tiny', { disk: 0 })], refuse: () => ZERO_DISK });
    const result = await boot();
    expect(brief(result)).toEqual(['void', 'refused-choice']);
    expect(result.outcome === 'void' && result.cause.message).toMatch(
      /^Nova refused cirros with v1.tiny on private: HTTP 403: Only volume-backed .*; no other choice is left: set probes\.server-boot\.flavor/,
    );
  });

  it.each([
    ["Flavor's disk is too small for requested image. Flavor disk is 1 bytes, image is 2 bytes.", 400],
    ["Flavor's memory is too small for requested image.", 400],
    ['Image odd is unacceptable: it has no associated data', 400],
    ['Block Device Mapping is Invalid: failed to get snapshot 5e1f.', 400],
    ['It is not allowed to create an interface on external network n', 403],
  ])('is void, and the next candidate boots: %s', async (message, code) => {
    const images = [image('odd', { size: 1 }), image('cirros')];
    const refuse = ({ imageRef }: { readonly imageRef: string }) =>
      imageRef === 'odd' ? { status: code, body: { badRequest: { code, message } } } : null;
    const { boot, facts, notes } = await watch({ images, refuse });
    expect(brief(await boot())).toEqual(['void', 'refused-choice']);
    expect(brief(await boot())).toEqual(['ok']);
    expect(facts.at(-1)).toMatchObject({
      image: 'cirros',
      'refused by Nova': expect.stringContaining(message.slice(0, 30)),
    });
    expect(notes.some((note) => note.includes('trying cirros with m1.tiny next'))).toBe(true);
  });

  it('is void even if the accepted server goes to ERROR for it', async () => {
    const images = [image('odd', { size: 1 }), image('cirros')];
    const fault = ({ imageRef }: { readonly imageRef: string }) =>
      imageRef === 'odd' ? 'Build of instance s1 aborted: image odd is not bootable' : null;
    const { boot } = await watch({ images, fault });
    expect(brief(await boot())).toEqual(['void', 'refused-choice']);
    expect(brief(await boot())).toEqual(['ok']);
  });

  it.each([
    'publicURL endpoint for volumev3 service not found',
    'internalURL endpoint for block-storage service in RegionOne region not found',
  ])('is void with advice if a volume is wanted and the cloud has no Cinder: %s', async (message) => {
    const { boot } = await watch({ fault: () => `Build of instance s1 aborted: ${message}` });
    const result = await boot();
    expect(brief(result)).toEqual(['void', 'refused-choice']);
    expect(result.outcome === 'void' && result.cause.message).toMatch(/set probes\.server-boot\..*\.volume$/);
  });

  it('is a failure after a boot has succeeded', async () => {
    let refusing = false;
    const gone = { status: 400, body: { badRequest: { code: 400, message: 'Image cirros could not be found.' } } };
    const { boot } = await watch({ refuse: () => (refusing ? gone : null) });
    expect(brief(await boot())).toEqual(['ok']);
    refusing = true;
    expect(brief(await boot())).toEqual(['failed', 'http-4xx']);
  });

  it.each([
    [
      'a 403 page of a load balancer',
      { status: 403, body: '<html><body><h1>403 Forbidden</h1>\nimage flavor network\n</body></html>' },
    ],
    [
      "a policy's",
      {
        status: 403,
        body: {
          forbidden: { code: 403, message: "Policy doesn't allow os_compute_api:servers:create to be performed." },
        },
      },
    ],
    [
      "Nova's 500 about an image",
      { status: 500, body: { computeFault: { code: 500, message: 'image cirros could not be found' } } },
    ],
  ])('is not %s', async (_name, answer) => {
    const { boot } = await watch({ refuse: () => answer });
    expect((await boot()).outcome).toBe('failed');
  });
});
