import { once } from 'node:events';
import { createServer, type Server as TcpServer } from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import { makeKey } from '../../src/checks/guest/key-pair.ts';
import { runBySsh, type SshTarget } from '../../src/checks/guest/ssh.ts';

const key = makeKey();
const hostKeys = [0, 1].map(() => ssh2.utils.generateKeyPairSync('ed25519').private);
const never = new AbortController().signal;
const open: (TcpServer | ssh2.Server)[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function listening<T extends TcpServer | ssh2.Server>(server: T): Promise<{ host: string; port: number }> {
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { host: '127.0.0.1', port: address.port };
}

type Guest = { readonly hostKey?: string | undefined; readonly publicKey?: string; readonly answer?: string | null };

/** An SSH server that lets one key in, and answers every command the same; `answer` null: never. */
function guest({
  hostKey = hostKeys[0] ?? '',
  publicKey = key.publicKey,
  answer = 'hello\n',
}: Guest = {}): ssh2.Server {
  return new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => {
      const allowed = ssh2.utils.parseKey(publicKey);
      if (allowed instanceof Error) throw allowed;
      if (context.method !== 'publickey' || !context.key.data.equals(allowed.getPublicSSH()))
        return context.reject(['publickey']);
      const { signature, blob, hashAlgo } = context;
      if (signature === undefined || blob === undefined) return context.accept();
      return allowed.verify(blob, signature, hashAlgo) ? context.accept() : context.reject();
    });
    client.on('session', (accept) =>
      accept().on('exec', (run) => {
        const channel = run();
        if (answer === null) return;
        channel.write(answer);
        channel.exit(0);
        channel.end();
      }),
    );
  });
}

const target = (place: { host: string; port: number }, facts: Partial<SshTarget> = {}): SshTarget => ({
  ...place,
  user: 'cirros',
  privateKey: key.privateKey,
  hostKey: null,
  ...facts,
});

const reasonOf = async (given: SshTarget, limit = 5000, signal = never) => {
  const answer = await runBySsh(given, 'true', { limit, signal });
  if (answer.ok) throw new Error('it answered');
  return answer.reason.replace(`:${given.port}`, ':PORT');
};

describe('a command by SSH', () => {
  it('gives what it prints, and the host key', async () => {
    const place = await listening(guest());
    const answer = await runBySsh(target(place), 'true', { limit: 5000, signal: never });
    expect(answer).toEqual({
      ok: true,
      output: 'hello\n',
      hostKey: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
    });
  });

  it('has the whole of its time also where our own loop stands still for longer than that', async () => {
    const place = await listening(guest());
    const answer = runBySsh(target(place), 'true', { limit: 1000, signal: never });
    const until = performance.now() + 1200;
    while (performance.now() < until) {
      // stands still on purpose
    }
    expect(await answer).toMatchObject({ ok: true, output: 'hello\n' });
  });

  it('takes the host key that was seen before, and no other', async () => {
    const first = await listening(guest());
    const seen = await runBySsh(target(first), 'true', { limit: 5000, signal: never });
    const hostKey = seen.ok ? seen.hostKey : '';
    expect(await runBySsh(target(first, { hostKey }), 'true', { limit: 5000, signal: never })).toEqual(seen);
    const other = await listening(guest({ hostKey: hostKeys[1] }));
    const answer = await runBySsh(target(other, { hostKey }), 'true', { limit: 5000, signal: never });
    expect(answer).toMatchObject({ ok: false, final: true });
    expect(answer.ok ? '' : answer.reason).toMatch(
      /shows another host key, SHA256:\S+, than before, SHA256:\S+: it is not/,
    );
  });

  it('says what is wrong where nobody listens, or listens and is silent', async () => {
    const closed = await listening(createServer());
    const [server] = open.splice(0);
    if (server instanceof Object) await new Promise((done) => server.close(done));
    expect(await reasonOf(target(closed))).toBe('127.0.0.1:PORT refuses the connection');

    const silent = createServer(() => {});
    const place = await listening(silent);
    expect(await reasonOf(target(place), 300)).toBe(
      '127.0.0.1:PORT takes the connection, but says nothing within 0.3 s: no SSH banner',
    );
  });

  it('says what is wrong where something else answers, or stops in the middle', async () => {
    const web = await listening(createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(await reasonOf(target(web))).toBe('127.0.0.1:PORT is answered by something that is not SSH');
    const banner = await listening(createServer((socket) => void socket.write('SSH-2.0-hangs\r\n')));
    expect(await reasonOf(target(banner), 300)).toBe('127.0.0.1:PORT does not come to terms within 0.3 s');
    const cut = await listening(createServer((socket) => void socket.destroy()));
    expect(await reasonOf(target(cut))).toBe('127.0.0.1:PORT cut the connection before SSH began');
    const slow = await listening(guest({ answer: null }));
    expect(await reasonOf(target(slow), 1500)).toBe(
      '127.0.0.1:PORT lets us in, but a command does not end within 1.5 s',
    );
  });

  it('says that the key is not let in', async () => {
    const place = await listening(guest({ publicKey: makeKey().publicKey }));
    expect(await reasonOf(target(place))).toBe('127.0.0.1:PORT does not let cirros in with our key');
  });

  it('ends where it floods us, and when we are told to stop', async () => {
    const flood = await listening(guest({ answer: 'x'.repeat(100_000) }));
    expect(await reasonOf(target(flood))).toBe('127.0.0.1:PORT answers without end');
    const silent = await listening(createServer(() => {}));
    const stop = new AbortController();
    const answer = reasonOf(target(silent), 60_000, stop.signal);
    stop.abort();
    expect(await answer).toBe('127.0.0.1:PORT was not waited for: we were told to stop');
  });
});
