import { connect } from 'node:net';
import type { FailureKind } from '../domain/cause.ts';
import { couldBeOurs, stalledMessage } from '../domain/downtime/stalls.ts';
import type { Clock, ProbeResult } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import { awakeTimeout, countLostTime } from '../openstack/http/lost-time.ts';
import { pollsWithout } from '../openstack/http/poll-phase.ts';
import { createStopwatch } from '../openstack/http/stopwatch.ts';
import { describeSystemError } from '../openstack/http/system-error.ts';

export type ReachOptions = {
  readonly host: string;
  readonly port: number;
  /** In milliseconds. */
  readonly timeout: Millis;
  /** Whether SSH's banner must come. */
  readonly banner: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** The longest line before the banner, and the banner itself (RFC 4253, 4.2), with room. */
const LINES = 8192;

/** Connects by TCP, waits for SSH's banner where that is wanted, and hangs up. What came in the end is told, never thrown. */
export function reach({ host, port, timeout, banner, clock, signal }: ReachOptions): Promise<ProbeResult> {
  const sentAt = clock.now();
  const watch = createStopwatch(clock, sentAt);
  const lostTime = countLostTime();
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host, port });
  const place = { requestId: null, serverId: null };
  let over = false;
  let heard = '';

  function end(result: () => ProbeResult): void {
    if (over) return;
    over = true;
    cancelTimeout();
    lostTime.stop();
    signal.removeEventListener('abort', onStop);
    socket.destroy();
    resolve(result());
  }
  const succeed = () =>
    end(() => ({
      ...place,
      outcome: 'ok',
      cause: null,
      upUntil: sentAt,
      settledAt: clock.now(),
      stages: watch.stages(),
    }));
  const fail = (kind: FailureKind, message: string, hung = false) => {
    const lost = lostTime.lost();
    if (!hung && couldBeOurs(kind, lost)) return isVoid('stalled', stalledMessage(lost, message));
    end(() => ({
      ...place,
      outcome: 'failed',
      cause: { kind, service: 'server', message },
      upUntil: null,
      brokeAt: sentAt,
      settledAt: clock.now(),
      hung,
      stages: watch.stages(),
    }));
  };
  const isVoid = (kind: 'shutdown' | 'internal' | 'stalled', message: string) =>
    end(() => ({
      ...place,
      outcome: 'void',
      cause: { kind, service: 'rollwatch', message },
      slots: 1,
      stages: watch.stages(),
    }));
  const onStop = () => isVoid('shutdown', 'we were told to stop');

  // What arrived in time, but was not read yet, as our own loop was late, is no failure
  const cancelTimeout = awakeTimeout(timeout, lostTime, (exhausted) => {
    const done = () => over;
    void pollsWithout({ progress: () => watch.passed() + socket.bytesRead, done, now: clock.now }).then(() => {
      const seconds = timeout / 1000;
      const [kind, message] = watch.has('connect')
        ? (['response-timeout', `no SSH banner within ${seconds} s`] as const)
        : (['connect-timeout', `no connection within ${seconds} s`] as const);
      if (exhausted) isVoid('stalled', stalledMessage(lostTime.lost(), message));
      else fail(kind, message, true);
    });
  });
  signal.addEventListener('abort', onStop);
  if (signal.aborted) onStop();

  // Of an address there is nothing to look up
  socket.once('lookup', (_error, address) => {
    if (address !== host) watch.mark('dns');
  });
  socket.once('connect', () => {
    watch.mark('connect');
    if (!banner) succeed();
  });
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    heard += text;
    if (/^SSH-[^\r\n]*\r?\n/m.test(heard)) {
      watch.mark('banner');
      succeed();
    } else if (heard.length > LINES) fail('invalid-body', 'what answers there is not SSH');
  });
  socket.on('error', (error) => {
    const { kind, message } = describeSystemError(error, { answering: watch.has('connect') });
    if (kind === 'internal') isVoid(kind, message);
    else fail(kind, message);
  });
  socket.on('close', () => fail('connection-reset', 'the connection was closed before SSH said anything'));
  return promise;
}
