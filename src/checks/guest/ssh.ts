import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Client } from 'ssh2';
import { stalledMessage } from '../../domain/downtime/stalls.ts';
import type { Secret } from '../../domain/redaction.ts';
import { countLostTime, stallAwareTimeout, waitForIdlePoll } from '../../openstack/http/lost-time.ts';

export type SshTarget = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The key in OpenSSH's format, without a passphrase. */
  readonly privateKey: Secret;
  /** The only host key to accept, as `ssh-keygen -l` shows it ('SHA256:...'); null for any. */
  readonly hostKey: string | null;
};

export type SshAnswer =
  | { readonly ok: true; readonly hostKey: string; readonly output: string }
  /** `final` means that another try will fail, too. `reason` is for users. */
  | { readonly ok: false; readonly reason: string; readonly final: boolean };

/** The connection is closed if a command prints more characters than this. */
const MAX_OUTPUT_LENGTH = 65_536;

/**
 * Logs in, runs one command without a terminal and disconnects, within `timeoutMs`. Failures are values, never
 * thrown. See RFC 4252 to 4254.
 */
export function runBySsh(
  { host, port, user, privateKey, hostKey }: SshTarget,
  command: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<SshAnswer> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const { promise, resolve } = Promise.withResolvers<SshAnswer>();
  const socket = connect({ host, port });
  const client = new Client();
  let shownHostKey: string | null = null;
  let loggedIn = false;
  let firstBytes = '';
  let done = false;
  const now = () => performance.now();
  const lostTime = countLostTime();
  const end = (response: SshAnswer) => {
    done = true;
    cancelTimeout();
    lostTime.stop();
    signal.removeEventListener('abort', stop);
    client.destroy();
    socket.destroy();
    resolve(response);
  };
  const fail = (reason: string, final = false) => end({ ok: false, reason: `${address} ${reason}`, final });
  const stop = () => fail('was interrupted', true);
  // Stalls of this process do not count, and what arrived during one is read before giving up.
  const cancelTimeout = stallAwareTimeout(timeoutMs, lostTime, (exhausted) => {
    void waitForIdlePoll({ progress: () => socket.bytesRead, done: () => done, now }).then(() => {
      if (done) return;
      const reason = timeoutReason(socket, { loggedIn, shownHostKey, seconds: timeoutMs / 1000 });
      fail(exhausted ? `${reason}; ${stalledMessage(lostTime.lostMs(), 'no answer')}` : reason);
    });
  });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();

  client.on('ready', () => {
    loggedIn = true;
    client.exec(command, (error, channel) => {
      if (error !== undefined) return fail(`does not run commands: ${error.message}`);
      let output = '';
      channel.setEncoding('utf8');
      channel.on('data', (text: string) => {
        output += text;
        if (output.length > MAX_OUTPUT_LENGTH) fail('sends too much output');
      });
      channel.stderr.resume();
      channel.on('close', () => end({ ok: true, hostKey: shownHostKey ?? '', output }));
    });
  });
  client.on('error', (error) => {
    if (shownHostKey !== null && hostKey !== null && shownHostKey !== hostKey) {
      fail(`has host key ${shownHostKey}, which was ${hostKey} before: this is a different machine`, true);
    } else if (error.level === 'client-authentication') fail(`rejects the login of ${user} with the key`);
    else fail(failureReason(error, firstBytes));
  });
  client.on('close', () => fail('closed the connection'));
  // The client reports socket errors only after connect().
  socket.on('error', (error) => fail(failureReason(error, firstBytes)));
  socket.once('data', (first: Buffer) => {
    firstBytes = first.toString('latin1');
  });
  client.connect({
    sock: socket,
    username: user,
    privateKey: privateKey.reveal(),
    readyTimeout: 0,
    hostVerifier: (key: Buffer) => {
      shownHostKey = fingerprintOf(key);
      return hostKey === null || shownHostKey === hostKey;
    },
  });
  return promise;
}

const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`;

type Progress = { readonly loggedIn: boolean; readonly shownHostKey: string | null; readonly seconds: number };

/** Describes how far the login had come when the time was up. */
function timeoutReason(socket: Socket, { loggedIn, shownHostKey, seconds }: Progress): string {
  if (loggedIn) return `accepted the login, but the command did not end within ${seconds} s`;
  if (shownHostKey !== null) return `sent its host key, but did not accept a login within ${seconds} s`;
  if (socket.bytesRead > 0) return `did not complete the SSH handshake within ${seconds} s`;
  return socket.connecting
    ? `did not answer within ${seconds} s`
    : `accepted the connection, but sent no SSH banner within ${seconds} s`;
}

const SOCKET_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  EHOSTUNREACH: 'is unreachable: no route to the host',
  ENETUNREACH: 'is unreachable: no route to the network',
  ETIMEDOUT: 'did not answer',
};

function failureReason(error: Error, firstBytes: string): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const [line = ''] = error.message.split('\n');
  if (firstBytes !== '' && !/^SSH-/m.test(firstBytes)) return 'is not an SSH server';
  const cutOff = line.includes('before handshake') || code === 'ECONNRESET' || code === 'EPIPE';
  if (cutOff) return firstBytes === '' ? 'closed the connection before SSH began' : 'closed the connection';
  return SOCKET_ERRORS[code] ?? `cannot be reached by SSH: ${line}`;
}
