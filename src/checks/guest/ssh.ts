import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Client } from 'ssh2';
import { stalledMessage } from '../../domain/downtime/stalls.ts';
import type { Secret } from '../../domain/secret.ts';
import { awakeTimeout, countLostTime } from '../../openstack/http/lost-time.ts';
import { pollsWithout } from '../../openstack/http/poll-phase.ts';

export type SshTarget = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In OpenSSH's format, without a passphrase. */
  readonly privateKey: Secret;
  /** 'SHA256:...' of the only host key that will do, as `ssh-keygen -l` shows it; null: any. */
  readonly hostKey: string | null;
};

export type SshAnswer =
  | { readonly ok: true; readonly hostKey: string; readonly output: string }
  /** `final`: asking again will not help. */
  | { readonly ok: false; readonly reason: string; readonly final: boolean };

/** What a command may print, in letters; a server that floods us is cut off. */
const OUTPUT = 65_536;

/**
 * Logs in, runs one command without a terminal, and leaves. Whatever goes wrong is an answer with a reason for a person.
 * `limit`: for all of it, in milliseconds. (RFC 4252 to 4254)
 */
export function runBySsh(
  { host, port, user, privateKey, hostKey }: SshTarget,
  command: string,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<SshAnswer> {
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const { promise, resolve } = Promise.withResolvers<SshAnswer>();
  const socket = connect({ host, port });
  const client = new Client();
  let shown: string | null = null;
  let entered = false;
  let heard = '';
  let over = false;
  const now = () => performance.now();
  const lostTime = countLostTime();
  const end = (answer: SshAnswer) => {
    over = true;
    cancelTimeout();
    lostTime.stop();
    signal.removeEventListener('abort', stop);
    client.destroy();
    socket.destroy();
    resolve(answer);
  };
  const fail = (reason: string, final = false) => end({ ok: false, reason: `${place} ${reason}`, final });
  const stop = () => fail('was not waited for: we were told to stop', true);
  // A stall of ours is no part of the limit, and what has arrived meanwhile is read before the verdict
  const cancelTimeout = awakeTimeout(limit, lostTime, (exhausted) => {
    void pollsWithout({ progress: () => socket.bytesRead, done: () => over, now }).then(() => {
      if (over) return;
      const reason = silence(socket, { entered, shown, seconds: limit / 1000 });
      fail(exhausted ? `${reason}; ${stalledMessage(lostTime.lost(), 'no answer')}` : reason);
    });
  });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();

  client.on('ready', () => {
    entered = true;
    client.exec(command, (error, channel) => {
      if (error !== undefined) return fail(`does not run commands: ${error.message}`);
      let output = '';
      channel.setEncoding('utf8');
      channel.on('data', (text: string) => {
        output += text;
        if (output.length > OUTPUT) fail('answers without end');
      });
      channel.stderr.resume();
      channel.on('close', () => end({ ok: true, hostKey: shown ?? '', output }));
    });
  });
  client.on('error', (error) => {
    if (shown !== null && hostKey !== null && shown !== hostKey) {
      fail(`shows another host key, ${shown}, than before, ${hostKey}: it is not the machine that it was`, true);
    } else if (error.level === 'client-authentication') fail(`does not let ${user} in with our key`);
    else fail(troubleOf(error, heard));
  });
  client.on('close', () => fail('hung up'));
  // An error of the socket reaches the client only once it has been given it
  socket.on('error', (error) => fail(troubleOf(error, heard)));
  socket.once('data', (first: Buffer) => {
    heard = first.toString('latin1');
  });
  client.connect({
    sock: socket,
    username: user,
    privateKey: privateKey.reveal(),
    readyTimeout: 0,
    hostVerifier: (key: Buffer) => {
      shown = fingerprintOf(key);
      return hostKey === null || shown === hostKey;
    },
  });
  return promise;
}

const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`;

type Progress = { readonly entered: boolean; readonly shown: string | null; readonly seconds: number };

/** How far it came before nothing more was heard. */
function silence(socket: Socket, { entered, shown, seconds }: Progress): string {
  if (entered) return `lets us in, but a command does not end within ${seconds} s`;
  if (shown !== null) return `shows its host key, but lets nobody in within ${seconds} s`;
  if (socket.bytesRead > 0) return `does not come to terms within ${seconds} s`;
  return socket.connecting
    ? `does not answer within ${seconds} s`
    : `takes the connection, but says nothing within ${seconds} s: no SSH banner`;
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  EHOSTUNREACH: 'is unreachable: no route to the host',
  ENETUNREACH: 'is unreachable: no route to the network',
  ETIMEDOUT: 'does not answer',
};

/** `heard`: the first that was said. */
function troubleOf(error: Error, heard: string): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const [line = ''] = error.message.split('\n');
  if (heard !== '' && !/^SSH-/m.test(heard)) return 'is answered by something that is not SSH';
  const cut = line.includes('before handshake') || code === 'ECONNRESET' || code === 'EPIPE';
  if (cut) return heard === '' ? 'cut the connection before SSH began' : 'cut the connection';
  return WORDS[code] ?? `can't be spoken to by SSH: ${line}`;
}
