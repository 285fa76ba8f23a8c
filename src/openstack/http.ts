import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { CloudAccess } from '../domain/cloud-access.ts';
import type { Clock } from '../domain/ports.ts';
import { type BodyBudget, createBodyBudget } from '../http/read-body.ts';
import { exchange } from './exchange.ts';
import type { HttpRequest, HttpResult } from './http-message.ts';

export type Http = {
  send(request: HttpRequest): Promise<HttpResult>;
  close(): void;
};

export type HttpOptions = {
  readonly clock: Clock;
  readonly tls: CloudAccess['tls'];
  /** `new`: a connection of its own for each request, closed after it. `reused`: connections are kept. */
  readonly connection: 'new' | 'reused';
  readonly bodies?: BodyBudget;
};

/** All answers that this thread reads at the same time, for all clouds. */
const BODIES = createBodyBudget(64 * 1024 * 1024);

export function createHttp({ clock, tls, connection, bodies = BODIES }: HttpOptions): Http {
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
      if (tls.ca === null && request.url.startsWith('https:')) trustTheSystem();
      const result = await exchange(request, { agents, clock, bodies });
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

/**
 * Besides the authorities that Node brings, this thread takes those of the system, where an operator puts the cloud's
 * own: what other OpenStack clients trust by default is one of these, requests' own bundle or the system's.
 */
function trustTheSystem(): void {
  if (systemIsTrusted) return;
  systemIsTrusted = true;
  setDefaultCACertificates([...new Set([...getCACertificates('default'), ...getCACertificates('system')])]);
}
let systemIsTrusted = false;

function dropIdle(agents: { readonly http: PlainAgent; readonly https: TlsAgent }): void {
  for (const agent of [agents.http, agents.https]) {
    for (const idle of Object.values(agent.freeSockets)) for (const socket of idle ?? []) socket.destroy();
  }
}
