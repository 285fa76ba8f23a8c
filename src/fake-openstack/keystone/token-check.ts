import type { Processes } from '../faults/processes.ts';
import { type Answer, json, webobPage } from '../http/answer.ts';
import { moment } from '../moment.ts';
import type { Pace } from '../time-scale.ts';
import { TOKEN_CACHE, TOKEN_CHECK } from '../timings.ts';
import type { Token, Tokens } from './tokens.ts';

/** keystonemiddleware, which stands before Nova, Glance and Neutron: who is it, or the answer that turns him away. */
export type TokenCheck = {
  check(tokenId: string | undefined, signal: AbortSignal): Promise<Token | Answer>;
  /** memcached was restarted: what it was told is forgotten. */
  forget(): void;
};

export const isToken = (checked: Token | Answer): checked is Token => 'auditId' in checked;

export function createTokenCheck(options: {
  readonly tokens: Tokens;
  readonly processes: Processes;
  readonly pace: Pace;
  readonly keystoneUrl: string;
}): TokenCheck {
  const { tokens, processes, pace, keystoneUrl } = options;
  const believed = new Map<string, { readonly token: Token; readonly until: number }>();
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
    async check(id, signal) {
      if (id === undefined || id === '') return unauthorized;
      const cache = processes.up('memcached');
      const known = cache ? believed.get(id) : undefined;
      if (known !== undefined && known.until > moment()) {
        // A revoked token goes on working until this is forgotten; an expired one does not.
        return known.token.expiresAt > moment() ? known.token : unauthorized;
      }
      if (!processes.up('keystone') || !processes.up('mariadb')) {
        await pace.wait(3.5, signal);
        return unavailable;
      }
      await pace.wait(TOKEN_CHECK, signal);
      const token = tokens.valid(id);
      if (token === null) return unauthorized;
      if (believed.size > 10_000) believed.clear();
      if (cache) believed.set(id, { token, until: moment() + (TOKEN_CACHE * 1000) / pace.speed });
      return token;
    },
    forget: () => believed.clear(),
  };
}
