import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { FailureKind, VoidKind } from '../domain/cause.ts';
import type { CloudAccess } from '../domain/cloud-access.ts';
import type { Clock } from '../domain/ports.ts';
import type { Stages } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import { exchange } from './exchange.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly limits: HttpLimits;
  /** Aborts at our shutdown. */
  readonly signal: AbortSignal;
};

/** In milliseconds. */
export type HttpLimits = {
  /** Until a new connection stands, TLS and name included. */
  readonly connect: number;
  /** From the sending to the last byte. */
  readonly response: number;
};

type Timed = {
  /** dns, connect, tls, first_byte, body: in seconds; the first three are absent where a connection was reused. */
  readonly stages: Stages;
  readonly sentAt: Millis;
  readonly endedAt: Millis;
};

export type HttpAnswer = Timed & {
  readonly type: 'answer';
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type HttpFailure = Timed & {
  readonly type: 'failure';
  readonly kind: FailureKind | Extract<VoidKind, 'stale-connection' | 'shutdown' | 'internal'>;
  /** One line, without the URL. */
  readonly message: string;
  /** Where the answer had begun. */
  readonly status: number | null;
};

/** Whatever the other side does is a result; what is thrown is a bug. */
export type HttpResult = HttpAnswer | HttpFailure;

export type Http = {
  send(request: HttpRequest): Promise<HttpResult>;
  close(): void;
};

export type HttpOptions = {
  readonly clock: Clock;
  readonly tls: CloudAccess['tls'];
  /** `new`: a connection of its own for each request, closed after it. `reused`: connections are kept. */
  readonly connection: 'new' | 'reused';
};

export function createHttp({ clock, tls, connection }: HttpOptions): Http {
  const kept = { keepAlive: connection === 'reused', maxFreeSockets: 8 };
  const trust = {
    rejectUnauthorized: tls.verify,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.cert === null ? {} : { cert: tls.cert }),
    ...(tls.key === null ? {} : { key: tls.key.reveal() }),
  };
  const agents = { http: new PlainAgent(kept), https: new TlsAgent({ ...kept, ...trust }) };

  return {
    async send(request) {
      const result = await exchange(request, { agents, clock });
      // What else is kept was closed by the other side as well, most likely: the next request opens its own.
      if (result.type === 'failure' && result.kind === 'stale-connection') dropIdle(agents);
      return result;
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function dropIdle(agents: { readonly http: PlainAgent; readonly https: TlsAgent }): void {
  for (const agent of [agents.http, agents.https]) {
    for (const idle of Object.values(agent.freeSockets)) for (const socket of idle ?? []) socket.destroy();
  }
}
