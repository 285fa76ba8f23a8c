import { randomBytes } from 'node:crypto';
import { now, type TimeScale } from '../clock.ts';
import type { Processes } from '../faults/processes.ts';
import { json, type RouteResponse, webobPage } from '../http/routes.ts';
import { TOKEN_CACHE_SECONDS, TOKEN_VALIDATION_SECONDS } from '../timings.ts';
import type { Project, User } from './identity.ts';

/** Bounds memory use: above this number, expired or cached tokens are dropped. */
const MAX_TOKENS = 10_000;
/** How long keystonemiddleware retries before it answers 503. */
const KEYSTONE_DOWN_SECONDS = 3.5;

export type IssuedToken = {
  readonly id: string;
  readonly user: User;
  /** Null if the token is not scoped. */
  readonly project: Project | null;
  readonly methods: readonly string[];
  readonly auditId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether the application credential expires before the token would. */
  readonly expiresWithCredential: boolean;
};

/** The tokens that Keystone has issued. */
export type Tokens = {
  /** Lifetime of new tokens in seconds. */
  lifetime: number;
  issue(grant: {
    user: User;
    project: Project | null;
    methods: readonly string[];
    expiresBy?: number | null;
  }): IssuedToken;
  /** Returns the token if it is neither expired nor revoked, otherwise null. */
  findValid(id: string): IssuedToken | null;
  revoke(id: string): void;
};

export function createTokens(lifetime: number): Tokens {
  const issued = new Map<string, IssuedToken>();

  function removeExpired(time: number): void {
    for (const token of issued.values()) if (token.expiresAt < time) issued.delete(token.id);
  }

  return {
    lifetime,
    issue({ user, project, methods, expiresBy = null }) {
      const issuedAt = now();
      if (issued.size > MAX_TOKENS) removeExpired(issuedAt);
      const end = issuedAt + this.lifetime * 1000;
      const token = {
        id: `gAAAAAB${randomBytes(132).toString('base64url')}`,
        user,
        project,
        methods,
        auditId: randomBytes(16).toString('base64url'),
        issuedAt,
        expiresAt: expiresBy === null ? end : Math.min(end, expiresBy),
        expiresWithCredential: methods.includes('application_credential') && expiresBy !== null && expiresBy < end,
      };
      issued.set(token.id, token);
      return token;
    },
    findValid(id) {
      const token = issued.get(id);
      return token !== undefined && token.expiresAt > now() ? token : null;
    },
    revoke: (id) => {
      issued.delete(id);
    },
  };
}

/** Validates the tokens of requests to Nova, Glance, Neutron and Placement, as keystonemiddleware does. */
export type TokenValidator = {
  /** Returns the token, or the response that rejects the request. */
  validate(tokenId: string | undefined, signal: AbortSignal): Promise<IssuedToken | RouteResponse>;
  /** Clears the cache, as a restart of memcached does. */
  clearCache(): void;
};

export const isToken = (checked: IssuedToken | RouteResponse): checked is IssuedToken => 'auditId' in checked;

export function createTokenValidator(options: {
  readonly tokens: Tokens;
  readonly processes: Processes;
  readonly timeScale: TimeScale;
  readonly keystoneUrl: string;
}): TokenValidator {
  const { tokens, processes, timeScale, keystoneUrl } = options;
  const cached = new Map<string, { readonly token: IssuedToken; readonly until: number }>();
  const unauthorized = json(
    401,
    { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } },
    { 'WWW-Authenticate': `Keystone uri="${keystoneUrl}"` },
  );
  const unavailable = webobPage(503, 'Service Unavailable', {
    text: 'The server is currently unavailable. Please try again at a later time.',
    detail: 'The Keystone service is temporarily unavailable.',
  });

  return {
    async validate(id, signal) {
      if (id === undefined || id === '') return unauthorized;
      const cacheIsUp = processes.isUp('memcached');
      const known = cacheIsUp ? cached.get(id) : undefined;
      if (known !== undefined && known.until > now()) {
        // A revoked token works until it leaves the cache; an expired one does not.
        return known.token.expiresAt > now() ? known.token : unauthorized;
      }
      if (!processes.isUp('keystone') || !processes.isUp('mariadb')) {
        await timeScale.wait(KEYSTONE_DOWN_SECONDS, signal);
        return unavailable;
      }
      await timeScale.wait(TOKEN_VALIDATION_SECONDS, signal);
      const token = tokens.findValid(id);
      if (token === null) return unauthorized;
      if (cached.size > MAX_TOKENS) cached.clear();
      if (cacheIsUp) cached.set(id, { token, until: now() + (TOKEN_CACHE_SECONDS * 1000) / timeScale.speed });
      return token;
    },
    clearCache: () => cached.clear(),
  };
}
