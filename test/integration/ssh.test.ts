import { once } from 'node:events';
import { createServer, type Server as TcpServer } from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import { runBySsh, type SshTarget } from '../../src/checks/guest/ssh.ts';
import { generateKey } from '../../src/checks/guest/ssh-key.ts';
import { generateEd25519Key } from '../support/ssh-keys.ts';

const key = generateKey();
const hostKeys = [0, 1].map(() => generateEd25519Key().private);
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

/** An SSH server that accepts one key and answers every command the same, or never (null). */
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

const reasonOf = async (given: SshTarget, timeoutMs = 5000, signal = never) => {
  const answer = await runBySsh(given, 'true', { timeoutMs, signal });
  if (answer.ok) throw new Error('it answered');
  return answer.reason.replace(`:${given.port}`, ':PORT');
};

describe('a command over SSH', () => {
  it('returns its output and the host key', async () => {
    const place = await listening(guest());
    const answer = await runBySsh(target(place), 'true', { timeoutMs: 5000, signal: never });
    expect(answer).toEqual({
      ok: true,
      output: 'hello\n',
      hostKey: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
    });
  });

  it('has its whole time even if this process stalls for longer', async () => {
    const place = await listening(guest());
    const answer = runBySsh(target(place), 'true', { timeoutMs: 1000, signal: never });
    const until = performance.now() + 1200;
    while (performance.now() < until) {
      // Stalls on purpose
    }
    expect(await answer).toMatchObject({ ok: true, output: 'hello\n' });
  });

  it('accepts only the expected host key', async () => {
    const first = await listening(guest());
    const seen = await runBySsh(target(first), 'true', { timeoutMs: 5000, signal: never });
    const hostKey = seen.ok ? seen.hostKey : '';
    expect(await runBySsh(target(first, { hostKey }), 'true', { timeoutMs: 5000, signal: never })).toEqual(seen);
    const other = await listening(guest({ hostKey: hostKeys[1] }));
    const answer = await runBySsh(target(other, { hostKey }), 'true', { timeoutMs: 5000, signal: never });
    expect(answer).toMatchObject({ ok: false, final: true });
    expect(answer.ok ? '' : answer.reason).toMatch(
      /has host key SHA256:\S+, which was SHA256:\S+ before: this is a different machine/,
    );
  });

  it('reports a closed port, and a server that sends nothing', async () => {
    const closed = await listening(createServer());
    const [server] = open.splice(0);
    if (server instanceof Object) await new Promise((done) => server.close(done));
    expect(await reasonOf(target(closed))).toBe('127.0.0.1:PORT refused the connection');

    const silent = createServer(() => {});
    const place = await listening(silent);
    expect(await reasonOf(target(place), 300)).toBe(
      '127.0.0.1:PORT accepted the connection, but sent no SSH banner within 0.3 s',
    );
  });

  it('reports another protocol, and a server that stops in the middle', async () => {
    const web = await listening(createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(await reasonOf(target(web))).toBe('127.0.0.1:PORT is not an SSH server');
    const banner = await listening(createServer((socket) => void socket.write('SSH-2.0-hangs\r\n')));
    expect(await reasonOf(target(banner), 300)).toBe('127.0.0.1:PORT did not complete the SSH handshake within 0.3 s');
    const cut = await listening(createServer((socket) => void socket.destroy()));
    expect(await reasonOf(target(cut))).toBe('127.0.0.1:PORT closed the connection before SSH began');
    const slow = await listening(guest({ answer: null }));
    expect(await reasonOf(target(slow), 1500)).toBe(
      '127.0.0.1:PORT accepted the login, but the command did not end within 1.5 s',
    );
  });

  it('reports that the key is rejected', async () => {
    const place = await listening(guest({ publicKey: generateKey().publicKey }));
    expect(await reasonOf(target(place))).toBe('127.0.0.1:PORT rejects the login of cirros with the key');
  });

  it('ends if the output is endless, and when it is aborted', async () => {
    const flood = await listening(guest({ answer: 'x'.repeat(100_000) }));
    expect(await reasonOf(target(flood))).toBe('127.0.0.1:PORT sends too much output');
    const silent = await listening(createServer(() => {}));
    const stop = new AbortController();
    const answer = reasonOf(target(silent), 60_000, stop.signal);
    stop.abort();
    expect(await answer).toBe('127.0.0.1:PORT was interrupted');
  });
});
